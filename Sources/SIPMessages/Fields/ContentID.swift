/// The identifier of a body, without its angle brackets (RFC 8262 §3, RFC 2045 §7).
public struct ContentID: FieldValue {
    /// `left@right`, as it also stands in a `cid:` URI.
    public var value: String

    /// The identifier with this text.
    public init(_ value: String) { self.value = value }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self.value = octets.string(try reader.angleBracketed())
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append(0x3C)
        output.append(text: self.value)
        output.append(0x3E)
    }
}
