public import SIPMessages

/// What we can send over: transports, each with the address families it has, in the order we prefer them.
public struct RoutingCapabilities: Hashable, Sendable {
    /// One transport.
    public struct Way: Hashable, Sendable {
        /// The transport.
        public var transport: TransportProtocol
        /// Whether we can send to IPv4 addresses over it.
        public var hasIPv4: Bool
        /// Whether we can send to IPv6 addresses over it.
        public var hasIPv6: Bool

        /// A transport with these address families.
        public init(_ transport: TransportProtocol, hasIPv4: Bool = true, hasIPv6: Bool = false) {
            (self.transport, self.hasIPv4, self.hasIPv6) = (transport, hasIPv4, hasIPv6)
        }
    }
    /// The transports, preferred ones first: that order decides where a domain has no NAPTR records (RFC 3263 §4.1).
    public private(set) var ways: [Way] = []

    /// These transports; the same transport twice is one with the families of both.
    public init(_ ways: [Way]) {
        for way in ways where way.transport != .other { self.add(way) }
    }

    /// These transports over IPv4, or over both families.
    public init(_ transports: [TransportProtocol], hasIPv6: Bool = false) {
        self.init(transports.map { Way($0, hasIPv6: hasIPv6) })
    }

    private mutating func add(_ way: Way) {
        if let i = self.ways.firstIndex(where: { $0.transport == way.transport }) {
            self.ways[i].hasIPv4 = self.ways[i].hasIPv4 || way.hasIPv4
            self.ways[i].hasIPv6 = self.ways[i].hasIPv6 || way.hasIPv6
        } else {
            self.ways.append(way)
        }
    }

    /// Whether we have a transport, over either family.
    public func has(_ transport: TransportProtocol) -> Bool {
        self.ways.contains { $0.transport == transport && ($0.hasIPv4 || $0.hasIPv6) }
    }

    /// Whether we can send to an address over a transport.
    public func canReach(_ address: IPAddress, over transport: TransportProtocol) -> Bool {
        self.ways.contains { $0.transport == transport && (address.isIPv6 ? $0.hasIPv6 : $0.hasIPv4) }
    }

    /// The types of address records to ask for: all families that the transport has (RFC 7984 §3.1).
    func addressTypes(for transport: TransportProtocol) -> [DNSQuestion.RecordType] {
        guard let way = self.ways.first(where: { $0.transport == transport }) else { return [] }
        return (way.hasIPv6 ? [.aaaa] : []) + (way.hasIPv4 ? [.a] : [])
    }
}
