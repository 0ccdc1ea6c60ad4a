/// A media authorization token in hexadecimal digits (P-Media-Authorization, RFC 3313 §5).
public struct HexToken: FieldValue {
    /// The digits as written.
    public let digits: String

    /// A token of these digits.
    public init(_ digits: String) { self.digits = digits }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        let digits = reader.span { $0.isHexDigit }
        guard !digits.isEmpty else { throw reader.error(.malformed) }
        self.digits = octets.string(digits)
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) { output.append(text: self.digits) }
}
