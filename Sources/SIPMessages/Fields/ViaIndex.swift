/// Where the parts of one Via value lie: RFC 3261 §20.42, RFC 3581 (`rport`).
public struct ViaIndex: Hashable, Sendable {
    /// The transport that the message was sent over.
    public var transport: TransportProtocol = .udp
    /// Whether an `rport` parameter is there, with or without value.
    public var hasRport = false
    /// Whether the branch begins with the cookie `z9hG4bK` and has more octets after it (§8.1.1.7).
    public var hasMagicCookie = false
    /// The port of sent-by; 0 when none is given.
    public var port: UInt16 = 0
    /// The port in `rport`; 0 when it has no value.
    public var rport: UInt16 = 0
    /// The host of sent-by, without the brackets of an IPv6 reference.
    public var host: OctetRange = .absent
    /// Host and port as they stand.
    public var sentBy: OctetRange = .absent
    /// The branch, with its cookie; absent when there is none.
    public var branch: OctetRange = .absent
    /// The address in `maddr`; `nil` when there is none, or a name.
    public var maddr: IPAddress?
    /// The name in `maddr`; absent when there is none, or an address.
    public var maddrName: OctetRange = .absent
    /// The address in `received`, without brackets; absent when there is none.
    public var received: OctetRange = .absent
    /// The name of the transport.
    public var transportName: OctetRange = .absent
    /// All parameters with the semicolon before the first.
    public var parameters: OctetRange = .absent
    /// The `;rport` parameter, with its semicolon; absent when there is none.
    public var rportParameter: OctetRange = .absent
    /// The `;received` parameter, with its semicolon; absent when there is none.
    public var receivedParameter: OctetRange = .absent
    /// The whole value.
    public var whole: OctetRange = .absent

    /// An index of no Via, for `parse` to fill.
    @inlinable
    public init() {}

    /// Reads one value; it ends at `range.upperBound` or before a comma outside quotes.
    ///
    /// - Returns: where the next value begins, or `nil` after the last.
    /// - Throws: `SIPParseError`.
    public static func parse(
        _ octets: Span<UInt8>, in range: Range<Int>, into via: inout ViaIndex
    ) throws(SIPParseError) -> Int? {
        var reader = FieldReader(octets, range, field: .via)
        try via.read(&reader)
        reader.skipWhitespace()
        if reader.isAtEnd { return nil }
        guard reader.skip(0x2C) else { throw reader.error(.trailingOctets) }
        reader.skipWhitespace()
        guard !reader.isAtEnd else { throw reader.error(.empty) }
        return reader.position
    }

    private mutating func read(_ reader: inout FieldReader) throws(SIPParseError) {
        self = ViaIndex()
        let start = reader.position
        if !reader.skipUsualProtocol() { try Self.readProtocol(&reader) }
        let transport = try reader.token()
        self.transportName = OctetRange(transport.lowerBound, transport.upperBound)
        self.transport = TransportProtocol(reader.octets, transport)
        guard reader.position < reader.end, reader.octets[reader.position].isLinearWhitespace else {
            throw reader.error(.malformed)
        }
        reader.skipWhitespace()
        try self.readSentBy(&reader)
        let parametersStart = reader.position
        while true {
            let before = reader.position
            guard let parameter = try reader.parameter() else { break }
            try self.note(parameter, from: before, reader)
        }
        self.parameters = OctetRange(parametersStart, reader.position)
        self.whole = OctetRange(start, reader.position)
    }

    /// `protocol-name SLASH protocol-version SLASH`, each slash with white space around it as one likes.
    private static func readProtocol(_ reader: inout FieldReader) throws(SIPParseError) {
        let name = try reader.token()
        guard reader.octets.equals(name, ignoringCase: "SIP"), reader.skipSeparator(0x2F) else {
            throw reader.error(.malformed, at: name.lowerBound)
        }
        let version = try reader.token()
        guard reader.octets.equals(version, ignoringCase: "2.0"), reader.skipSeparator(0x2F) else {
            throw reader.error(.unsupportedVersion, at: version.lowerBound)
        }
    }

    /// `sent-by`, in which the colon may have white space around it.
    private mutating func readSentBy(_ reader: inout FieldReader) throws(SIPParseError) {
        let start = reader.position
        self.host = try reader.host()
        if reader.skipSeparator(0x3A) { self.port = try reader.portNumber() }
        self.sentBy = OctetRange(start, reader.position)
    }

    private mutating func note(
        _ parameter: ParameterRange, from start: Int, _ reader: borrowing FieldReader
    ) throws(SIPParseError) {
        let octets = reader.octets
        let name = parameter.name.range
        let value = parameter.value ?? OctetRange(reader.position, reader.position)
        if octets.equals(name, ignoringCase: "branch") {
            self.branch = value
            self.hasMagicCookie =
                value.count > 7 && octets.equals(value.lower..<value.lower + 7, ignoringCase: "z9hG4bK")
        } else if octets.equals(name, ignoringCase: "rport") {
            self.hasRport = true
            self.rportParameter = OctetRange(start, reader.position)
            if !value.isEmpty {
                var port = FieldReader(octets, value.range, field: .via)
                self.rport = try port.portNumber()
            }
        } else if octets.equals(name, ignoringCase: "maddr") {
            let isBracketed = value.count > 2 && octets[value.lower] == 0x5B && octets[value.upper - 1] == 0x5D
            self.maddr = IPAddress(octets, isBracketed ? value.lower + 1..<value.upper - 1 : value.range)
            self.maddrName = self.maddr == nil ? value : .absent
        } else if octets.equals(name, ignoringCase: "received") {
            self.receivedParameter = OctetRange(start, reader.position)
            var address = value
            // With brackets it breaks the grammar, and must be understood (RFC 5118 §4.5).
            if address.count > 2, octets[address.lower] == 0x5B, octets[address.upper - 1] == 0x5D {
                address = OctetRange(address.lower + 1, address.upper - 1)
            }
            guard IPAddress(octets, address.range) != nil else {
                throw SIPParseError(.malformedHost, in: .via, at: value.lower)
            }
            self.received = address
        }
    }
}

extension FieldReader {
    /// Skips `SIP/2.0/` where it is spelt as usual, without white space after it.
    @inline(__always)
    @_lifetime(self: copy self)
    fileprivate mutating func skipUsualProtocol() -> Bool {
        // A token follows, or else the long way finds out.
        guard self.position &+ 8 < self.end, self.octets.littleEndianWord(at: self.position) == 0x2F30_2E32_2F50_4953,
            self.octets[self.position &+ 8].isToken
        else { return false }
        self.position &+= 8
        return true
    }
}
