public import SIPMessages
public import SIPTransactions

/// A world of hosts, the network between them and a clock that jumps to the next thing that happens.
///
///     let world = SimulatedWorld(seed: 7, conditions: .poor)
///     let alice = world.peer("alice", at: "192.0.2.1")
///     let bob = world.peer("bob", at: "192.0.2.2")
///     try alice.sends(.options, to: bob)
///     try bob.expects(.options)
///     try bob.sends(200)
///     try alice.expects(200)
///     try world.end()
///
/// Everything happens in one thread and by one seed: the same seed gives the same ladder. A world and what is in it
/// belong to one task.
public final class SimulatedWorld {
    /// Where all randomness comes from.
    public let seed: UInt64
    /// The present.
    public private(set) var now = MonotonicInstant.start
    /// The network.
    public var network: SimulatedNetwork
    /// DNS, storage and those who decide.
    public var services: SimulatedServices
    /// Who sent what to whom.
    public private(set) var ladder: Ladder
    /// Whether the ladder keeps what was sent, so that a test can compare whole messages.
    public var keepsMessages = false
    /// The rules that were broken so far.
    public private(set) var violations: [Violation] = []

    struct Resident {
        var node: any SimulatedNode
        var wakeAt: MonotonicInstant = .never
        /// Counts restarts, so that answers to a former life do not reach the next.
        var life = 0
    }
    var residents: [Resident] = []
    var hostNumbers: [String: Int] = [:]
    var events = EventQueue<NetworkEvent>()
    var invariants = WireInvariants()
    private var outbox = Outbox()
    private var index = MessageIndex()
    private var occurrences: [String: UInt64] = [:]
    private var idleWakes = 0
    private var ownRules: [() -> String?] = []

    /// A world without hosts.
    ///
    /// - Parameters:
    ///   - seed: Where all randomness comes from.
    ///   - conditions: What the network does where nothing else is said.
    ///   - timers: The timer values that the invariants assume.
    public init(seed: UInt64, conditions: LinkConditions = .perfect, timers: TransactionTimers = TransactionTimers()) {
        self.seed = seed
        self.network = SimulatedNetwork(seed: seed, conditions: conditions)
        self.services = SimulatedServices(seed: seed)
        self.ladder = Ladder(seed: seed)
        self.invariants.timers = timers
    }

    // MARK: Time

    /// Lets the next thing happen.
    ///
    /// - Parameter limit: Nothing later than this happens; the clock stops there.
    /// - Returns: `false` when nothing was left to happen up to `limit`.
    @discardableResult
    public func step(until limit: MonotonicInstant = .never) -> Bool {
        var (host, wakeAt) = (-1, MonotonicInstant.never)
        for (number, resident) in self.residents.enumerated() where resident.wakeAt < wakeAt {
            (host, wakeAt) = (number, resident.wakeAt)
        }
        let eventAt = self.events.nextTime ?? .never
        let next = Swift.min(eventAt, wakeAt)
        guard next != .never, next <= limit else {
            if limit != .never { self.now = Swift.max(self.now, limit) }
            return false
        }
        self.idleWakes = next > self.now ? 0 : self.idleWakes + 1
        self.now = Swift.max(self.now, next)
        if eventAt <= wakeAt {
            if let event = self.events.take() { self.happen(event) }
        } else {
            self.perform(as: host) { node, outbox in node.wake(at: self.now, into: &outbox) }
            if self.idleWakes > 100_000 {
                self.note(.restless, host, "woken 100000 times at the same moment")
                self.residents[host].wakeAt = .never
            }
        }
        return true
    }

    /// Lets happen what happens up to a moment.
    public func run(until moment: MonotonicInstant) { while self.step(until: moment) {} }

    /// Lets time pass.
    public func run(for span: TimeSpan) { self.run(until: self.now.advanced(by: span)) }

    /// Runs until nothing is left to happen, or until `limit`.
    public func runToEnd(limit: TimeSpan = .seconds(24 * 3600)) {
        let end = self.now.advanced(by: limit)
        while !self.isAtRest, self.step(until: end) {}
    }

    /// Runs to the end and checks that nothing is left alive and that no rule was broken.
    ///
    /// - Throws: `SimulationFailure`.
    public func end(limit: TimeSpan = .seconds(24 * 3600)) throws(SimulationFailure) {
        self.runToEnd(limit: limit)
        for (number, resident) in self.residents.enumerated() {
            let audit = resident.node.audit()
            if !audit.isClean { self.note(.leftOver, number, audit.description) }
        }
        try self.verify()
    }

    /// Checks that no rule was broken so far.
    ///
    /// - Throws: `SimulationFailure` with the first one.
    public func verify() throws(SimulationFailure) {
        if let first = self.violations.first { throw self.failure(first.description) }
    }

    /// Adds a rule that must hold after every step.
    ///
    /// - Parameter breach: Says what is wrong; `nil` when nothing is.
    public func always(_ breach: @escaping () -> String?) { self.ownRules.append(breach) }

    /// A failure with the seed and the ladder of this world.
    public func failure(_ reason: String) -> SimulationFailure {
        SimulationFailure(reason: reason, seed: self.seed, ladder: self.ladder.description)
    }

    /// Lets something be done when the clock comes to a moment.
    public func at(_ moment: MonotonicInstant, _ action: @escaping () -> Void) {
        self.events.add(.action(action), at: Swift.max(moment, self.now))
    }

