/// A Call-ID: `word [ "@" word ]`, compared octet by octet (RFC 3261 §20.8).
public struct CallID: FieldValue, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The identifier as written.
    public let value: String

    /// The Call-ID with this text.
    public init(_ value: String) { self.value = value }
    public init(stringLiteral value: String) { self.value = value }

    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        let start = reader.position
        guard !reader.span(while: { $0.isWord }).isEmpty else { throw reader.error(.empty) }
        if reader.skip(0x40) {
            guard !reader.span(while: { $0.isWord }).isEmpty else { throw reader.error(.malformed) }
        }
        self.value = octets.string(start..<reader.position)
        try reader.expectEnd()
    }

    public func write(to output: inout [UInt8]) { output.append(text: self.value) }

    public var description: String { self.value }
}
