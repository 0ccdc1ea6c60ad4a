/// A visited network: P-Visited-Network-ID (RFC 7315 §5.3).
public struct NetworkID: FieldValue {
    /// The network, without quotes.
    public var name: String
    /// The parameters.
    public var parameters: Parameters

    /// A network of this name.
    public init(_ name: String, parameters: Parameters = Parameters()) {
        (self.name, self.parameters) = (name, parameters)
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self.name = reader.next == 0x22 ? try reader.quotedText() : try reader.tokenText()
        self.parameters = try reader.parameters()
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        if self.name.isToken { output.append(text: self.name) } else { output.append(quoted: self.name) }
        self.parameters.write(to: &output)
    }
}
