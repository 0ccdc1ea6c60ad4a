/// Checking the fields of an indexed message (RFC 3261 §8.2, §16.3, §18.3; the verdicts are those of RFC 4475).
extension MessageIndex {
    /// Which fields are checked.
    public enum Scope: Hashable, Sendable {
        /// What every element acts on. The rest passes on as it came: RFC 3261 §16.3 wants it ignored.
        case essential
        /// Every field that is known, but for Date, of which a wrong one does no harm (RFC 4475 §3.1.2.12).
        case everything
    }

    /// Checks framing, start line, mandatory fields and the grammar of fields. With `.essential` nothing is allocated.
    ///
    /// Max-Forwards, a tag in From and a branch in Via may be missing, since RFC 2543 did not have them
    /// (RFC 4475 §3.4.1).
    ///
    /// - Parameters:
    ///   - octets: What was indexed.
    ///   - scope: How much is checked.
    /// - Throws: The first `SIPParseError`: `.unsupportedVersion` is answered with 505, any other with 400. A response
    ///   is dropped.
    public func validate(_ octets: Span<UInt8>, _ scope: Scope = .everything) throws(SIPParseError) {
        if let fault { throw fault }
        if self.isRequest { try self.validateRequestURI(octets) }
        try self.validateMandatory()
        for field in self.fields {
            if try self.validateEssential(field, octets) { continue }
            if scope == .everything { try field.validateTyped(octets) }
        }
    }

    private func validateMandatory() throws(SIPParseError) {
        let mandatory: InlineArray<5, HeaderID> = [.via, .from, .to, .callID, .cseq]
        for i in mandatory.indices where !self.has(mandatory[i]) {
            throw SIPParseError(.missing, in: mandatory[i], at: self.headerOctets)
        }
    }

    /// A Request-URI has neither headers nor a method parameter (RFC 3261 §19.1.1, table 1).
    private func validateRequestURI(_ octets: Span<UInt8>) throws(SIPParseError) {
        let uri = try URIIndex(parsing: octets, in: self.requestURI.range, field: .startLine)
        guard uri.scheme == .sip || uri.scheme == .sips else { return }
        if !uri.headers.isEmpty { throw SIPParseError(.notAllowed, in: .startLine, at: uri.headers.lower) }
        if let method = uri.parameter("method", in: octets) {
            throw SIPParseError(.notAllowed, in: .startLine, at: method.lower)
        }
    }

    /// Checks a field that every element acts on; returns whether it is one.
    private func validateEssential(_ field: Field, _ octets: Span<UInt8>) throws(SIPParseError) -> Bool {
        switch field.id {
        case .via:
            var via = ViaIndex()
            var start: Int? = field.value.lower
            while let position = start {
                start = try ViaIndex.parse(octets, in: position..<field.value.upper, into: &via)
            }
        case .from, .to:
            let address = try AddressIndex(parsing: octets, in: field.value.range, field: field.id)
            _ = try URIIndex(parsing: octets, in: address.uri.range, field: field.id)
        case .contact where field.value.count == 1 && octets[field.value.lower] == 0x2A:
            break
        case .contact, .route, .recordRoute, .path, .serviceRoute:
            try self.validateAddresses(field, octets)
        case .callID:
            var reader = FieldReader(octets, field.value.range, field: .callID)
            _ = try reader.callID()
            try reader.expectEnd()
        case .cseq:
            try self.validateCSeq(field, octets)
        case .maxForwards:
            var reader = FieldReader(octets, field.value.range, field: .maxForwards)
            _ = try reader.number(maximum: 255)
            try reader.expectEnd()
        case .require, .proxyRequire:
            var reader = FieldReader(octets, field.value.range, field: field.id)
            repeat { _ = try reader.token() } while reader.skipSeparator(0x2C)
            try reader.expectEnd()
        default:
            return false
        }
        return true
    }

    private func validateAddresses(_ field: Field, _ octets: Span<UInt8>) throws(SIPParseError) {
        var address = AddressIndex()
        var start: Int? = field.value.lower
        while let position = start {
            start = try AddressIndex.parse(
                octets, in: position..<field.value.upper, field: field.id, into: &address)
            _ = try URIIndex(parsing: octets, in: address.uri.range, field: field.id)
        }
    }

    private func validateCSeq(_ field: Field, _ octets: Span<UInt8>) throws(SIPParseError) {
        var reader = FieldReader(octets, field.value.range, field: .cseq)
        _ = try reader.number()
        let space = reader.position
        reader.skipWhitespace()
        guard reader.position > space else { throw reader.error(.malformed) }
        let method = try reader.token()
        try reader.expectEnd()
        if self.isRequest, !octets.equals(method, octets, self.methodName.range) {
            throw SIPParseError(.methodMismatch, in: .cseq, at: method.lowerBound)
        }
    }
}

extension SIPMessage {
    /// Checks the message: see `MessageIndex.validate`.
    ///
    /// - Throws: `SIPParseError`.
    public func validate(_ scope: MessageIndex.Scope = .everything) throws(SIPParseError) {
        try self.index.validate(self.octets.span, scope)
    }
}
