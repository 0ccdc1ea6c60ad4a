public import SIPMessages

/// One target of a request: the URI it is sent to, the route there, and where the way is known, the flow
/// (RFC 3261 §16.5).
///
/// Targets are kept one after the other in a block of octets, as `Target.append` writes them.
public struct Target: BitwiseCopyable, Sendable {
    /// Where the target lies in its block.
    package var whole: OctetRange
    /// Preference in thousandths.
    package var q: UInt16
    /// The way to the target; without one its URI decides.
    var flow: Flow?
    /// Where the URI lies.
    package var uri: OctetRange
    /// Where the route values lie that are pushed before the request is sent (RFC 3327 §5.5); may be empty.
    package var route: OctetRange
    /// What else is known of it.
    var traits: Traits

    /// What is known of a target.
    public struct Traits: OptionSet, BitwiseCopyable, Sendable {
        /// The bits, of which the lower three are for the octets of a target.
        public let rawValue: UInt8
        /// The traits with these bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Requests to it must go over its flow, whatever its URI says: it sits on a connection or behind a NAT.
        public static var isPinned: Traits { Traits(rawValue: 8) }
        /// It is the device of a user of ours.
        public static var isUser: Traits { Traits(rawValue: 16) }
        /// Its binding names an instance, so that it has a GRUU (RFC 5627 §5.1).
        public static var hasInstance: Traits { Traits(rawValue: 32) }
        /// It is another way to the same device as the target before it, which is tried when that way fails (RFC 5626 §7).
        public static var isAlternate: Traits { Traits(rawValue: 64) }
    }

    private static let headerOctets = 40

    /// Appends a target to a block.
    public static func append(
        uri: Span<UInt8>, _ uriRange: Range<Int>, route: Span<UInt8>, _ routeRange: Range<Int>, q: UInt16, flow: Flow?,
        traits: Traits = [], to block: inout [UInt8]
    ) {
        var header = InlineArray<40, UInt8>(repeating: 0)
        func put<Number: FixedWidthInteger>(_ number: Number, at offset: Int) {
            var rest = number
            for i in 0..<Number.bitWidth / 8 {
                header[offset + i] = UInt8(truncatingIfNeeded: rest)
                rest = rest >> 8
            }
        }
        put(UInt32(Self.headerOctets + uriRange.count + routeRange.count), at: 0)
        put(q, at: 4)
        put(UInt16(truncatingIfNeeded: uriRange.count), at: 6)
        put(UInt16(truncatingIfNeeded: routeRange.count), at: 8)
        header[10] = traits.rawValue
        if let flow {
            header[10] |= (flow.remote.ip.isIPv6 ? 2 : 1) | (flow.mayConnect ? 0 : 4)
            header[11] = flow.transport.rawValue
            put(flow.endpoint, at: 12)
            put(flow.remote.port, at: 14)
            put(flow.connection, at: 16)
            put(flow.remote.ip.high, at: 20)
            put(flow.remote.ip.low, at: 28)
        }
        header.span.withUnsafeBufferPointer { block.append(contentsOf: $0) }
        block.append(uri, uriRange)
        block.append(route, routeRange)
    }

    /// Gives all targets of a block that begin at `start` or later the same preference.
    package static func setPreference(_ q: UInt16, of block: inout [UInt8], from start: Int) {
        var position = start
        while position < block.count {
            let next = Target(block.span, at: position).whole.upper
            block[position + 4] = UInt8(truncatingIfNeeded: q)
            block[position + 5] = UInt8(truncatingIfNeeded: q >> 8)
            position = next
        }
    }

    /// The target at `position` of a block.
    package init(_ block: Span<UInt8>, at position: Int) {
        let raw = block.bytes
        func number<Number: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _ type: Number.Type) -> Number {
            Number(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: position + offset, as: type))
        }
        let uriStart = position + Self.headerOctets
        self.whole = OctetRange(position, position + Int(number(0, UInt32.self)))
        self.q = number(4, UInt16.self)
        self.uri = OctetRange(uriStart, uriStart + Int(number(6, UInt16.self)))
        self.route = OctetRange(self.uri.upper, self.uri.upper + Int(number(8, UInt16.self)))
        let kind = block[position + 10]
        self.traits = Traits(rawValue: kind & 0xF8)
        self.flow = nil
        guard kind & 3 != 0 else { return }
        let (high, low) = (number(20, UInt64.self), number(28, UInt64.self))
        let ip = kind & 3 == 2 ? IPAddress(v6: high, low) : IPAddress(v4: UInt32(truncatingIfNeeded: low))
        self.flow = Flow(
            endpoint: number(12, UInt16.self), transport: TransportProtocol(rawValue: block[position + 11]),
            connection: number(16, UInt32.self), remote: SocketAddress(ip, number(14, UInt16.self)))
        self.flow?.mayConnect = kind & 4 == 0
    }
}
