/// The pages from which browsers may connect by WebSocket. Other clients name none and are not affected: a page is what a
/// browser says for itself, and all that keeps one from using the server on behalf of a user who knows nothing of it
/// (RFC 6455 §10.2).
public struct WebSocketOrigins: Hashable, Sendable {
    /// Whether every page may.
    public var allowsAny = false
    /// Origins that may, `https://phone.example` say.
    public var listed: [String] = []
    /// Hosts whose pages may, whatever their scheme and port.
    public var hosts: [String] = []
    /// Whether pages may of the host that the browser connects to.
    public var allowsSameHost = true

    /// Pages of the host that the browser connects to, and no others.
    public init() {}

    /// Whether a page may.
    ///
    /// - Parameters:
    ///   - origin: The Origin field (RFC 6454 §7).
    ///   - host: The Host field.
    func allow(_ origin: String, connectingTo host: String?) -> Bool {
        if self.allowsAny { return true }
        let origin = origin.lowercased()
        if self.listed.contains(where: { $0.lowercased() == origin }) { return true }
        guard let name = Self.host(ofOrigin: origin) else { return false }
        if self.hosts.contains(where: { $0.lowercased() == name }) { return true }
        return self.allowsSameHost && host.map { Self.host(ofAuthority: $0.lowercased()[...]) == name } ?? false
    }

    private static func host(ofOrigin origin: String) -> Substring? {
        guard let scheme = origin.firstRange(of: "://") else { return nil }
        return self.host(ofAuthority: origin[scheme.upperBound...])
    }

    /// The host of host and port; an IPv6 address keeps its brackets.
    private static func host(ofAuthority authority: Substring) -> Substring {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") { return authority[...end] }
        return authority.prefix { $0 != ":" && $0 != "/" }
    }
}
