public import SIPMessages

/// How a client is reached: over the flow that its requests come by, or at the address that its Contact names.
public struct ClientWay: BitwiseCopyable, Hashable, Sendable {
    /// The way.
    public var flow: Flow
    /// Whether it must be this one: the Contact leads elsewhere or nowhere, or there is a connection.
    public var isPinned: Bool

    /// The way to a client.
    ///
    /// It is the flow that its request came over (RFC 5626 §5.3), unless the Contact names the very address that the
    /// request came from, so that no NAT lies between, and another port there. Then datagrams go to that port; a
    /// connection is used while it lives, and the port is connected to when it is gone, but not where the client has asked
    /// for an outbound flow, which nothing can take the place of (RFC 5626 §5.3).
    ///
    /// - Parameters:
    ///   - contact: The URI of the Contact; `nil` where that cannot be read.
    ///   - flow: The way its request came.
    ///   - isOutbound: Whether the client has asked for an outbound flow, by `reg-id` or `ob`.
    public init(
        to contact: URIIndex?, _ octets: Span<UInt8>, over flow: Flow, isOutbound: Bool,
        _ configuration: borrowing ProxyConfiguration
    ) {
        self.flow = flow
        self.flow.mayConnect = false
        self.isPinned = true
        guard let contact, contact.hostAddress(in: octets) == flow.remote.ip,
            let direct = Self.direct(to: contact, octets, near: flow, configuration)
        else { return }
        if flow.connection == 0 {
            self.isPinned = isOutbound
            if !isOutbound, direct.remote != flow.remote { self.flow = direct }
            return
        }
        // While the connection lives it is used; its number with another address says what takes its place.
        // A Contact that names no transport is one of the transport it was registered over.
        let isSameTransport =
            direct.transport == flow.transport || contact.parameter("transport", in: octets) == nil
        guard direct.remote != flow.remote, !isOutbound, isSameTransport else { return }
        self.flow.remote = direct.remote
        self.flow.mayConnect = true
    }

    /// The way to the address in a contact. Where that names no transport, the one that the request came over is sure to
    /// be understood, and is taken before the UDP of RFC 3263 §4.1.
    private static func direct(
        to uri: URIIndex, _ octets: Span<UInt8>, near flow: Flow, _ configuration: borrowing ProxyConfiguration
    ) -> Flow? {
        guard uri.scheme == .sip, uri.parameter("transport", in: octets) == nil,
            uri.parameter("maddr", in: octets) == nil, let ip = uri.hostAddress(in: octets)
        else { return configuration.flow(to: uri, octets, near: flow) }
        let port = uri.port == 0 ? flow.transport.defaultPort : uri.port
        return Flow(endpoint: flow.endpoint, transport: flow.transport, remote: SocketAddress(ip, port))
    }
}

extension ProxyConfiguration {
    /// The way to a URI whose host is an address; `nil` when it must be looked up, or no end point of ours fits.
    ///
    /// - Parameter isSecure: Whether nothing but TLS will do, as for a SIPS URI.
    public func flow(
        to uri: URIIndex, _ octets: Span<UInt8>, near incoming: Flow, isSecure: Bool = false
    ) -> Flow? {
        let maddr = uri.parameter("maddr", in: octets)
        let isSecure = isSecure || uri.scheme == .sips
        guard let ip = maddr.flatMap({ IPAddress(octets, $0.range) }) ?? uri.hostAddress(in: octets), ip.isUnicast
        else {
            return nil
        }
        var transport: TransportProtocol = isSecure ? .tls : .udp
        if let named = uri.parameter("transport", in: octets), !named.isEmpty {
            transport = TransportProtocol(octets, named.range)
            // The parameter names what is below TLS (RFC 5630 §3.1.4).
            if isSecure, transport == .tcp { transport = .tls }
            if isSecure, transport == .ws { transport = .wss }
        }
        if transport.isSecure, maddr != nil {
            // The certificate must be for the host and not for where it was found (RFC 5922 §7.3): `ServerSelection`
            // keeps both apart, and says what is wrong with a transport that has no TLS.
            return nil
        }
        guard !isSecure || transport.isSecure else { return nil }
        let port = uri.port == 0 ? transport.defaultPort : uri.port
        let endpoint = self.endpoint(for: transport, to: ip, preferred: incoming.endpoint)
        guard let endpoint else { return nil }
        return Flow(endpoint: endpoint, transport: transport, remote: SocketAddress(ip, port))
    }
}
