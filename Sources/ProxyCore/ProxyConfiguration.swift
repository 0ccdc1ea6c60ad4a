public import SIPMessages
package import SIPRouting

/// One of our addresses, as the other elements know it: what goes into Via and Record-Route.
public struct Endpoint: Hashable, Sendable {
    /// Its transport.
    public var transport: TransportProtocol
    /// The address it is bound to.
    public var local: SocketAddress
    /// `host:port` of Via, as octets.
    public var sentBy: [UInt8]
    /// The URI of Record-Route without angle brackets: `sip:host:port;transport=tcp;lr`.
    public var routeURI: [UInt8]
    /// The same for requests to SIPS URIs (RFC 3261 §16.6 step 4): `sips:host:port;lr`, as the scheme says that it is TLS
    /// (RFC 5630 §5.3).
    public var secureRouteURI: [UInt8]
    /// The host that others can reach it by, where that is not the address of `local`: an address, or a name in lower
    /// case. Over TLS it should be a name that our certificate is for, since whoever follows our Record-Route compares
    /// both (RFC 5922 §7.5).
    public let advertised: Host?
    /// Whether our Via asks that requests to us take the connection which ours have come over (`alias`, RFC 5923 §8.1): over
    /// TLS, where we show a certificate.
    public var offersAlias = false
    /// Whether its address is none of the machine's at present: what may leave from another one does.
    public var isDown = false

    /// An end point.
    ///
    /// - Parameter advertised: The host that others can reach it by, where that is not the address of `local`.
    public init(_ transport: TransportProtocol, local: SocketAddress, advertised: Host? = nil) {
        self.transport = transport
        self.local = local
        self.advertised = advertised.map { Host($0.name.lowercased()) }
        self.sentBy = []
        (self.advertised ?? Host(local.ip)).write(to: &self.sentBy)
        self.sentBy.append(0x3A)
        self.sentBy.append(decimal: local.port)
        // A name goes without the port that is the transport's own anyway.
        self.routeURI = Array("sip:".utf8)
        if let name = self.advertised, name.address == nil, local.port == transport.defaultPort {
            self.routeURI += Array(name.name.utf8)
        } else {
            self.routeURI += self.sentBy
        }
        if transport != .udp { self.routeURI += Array(";transport=\(transport)".utf8) }
        self.routeURI += Array(";lr".utf8)
        self.secureRouteURI =
            Array("sips:".utf8) + self.sentBy + Array((transport == .wss ? ";transport=ws;lr" : ";lr").utf8)
    }

    /// The same end point at the port that the system chose, where `local` left it open with port 0.
    public func bound(to port: UInt16) -> Endpoint {
        guard self.local.port == 0 else { return self }
        return self.moved(to: SocketAddress(self.local.ip, port))
    }

    /// The same end point at another address.
    public func moved(to local: SocketAddress) -> Endpoint {
        var endpoint = Endpoint(self.transport, local: local, advertised: self.advertised)
        endpoint.offersAlias = self.offersAlias
        return endpoint
    }
}

/// How a proxy core behaves.
public struct ProxyConfiguration: Sendable {
    /// Our addresses; `Flow.endpoint` counts them.
    public var endpoints: [Endpoint]
    /// Whether to stay on the path of dialogs (§16.6 step 4).
    public var recordRoute = true
    /// How long an INVITE may ring without a final response: above three minutes (§16.6 step 11).
    public var timerC: TimeSpan = .seconds(185)
    /// Whether contacts of different `q` are tried one after the other, those of the same `q` at once (§16.6); otherwise
    /// all at once.
    public var serialByQ = true
    /// Whether requests are forwarded without transactions (§16.11): each to one target, with no 100, no forking, no timers
    /// and no failover.
    public var isStateless = false
    /// Whether contacts of 300, 301, 302 and 305 are tried in place of telling the client (§16.7 step 4).
    public var followsRedirections = false
    /// The octets of a request beyond which it goes over TCP where UDP would be next, as the MTU of paths is not known
    /// (§18.1.1).
    public var maxDatagramOctets = 1300
    /// Which run of the server this is: connections of another run are not those of this one.
    public var generation: UInt32 = 0
    /// The branches that a request without Max-Breadth may have (RFC 5393 §5.3).
    public var maxBreadth: UInt32 = 60

    /// Addresses of gateways and neighbours, who may know who calls also where the caller does not want others to
    /// (RFC 3325 §7).
    public var trusted: [AddressBlock] = []

    /// The behaviour that the RFCs ask for, at these addresses.
    public init(endpoints: [Endpoint]) { self.endpoints = endpoints }

    /// Whether an address is one of a gateway or neighbour.
    public func trusts(_ ip: IPAddress) -> Bool {
        for i in self.trusted.indices where self.trusted[i].contains(ip) { return true }
        return false
    }

    /// The end point to send from to `remote`: of this transport and the address family, `preferred` if it is one. An
    /// address of the loopback interface reaches only others there, so one of the same kind goes first; one that is down
    /// comes last.
    public func endpoint(
        for transport: TransportProtocol, to remote: IPAddress, preferred: UInt16
    ) -> UInt16? {
        let endpoints = self.endpoints.span
        var (fallback, down): (UInt16?, UInt16?)
        // The preferred one, then all in their order.
        var i = Int(preferred) < endpoints.count ? -1 : 0
        while i < endpoints.count {
            let number = i < 0 ? Int(preferred) : i
            i += 1
            let local = endpoints[number].local.ip
            guard endpoints[number].transport == transport, local.isIPv6 == remote.isIPv6 else { continue }
            guard !endpoints[number].isDown else {
                if down == nil { down = UInt16(number) }
                continue
            }
            if local.isUnspecified || local.isLoopback == remote.isLoopback { return UInt16(number) }
            if fallback == nil { fallback = UInt16(number) }
        }
        return fallback ?? down
    }
}

extension Proxy {
    /// What we can send over: UDP first, then the transports in the order of the end points (RFC 3263 §4.1).
    package var capabilities: RoutingCapabilities {
        let endpoints = self.configuration.endpoints.sorted { $0.transport == .udp && $1.transport != .udp }
        return RoutingCapabilities(
            endpoints.map {
                RoutingCapabilities.Way($0.transport, hasIPv4: !$0.local.ip.isIPv6, hasIPv6: $0.local.ip.isIPv6)
            })
    }
}
