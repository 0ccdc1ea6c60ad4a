import SIPMessages

/// Whether credentials are for the request that they came with.
extension ServerSettings {
    /// Whether the `uri` of credentials and the Request-URI designate the same resource (RFC 7616 §3.4.6), as far as SIP lets
    /// one tell: proxies on the way may have changed the Request-URI (RFC 3261 §22.4 item 6).
    ///
    /// The user must be the same, and the host, or both hosts must be ours; where another element lies between the client
    /// and us, which may have put another host into its place, the user is enough. Some clients, SIPp among them, name the
    /// server alone, without a user. Ports and parameters do not count, which phones leave out or keep as they like. A
    /// REGISTER names a domain only (§10.2).
    ///
    /// - Parameters:
    ///   - digestURI: Where the value of `uri` lies.
    ///   - index: The request.
    ///   - wasRelayed: Whether it has come through another element.
    func isDirected(
        _ digestURI: OctetRange, _ octets: Span<UInt8>, _ index: borrowing MessageIndex, wasRelayed: Bool
    ) -> Bool {
        if octets.equals(digestURI.range, octets, index.requestURI.range) { return true }
        guard let named = try? URIIndex(parsing: octets, in: digestURI.range),
            let asked = try? URIIndex(parsing: octets, in: index.requestURI.range)
        else { return false }
        if named.scheme == .tel || asked.scheme == .tel {
            return named.scheme == asked.scheme && Self.isSameUser(named, asked, octets)
        }
        guard named.scheme != .other, asked.scheme != .other else { return false }
        let isSameHost =
            URIIndex.isSameHost(named, asked, octets) || (self.isOurs(named, octets) && self.isOurs(asked, octets))
        if index.method == .register { return isSameHost || wasRelayed }
        return (!named.hasUser || Self.isSameUser(named, asked, octets)) && (isSameHost || wasRelayed)
    }

    /// Whether the user parts are the same once escapes are undone (RFC 3261 §19.1.4).
    private static func isSameUser(_ a: URIIndex, _ b: URIIndex, _ octets: Span<UInt8>) -> Bool {
        if octets.equals(a.user.range, octets, b.user.range) { return true }
        guard a.scheme != .tel, a.hasUser, b.hasUser else { return false }
        let users = [a, b].map { try? URI(parsing: octets, in: $0.whole.range, field: .uri).sip?.user }
        return users[0] != nil && users[0] == users[1]
    }
}

extension URIIndex {
    fileprivate static func isSameHost(_ a: URIIndex, _ b: URIIndex, _ octets: Span<UInt8>) -> Bool {
        guard a.host.count == b.host.count else { return false }
        for i in 0..<a.host.count where octets[a.host.lower + i].lowercased != octets[b.host.lower + i].lowercased {
            return false
        }
        return true
    }
}
