/// The typed form of a header field's value, or of one element of it where the field is a list.
public protocol FieldValue: Hashable, Sendable {
    /// Parses the value that fills `value`, which has no white space at its ends.
    ///
    /// - Parameters:
    ///   - octets: The octets of the whole message, lent for the call.
    ///   - value: Where the value, or the one element of a list, lies.
    ///   - field: The field that errors name.
    /// - Throws: `SIPParseError`, whose offset counts from the start of `octets`.
    init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError)

    /// Appends the value in the form that `init(parsing:in:field:)` reads.
    func write(to output: inout [UInt8])

    /// Where the list element that begins at `start` ends: at `end`, or at the comma before the next one.
    ///
    /// By default that is the first comma outside quoted strings and angle brackets.
    static func endOfElement(_ octets: Span<UInt8>, from start: Int, to end: Int) -> Int
}

extension FieldValue {
    /// Where the list element that begins at `start` ends.
    public static func endOfElement(_ octets: Span<UInt8>, from start: Int, to end: Int) -> Int {
        octets.endOfListElement(from: start, to: end)
    }
}

extension FieldValue {
    /// Parses text that holds one value.
    ///
    /// - Throws: `SIPParseError`, whose offset counts in octets from the start of the text.
    public init(parsing text: String, field: HeaderID = .header) throws(SIPParseError) {
        let octets = Array(text.utf8)
        try self.init(parsing: octets.span, in: 0..<octets.count, field: field)
    }

    /// The value as it is written.
    public var text: String {
        var output: [UInt8] = []
        self.write(to: &output)
        return String(decoding: output, as: UTF8.self)
    }
}