    /// Whether nothing is left to happen.
    public var isAtRest: Bool { self.events.isEmpty && self.residents.allSatisfy { $0.wakeAt == .never } }

    // MARK: Events

    /// Enters a node and carries out what it sends and asks.
    func perform(as host: Int, _ body: (any SimulatedNode, inout Outbox) -> Void) {
        let node = self.residents[host].node
        self.outbox.removeAll()
        self.outbox.shard = 0
        body(node, &self.outbox)
        for message in self.outbox.messages {
            self.send(message, Array(self.outbox.octets[message.range.range]), from: host)
        }
        for missing in self.invariants.stepEnded(host) { self.note(.missingACK, host, "no ACK for \(missing)") }
        for question in node.takeQuestions() {
            for due in self.services.ask(question) {
                let event = NetworkEvent.answered(host: host, due.answer, life: self.residents[host].life)
                self.events.add(event, at: self.now.advanced(by: due.after))
            }
        }
        self.residents[host].wakeAt = node.nextWakeUp ?? .never
        for rule in self.ownRules { if let breach = rule() { self.note(.ownRule, host, breach) } }
    }

    private func happen(_ event: NetworkEvent) {
        switch event {
        case .datagram(let packet, let source, let destination, let realm):
            switch self.network.arrive(packet, from: source, to: destination, realm: realm, at: self.now) {
            case .host(let host, let flow): self.deliver(packet, to: host, flow)
            case .fate(let fate):
                self.ladder.lines[packet.line].fate = fate
                if fate == .unreachable, self.network.reportsUnreachable { self.fail(packet) }
            }
        case .message(let packet, let connection, let side):
            let end = self.network.connections[connection].sides[side]
            guard end.isOpen, self.network.hosts[end.host].isUp, !self.network.connections[connection].isSilent else {
                self.ladder.lines[packet.line].fate = .lost
                return
            }
            self.deliver(packet, to: end.host, end.flow)
        case .failed(let packet): self.fail(packet)
        case .closed(let connection, let side):
            let end = self.network.connections[connection].sides[side]
            guard self.network.hosts[end.host].isUp else { return }
            self.perform(as: end.host) { node, outbox in
                node.connectionClosed(end.flow, at: self.now, into: &outbox)
            }
        case .answered(let host, let answer, let life):
            guard self.network.hosts[host].isUp, self.residents[host].life == life else { return }
            self.perform(as: host) { node, outbox in node.answered(answer, at: self.now, into: &outbox) }
        case .action(let action): action()
        }
    }

    private func send(_ message: Outbox.Message, _ octets: [UInt8], from host: Int) {
        let facts = WireFacts(octets, &self.index)
        let line = self.ladder.add(
            facts.label, facts.detail, from: host, octets: self.keepsMessages ? octets : [], at: self.now)
        let flow = message.flow
        let isReliable = flow.transport.isReliable
        if let rule = self.invariants.sent(facts, by: host, isReliable: isReliable, at: self.now) {
            self.note(rule, host, facts.label)
        }
        let listeners = self.network.hosts[host].listeners
        guard Int(flow.endpoint) < listeners.count else {
            self.ladder.lines[line].fate = .unreachable
            return
        }
        let purpose = "\(host) \(flow.remote) \(facts.callID) \(facts.label)"
        let number = self.occurrences[purpose, default: 0]
        self.occurrences[purpose] = number + 1
        let packet = Packet(
            message, octets: octets, facts: facts, sender: host, line: line,
            random: SimulationRandom(seed: self.seed, purpose: purpose, number: number))
        let source = listeners[Int(flow.endpoint)].address
        let fate =
            isReliable
            ? self.network.send(message: packet, from: source, at: self.now, into: &self.events)
            : self.network.send(
                datagram: packet, from: source, to: flow.remote, at: self.now, into: &self.events)
        self.ladder.lines[line].fate = fate
        self.ladder.lines[line].receiver = self.network.host(at: flow, from: host)
    }

    private func deliver(_ packet: Packet, to host: Int, _ flow: Flow) {
        self.ladder.lines[packet.line].receiver = host
        if case .delivered = self.ladder.lines[packet.line].fate {
            self.ladder.lines[packet.line].duplicates += 1
        } else {
            self.ladder.lines[packet.line].fate = .delivered(at: self.now)
        }
        self.invariants.received(
            packet.facts, by: host, isReliable: packet.transport.isReliable, at: self.now)
        self.perform(as: host) { node, outbox in
            let octets = packet.octets
            node.receive(octets.span, over: flow, at: self.now, into: &outbox)
        }
    }

    private func fail(_ packet: Packet) {
        guard self.network.hosts[packet.sender].isUp else { return }
        self.perform(as: packet.sender) { node, outbox in
            node.transportFailed(
                packet.transaction, shard: packet.shard, over: packet.flow, at: self.now, into: &outbox)
        }
    }

    func note(_ rule: Violation.Rule, _ host: Int, _ detail: String) {
        self.violations.append(
            Violation(rule: rule, host: self.network.hosts[host].name, time: self.now, detail: detail))
        self.annotate("\(rule)", host)
    }

    func annotate(_ text: String, _ host: Int) {
        let line = self.ladder.add(text, from: host, isNote: true, at: self.now)
        self.ladder.lines[line].fate = .delivered(at: self.now)
    }

    func nameHost(_ name: String) { self.ladder.hosts.append(name) }
}
