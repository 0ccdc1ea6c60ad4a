import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("Transfers over a network that loses, doubles and reorders")
struct TransferLossTests {
    /// A scene of one seed: Alice talks to Bob, asks Carol too or not, and transfers; anybody may hang up at any time.
    private static func play(_ seed: Int) throws -> Company {
        var random = SimulationRandom(seed: UInt64(seed), purpose: "transfers")
        let company = try Company("alice", "bob", "carol", conditions: .poor, seed: UInt64(seed))
        for name in ["alice", "bob", "carol"] {
            company[name].behaviour.rings = random.chance(0.5)
            company[name].behaviour.answersAfter = .milliseconds(Int64(random.next() % 3000))
            company[name].behaviour.describesAfter = .milliseconds(Int64(random.next() % 200))
        }
        if random.chance(0.1) { company["bob"].behaviour.transfers = .refuse(603) }
        if random.chance(0.1) { company["bob"].behaviour.transfers = .wait }
        if random.chance(0.1) { company["carol"].behaviour.rejects = 486 }
        try company.call("bob", "alice")
        company.world.run(for: .seconds(20))
        guard let call = company["alice"].calls.first else { return company }
        let isAttended = random.chance(0.5)
        let target = isAttended ? try company.call("alice", "carol") : call
        company.world.run(for: .milliseconds(Int64(random.next() % 10_000)))
        var plan = TransferPlan(to: try company.uri("carol"))
        if random.chance(0.3) { plan.reports = random.chance(0.5) ? .subscribed : .unwanted }
        let handle = try company.does("alice") { agent, layer, now, outbox in
            isAttended
                ? agent.transfer(call, to: target, transactions: &layer, at: now, into: &outbox)
                : agent.transfer(call, to: plan, transactions: &layer, at: now, into: &outbox)
        }
        if handle != nil, random.chance(0.3) {
            company.world.run(for: .milliseconds(Int64(random.next() % 2000)))
            company.hangUp("alice", call)
        }
        company.world.run(for: .milliseconds(Int64(random.next() % 60_000)))
        for name in ["alice", "bob", "carol"].shuffled(using: &random) {
            for call in company[name].calls { company.hangUp(name, call) }
            company.world.run(for: .milliseconds(Int64(random.next() % 1000)))
        }
        company.world.run(for: .seconds(1))
        for name in ["alice", "bob", "carol"] { for call in company[name].calls { company.hangUp(name, call) } }
        #expect(company["alice"].transferEnds.count <= (handle == nil ? 0 : 1))
        try company.world.end()
        #expect(company["alice"].transferEnds.count == (handle == nil ? 0 : 1))
        return company
    }

    @Test("Whatever is lost, each transfer ends once, and no dialog, subscription or timer is left", arguments: 0..<200)
    func poorNetwork(seed: Int) throws {
        let company = try Self.play(seed)
        for name in ["alice", "bob", "carol"] {
            let told = company[name].events.compactMap { event -> CallHandle? in
                guard case .ended(let call, _) = event else { return nil }
                return call
            }
            #expect(Set(told).count == told.count)
        }
    }
}
