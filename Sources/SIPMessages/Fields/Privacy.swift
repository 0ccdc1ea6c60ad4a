/// What a caller wants kept private: `none`, or `header`, `session`, `user`, `id`, `history`, `critical`
/// (RFC 3323 §4.2, RFC 3325 §9.3, RFC 7044 §10.1).
public struct Privacy: FieldValue, ExpressibleByArrayLiteral {
    /// The kinds, as written.
    public var kinds: [String]

    /// These kinds.
    public init(_ kinds: [String]) { self.kinds = kinds }
    /// The kinds of privacy that are asked for.
    public init(arrayLiteral kinds: String...) { self.kinds = kinds }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self.kinds = [try reader.tokenText()]
        while reader.skipSeparator(0x3B) { self.kinds.append(try reader.tokenText()) }
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        for (position, kind) in self.kinds.enumerated() {
            if position > 0 { output.append(0x3B) }
            output.append(text: kind)
        }
    }

    /// Whether this kind is wanted.
    public func contains(_ kind: String) -> Bool { self.kinds.contains { $0.equals(ignoringCase: kind) } }
}
