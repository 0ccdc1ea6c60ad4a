public import SIPMessages

/// One binding as it lies in the octets that an AOR keeps: numbers first, then the texts one after the other.
///
/// It is read in place. All bindings of an AOR lie in one block, in the order they were made.
public struct StoredBinding: BitwiseCopyable, Sendable {
    /// Where the whole binding lies in the block.
    public var whole: OctetRange
    /// The preference, in thousandths.
    public var q: UInt16
    /// The CSeq number of the REGISTER that made or last refreshed it.
    public var cseq: UInt32
    /// The `reg-id`; 0 when there is none (RFC 5626 §4.2).
    public var regID: UInt32
    /// Milliseconds since 1970, UTC.
    public var expiresAt: Int64
    /// Since when the instance has been registered in one call without a gap, as `BindingRecord.since` says.
    public var since: Int64
    /// The flow that the REGISTER came over.
    public var flow: Flow
    /// Where the contact URI lies.
    public var contact: OctetRange
    /// Where the parameters of the Contact lie, without `q` and `expires`.
    public var parameters: OctetRange
    /// Where the instance id lies; empty when there is none (RFC 5626 §4.1).
    public var instance: OctetRange
    /// Where the Call-ID of that REGISTER lies.
    public var callID: OctetRange
    /// Where the route values of Path lie; may be empty (RFC 3327).
    public var path: OctetRange
    /// Where the User-Agent lies; may be empty.
    public var userAgent: OctetRange

    static let headerOctets = 68
    static let sinceOffset = 60

    /// The binding at `position`, and where the next begins.
    public init(_ block: Span<UInt8>, at position: Int) {
        let raw = block.bytes
        func word<Number: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _ type: Number.Type) -> Number {
            raw.unsafeLoadUnaligned(fromByteOffset: position + offset, as: type)
        }
        self.whole = OctetRange(position, position + Int(word(0, UInt32.self)))
        self.cseq = word(4, UInt32.self)
        self.expiresAt = word(8, Int64.self)
        self.regID = word(16, UInt32.self)
        self.since = word(Self.sinceOffset, Int64.self)
        self.q = word(20, UInt16.self)
        let isIPv6 = word(23, UInt8.self) == 1
        let (high, low) = (word(32, UInt64.self), word(40, UInt64.self))
        let ip = isIPv6 ? IPAddress(v6: high, low) : IPAddress(v4: UInt32(truncatingIfNeeded: low))
        self.flow = Flow(
            endpoint: word(24, UInt16.self), transport: TransportProtocol(rawValue: word(22, UInt8.self)),
            connection: word(28, UInt32.self), remote: SocketAddress(ip, word(26, UInt16.self)))
        var start = position + Self.headerOctets
        func text(_ offset: Int) -> OctetRange {
            let range = OctetRange(start, start + Int(word(offset, UInt16.self)))
            start = range.upper
            return range
        }
        self.contact = text(48)
        self.parameters = text(50)
        self.instance = text(52)
        self.callID = text(54)
        self.path = text(56)
        self.userAgent = text(58)
    }

    /// The texts of a binding that is to be written, each with the octets it lies in.
    struct Texts: ~Escapable {
        let octets: Span<UInt8>
        var contact: OctetRange
        var parameters: OctetRange
        var instance: OctetRange
        var callID: OctetRange
        var userAgent: OctetRange

        @_lifetime(copy octets)
        init(
            _ octets: Span<UInt8>, contact: OctetRange, parameters: OctetRange, instance: OctetRange,
            callID: OctetRange, userAgent: OctetRange
        ) {
            self.octets = octets
            self.contact = contact
            self.parameters = parameters
            self.instance = instance
            self.callID = callID
            self.userAgent = userAgent
        }
    }

    /// Appends a binding to a block.
    static func write(
        _ texts: borrowing Texts, path: [UInt8], q: UInt16, cseq: UInt32, regID: UInt32, expiresAt: Int64,
        since: Int64, flow: Flow, into block: inout [UInt8]
    ) {
        let userAgent = OctetRange(
            texts.userAgent.lower, texts.userAgent.lower + Swift.min(texts.userAgent.count, 128))
        let count =
            Self.headerOctets + texts.contact.count + texts.parameters.count + texts.instance.count
            + texts.callID.count + path.count + userAgent.count
        block.append(littleEndian: UInt32(count))
        block.append(littleEndian: cseq)
        block.append(littleEndian: UInt64(bitPattern: expiresAt))
        block.append(littleEndian: regID)
        block.append(littleEndian: q)
        block.append(flow.transport.rawValue)
        block.append(flow.remote.ip.isIPv6 ? 1 : 0)
        block.append(littleEndian: flow.endpoint)
        block.append(littleEndian: flow.remote.port)
        block.append(littleEndian: flow.connection)
        block.append(littleEndian: flow.remote.ip.high)
        block.append(littleEndian: flow.remote.ip.low)
        let counts: InlineArray<6, Int> = [
            texts.contact.count, texts.parameters.count, texts.instance.count, texts.callID.count, path.count,
            userAgent.count,
        ]
        for i in 0..<6 {
            block.append(littleEndian: UInt16(truncatingIfNeeded: counts[i]))
        }
        block.append(littleEndian: UInt64(bitPattern: since))
        block.append(texts.octets, texts.contact.range)
        block.append(texts.octets, texts.parameters.range)
        block.append(texts.octets, texts.instance.range)
        block.append(texts.octets, texts.callID.range)
        block.append(contentsOf: path)
        block.append(texts.octets, userAgent.range)
    }
}

extension Array where Element == UInt8 {
    /// Appends a number, the lowest octet first.
    @inlinable
    mutating func append<Number: FixedWidthInteger & UnsignedInteger>(littleEndian number: Number) {
        Swift.withUnsafeBytes(of: number.littleEndian) { self.append(contentsOf: $0) }
    }
}
