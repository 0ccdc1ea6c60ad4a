public import SIPMessages
public import SIPTransactions

/// The hosts of a world, where they are and what happens to them and to the ways between them.
extension SimulatedWorld {
    /// Adds a host.
    ///
    /// - Parameters:
    ///   - name: Its name in the ladder and in the methods below; each host has its own.
    ///   - listeners: Where it listens; the position is the `endpoint` of its flows.
    ///   - box: The number of the NAT box that it is behind; `nil` outside.
    ///   - node: What it runs.
    public func addHost(
        _ name: String, listening listeners: [SimulatedListener], behind box: Int? = nil,
        running node: any SimulatedNode
    ) {
        self.hostNumbers[name] = self.residents.count
        self.network.addHost(name, listeners, realm: (box ?? -1) + 1)
        self.residents.append(Resident(node: node))
        self.nameHost(name)
        node.placed(at: SimulatedPlace(name: name, listeners: listeners, seed: self.seed))
        self.residents[self.residents.count - 1].wakeAt = node.nextWakeUp ?? .never
    }

    /// Gives a host other addresses, as when a telephone changes its network. Its node keeps what it knows.
    ///
    /// - Parameters:
    ///   - name: That of the host.
    ///   - listeners: As many as before, with the same transports.
    public func move(_ name: String, to listeners: [SimulatedListener]) {
        guard let host = self.hostNumbers[name] else { return }
        self.network.endConnections(of: host, with: nil, hasNotice: true, at: self.now, into: &self.events)
        self.network.move(host, to: listeners)
        self.residents[host].node.moved(to: SimulatedPlace(name: name, listeners: listeners, seed: self.seed))
    }

    /// Adds a NAT box with this address outside.
    ///
    /// - Returns: Its number, for `addHost`.
    public func addTranslator(
        at address: IPAddress, _ behaviour: AddressTranslator.Behaviour = AddressTranslator.Behaviour()
    ) -> Int {
        self.network.translators.append(AddressTranslator(address: address, behaviour: behaviour))
        return self.network.translators.count - 1
    }

    /// Lets a NAT box forget its mappings.
    public func restartTranslator(_ box: Int) {
        if self.network.translators.indices.contains(box) { self.network.translators[box].restart() }
    }

    /// Lets a host do something now: the body gets its node and the outbox for what is to be sent.
    public func perform(as name: String, _ body: (any SimulatedNode, inout Outbox) -> Void) {
        if let host = self.hostNumbers[name] { self.perform(as: host, body) }
    }

    /// Writes something into the ladder at a host.
    public func annotate(_ text: String, at name: String) {
        if let host = self.hostNumbers[name] { self.annotate(text, host) }
    }

    /// Lets a host break the rules of the wire from now on: it misbehaves on purpose.
    public func permitsViolations(by name: String) {
        if let host = self.hostNumbers[name] { self.invariants.exempt.insert(host) }
    }

    // MARK: The ways between

    /// Sets what happens between two hosts, in both directions.
    public func setConditions(_ conditions: LinkConditions, between a: String, and b: String) {
        self.setConditions(conditions, from: a, to: b)
        self.setConditions(conditions, from: b, to: a)
    }

    /// Sets what happens from one host to another.
    public func setConditions(_ conditions: LinkConditions, from a: String, to b: String) {
        guard let from = self.hostNumbers[a], let to = self.hostNumbers[b] else { return }
        self.network.linkConditions[.init(from: from, to: to)] = conditions
    }

    /// Cuts these hosts off from all others between two moments. Among each other they stay connected.
    public func partition(
        _ names: [String], from start: MonotonicInstant = .start, until end: MonotonicInstant = .never
    ) {
        let hosts = Set(names.compactMap { self.hostNumbers[$0] })
        self.network.partitions.append(.init(hosts: hosts, start: start, end: end))
    }

    /// Ends the stream connections between two hosts, of which both learn.
    public func resetConnections(between a: String, and b: String) {
        self.endConnections(a, b, hasNotice: true)
    }

    /// Lets the stream connections between two hosts lead nowhere, of which neither learns: as when a NAT box forgets
    /// them.
    public func silenceConnections(between a: String, and b: String) {
        self.endConnections(a, b, hasNotice: false)
    }

    private func endConnections(_ a: String, _ b: String, hasNotice: Bool) {
        guard let a = self.hostNumbers[a], let b = self.hostNumbers[b] else { return }
        self.network.endConnections(of: a, with: b, hasNotice: hasNotice, at: self.now, into: &self.events)
    }

    // MARK: Crashes

    /// Stops a host at once, as `kill -9` does: what it knew is lost, what is underway to it too. The other sides learn
    /// that their connections are gone.
    public func crash(_ name: String) {
        guard let host = self.hostNumbers[name] else { return }
        self.annotate("crash", host)
        self.network.hosts[host].isUp = false
        self.residents[host].wakeAt = .never
        self.residents[host].life += 1
        self.network.endConnections(of: host, with: nil, hasNotice: true, at: self.now, into: &self.events)
    }

    /// Starts a host again, with a new node.
    public func restart(_ name: String, running node: any SimulatedNode) {
        guard let host = self.hostNumbers[name] else { return }
        self.annotate("restart", host)
        self.invariants.forget(host)
        self.network.hosts[host].isUp = true
        self.residents[host].node = node
        let listeners = self.network.hosts[host].listeners
        node.placed(at: SimulatedPlace(name: name, listeners: listeners, seed: self.seed))
        self.residents[host].wakeAt = node.nextWakeUp ?? .never
    }
}

extension SimulatedNetwork {
    /// The host that a flow of another one leads to, for the ladder.
    func host(at flow: Flow, from host: Int) -> Int? {
        if let found = self.connectionNumbers[flow.connection], flow.connection != 0 {
            return self.connections[found.connection].sides[1 - found.side].host
        }
        for realm in [self.hosts[host].realm, 0] {
            if let place = self.places[Self.key(realm, flow.transport, flow.remote)] { return place.host }
        }
        guard let box = self.translators.firstIndex(where: { $0.address == flow.remote.ip }) else { return nil }
        return self.hosts.firstIndex { $0.realm == box + 1 }
    }
}
