/// One Contact value: an address, or the `*` that removes all bindings (RFC 3261 §10.2.2, §20.10).
public enum Contact: FieldValue {
    /// `*`
    case wildcard
    /// An address with its parameters.
    case address(NameAddress)

    /// A Contact with this URI.
    public init(_ uri: URI, displayName: String? = nil, parameters: Parameters = Parameters()) {
        self = .address(NameAddress(uri, displayName: displayName, parameters: parameters))
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        if value.count == 1, octets[value.lowerBound] == 0x2A {
            self = .wildcard
            return
        }
        let address = try NameAddress(parsing: octets, in: value, field: field)
        if let q = address.parameters["q"], QValue(q) == nil {
            throw SIPParseError(.malformed, in: field, at: value.lowerBound)
        }
        self = .address(address)
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        switch self {
        case .wildcard: output.append(0x2A)
        case .address(let address): address.write(to: &output)
        }
    }

    /// The address; `nil` for `*`.
    public var address: NameAddress? {
        guard case .address(let address) = self else { return nil }
        return address
    }
    /// The URI; `nil` for `*`.
    public var uri: URI? { self.address?.uri }
    /// The parameters; empty for `*`, which has none.
    public var parameters: Parameters {
        get { self.address?.parameters ?? Parameters() }
        set {
            guard case .address(var address) = self else { return }
            address.parameters = newValue
            self = .address(address)
        }
    }
    /// The preference among several Contacts: `q`.
    public var q: QValue? { self.parameters["q"].flatMap { QValue($0) } }
    /// The `expires` parameter in seconds; a malformed one counts as 3600 (RFC 3261 §20.10), one beyond 2^32-1 as that.
    public var expires: UInt32? {
        guard let text = self.parameters["expires"] else { return nil }
        guard !text.isEmpty, text.utf8.allSatisfy({ $0.isDigit }) else { return 3600 }
        return UInt32(text) ?? .max
    }
    /// The instance that registers, a URN without angle brackets (RFC 5626 §4.1).
    public var instanceID: String? {
        guard let text = self.parameters["+sip.instance"], text.utf8.count > 2, text.hasPrefix("<"), text.hasSuffix(">")
        else { return nil }
        return String(text.dropFirst().dropLast())
    }
    /// Which of an instance's flows it is, 1 to 2^31-1 (RFC 5626 §4.2).
    public var regID: UInt32? {
        guard let text = self.parameters["reg-id"], let number = UInt32(text), number > 0, number < 1 << 31 else {
            return nil
        }
        return number
    }
    /// The public GRUU (RFC 5627 §4.2).
    public var publicGRUU: SIPURI? { self.parameters["pub-gruu"].flatMap { try? SIPURI($0) } }
    /// The temporary GRUU (RFC 5627 §4.2).
    public var temporaryGRUU: SIPURI? { self.parameters["temp-gruu"].flatMap { try? SIPURI($0) } }
}
