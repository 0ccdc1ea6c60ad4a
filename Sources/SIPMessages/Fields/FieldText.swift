/// Free text: Subject, Organization, Server, User-Agent (`TEXT-UTF8-TRIM` of RFC 3261 §25.1); it may be empty.
public struct FieldText: FieldValue, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The text; line folds and runs of white space are single spaces.
    public let value: String

    /// This text on one line, without white space at its ends.
    public init(_ value: String) {
        let octets = Array(value.utf8)
        self.init(octets.span, 0..<octets.count)
    }

    /// The text as a field value.
    public init(stringLiteral value: String) { self.init(value) }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        self.init(octets, value)
    }

    private init(_ octets: Span<UInt8>, _ range: Range<Int>) {
        var text = octets.collapsingWhitespace(range)
        if text.first == " " { text.removeFirst() }
        if text.last == " " { text.removeLast() }
        self.value = text
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) { output.append(text: self.value) }

    /// The text as it is sent.
    public var description: String { self.value }
}
