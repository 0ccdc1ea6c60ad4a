public import CallRecords
public import CallRouting
public import LocationService
public import ProxyCore
public import SIPAuthentication
public import SIPMessages

/// What a server is and how it behaves: made from the configuration once, then only read.
public struct ServerSettings: Sendable {
    /// The domains it is responsible for, in lower case.
    public var domains: [[UInt8]]
    /// Addresses by which it is reached besides those of its end points: those behind a wildcard, an advertised one.
    public var addresses: [SocketAddress] = []
    /// Domains of other servers, of which this one is an edge proxy.
    public var homes: [HomeDomain] = []
    /// How it proxies, and its addresses.
    public var proxy: ProxyConfiguration
    /// What its registrar grants.
    public var registrar = RegistrarPolicy()
    /// Whether the server is about to stop: it begins nothing new, and answers that with 503 (RFC 3261 §21.5.4).
    public var isStopping = false
    /// How calls are recorded; they are not, unless told.
    public var callRecords = CallRecordPolicy()
    /// Whether bindings are stored before they are acknowledged.
    public var isDurable = false
    /// How many shards there are of calls and of locations, a power of two up to 64.
    public var shardCount = 64
    /// Whether our users must prove who they are.
    public var requiresAuthentication = true
    /// The digest algorithms that are offered, the preferred first (RFC 8760 §2.3).
    public var algorithms: [DigestAlgorithm] = [.sha256, .md5]
    /// Whether challenges offer `auth-int` beside `auth`.
    public var offersIntegrity = false
    /// Our users.
    public var subscribers = Subscribers()
    /// Users who may register other addresses than their own, with these (RFC 3261 §10.3 step 4); by `user@domain`.
    public var registrants: [[UInt8]: Set<[UInt8]>] = [:]
    /// Who may call our users from elsewhere.
    public var inbound = Inbound.anyone
    /// Addresses of gateways and neighbours, whose requests to our users are not challenged and whose asserted identities
    /// are believed (RFC 3325).
    public var trusted: [AddressBlock] {
        get { self.proxy.trusted }
        set { self.proxy.trusted = newValue }
    }
    /// Where calls go before the users are asked.
    public var plan = DialPlan()
    /// Users whose callers are told to try elsewhere, by `user@domain` in canonical form.
    public var redirections: [[UInt8]: Redirection] = [:]
    /// The methods of requests outside of dialogs that somebody else decides on, as octets; without any nobody is asked.
    public var handledMethods: [[UInt8]] = []
    /// How long that may take, and how many requests of a shard may wait for it.
    public var decidingLimit: TimeSpan = .seconds(30)
    /// How many requests of a shard may wait for a decision; beyond, they are answered with 503.
    public var maximumUndecided = 10_000
    /// Gateways to other networks.
    public var trunks: [TrunkSettings] = []
    /// What is put up with from a source.
    public var offences = OffenceLedger.Policy()
    /// The services that run, each with the URI at which it listens.
    public var services: [String: [UInt8]] = [:]
    /// Ports besides those of the end points at which the domains are this server.
    public var ports: [UInt16] = []
    /// SIP domains of gateways and neighbours whose certificates say so: their requests are treated in the same way,
    /// wherever they come from (RFC 5922 §7.4).
    public var trustedDomains: [String] = []
    /// The user part at which the server answers calls itself and returns what it hears; empty for none.
    public var echoUser: [UInt8] = Array("echo".utf8)
    /// What goes into the Server field; empty for none.
    public var product: [UInt8] = Array("Biloxi".utf8)
    /// The key of every hash that chooses shards and slots, and of all other keys. Nobody may see a SipHash-2-4 that is made
    /// with it of what he has chosen: it might be one of those keys.
    public var hashKey: SipHashKey { didSet { self.tagKey = Self.tagKey(of: self.hashKey) } }
    /// The key of the tags of answers without a transaction.
    private var tagKey: SipHashKey

    /// What is sent to devices behind NAT boxes so that these do not forget them; `nil` for nothing.
    public var keepAlive: KeepAlive?

    /// How devices behind NAT boxes are kept in reach over UDP.
    public struct KeepAlive: Hashable, Sendable {
        /// What is sent.
        public enum Method: Hashable, Sendable {
            /// An OPTIONS, whose answer keeps a mapping alive also where only what goes out does (RFC 4787 REQ-6).
            case options
            /// Two empty lines, which need no answer: enough where what comes in keeps a mapping alive.
            case emptyLines
        }
        /// What is sent.
        public var method: Method
        /// How often: less than the shortest time after which NAT boxes forget, half a minute as a rule.
        public var interval: TimeSpan

        /// OPTIONS every 25 seconds.
        public init(method: Method = .options, interval: TimeSpan = .seconds(25)) {
            (self.method, self.interval) = (method, interval)
        }
    }

    /// Who may call our users from elsewhere: anyone; gateways and neighbours, and who proves to be a user whatever From
    /// says; gateways and neighbours; nobody.
    public enum Inbound: Hashable, Sendable { case anyone, users, trusted, nobody }

    /// The settings of a server; the rest has defaults.
    public init(domains: [String], proxy: ProxyConfiguration, hashKey: SipHashKey) {
        self.domains = domains.map { Array($0.lowercased().utf8) }
        self.proxy = proxy
        self.hashKey = hashKey
        self.tagKey = Self.tagKey(of: hashKey)
    }

