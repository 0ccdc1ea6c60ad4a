public import SIPMessages

/// A NAT box: hosts behind it have addresses of their own and share one address outside (RFC 4787).
public struct AddressTranslator: Sendable {
    /// What a mapping or a filter depends on (RFC 4787 §4.1, §5).
    public enum Dependence: Hashable, Sendable {
        /// Endpoint-independent.
        case nothing
        /// Address-dependent.
        case address
        /// Address- and port-dependent.
        case addressAndPort
    }

    /// How the box behaves.
    public struct Behaviour: Hashable, Sendable {
        /// When one inside address and port is given another one outside.
        public var mapping = Dependence.nothing
        /// From whom a mapping lets datagrams in.
        public var filtering = Dependence.addressAndPort
        /// For how long a mapping lives without a datagram from inside.
        public var timeout: TimeSpan = .seconds(30)
        /// Whether a datagram from outside keeps a mapping alive too (RFC 4787 REQ-6).
        public var isRefreshedFromOutside = false
        /// Whether hosts behind it reach each other by their outside addresses (RFC 4787 §6).
        public var hairpins = false

        /// Endpoint-independent mapping, address- and port-dependent filtering, 30 s.
        public init() {}

        /// A box that maps anew for every destination, and lets in only whom was sent to.
        public static var symmetric: Behaviour {
            var behaviour = Behaviour()
            behaviour.mapping = .addressAndPort
            return behaviour
        }

        /// A box that lets in everything that knows the mapping.
        public static var fullCone: Behaviour {
            var behaviour = Behaviour()
            behaviour.filtering = .nothing
            return behaviour
        }
    }

    private struct Mapping {
        var inside: SocketAddress
        var key: SocketAddress
        var outsidePort: UInt16
        var isStream: Bool
        var lastUse: MonotonicInstant
        /// Where was sent to.
        var permitted: Set<SocketAddress>

        func isAlive(at now: MonotonicInstant, _ timeout: TimeSpan) -> Bool {
            self.isStream || now.since(self.lastUse) <= timeout
        }
    }

    /// The address outside.
    public let address: IPAddress
    /// How the box behaves.
    public let behaviour: Behaviour
    private var mappings: [Mapping] = []
    private var nextPort: UInt16 = 20_000

    init(address: IPAddress, behaviour: Behaviour) { (self.address, self.behaviour) = (address, behaviour) }

    /// Forgets every mapping, as when the box is switched off and on.
    mutating func restart() { self.mappings.removeAll() }

    /// The address outside for something from inside; makes a mapping or keeps it alive.
    mutating func translateOutwards(
        _ inside: SocketAddress, to remote: SocketAddress, isStream: Bool, at now: MonotonicInstant
    ) -> SocketAddress {
        let key = Self.reduce(remote, self.behaviour.mapping)
        let found = self.mappings.firstIndex {
            $0.inside == inside && $0.key == key && $0.isStream == isStream
                && $0.isAlive(at: now, self.behaviour.timeout)
        }
        let index: Int
        if let found {
            index = found
        } else {
            let timeout = self.behaviour.timeout
            self.mappings.removeAll { !$0.isAlive(at: now, timeout) }
            self.mappings.append(
                Mapping(
                    inside: inside, key: key, outsidePort: self.nextPort, isStream: isStream, lastUse: now,
                    permitted: []))
            self.nextPort = self.nextPort == .max ? 20_000 : self.nextPort + 1
            index = self.mappings.count - 1
        }
        self.mappings[index].lastUse = now
        self.mappings[index].permitted.insert(Self.reduce(remote, self.behaviour.filtering))
        return SocketAddress(self.address, self.mappings[index].outsidePort)
    }

    /// The address inside for a datagram from outside; `nil` when the box lets it not in.
    mutating func translateInwards(
        toPort port: UInt16, from remote: SocketAddress, at now: MonotonicInstant
    ) -> SocketAddress? {
        guard
            let index = self.mappings.firstIndex(where: {
                $0.outsidePort == port && !$0.isStream && $0.isAlive(at: now, self.behaviour.timeout)
            }),
            self.mappings[index].permitted.contains(Self.reduce(remote, self.behaviour.filtering))
        else { return nil }
        if self.behaviour.isRefreshedFromOutside { self.mappings[index].lastUse = now }
        return self.mappings[index].inside
    }

    private static func reduce(_ address: SocketAddress, _ dependence: Dependence) -> SocketAddress {
        switch dependence {
        case .nothing: SocketAddress(IPAddress(v4: 0), 0)
        case .address: SocketAddress(address.ip, 0)
        case .addressAndPort: address
        }
    }
}
