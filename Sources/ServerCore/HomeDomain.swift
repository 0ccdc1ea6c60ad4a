import SIPMessages

/// A domain of other servers, for whose users this one is an edge proxy: their registrations and requests are passed on to
/// their home, and the home's requests to them (RFC 3327, RFC 5626 §5).
public struct HomeDomain: Hashable, Sendable {
    /// The domain, in lower case.
    public let domain: [UInt8]
    /// The URI of the home's proxy, with `lr`, which is put into Route; empty where the DNS says where the home is.
    public let proxy: [UInt8]
    /// Whether we stay on the path of requests to its users who register through us.
    public var isOnPath = true
    /// Whether a client must know Path to register through us; others are answered with 421 (RFC 3327 §5.2).
    public var requiresPathSupport = true
    /// The host of `proxy`, in lower case; empty where there is none.
    private let proxyHost: [UInt8]

    /// A domain whose home is at `proxy`; `nil` when that is no SIP URI.
    public init?(_ domain: String, proxy: String? = nil) {
        let octets = Array((proxy ?? "").utf8)
        (self.domain, self.proxy) = (Array(domain.lowercased().utf8), octets)
        guard proxy != nil else {
            self.proxyHost = []
            return
        }
        guard let uri = try? URIIndex(parsing: octets.span, in: 0..<octets.count),
            uri.scheme == .sip || uri.scheme == .sips
        else { return nil }
        self.proxyHost = octets[uri.host.range].map(\.lowercased)
    }

    /// Whether a URI is one of the domain: its host is the domain itself.
    func isDomain(of uri: URIIndex, _ octets: Span<UInt8>) -> Bool {
        octets.equalsLowercased(uri.host.range, self.domain)
    }

    /// Whether a URI leads to the home: to the domain, a host in it, or the proxy.
    func contains(_ uri: URIIndex, _ octets: Span<UInt8>) -> Bool {
        guard uri.scheme == .sip || uri.scheme == .sips else { return false }
        if self.isDomain(of: uri, octets) || octets.equalsLowercased(uri.host.range, self.proxyHost) { return true }
        let start = uri.host.upper - self.domain.count
        return start > uri.host.lower && octets[start - 1] == 0x2E
            && octets.equalsLowercased(start..<uri.host.upper, self.domain)
    }
}
