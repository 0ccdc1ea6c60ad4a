import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("Flows of the handbook that need PRACK and UPDATE (chapters 7 and 10)")
struct HandbookFlowTests {
    @Test("PRACK acknowledges a 183 with its numbers, and has one of its own (handbook 7.2, RFC 3262 §4)")
    func prack() throws {
        let world = SimulatedWorld(seed: 1)
        let alice = SimulatedAgent()
        let ip = try #require(IPAddress("192.0.2.101"))
        world.addHost("alice", listening: SimulatedListener.standard(ip), running: alice)
        let bob = world.peer("bob", at: "192.168.10.20")
        var plan = CallPlan(
            to: try URI("sip:bob@192.168.10.20"), from: NameAddress(try URI("sip:alice@atlanta.com")))
        plan.fields = [.init("Require", "100rel")]
        world.perform(as: "alice") { _, outbox in alice.call(plan, at: world.now, into: &outbox) }
        let invite = try bob.expects(.invite)
        #expect(invite.all(.require) == ["100rel"])
        // The printed 183, with what it lacks: Require and a tag.
        try bob.sends(183) { builder in
            builder.add(named: "Require", "100rel")
            builder.add(named: "RSeq", "813520")
            builder.setBody(Array("bob 1".utf8), type: MediaType("application", "sdp"))
        }
        let prack = try bob.expects(.prack)
        let number = try #require(invite.first(.cseq)?.number)
        #expect(prack.first(.rack) == RAck(813520, CSeq(number, .invite)))
        #expect(prack.first(.cseq) == CSeq(number + 1, .prack))
        #expect(prack.first(.via)?.branch != invite.first(.via)?.branch)
        #expect(prack.all(.contact).isEmpty)
        try bob.sends(200)
        try bob.sends(200, to: .invite)
        try bob.expects(.ack)
        try bob.sends(.bye)
        try bob.expects(200)
        try world.end()
    }

    @Test("A 183 that is lost comes again until its PRACK is there, and is acknowledged once (handbook 7.1)")
    func repeated() throws {
        let stage = try Stage(bob: SimulatedAgent(configure: { $0.reliability = .whenSupported }))
        stage.bob.behaviour.rings = false
        stage.bob.behaviour.hasEarlyMedia = true
        stage.bob.behaviour.answersAfter = .seconds(3)
        stage.bob.behaviour.hangsUpAfter = .seconds(1)
        stage.world.setConditions(.losing(1), from: "bob", to: "alice")
        stage.world.at(MonotonicInstant.start.advanced(by: .milliseconds(300))) {
            stage.world.setConditions(.delaying(.milliseconds(10)), from: "bob", to: "alice")
        }
        try stage.call()
        try stage.world.end()
        let early = stage.flow.prefix { !$0.contains("PRACK") }
        // At 500 ms for itself, and as answer to the INVITE that is sent again then.
        #expect(early.count { $0 == "bob>alice 183 Session Progress INVITE 1" } == 3)
        #expect(stage.flow.count { $0 == "alice>bob PRACK 2" } == 1)
        #expect(stage.flow.count { $0.contains("PRACK") } == 2)
    }

    @Test("Hold before the answer, and back by the other side: the example of RFC 3311 §6 (handbook 10.3)")
    func holdBeforeAnswer() throws {
        let stage = try Stage(bob: SimulatedAgent(configure: { $0.reliability = .whenSupported }))
        stage.bob.behaviour.rings = false
        stage.bob.behaviour.hasEarlyMedia = true
        stage.bob.behaviour.answersAfter = .seconds(3)
        stage.bob.behaviour.hangsUpAfter = .seconds(3)
        let call = try stage.call()
        stage.world.run(for: .seconds(1))
        // Offer 2 of Alice: sendonly.
        stage.perform("alice") { $0.hold(call, at: $1, into: &$2) }
        stage.world.run(for: .seconds(1))
        try stage.expectAgreement()
        #expect(try stage.session(stage.bob).remote == "alice 2 sendonly")
        // Offer 3 of Bob: both ways again.
        stage.alice.held = []
        stage.perform("bob") { $0.modify($0.calls[0], at: $1, into: &$2) }
        stage.world.run(for: .milliseconds(500))
        try stage.expectAgreement()
        #expect(try stage.session(stage.bob).local == "bob 3")
        try stage.world.end()
        #expect(
            stage.flow == [
                "alice>bob INVITE 1", "bob>alice 183 Session Progress INVITE 1", "alice>bob PRACK 2",
                "bob>alice 200 OK PRACK 2", "alice>bob UPDATE 3", "bob>alice 200 OK UPDATE 3", "bob>alice UPDATE 1",
                "alice>bob 200 OK UPDATE 1", "bob>alice 200 OK INVITE 1", "alice>bob ACK 1", "bob>alice BYE 2",
                "alice>bob 200 OK BYE 2",
            ])
        #expect(stage.alice.ends == [.remoteHungUp])
    }

    @Test(
        "Before the first offer has its answer no UPDATE makes another (handbook 10.2, RFC 3311 §5.1)",
        arguments: [true, false])
    func tooEarly(rings: Bool) throws {
        let stage = try Stage()
        stage.bob.behaviour.rings = rings
        stage.bob.behaviour.answersAfter = .seconds(2)
        stage.bob.behaviour.hangsUpAfter = .seconds(2)
        let call = try stage.call()
        stage.world.run(for: .seconds(1))
        stage.perform("alice") { $0.modify(call, at: $1, into: &$2) }
        try stage.world.end()
        #expect(stage.flow.allSatisfy { !$0.contains("UPDATE") })
        // What was wished for is done by re-INVITE as soon as it can be.
        #expect(stage.flow.contains("alice>bob INVITE 2"))
    }
}
