public import SIPMessages

/// The network between the hosts: links with their faults, partitions, NAT boxes and stream connections.
public struct SimulatedNetwork {
    /// The conditions wherever nothing else was said.
    public var conditions: LinkConditions
    /// Whether the sender of a datagram learns that no one listens (ICMP port unreachable).
    public var reportsUnreachable = true
    /// After which time a connection attempt, or a message on a connection that leads nowhere, fails.
    public var streamTimeout: TimeSpan = .seconds(30)

    struct Host {
        var name: String
        var realm: Int
        var listeners: [SimulatedListener]
        var isUp = true
    }
    struct Partition {
        var hosts: Set<Int>
        var start: MonotonicInstant
        var end: MonotonicInstant
    }
    struct Link: Hashable {
        var from: Int
        var to: Int
    }
    /// Keeps the order of a link. What is sent at the same moment has no order: a host with shards may send it in any,
    /// and the ladder must not depend on it.
    struct Order {
        private var sentAt = MonotonicInstant(nanoseconds: -1)
        private var before = MonotonicInstant.start
        private var latest = MonotonicInstant.start

        mutating func keep(_ arrival: MonotonicInstant, sentAt now: MonotonicInstant) -> MonotonicInstant {
            if now > self.sentAt { (self.sentAt, self.before) = (now, self.latest) }
            let kept = Swift.max(arrival, self.before)
            self.latest = Swift.max(self.latest, kept)
            return kept
        }
    }
    struct Address: Hashable {
        var realm: Int
        var isStream: Bool
        var transport: TransportProtocol
        var address: SocketAddress
    }
    struct Place {
        var host: Int
        var endpoint: UInt16
    }

    let seed: UInt64
    var hosts: [Host] = []
    var places: [Address: Place] = [:]
    var linkConditions: [Link: LinkConditions] = [:]
    var partitions: [Partition] = []
    /// The NAT box of realm n is number n - 1.
    var translators: [AddressTranslator] = []
    var connections: [StreamConnection] = []
    var connectionNumbers: [UInt32: (connection: Int, side: Int)] = [:]
    private var orders: [Link: Order] = [:]

    init(seed: UInt64, conditions: LinkConditions) { (self.seed, self.conditions) = (seed, conditions) }

    mutating func addHost(_ name: String, _ listeners: [SimulatedListener], realm: Int) {
        self.hosts.append(Host(name: name, realm: realm, listeners: listeners))
        for (endpoint, listener) in listeners.enumerated() {
            let key = Self.key(realm, listener.transport, listener.address)
            self.places[key] = Place(host: self.hosts.count - 1, endpoint: UInt16(truncatingIfNeeded: endpoint))
        }
    }

    /// Gives a host other addresses; nobody is at the old ones any more.
    mutating func move(_ host: Int, to listeners: [SimulatedListener]) {
        let realm = self.hosts[host].realm
        for listener in self.hosts[host].listeners {
            self.places[Self.key(realm, listener.transport, listener.address)] = nil
        }
        self.hosts[host].listeners = listeners
        for (endpoint, listener) in listeners.enumerated() {
            let key = Self.key(realm, listener.transport, listener.address)
            self.places[key] = Place(host: host, endpoint: UInt16(truncatingIfNeeded: endpoint))
        }
    }

    static func key(_ realm: Int, _ transport: TransportProtocol, _ address: SocketAddress) -> Address {
        Address(realm: realm, isStream: transport.isReliable, transport: transport, address: address)
    }

    func conditions(from: Int, to: Int) -> LinkConditions {
        self.linkConditions[Link(from: from, to: to)] ?? self.conditions
    }

    /// When two hosts that are cut off from each other now will reach each other; `nil` when they are not cut off.
    func endOfPartition(_ a: Int, _ b: Int, at now: MonotonicInstant) -> MonotonicInstant? {
        var end: MonotonicInstant?
        for partition in self.partitions
        where partition.hosts.contains(a) != partition.hosts.contains(b) && partition.start <= now
            && now < partition.end
        {
            end = Swift.max(end ?? partition.end, partition.end)
        }
        return end
    }

    // MARK: Datagrams

    /// Sends a datagram: says what becomes of it, and adds its arrivals to `events`.
    mutating func send(
        datagram packet: Packet, from source: SocketAddress, to destination: SocketAddress, at now: MonotonicInstant,
        into events: inout EventQueue<NetworkEvent>
    ) -> Fate {
        var (source, realm) = (source, self.hosts[packet.sender].realm)
        if realm > 0, self.places[Self.key(realm, packet.transport, destination)] == nil {
            let isHairpin = destination.ip == self.translators[realm - 1].address
            if isHairpin, !self.translators[realm - 1].behaviour.hairpins { return .filtered }
            source = self.translators[realm - 1].translateOutwards(
                source, to: destination, isStream: false, at: now)
            realm = 0
        }
        let receiver = self.receiver(of: destination, realm: realm)
        let link = Link(from: packet.sender, to: receiver ?? -1)
        if let receiver, self.endOfPartition(packet.sender, receiver, at: now) != nil { return .cutOff }
        let conditions = self.conditions(from: link.from, to: link.to)
        if packet.octets.count > conditions.maximumDatagram { return .tooLarge }
        if packet.random.chance(conditions.loss) { return .lost }
        var arrival = now.advanced(by: conditions.delay + packet.random.span(upTo: conditions.jitter))
        if packet.random.chance(conditions.reordering) {
            arrival = arrival.advanced(by: packet.random.span(upTo: conditions.reorderDelay))
        } else {
            arrival = self.orders[link, default: Order()].keep(arrival, sentAt: now)
        }
        events.add(.datagram(packet, from: source, to: destination, realm: realm), at: arrival)
        if packet.random.chance(conditions.duplication) {
            let second = arrival.advanced(by: packet.random.span(upTo: conditions.reorderDelay))
            events.add(.datagram(packet, from: source, to: destination, realm: realm), at: second)
        }
        return .underway
    }

    /// The host that an address leads to, through NAT boxes or not, for choosing the link.
    private func receiver(of destination: SocketAddress, realm: Int) -> Int? {
        if let place = self.places[Self.key(realm, .udp, destination)] { return place.host }
        guard realm == 0, let box = self.translators.firstIndex(where: { $0.address == destination.ip }) else {
            return nil
        }
        return self.hosts.firstIndex { $0.realm == box + 1 }
    }

    /// Where a datagram that has arrived goes.
    enum Arrival {
        case host(Int, Flow)
        case fate(Fate)
    }

    mutating func arrive(
        _ packet: Packet, from source: SocketAddress, to destination: SocketAddress, realm: Int,
        at now: MonotonicInstant
    ) -> Arrival {
        var (destination, realm) = (destination, realm)
        if realm == 0, let box = self.translators.firstIndex(where: { $0.address == destination.ip }) {
            guard
                let inside = self.translators[box].translateInwards(toPort: destination.port, from: source, at: now)
            else { return .fate(.filtered) }
            (destination, realm) = (inside, box + 1)
        }
        guard let place = self.places[Self.key(realm, packet.transport, destination)], self.hosts[place.host].isUp
        else { return .fate(.unreachable) }
        let flow = Flow(endpoint: place.endpoint, transport: packet.transport, remote: source)
        return .host(place.host, flow)
    }
}
