public import SIPMessages

/// Where a request or a response is to go, before it is looked up: what RFC 3263 reads off a URI or a Via.
public struct NextHop: Hashable, Sendable {
    /// TARGET of RFC 3263 §4: the `maddr` of the URI, else its host.
    public var target: Host
    /// The domain whose identity the certificate of the server must show (RFC 5922 §7.3): the host of the URI, which
    /// neither `maddr` nor anything from the DNS replaces.
    public var identity: Host
    /// Whether nothing but TLS will do: the scheme is `sips` (RFC 3261 §26.2.2, RFC 5630 §3.1).
    public var isSecure: Bool
    /// The port, `nil` when none is given.
    public var port: UInt16?
    /// The transport that the `transport` parameter or the Via names, `nil` when none is named.
    public var transport: TransportProtocol?
    /// Whether the request is too large for UDP where the path MTU is not known: within 200 octets of it, or above 1300
    /// octets (RFC 3261 §18.1.1). Then UDP comes after the transports that avoid congestion.
    public var isLarge: Bool

    /// A next hop of these parts; `identity` is `target` where it is not given.
    public init(
        _ target: Host, port: UInt16? = nil, transport: TransportProtocol? = nil, isSecure: Bool = false,
        identity: Host? = nil, isLarge: Bool = false
    ) {
        self.target = target
        self.identity = identity ?? target
        self.port = port
        self.transport = transport
        self.isSecure = isSecure
        self.isLarge = isLarge
    }

    /// The next hop that a SIP or SIPS URI names: that of the first Route, or of the Request-URI (RFC 3261 §8.1.2).
    public init(_ uri: SIPURI, isLarge: Bool = false) {
        self.init(
            uri.maddr ?? uri.host, port: uri.port, transport: uri.transport.map { TransportProtocol($0) },
            isSecure: uri.isSecure, identity: uri.host, isLarge: isLarge)
    }

    /// The next hop that a URI in the octets of a message names; `nil` when it is neither SIP nor SIPS.
    public init?(_ uri: URIIndex, _ octets: Span<UInt8>, isLarge: Bool = false) {
        guard uri.scheme == .sip || uri.scheme == .sips else { return nil }
        let host = Host(octets.string(uri.host))
        let maddr = uri.parameter("maddr", in: octets).flatMap { $0.isEmpty ? nil : Host(octets.string($0)) }
        let transport = uri.parameter("transport", in: octets).flatMap {
            $0.isEmpty ? nil : TransportProtocol(octets, $0.range)
        }
        self.init(
            maddr ?? host, port: uri.port == 0 ? nil : uri.port, transport: transport, isSecure: uri.scheme == .sips,
            identity: host, isLarge: isLarge)
    }

    /// Where a response goes that could not be sent the way its request came: the sent-by of the topmost Via, over the
    /// transport that it names (RFC 3263 §5).
    ///
    /// `maddr`, `received` and `rport` have their turn before, in the transport layer (RFC 3261 §18.2.2, RFC 3581 §4).
    public init(responseTo via: ViaIndex, _ octets: Span<UInt8>) {
        self.init(
            Host(octets.string(via.host)), port: via.port == 0 ? nil : via.port, transport: via.transport)
    }
}
