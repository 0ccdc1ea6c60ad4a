/// One target that a request was sent to, and why it went on (RFC 7044 §5).
public struct HistoryInfo: FieldValue {
    /// The target, with the parameters of the entry. Reason and Privacy stand in the URI's headers.
    public var address: NameAddress

    /// How a target came to be, and the index of the entry that it was made from.
    public enum Origin: Hashable, Sendable {
        /// `rc`: a contact of the entry's address of record, or an internal retarget to it.
        case contact(of: String)
        /// `mp`: another user.
        case mapped(from: String)
        /// `np`: no change of the target.
        case unchanged(from: String)
    }

    /// An entry with its index, `1.1.2` say.
    public init(_ uri: URI, index: String, origin: Origin? = nil) {
        self.address = NameAddress(uri, parameters: ["index": index])
        switch origin {
        case .contact(let index): self.address.parameters["rc"] = index
        case .mapped(let index): self.address.parameters["mp"] = index
        case .unchanged(let index): self.address.parameters["np"] = index
        case nil: break
        }
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        self.address = try NameAddress(parsing: octets, in: value, field: field)
        if let index = self.address.parameters["index"], !Self.isIndex(index) {
            throw SIPParseError(.malformed, in: field, at: value.lowerBound)
        }
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) { self.address.write(to: &output) }

    /// Numbers with single points between them.
    private static func isIndex(_ text: String) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy {
            !$0.isEmpty && $0.utf8.allSatisfy { $0.isDigit }
        }
    }

    /// The index of the entry; `nil` where an element of RFC 4244 left it out.
    public var index: String? { self.address.parameters["index"] }

    /// How the target came to be.
    public var origin: Origin? {
        if let index = self.address.parameters["rc"] { return .contact(of: index) }
        if let index = self.address.parameters["mp"] { return .mapped(from: index) }
        if let index = self.address.parameters["np"] { return .unchanged(from: index) }
        return nil
    }

    /// Why the target was left, from the Reason in its URI (RFC 7044 §10.2). Setting does nothing to a URI of another
    /// scheme than SIP and SIPS.
    public var reason: Reason? {
        get { self.address.uri.sip?.headers["Reason"].flatMap { try? Reason(parsing: $0, field: .historyInfo) } }
        set { self.setHeader("Reason", newValue?.text) }
    }

    /// What may be shown of the entry, from the Privacy in its URI (RFC 7044 §10.1).
    public var privacy: Privacy? {
        get { self.address.uri.sip?.headers["Privacy"].flatMap { try? Privacy(parsing: $0, field: .historyInfo) } }
        set { self.setHeader("Privacy", newValue?.text) }
    }

    private mutating func setHeader(_ name: String, _ value: String?) {
        guard case .sip(var uri) = self.address.uri else { return }
        uri.headers[name] = value
        self.address.uri = .sip(uri)
    }
}
