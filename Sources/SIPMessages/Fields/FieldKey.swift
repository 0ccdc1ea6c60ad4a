/// A header field together with the type of its value: `message.first(.cseq)` is a `CSeq?`.
public struct FieldKey<Value: FieldValue>: Hashable, Sendable {
    /// The field; `.other` for one that only its name identifies.
    public let id: HeaderID
    /// The name that is written.
    public var name: String { self.ownName ?? self.id.name }
    @usableFromInline let ownName: String?
    /// Whether the field is a comma-separated list of such values, and may occur more than once (RFC 3261 §7.3.1).
    public let isList: Bool

    /// A known field.
    @inlinable
    public init(_ id: HeaderID, isList: Bool = false) { (self.id, self.ownName, self.isList) = (id, nil, isList) }

    /// A field of one's own, such as `X-Greeting`; the name is a token.
    public init(name: String, isList: Bool = false) {
        let id = HeaderID(name: name)
        (self.id, self.ownName, self.isList) = (id, id == .other ? name : nil, isList)
    }
}
