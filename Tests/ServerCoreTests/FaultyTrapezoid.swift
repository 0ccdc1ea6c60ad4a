import AgentCore
import SIPDialogs
import SIPMessages
import SIPSimulation
import ServerCore
import ServerSimulation
import Testing

/// Alice and Bob, real user agents, with a proxy each, over a network whose faults a seed chooses: loss, duplication and
/// reordering of up to three tenths, hosts that are cut off for a while, a proxy that crashes and comes back, and one of
/// both who vanishes for good.
struct FaultyTrapezoid {
    /// What the seed has chosen.
    struct Faults {
        /// The call is answered after this time.
        var answersAfter: TimeSpan
        /// Who hangs up the call once it stands, and when; nobody where one of both vanishes.
        var hangsUp: (caller: Bool, after: TimeSpan)?
        /// Who vanishes for good, and how long after the call began.
        var vanishes: (name: String, after: TimeSpan)?
        /// How long Alice lets it ring before she cancels, as every telephone of ours does: once a provisional response is
        /// there, nothing else ends her wait when the final one is lost for good (RFC 3261 §17.1.1.2).
        var patience: TimeSpan = .seconds(120)
    }

    let seed: UInt64
    let world: SimulatedWorld
    let alice = SimulatedAgent { $0.sessionTimer = SessionTimerPolicy(interval: FaultyTrapezoid.interval) }
    let bob = SimulatedAgent { $0.sessionTimer = SessionTimerPolicy(interval: FaultyTrapezoid.interval) }
    let faults: Faults
    private let callAt: MonotonicInstant

    /// The session interval that both want (RFC 4028 §5), in seconds.
    static let interval: UInt32 = 90
    /// The longest that Alice waits: her patience, and 64*T1 after her CANCEL (RFC 3261 §9.1), or timer B before it
    /// (§17.1.1.2).
    static let longestWait = TimeSpan.seconds(120 + 32 + 32)

