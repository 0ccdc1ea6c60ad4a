import SIPMessages

/// A REGISTER taken apart, as ranges into its octets (RFC 3261 §10.2). Used again for each request, it allocates nothing.
struct RegisterRequest: Sendable {
    /// One Contact.
    struct ContactUpdate: BitwiseCopyable {
        var uri: OctetRange
        /// All its parameters, with the semicolon before the first.
        var parameters: OctetRange
        /// The instance id without quotes and angle brackets.
        var instance = OctetRange.absent
        var regID: UInt32 = 0
        var q: UInt16 = 1000
        /// The wish of the `expires` parameter; `nil` when there is none that can be read.
        var expires: UInt32?
    }

    var contacts: [ContactUpdate] = []
    /// Whether the Contact is `*`.
    var isWildcard = false
    /// The wish of the Expires field.
    var expires: UInt32?
    var callID: OctetRange = .absent
    var cseq: UInt32 = 0
    var userAgent: OctetRange = .absent
    /// The values of all Path fields, joined by commas.
    var path: [UInt8] = []
    /// Whether Supported or Require names these option tags; `path` in Supported only.
    var supportsPath = false
    var supportsOutbound = false
    var supportsGRUU = false
    /// Whether bindings are made by the rules of RFC 5626 §6 for a client that knows them.
    var isOutbound = false

    init() {}

    /// Takes a REGISTER apart.
    ///
    /// - Throws: `RegisterRefusal` with 400 for what cannot be understood; the caller answers a Require.
    mutating func parse(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, via: ViaIndex, policy: borrowing RegistrarPolicy
    ) throws(RegisterRefusal) {
        self.contacts.removeAll(keepingCapacity: true)
        self.path.removeAll(keepingCapacity: true)
        (self.isWildcard, self.expires) = (false, nil)
        (self.supportsPath, self.supportsOutbound, self.supportsGRUU) = (false, false, false)
        self.isOutbound = false
        guard let callID = index.value(.callID), let cseq = index.value(.cseq) else {
            throw RegisterRefusal(400, "Call-ID or CSeq Missing")
        }
        self.callID = callID
        self.cseq = octets.leadingNumber(cseq.range) ?? 0
        self.userAgent = index.value(.userAgent) ?? .absent
        if let expires = index.value(.expires) {
            self.expires = octets.leadingNumber(expires.range) ?? policy.defaultExpires
        }
        for i in index.fields.indices {
            let field = index.fields[i]
            switch field.id {
            case .contact: try self.parseContacts(octets, field.value)
            case .path:
                if !self.path.isEmpty { self.path.append(0x2C) }
                self.path.append(octets, field.value.range)
            case .supported, .require: self.noteOptions(octets, field.value, isSupported: field.id == .supported)
            default: break
            }
        }
        if self.isWildcard, !self.contacts.isEmpty || self.expires != 0 {
            throw RegisterRefusal(400, "Contact * Needs Expires 0 And No Other Contact")
        }
        for contact in self.contacts
        where contact.uri.count + contact.parameters.count + self.callID.count + self.path.count
            > policy.maxBindingOctets
        {
            throw RegisterRefusal(400, "Contact Too Long")
        }
        if policy.requiresPathSupport, !self.path.isEmpty, !self.supportsPath {
            throw RegisterRefusal(420, "Bad Extension", unsupported: "path")  // RFC 3327 §5.3
        }
        try self.applyOutbound(octets, index, via, policy)
    }

    private mutating func parseContacts(_ octets: Span<UInt8>, _ value: OctetRange) throws(RegisterRefusal) {
        if value.count == 1, octets[value.lower] == 0x2A {
            self.isWildcard = true
            return
        }
        var address = AddressIndex()
        var position: Int? = value.lower
        while let start = position {
            do {
                position = try AddressIndex.parse(octets, in: start..<value.upper, field: .contact, into: &address)
                _ = try URIIndex(parsing: octets, in: address.uri.range, field: .contact)
            } catch {
                throw RegisterRefusal(400, "Malformed Contact")
            }
            guard self.contacts.count < 64 else { throw RegisterRefusal(400, "Too Many Contacts In One Request") }
            var contact = ContactUpdate(uri: address.uri, parameters: address.parameters)
            try self.readParameters(octets, &contact)
            self.contacts.append(contact)
        }
    }

    private func readParameters(_ octets: Span<UInt8>, _ contact: inout ContactUpdate) throws(RegisterRefusal) {
        if let expires = octets.parameter("expires", in: contact.parameters) {
            // A value that is no number counts as the default (§10.2.1.1 leaves it to the registrar; RFC 4475 §3.1.2.4).
            contact.expires = expires.value.flatMap { octets.leadingNumber($0.range) } ?? 3600
        }
        if let q = octets.parameter("q", in: contact.parameters)?.value {
            guard let thousandths = octets.qValue(q.range) else { throw RegisterRefusal(400, "Malformed q In Contact") }
            contact.q = thousandths
        }
        if let instance = octets.parameter("+sip.instance", in: contact.parameters)?.value, instance.count > 2,
            octets[instance.lower] == 0x3C, octets[instance.upper - 1] == 0x3E
        {
            contact.instance = OctetRange(instance.lower + 1, instance.upper - 1)
        }
        if let regID = octets.parameter("reg-id", in: contact.parameters)?.value {
            // Without an instance a reg-id means nothing (RFC 5626 §6).
            guard let number = octets.leadingNumber(regID.range), number > 0 else {
                throw RegisterRefusal(400, "Malformed reg-id In Contact")
            }
            contact.regID = contact.instance.isEmpty ? 0 : number
        }
    }

    /// - Parameter isSupported: Whether the field is Supported: a Require of `path` may be an edge proxy's, and says
    ///   nothing of the device (RFC 3327 §5.2).
    private mutating func noteOptions(_ octets: Span<UInt8>, _ value: OctetRange, isSupported: Bool) {
        var start = value.lower
        while start < value.upper {
            while start < value.upper, !octets[start].isToken { start &+= 1 }
            var end = start
            while end < value.upper, octets[end].isToken { end &+= 1 }
            if octets.equals(start..<end, ignoringCase: "path"), isSupported { self.supportsPath = true }
            if octets.equals(start..<end, ignoringCase: "outbound") { self.supportsOutbound = true }
            if octets.equals(start..<end, ignoringCase: "gruu") { self.supportsGRUU = true }
            start = end
        }
    }
}

extension Span where Element == UInt8 {
    /// The number of up to ten digits that a value begins with; what is beyond 32 bits counts as the largest number.
    func leadingNumber(_ range: Range<Int>) -> UInt32? {
        var number: UInt64 = 0
        var position = range.lowerBound
        while position < range.upperBound, let digit = self[position].decimalDigitValue {
            number = Swift.min(number * 10 + UInt64(digit), UInt64(UInt32.max))
            position += 1
        }
        return position == range.lowerBound ? nil : UInt32(number)
    }

    /// A `qvalue` in thousandths (RFC 3261 §25.1).
    func qValue(_ range: Range<Int>) -> UInt16? {
        guard !range.isEmpty, range.count <= 5, let whole = self[range.lowerBound].decimalDigitValue, whole <= 1 else {
            return nil
        }
        var value = UInt16(whole) * 1000
        guard range.count > 1 else { return value }
        guard self[range.lowerBound + 1] == 0x2E else { return nil }
        var weight: UInt16 = 100
        for i in range.dropFirst(2) {
            guard let digit = self[i].decimalDigitValue else { return nil }
            value += UInt16(digit) * weight
            weight /= 10
        }
        return value <= 1000 ? value : nil
    }
}
