import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

/// Several agents on one network, 10 ms from each other: the first at 192.0.2.101, the next at .102 and so on. They answer
/// at once and do not ring, so that ladders are as brief as those of the RFCs.
final class Company {
    let world: SimulatedWorld
    private(set) var agents: [String: SimulatedAgent] = [:]
    private var mark = 0

    init(
        _ names: String..., conditions: LinkConditions = .delaying(.milliseconds(10)), seed: UInt64 = 1,
        configure: @escaping @Sendable (String, inout AgentConfiguration) -> Void = { _, _ in }
    ) throws {
        self.world = SimulatedWorld(seed: seed, conditions: conditions)
        for (number, name) in names.enumerated() {
            let agent = SimulatedAgent(configure: { configure(name, &$0) })
            agent.behaviour.rings = false
            agent.behaviour.answersAfter = .zero
            self.agents[name] = agent
            let ip = try #require(IPAddress("192.0.2.\(101 + number)"))
            self.world.addHost(name, listening: SimulatedListener.standard(ip), running: agent)
        }
    }

    /// Gives an agent an account whose GRUU leads to it, granted by a registrar of its own.
    func register(_ name: String) throws -> RegistrationHandle {
        let number = self.world.ladder.hosts.count
        let registrar = self.world.peer("registrar \(name)", at: "192.0.2.\(180 + number)")
        let plan = RegistrationPlan(
            NameAddress(try URI("sip:\(name)@example.com")), registrar: try URI("sip:192.0.2.\(180 + number)"))
        let handle = try self.does(name) { $0.register(plan, transactions: &$1, at: $2, into: &$3) }
        let request = try registrar.expects(.register)
        let gruu = "\(try self.uri(name).description);gr=\(name)"
        try registrar.sends(200) { builder in
            builder.remove(.contact)
            guard var contact = request.first(.contact) else { return }
            contact.parameters["expires"] = "86400"
            contact.parameters.append(Parameter("pub-gruu", gruu, isQuoted: true))
            builder.add(.contact, contact)
        }
        self.world.run(for: .milliseconds(100))
        return try #require(handle)
    }

    subscript(name: String) -> SimulatedAgent { self.agents[name] ?? SimulatedAgent() }

    /// Where an agent is.
    func uri(_ name: String) throws -> URI {
        try URI("sip:\(name)@\(self.world.ladder.hosts.firstIndex(of: name).map { "192.0.2.\(101 + $0)" } ?? "")")
    }

    /// Lets an agent do something now.
    @discardableResult
    func does<Result>(
        _ name: String, _ body: (inout Agent, inout TransactionLayer, MonotonicInstant, inout Outbox) -> Result
    ) throws -> Result {
        var result: Result?
        self.world.perform(as: name) { _, outbox in
            result = self[name].does(at: self.world.now, into: &outbox, body)
        }
        return try #require(result)
    }

    /// One calls another; a second passes.
    @discardableResult
    func call(_ caller: String, _ callee: String, _ edit: (inout CallPlan) -> Void = { _ in }) throws -> CallHandle {
        var plan = CallPlan(to: try self.uri(callee), from: NameAddress(try URI("sip:\(caller)@example.com")))
        edit(&plan)
        var handle: CallHandle?
        self.world.perform(as: caller) { _, outbox in
            handle = self[caller].call(plan, at: self.world.now, into: &outbox)
        }
        self.world.run(for: .seconds(1))
        return try #require(handle)
    }

    /// One puts a call on hold, or takes it back; a second passes.
    func hold(_ name: String, _ call: CallHandle, _ isHeld: Bool = true) {
        self.world.perform(as: name) { _, outbox in
            self[name].hold(call, isHeld, at: self.world.now, into: &outbox)
        }
        self.world.run(for: .seconds(1))
    }

    func hangUp(_ name: String, _ call: CallHandle) {
        self.world.perform(as: name) { _, outbox in self[name].hangUp(call, at: self.world.now, into: &outbox) }
    }

    /// One asks the other side of a call to call a third; a second passes.
    @discardableResult
    func transfer(
        _ name: String, _ call: CallHandle, to target: String, _ edit: (inout TransferPlan) -> Void = { _ in }
    ) throws -> TransferHandle {
        var plan = TransferPlan(to: try self.uri(target))
        edit(&plan)
        let handle = try self.does(name) { $0.transfer(call, to: plan, transactions: &$1, at: $2, into: &$3) }
        self.world.run(for: .seconds(1))
        return try #require(handle)
    }

    /// What is on the wire from now on is of interest.
    func begin() { self.mark = self.world.ladder.lines.count }

    /// The messages since `begin`, each as "alice>bob NOTIFY 100 Trying", without numbers.
    var flow: [String] {
        let hosts = self.world.ladder.hosts
        return self.world.ladder.lines.dropFirst(self.mark).filter { !$0.isNote }.map { line in
            let label = line.label.split(separator: " ").dropLast().joined(separator: " ")
            let detail = line.detail.isEmpty ? "" : " (\(line.detail))"
            return "\(hosts[line.sender])>\(line.receiver.map { hosts[$0] } ?? "?") \(label)\(detail)"
        }
    }

    /// Two agents agree about their only common call that stands.
    func expectAgreement(
        _ one: (String, CallHandle), _ other: (String, CallHandle),
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let (a, b) = (self[one.0].sessions[one.1], self[other.0].sessions[other.1])
        #expect(a?.local != nil && a?.local == b?.remote, sourceLocation: sourceLocation)
        #expect(b?.local != nil && b?.local == a?.remote, sourceLocation: sourceLocation)
    }
}

extension SimulatedAgent {
    /// What transfers of ours have come to.
    var transferEnds: [TransferEnd] {
        self.events.compactMap { event in
            guard case .transferDone(_, let end) = event else { return nil }
            return end
        }
    }

    /// What was told of them on the way.
    var transferProgress: [StatusCode] {
        self.events.compactMap { event in
            guard case .transferProgress(_, let status, _) = event else { return nil }
            return status
        }
    }

    /// The INVITEs that came.
    var invitations: [SIPMessage] {
        self.events.compactMap { event in
            guard case .incoming(_, let message) = event else { return nil }
            return message
        }
    }

    /// What was asked of us by REFER.
    var requests: [TransferRequest] {
        self.events.compactMap { event in
            guard case .transferRequested(_, _, let request) = event else { return nil }
            return request
        }
    }

    /// The handles to answer it by.
    var referrals: [ReferralHandle] {
        self.events.compactMap { event in
            guard case .transferRequested(let referral, _, _) = event else { return nil }
            return referral
        }
    }
}
