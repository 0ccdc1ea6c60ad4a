import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("Calls over a network that loses, doubles and reorders")
struct LossTests {
    /// The link of `.poor`: a fifth lost, a tenth doubled, a tenth held up.
    @Test("Whatever is lost, both sides end, agree while the call stands, and leave nothing behind", arguments: 0..<200)
    func poorNetwork(seed: Int) throws {
        var random = SimulationRandom(seed: UInt64(seed), purpose: "behaviour")
        let stage = try Stage(seed: UInt64(seed), conditions: .poor)
        for agent in [stage.alice, stage.bob] {
            agent.behaviour.hangsUpAfter = .milliseconds(Int64(random.next() % 60_000))
            agent.behaviour.modifiesAfter = random.chance(0.5) ? .milliseconds(Int64(random.next() % 30_000)) : nil
            agent.behaviour.describesAfter = .milliseconds(Int64(random.next() % 400))
        }
        stage.bob.behaviour.hasEarlyMedia = random.chance(0.5)
        stage.bob.behaviour.answersAfter = .milliseconds(Int64(random.next() % 20_000))
        let offers = random.chance(0.7)
        let isChanged = stage.alice.behaviour.modifiesAfter != nil || stage.bob.behaviour.modifiesAfter != nil
        let call = try stage.call { $0.offers = offers }
        if random.chance(0.3) {
            let moment = MonotonicInstant.start.advanced(by: .milliseconds(Int64(random.next() % 25_000)))
            stage.world.at(moment) { stage.perform("alice") { $0.hangUp(call, at: $1, into: &$2) } }
        }
        try stage.world.end()
        #expect(stage.alice.ends.count == 1)
        #expect(stage.bob.ends.count <= 1)
        #expect(stage.alice.establishedCount <= 1 && stage.bob.establishedCount <= 1)
        // A change that BYE cuts off may be known to one side only.
        guard stage.alice.establishedCount == 1, !isChanged else { return }
        #expect(stage.bob.establishedCount == 1)
        let (alice, bob) = (try stage.session(stage.alice), try stage.session(stage.bob))
        #expect(alice.local == bob.remote || bob.remote == nil)
        #expect(alice.remote == bob.local)
    }
}
