import LocationService
import ProxyCore
import SIPAuthentication
import SIPMessages
import SIPSimulation
import ServerCore
import ServerSimulation

/// A world with servers in it.
struct Stage {
    let world: SimulatedWorld
    /// How many shards its servers have.
    var shardCount = 1

    init(seed: UInt64 = 1, _ conditions: LinkConditions = .delaying(.milliseconds(10)), shards: Int = 1) {
        self.world = SimulatedWorld(seed: seed, conditions: conditions)
        self.shardCount = shards
    }

    /// What a server for a domain at an address is by these tests: it asks nobody for a password, unless `edit` says so.
    func settings(
        _ domains: [String], at address: String, _ edit: (inout ServerSettings) -> Void = { _ in }
    ) -> ServerSettings {
        let listeners = SimulatedListener.standard(IPAddress(address) ?? .loopback)
        let endpoints = listeners.map { Endpoint($0.transport, local: $0.address) }
        var settings = ServerSettings(
            domains: domains, proxy: ProxyConfiguration(endpoints: endpoints), hashKey: SipHashKey(3, 5))
        settings.shardCount = self.shardCount
        settings.requiresAuthentication = false
        edit(&settings)
        return settings
    }

    /// Adds a server.
    @discardableResult
    func server(
        _ name: String = "proxy", at address: String = Place.proxy, _ domains: [String] = [Place.domain],
        _ edit: (inout ServerSettings) -> Void = { _ in }
    ) -> SimulatedServer {
        let server = SimulatedServer(self.settings(domains, at: address, edit))
        let listeners = SimulatedListener.standard(IPAddress(address) ?? .loopback)
        self.world.addHost(name, listening: listeners, running: server)
        return server
    }

    /// Adds a server that names itself as in a document, which is in the DNS by its name and as the one of its domain.
    ///
    /// - Parameter transport: The one that the DNS has for the domain.
    func namedServer(
        _ name: String, _ host: String, at address: String, _ domain: String, over transport: TransportProtocol = .udp,
        _ edit: (inout ServerSettings) -> Void = { _ in }
    ) {
        let ip = IPAddress(address) ?? .loopback
        self.world.services.dns.add(host, .address(ip))
        self.domain(domain, at: host, over: transport)
        self.server(name, at: address, [domain]) {
            $0.proxy.endpoints = SimulatedListener.standard(ip).map {
                Endpoint($0.transport, local: $0.address, advertised: Host(host))
            }
            // Each has tags and tokens of its own.
            $0.hashKey = SipHashKey(3, address.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) })
            edit(&$0)
        }
    }

    /// Writes into the DNS which host serves a domain, and nothing else.
    func domain(_ domain: String, at host: String, over transport: TransportProtocol = .udp) {
        let (service, prefix) = transport == .udp ? ("SIP+D2U", "_sip._udp") : ("SIP+D2T", "_sip._tcp")
        self.world.services.dns.remove(domain)
        self.world.services.dns.add(
            domain,
            .naptr(order: 10, preference: 10, flags: "s", service: service, replacement: "\(prefix).\(domain)"))
        self.world.services.dns.add(
            "\(prefix).\(domain)", .srv(priority: 1, weight: 1, port: 5060, target: host))
    }

    /// Adds a peer that sends to a server.
    func peer(
        _ name: String, at address: String, _ uri: String, over transport: TransportProtocol = .udp,
        by proxy: String = Place.proxy
    ) throws -> ScriptedPeer {
        let peer = self.world.peer(name, at: address, uri: try URI(uri), transport: transport)
        peer.outboundProxy = SocketAddress(IPAddress(proxy) ?? .loopback, transport.defaultPort)
        return peer
    }

    /// Alice of another domain, who calls.
    func alice(over transport: TransportProtocol = .udp) throws -> ScriptedPeer {
        try self.peer("alice", at: "192.0.2.101", "sip:alice@atlanta.example.com", over: transport)
    }

    /// A device of Bob, who is a user of the server.
    func bob(_ name: String = "bob", at address: String = "192.0.2.201", over transport: TransportProtocol = .udp)
        throws -> ScriptedPeer
    {
        try self.peer(name, at: address, Place.bob, over: transport)
    }

    /// What was sent, one line a message, in order and without times; what was sent at one moment is in the order of its
    /// text.
    func flow(from start: Int = 0) -> [String] {
        self.world.ladder.compact.split(separator: "\n").dropFirst(start).map { line in
            let words = line.split(separator: " ").dropFirst().filter { !$0.hasPrefix("+") }
            return words.joined(separator: " ")
        }
    }
}

/// Where everything is.
enum Place {
    static let proxy = "192.0.2.222"
    static let domain = "biloxi.example.com"
    static let bob = "sip:bob@biloxi.example.com"
}

extension ScriptedPeer {
    /// Sends a REGISTER for its address of record, in a new call.
    ///
    /// - Parameter contacts: The values of Contact; `nil` gives its own address, none ask for the list.
    func registers(
        _ contacts: [String]? = nil, edit: (inout MessageBuilder) -> Void = { _ in }
    ) throws {
        let domain = self.uri.sip?.host.name ?? Place.domain
        try self.sends(.register, to: try URI("sip:\(domain)")) { request in
            self.prepare(&request, contacts)
            edit(&request)
        }
    }

    /// Sends a REGISTER of a call, with this CSeq.
    func registers(in call: String, _ number: UInt32, _ contacts: [String], expires: UInt32? = nil) throws {
        try self.registers(contacts) {
            $0.set(.callID, CallID(call))
            $0.set(.cseq, CSeq(number, .register))
            if let expires { $0.set(.expires, expires) }
        }
    }

    /// Sends a refused REGISTER again: with the Call-ID of the last one, and the next CSeq.
    func registersAgain(
        _ contacts: [String]? = nil, edit: (inout MessageBuilder) -> Void = { _ in }
    ) throws {
        try self.sends(.register) { request in
            self.prepare(&request, contacts)
            edit(&request)
        }
    }

    private func prepare(_ request: inout MessageBuilder, _ contacts: [String]?) {
        request.set(.to, NameAddress(self.uri))
        guard let contacts else { return }
        request.remove(.contact)
        for contact in contacts { request.add(named: "Contact", contact) }
    }

    /// Registers its own address and waits until that is done.
    func isRegistered(_ contacts: [String]? = nil) throws {
        try self.registers(contacts)
        try self.expects(200, for: .register)
    }

    /// Sends an INVITE to Bob.
    func invites(_ uri: String = Place.bob, edit: (inout MessageBuilder) -> Void = { _ in }) throws {
        try self.sends(.invite, to: try URI(uri), edit: edit)
    }
}

extension SIPMessage {
    /// The values of Contact as texts.
    var contacts: [String] { self.values(named: "Contact") }
    /// The tag of To.
    var toTag: String? { self.first(.to)?.tag }
}

extension MessageBuilder {
    /// Gives a request another Request-URI.
    mutating func retarget(_ uri: URI) {
        guard let message = try? self.message(), let method = message.method else { return }
        var other = MessageBuilder(method, uri)
        for id: HeaderID in [.route, .maxForwards, .from, .to, .callID, .cseq, .contact] {
            other.copy(id, from: message)
        }
        self = other
    }
}