    init(seed: UInt64) throws {
        self.seed = seed
        let stage = Stage(seed: seed, .delaying(.milliseconds(10)))
        self.world = stage.world
        stage.server("ss1", at: "192.0.2.111", ["atlanta.example.com"])
        let second = stage.server("ss2", at: Place.proxy, [Place.domain]) { $0.isDurable = true }
        self.world.services.dns.remove(Place.domain)
        self.world.services.dns.add(Place.domain, .address(try #require(IPAddress(Place.proxy))))
        for (agent, name, address) in [(self.alice, "alice", "192.0.2.101"), (self.bob, "bob", "192.0.2.201")] {
            let ip = try #require(IPAddress(address))
            self.world.addHost(name, listening: SimulatedListener.standard(ip), running: agent)
        }
        // A desk of his keeps Bob registered: the agent's own registration would never let the world come to rest.
        let desk = try stage.peer("desk", at: "192.0.2.250", Place.bob)
        try desk.isRegistered(["<sip:bob@192.0.2.201>"])
        self.world.runToEnd()

        var random = SimulationRandom(seed: seed, purpose: "faults")
        var conditions = LinkConditions.poor
        conditions.loss = Double(random.next() % 31) / 100
        conditions.duplication = Double(random.next() % 31) / 100
        conditions.reordering = Double(random.next() % 31) / 100
        conditions.reorderDelay = .milliseconds(Int64(random.next() % 2000))
        self.world.network.conditions = conditions
        self.callAt = self.world.now
        var faults = Faults(answersAfter: random.span(upTo: .seconds(20)))
        if random.chance(0.25) {
            faults.vanishes = (random.chance(0.5) ? "alice" : "bob", random.span(upTo: .seconds(90)))
        } else {
            faults.hangsUp = (random.chance(0.5), random.span(upTo: .seconds(120)))
            if random.chance(0.2) { faults.patience = random.span(upTo: .seconds(25)) }
        }
        self.faults = faults
        self.cutOff(&random)
        self.restart(second, &random)
    }

    /// Cuts one side off for up to a minute, or one host.
    private func cutOff(_ random: inout SimulationRandom) {
        guard random.chance(0.4) else { return }
        let groups = [["alice"], ["bob"], ["ss1"], ["ss2"], ["alice", "ss1"]]
        let group = groups[Int(random.next() % UInt64(groups.count))]
        let start = self.world.now.advanced(by: random.span(upTo: .seconds(30)))
        self.world.partition(group, from: start, until: start.advanced(by: random.span(upTo: .seconds(60))))
    }

    /// Crashes Bob's proxy, which comes back with what it has stored.
    private func restart(_ server: SimulatedServer, _ random: inout SimulationRandom) {
        guard random.chance(0.3) else { return }
        let world = self.world
        // Who is told that nobody listens gives up a request which may arrive nevertheless, later, and owes its answers
        // nothing (§17.1.4): the rule that each is acknowledged holds where nobody is told.
        world.network.reportsUnreachable = false
        let crashAt = world.now.advanced(by: random.span(upTo: .seconds(30)))
        world.at(crashAt) { world.crash("ss2") }
        world.at(crashAt.advanced(by: random.span(upTo: .seconds(10)))) {
            let stored = world.services.stored
            world.restart("ss2", running: server.reborn { stored[$0] != nil })
        }
    }

    /// Runs the call to its end, and says what is wrong; `nil` where nothing is.
    func breach() throws -> String? {
        self.bob.behaviour.answersAfter = self.faults.answersAfter
        if let hangsUp = self.faults.hangsUp {
            (hangsUp.caller ? self.alice : self.bob).behaviour.hangsUpAfter = hangsUp.after
        }
        self.alice.names[Place.domain] = SocketAddress(try #require(IPAddress("192.0.2.111")), 5060)
        var plan = CallPlan(
            to: try URI(Place.bob), from: NameAddress(try URI("sip:alice@atlanta.example.com"), displayName: "Alice"))
        plan.routes = [NameAddress(try URI("sip:192.0.2.111;lr"))]
        var handle: CallHandle?
        self.alice.names["192.0.2.111"] = self.alice.names[Place.domain]
        self.world.perform(as: "alice") { _, outbox in
            handle = self.alice.call(plan, at: self.world.now, into: &outbox)
        }
        guard let call = handle else { return "Alice cannot call" }
        self.world.at(self.callAt.advanced(by: self.faults.patience)) {
            guard self.faults.vanishes?.name != "alice", self.alice.establishedCount == 0 else { return }
            self.world.perform(as: "alice") { _, outbox in
                self.alice.hangUp(call, at: self.world.now, into: &outbox)
            }
        }
        if let vanishes = self.faults.vanishes {
            self.world.at(self.callAt.advanced(by: vanishes.after)) { self.world.crash(vanishes.name) }
        }
        self.world.run(until: self.callAt.advanced(by: Self.longestWait))
        if let wrong = self.wait { return wrong }
        self.runOut()
        return self.wrong
    }

    /// Whether Alice still waits.
    private var wait: String? {
        guard self.faults.vanishes?.name != "alice" else { return nil }
        let knows = self.alice.establishedCount + self.alice.ends.count > 0
        return knows ? nil : "Alice still waits for an answer after \(Self.longestWait.duration)"
    }

    /// Runs until a session timer, set last when the last fault was over, must have ended what nobody has ended.
    private func runOut() {
        let ended = self.faults.vanishes?.after ?? self.faults.hangsUp?.after ?? .zero
        let last = self.callAt.advanced(by: Self.longestWait + ended)
        // The session interval, and the refresh whose failure may tell it (RFC 4028 §10).
        self.world.run(until: last.advanced(by: .seconds(Int64(Self.interval) + 64)))
    }

    private var wrong: String? {
        for (name, agent) in [("alice", self.alice), ("bob", self.bob)] where self.faults.vanishes?.name != name {
            // Kept or released: each call has ended once, and no 2xx stands alone.
            if !agent.playing.isEmpty { return "\(name) still has a session" }
            if agent.ends.count < agent.establishedCount { return "\(name) has not ended a call that stood" }
        }
        if self.faults.vanishes?.name != "alice", self.alice.ends.count != 1 {
            return "Alice's call ended \(self.alice.ends)"
        }
        if let owed = self.unacknowledged { return owed }
        self.world.runToEnd()
        for name in ["alice", "bob", "ss1", "ss2"] where self.faults.vanishes?.name != name {
            var left: String?
            self.world.perform(as: name) { node, _ in
                let audit = node.audit()
                if !audit.isClean { left = "left at \(name): \(audit)" }
            }
            if let left { return left }
        }
        return nil
    }

    /// Whether a 200 to INVITE reached Alice that she did not acknowledge (RFC 3261 §13.2.2.4).
    private var unacknowledged: String? {
        guard self.faults.vanishes?.name != "alice", let host = self.world.ladder.hosts.firstIndex(of: "alice") else {
            return nil
        }
        let answers = self.world.ladder.lines.filter { line in
            guard line.receiver == host, line.label.hasPrefix("200 "), line.label.contains(" INVITE "),
                case .delivered = line.fate
            else { return false }
            return true
        }
        let acknowledgements = self.world.ladder.lines.count { $0.sender == host && $0.label.hasPrefix("ACK ") }
        return answers.isEmpty || acknowledgements > 0 ? nil : "a 200 was not acknowledged"
    }
}
