import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

/// Two agents and the network between them: Alice at 192.0.2.101, Bob at 192.0.2.201.
final class Stage {
    let world: SimulatedWorld
    let alice: SimulatedAgent
    let bob: SimulatedAgent

    init(
        seed: UInt64 = 1, conditions: LinkConditions = .delaying(.milliseconds(10)),
        alice: SimulatedAgent = SimulatedAgent(), bob: SimulatedAgent = SimulatedAgent()
    ) throws {
        self.world = SimulatedWorld(seed: seed, conditions: conditions)
        (self.alice, self.bob) = (alice, bob)
        try self.add(alice, "alice", at: "192.0.2.101")
        try self.add(bob, "bob", at: "192.0.2.201")
    }

    func add(_ agent: SimulatedAgent, _ name: String, at address: String) throws {
        let ip = try #require(IPAddress(address))
        self.world.addHost(name, listening: SimulatedListener.standard(ip), running: agent)
    }

    /// The plan of a call from Alice to Bob.
    static func plan(_ edit: (inout CallPlan) -> Void = { _ in }) throws -> CallPlan {
        var plan = CallPlan(
            to: try URI("sip:bob@192.0.2.201"),
            from: NameAddress(try URI("sip:alice@atlanta.example.com"), displayName: "Alice"))
        edit(&plan)
        return plan
    }

    /// Alice, an agent, calls Bob, a peer who does as the test says.
    static func calling(
        conditions: LinkConditions = .perfect, _ edit: (inout CallPlan) -> Void = { _ in }
    ) throws -> (world: SimulatedWorld, alice: SimulatedAgent, bob: ScriptedPeer) {
        let world = SimulatedWorld(seed: 1, conditions: conditions)
        let alice = SimulatedAgent()
        let ip = try #require(IPAddress("192.0.2.101"))
        world.addHost("alice", listening: SimulatedListener.standard(ip), running: alice)
        let bob = world.peer("bob", at: "192.0.2.201")
        let plan = try Self.plan(edit)
        world.perform(as: "alice") { _, outbox in alice.call(plan, at: world.now, into: &outbox) }
        return (world, alice, bob)
    }

    /// Alice calls Bob.
    @discardableResult
    func call(_ edit: (inout CallPlan) -> Void = { _ in }) throws -> CallHandle {
        let plan = try Self.plan(edit)
        var handle: CallHandle?
        self.world.perform(as: "alice") { _, outbox in
            handle = self.alice.call(plan, at: self.world.now, into: &outbox)
        }
        return try #require(handle)
    }

    /// Lets an agent do something now.
    func perform(_ name: String, _ body: (SimulatedAgent, MonotonicInstant, inout Outbox) -> Void) {
        let agent = name == "alice" ? self.alice : self.bob
        self.world.perform(as: name) { _, outbox in body(agent, self.world.now, &outbox) }
    }

    /// The only session of an agent.
    func session(_ agent: SimulatedAgent) throws -> SimulatedAgent.Session {
        #expect(agent.sessions.count == 1)
        return try #require(agent.sessions.values.first)
    }

    /// Both sides agree on the same two descriptions.
    func expectAgreement(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let (alice, bob) = (try self.session(self.alice), try self.session(self.bob))
        #expect(alice.local == bob.remote, sourceLocation: sourceLocation)
        #expect(bob.local == alice.remote, sourceLocation: sourceLocation)
        #expect(alice.local != nil && bob.local != nil, sourceLocation: sourceLocation)
    }

    /// The messages on the wire, each as "alice>bob INVITE 1".
    var flow: [String] {
        let hosts = self.world.ladder.hosts
        return self.world.ladder.lines.filter { !$0.isNote }.map { line in
            "\(hosts[line.sender])>\(line.receiver.map { hosts[$0] } ?? "?") \(line.label)"
        }
    }
}
