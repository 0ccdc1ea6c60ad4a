import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("Many calls at a time")
struct ScaleTests {
    @Test("A thousand calls overlap, and nothing of them is left")
    func thousandCalls() throws {
        let stage = try Stage()
        stage.bob.behaviour.answersAfter = .milliseconds(700)
        stage.alice.behaviour.hangsUpAfter = .seconds(20)
        for number in 0..<1000 {
            stage.world.at(MonotonicInstant.start.advanced(by: .milliseconds(Int64(number) * 3))) {
                stage.perform("alice") { agent, now, outbox in
                    if let plan = try? Stage.plan() { agent.call(plan, at: now, into: &outbox) }
                }
            }
        }
        try stage.world.end()
        #expect(stage.alice.ends == [CallEnd](repeating: .hungUp, count: 1000))
        #expect(stage.bob.ends == [CallEnd](repeating: .remoteHungUp, count: 1000))
    }

    @Test("Beyond the limit a call is refused with 486 (RFC 3261 §21.4.24)")
    func limit() throws {
        let stage = try Stage(bob: SimulatedAgent(configure: { $0.maximumCalls = 2 }))
        stage.alice.behaviour.hangsUpAfter = .seconds(5)
        for _ in 0..<3 { try stage.call() }
        try stage.world.end()
        #expect(stage.alice.ends.contains(.rejected(486, "Too Many Calls")))
        #expect(stage.alice.establishedCount == 2)
    }
}
