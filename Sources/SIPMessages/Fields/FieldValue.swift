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
}

extension FieldValue {
    /// Parses text that holds one value.
    public init(_ text: String, field: HeaderID = .header) throws(SIPParseError) {
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

/// A header field together with the type of its value: `message.first(.cseq)` is a `CSeq?`.
public struct FieldKey<Value: FieldValue>: Hashable, Sendable {
    /// The field.
    public let id: HeaderID
    /// Whether the field is a comma-separated list of such values, and may occur more than once (RFC 3261 §7.3.1).
    public let isList: Bool

    init(_ id: HeaderID, isList: Bool = false) { (self.id, self.isList) = (id, isList) }
}
