/// A token: an option tag, an event type without parameters, a priority (RFC 3261 §25.1). Equal in any case.
public struct Token: FieldValue, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The token as written.
    public let value: String

    /// The token with this text.
    public init(_ value: String) { self.value = value }
    public init(stringLiteral value: String) { self.value = value }

    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self.value = try reader.tokenText()
        try reader.expectEnd()
    }

    public func write(to output: inout [UInt8]) { output.append(text: self.value) }

    public var description: String { self.value }

    public static func == (left: Token, right: Token) -> Bool { left.value.equals(ignoringCase: right.value) }

    public func hash(into hasher: inout Hasher) { hasher.combine(self.value.asciiLowercased) }
}

extension Method: FieldValue {
    public func write(to output: inout [UInt8]) { output.append(text: self.name) }
}
