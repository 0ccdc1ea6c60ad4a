import SIPMessages

/// Client-initiated connections: RFC 5626 §6.
extension RegisterRequest {
    /// Decides whether `reg-id` counts.
    ///
    /// - Throws: `RegisterRefusal`: 439 where the first hop does not know outbound and the client does, 400 where one
    ///   request registers a flow and something else.
    mutating func applyOutbound(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, _ via: ViaIndex, _ policy: borrowing RegistrarPolicy
    ) throws(RegisterRefusal) {
        guard self.contacts.contains(where: { $0.regID > 0 }) else { return }
        guard !index.hasVia(below: via) || self.hasOutboundFirstHop() else {
            guard !self.supportsOutbound else { throw RegisterRefusal(439, "First Hop Lacks Outbound Support") }
            for i in self.contacts.indices { self.contacts[i].regID = 0 }
            return
        }
        var count = 0
        for contact in self.contacts where contact.expires ?? self.expires ?? policy.defaultExpires != 0 { count += 1 }
        if count > 1 { throw RegisterRefusal(400, "A Flow Is Registered With No Other Contact") }
        self.isOutbound = self.supportsOutbound
    }

    /// Whether the first hop of the client says that it knows outbound: the `ob` of its Path value.
    ///
    /// RFC 5626 §6 speaks of "the first URI". The first hop is meant, which alone may write `ob` (§5.1); its value is the
    /// last, since every proxy puts its own in front (RFC 3327 §5.2).
    private func hasOutboundFirstHop() -> Bool {
        let octets = self.path.span
        var address = AddressIndex()
        var start: Int? = 0
        while let from = start, from < octets.count {
            do {
                start = try AddressIndex.parse(octets, in: from..<octets.count, field: .path, into: &address)
            } catch { return false }
        }
        guard !address.uri.isEmpty, let uri = try? URIIndex(parsing: octets, in: address.uri.range, field: .path) else {
            return false
        }
        return uri.parameter("ob", in: octets) != nil
    }
}
