/// What went wrong, in three digits and in words (RFC 3261 §20.43).
public struct Warning: FieldValue {
    /// The code, 100-999; RFC 3261 §27.2 registers 300-399.
    public var code: UInt16
    /// The host, with its port, or the pseudonym of who adds the warning.
    public var agent: String
    /// The text for people.
    public var phrase: String

    /// A warning; a code that has not three digits counts as 399.
    public init(_ code: UInt16, agent: String, phrase: String) {
        (self.code, self.agent, self.phrase) = ((100...999).contains(code) ? code : 399, agent, phrase)
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        let start = reader.position
        self.code = UInt16(truncatingIfNeeded: try reader.number(maximum: 999))
        guard reader.position - start == 3, self.code >= 100 else { throw reader.error(.malformed, at: start) }
        let agentStart = reader.position
        reader.skipWhitespace()
        let agent = reader.span { $0.isToken || $0 == 0x3A || $0 == 0x5B || $0 == 0x5D }
        guard reader.position > agentStart, !agent.isEmpty else { throw reader.error(.malformed) }
        self.agent = octets.string(agent)
        reader.skipWhitespace()
        self.phrase = try reader.quotedText()
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append(decimal: self.code)
        output.append(0x20)
        output.append(text: self.agent)
        output.append(0x20)
        output.append(quoted: self.phrase)
    }
}
