import AgentCore
import SIPMessages
import SIPSimulation
import Testing

@Suite("What is told of refusals")
struct RefusalTests {
    @Test("Of a refused INVITE the whole response is told, before the end of the call (§8.1.3)")
    func refusedCall() throws {
        let busy = SimulatedAgent(
            {
                var behaviour = SimulatedAgent.Behaviour()
                behaviour.rejects = 486
                return behaviour
            }())
        let stage = try Stage(bob: busy)
        let call = try stage.call()
        try stage.world.end()
        let place = try #require(
            stage.alice.events.firstIndex { event in
                guard case .refused(.call(call), let response) = event else { return false }
                return response.status == 486 && response.first(.to)?.tag != nil
            })
        let end = try #require(stage.alice.events.firstIndex(of: .ended(call, .rejected(486, "Busy Here"))))
        #expect(place < end)
    }
}
