/// A token: an option tag, an event type without parameters, a priority (RFC 3261 §25.1). Equal in any case.
public struct Token: FieldValue, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The token as written.
    public let value: String

    /// The token with this text.
    public init(_ value: String) { self.value = value }
    /// The token of this text.
    public init(stringLiteral value: String) { self.value = value }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self.value = try reader.tokenText()
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) { output.append(text: self.value) }

    /// The text as it is sent.
    public var description: String { self.value }

    /// Whether both are the same token in any case (RFC 3261 §7.3.1).
    public static func == (left: Token, right: Token) -> Bool { left.value.equals(ignoringCase: right.value) }

    /// Feeds what `==` compares, or a part of it, to the hasher.
    public func hash(into hasher: inout Hasher) { hasher.combine(self.value.asciiLowercased) }
}

extension Method: FieldValue {
    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) { output.append(text: self.name) }
}
