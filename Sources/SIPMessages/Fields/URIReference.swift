/// A URI in angle brackets with parameters: Alert-Info, Call-Info, Error-Info, Identity-Info
/// (RFC 3261 §20.4, §20.9, §20.18, RFC 4474 §9).
public struct URIReference: FieldValue {
    /// The URI.
    public var uri: URI
    /// The parameters.
    public var parameters: Parameters

    /// A reference to this URI.
    public init(_ uri: URI, parameters: Parameters = Parameters()) { (self.uri, self.parameters) = (uri, parameters) }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self.uri = try URI(parsing: octets, in: try reader.angleBracketed(), field: field)
        self.parameters = try reader.parameters()
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append(0x3C)
        self.uri.write(to: &output)
        output.append(0x3E)
        self.parameters.write(to: &output)
    }

    /// What a Call-Info is for: `icon`, `info`, `card` …
    public var purpose: String? { self.parameters["purpose"] }
}

extension FieldReader {
    /// Reads `<` … `>`; returns what is between, which holds no white space.
    @_lifetime(self: copy self)
    mutating func angleBracketed() throws(SIPParseError) -> Range<Int> {
        let open = self.position
        try self.expect(0x3C)
        let inside = self.span { $0 > 0x20 && $0 != 0x3E && $0 != 0x3C }
        guard self.skip(0x3E) else { throw self.error(.unterminatedBracket, at: open) }
        guard !inside.isEmpty else { throw self.error(.empty) }
        return inside
    }
}