    private static func tagKey(of key: SipHashKey) -> SipHashKey { key.derived(for: "stateless tag") }

    /// The options that our registrar knows (RFC 3327, 5626, 5627).
    static let registrarOptions: [StaticString] = ["path", "outbound", "gruu"]

    /// Whether an address is one of a gateway or neighbour.
    func trusts(_ ip: IPAddress) -> Bool {
        self.proxy.trusts(ip)
    }

    /// Whether the message at hand is from a gateway or neighbour, by its address or by its certificate.
    func trustsSender(_ workspace: borrowing Workspace) -> Bool {
        if self.trusts(workspace.flow.remote.ip) { return true }
        guard let identities = workspace.identities else { return false }
        return self.trustedDomains.contains { identities.prove(Host($0)) }
    }

    /// Whether challenges are others than by these settings; what answers an old one is stale then.
    func challengesOtherwise(than other: ServerSettings) -> Bool {
        self.domains != other.domains || self.algorithms != other.algorithms
            || self.offersIntegrity != other.offersIntegrity
    }

    /// The shard to which a keyed hash belongs.
    public func shard(of hash: UInt64) -> Int {
        Int(truncatingIfNeeded: hash) & (self.shardCount &- 1)
    }

    /// Whether a URI names this server: one of its domains, or one of its addresses (RFC 3261 §16.4, §16.5).
    func isOurs(_ uri: URIIndex, _ octets: Span<UInt8>) -> Bool {
        self.isOurDomain(uri, octets) || self.isOurAddress(uri, octets)
    }

    /// Whether the host of a URI is one of our domains, and its port, where it has one, is one of ours: at another port of
    /// the same domain there may be another server (RFC 3261 §16.4, RFC 3263 §4.2).
    func isOurDomain(_ uri: URIIndex, _ octets: Span<UInt8>) -> Bool {
        guard uri.scheme == .sip || uri.scheme == .sips, uri.port == 0 || self.isOurPort(uri.port) else { return false }
        for i in self.domains.indices where self.domains[i].count == uri.host.count {
            if octets.equalsLowercased(uri.host.range, self.domains[i]) { return true }
        }
        return false
    }

    private func isOurPort(_ port: UInt16) -> Bool {
        for i in self.proxy.endpoints.indices where self.proxy.endpoints[i].local.port == port { return true }
        return self.addresses.contains { $0.port == port } || self.ports.contains(port)
    }

    /// Whether host and port of a URI are one of our addresses, or an advertised name with the port of its end point.
    func isOurAddress(_ uri: URIIndex, _ octets: Span<UInt8>) -> Bool {
        guard uri.scheme == .sip || uri.scheme == .sips else { return false }
        let port = uri.port != 0 ? uri.port : uri.scheme == .sips ? 5061 : 5060
        guard let ip = uri.hostAddress(in: octets) else {
            for i in self.proxy.endpoints.indices where self.proxy.endpoints[i].local.port == port {
                if self.proxy.endpoints[i].isNamed(uri.host, octets) { return true }
            }
            return false
        }
        for i in self.proxy.endpoints.indices {
            let local = self.proxy.endpoints[i].local
            if local.ip == ip, local.port == port { return true }
        }
        for i in self.addresses.indices where self.addresses[i].ip == ip && self.addresses[i].port == port {
            return true
        }
        return false
    }

    /// A tag for answers without a transaction: the same for every request of a call, and recognised in its ACK (§8.2.7).
    func statelessTag(_ octets: Span<UInt8>, _ index: borrowing MessageIndex) -> UInt64 {
        var hasher = SipHash24(key: self.tagKey)
        if let callID = index.value(.callID) { hasher.combine(octets, callID.range) }
        hasher.combine(octet: 0)
        if let from = index.value(.from) { hasher.combine(octets, from.range) }
        return hasher.finish()
    }

    /// Whether a Via is one that we wrote.
    func isOurs(_ via: ViaIndex, _ octets: Span<UInt8>) -> Bool {
        for i in self.proxy.endpoints.indices
        where octets.equalsLowercased(via.sentBy.range, self.proxy.endpoints[i].sentBy) { return true }
        // Behind a name, the agent among us writes the address.
        guard let ip = IPAddress(octets, via.host.range) else { return false }
        return self.proxy.endpoints.contains { $0.advertised != nil && $0.local == SocketAddress(ip, via.port) }
    }
}

extension Endpoint {
    /// Whether this is the name that it is advertised by.
    fileprivate func isNamed(_ host: OctetRange, _ octets: Span<UInt8>) -> Bool {
        guard self.advertised != nil, self.sentBy.count > host.count, self.sentBy[host.count] == 0x3A else {
            return false
        }
        for i in 0..<host.count where octets[host.lower + i].lowercased != self.sentBy[i] { return false }
        return true
    }
}

extension Span where Element == UInt8 {
    /// Whether the octets in `range`, letters in lower case, are those of `lowercased`.
    func equalsLowercased(_ range: Range<Int>, _ lowercased: [UInt8]) -> Bool {
        guard range.count == lowercased.count else { return false }
        for i in 0..<lowercased.count where self[range.lowerBound + i].lowercased != lowercased[i] { return false }
        return true
    }
}
