import AgentCore
import SIPDialogs
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("PRACK and UPDATE between two agents (RFC 3262, RFC 3311)")
struct ReliabilityTests {
    private static func reliable() -> SimulatedAgent {
        SimulatedAgent(configure: { $0.reliability = .whenSupported })
    }

    @Test("Early media that is sent reliably brings the answer, and is acknowledged by PRACK (RFC 3262 §5)")
    func reliableEarlyMedia() throws {
        let stage = try Stage(bob: Self.reliable())
        stage.bob.behaviour.rings = false
        stage.bob.behaviour.hasEarlyMedia = true
        stage.bob.behaviour.hangsUpAfter = .seconds(5)
        try stage.call()
        stage.world.run(for: .seconds(1))
        try stage.expectAgreement()
        #expect(stage.alice.establishedCount == 0)
        try stage.world.end()
        #expect(
            stage.flow == [
                "alice>bob INVITE 1", "bob>alice 183 Session Progress INVITE 1", "alice>bob PRACK 2",
                "bob>alice 200 OK PRACK 2", "bob>alice 200 OK INVITE 1", "alice>bob ACK 1", "bob>alice BYE 1",
                "alice>bob 200 OK BYE 1",
            ])
    }

    @Test("Without offer in the INVITE the reliable 180 brings it and the PRACK the answer (RFC 6337, pattern 4)")
    func offerInProvisional() throws {
        let stage = try Stage(bob: Self.reliable())
        stage.bob.behaviour.hangsUpAfter = .seconds(5)
        try stage.call { $0.offers = false }
        stage.world.run(for: .seconds(1))
        try stage.expectAgreement()
        #expect(try stage.session(stage.bob).local == "bob 1")
        #expect(try stage.session(stage.alice).local == "alice 1 to bob 1")
        try stage.world.end()
    }

    @Test("A caller that requires 100rel gets every provisional response reliably, one after the other (RFC 3262 §3)")
    func required() throws {
        let stage = try Stage()
        stage.bob.behaviour.hasEarlyMedia = true
        stage.bob.behaviour.hangsUpAfter = .seconds(5)
        try stage.call { $0.fields = [.init("Require", "100rel")] }
        try stage.world.end()
        #expect(
            stage.flow.prefix(8) == [
                "alice>bob INVITE 1", "bob>alice 180 Ringing INVITE 1", "alice>bob PRACK 2", "bob>alice 200 OK PRACK 2",
                "bob>alice 183 Session Progress INVITE 1", "alice>bob PRACK 3", "bob>alice 200 OK PRACK 3",
                "bob>alice 200 OK INVITE 1",
            ])
    }

    @Test("Without PRACK the INVITE is refused after 64*T1 (RFC 3262 §3)")
    func noPRACK() throws {
        let world = SimulatedWorld(seed: 1)
        let bob = Self.reliable()
        bob.behaviour.answersAfter = nil
        let ip = try #require(IPAddress("192.0.2.201"))
        world.addHost("bob", listening: SimulatedListener.standard(ip), running: bob)
        let alice = world.peer("alice", at: "192.0.2.101")
        try alice.sends(.invite, to: try URI("sip:bob@192.0.2.201")) { builder in
            builder.add(named: "Supported", "100rel")
            builder.setBody(Array("x".utf8), type: MediaType("application", "sdp"))
        }
        let ringing = try alice.expects(180)
        #expect(ringing.all(.require) == ["100rel"])
        #expect(ringing.first(.rseq) != nil)
        world.run(until: MonotonicInstant.start.advanced(by: .milliseconds(31_999)))
        // T1 doubles without limit: 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s.
        #expect(world.ladder.lines.count { $0.label == "180 Ringing INVITE 1" } == 7)
        #expect(bob.ends.isEmpty)
        world.run(for: .milliseconds(2))
        #expect(world.ladder.lines.contains { $0.label == "504 No PRACK INVITE 1" })
        #expect(bob.ends == [.failed("no PRACK came")])
    }

    @Test("Hold before answer: UPDATE changes the session of an early dialog (RFC 3311 §3)")
    func updateInEarlyDialog() throws {
        let stage = try Stage(bob: Self.reliable())
        stage.bob.behaviour.rings = false
        stage.bob.behaviour.hasEarlyMedia = true
        stage.bob.behaviour.answersAfter = .seconds(10)
        stage.bob.behaviour.hangsUpAfter = .seconds(5)
        let call = try stage.call()
        stage.world.run(for: .seconds(2))
        // A leg is chosen only by a 2xx; the change goes to the early dialog there is.
        stage.perform("alice") { $0.modify(call, at: $1, into: &$2) }
        stage.world.run(for: .seconds(1))
        try stage.expectAgreement()
        #expect(try stage.session(stage.alice).local == "alice 2")
        try stage.world.end()
        #expect(stage.flow.contains("alice>bob UPDATE 3"))
        #expect(stage.alice.ends == [.remoteHungUp])
    }

    @Test("A change of an established session is a re-INVITE (RFC 3261 §14.1)")
    func reinvite() throws {
        let stage = try Stage()
        stage.alice.behaviour.modifiesAfter = .seconds(3)
        stage.alice.behaviour.hangsUpAfter = .seconds(9)
        try stage.call()
        stage.world.run(for: .seconds(7))
        try stage.expectAgreement()
        #expect(try stage.session(stage.alice).local == "alice 2")
        try stage.world.end()
        #expect(
            stage.flow.suffix(5) == [
                "alice>bob INVITE 2", "bob>alice 200 OK INVITE 2", "alice>bob ACK 2", "alice>bob BYE 3",
                "bob>alice 200 OK BYE 3",
            ])
    }

    @Test("A change that is refused with 488 leaves the session as it was (RFC 6141 §3.4)")
    func refusedChange() throws {
        let stage = try Stage()
        stage.alice.behaviour.modifiesAfter = .seconds(3)
        stage.alice.behaviour.hangsUpAfter = .seconds(9)
        stage.bob.behaviour.acceptsOffers = false
        try stage.call()
        stage.world.run(for: .seconds(7))
        #expect(try stage.session(stage.alice).local == "alice 1")
        try stage.expectAgreement()
        #expect(
            stage.alice.events.contains {
                guard case .modificationRefused(_, 488) = $0 else { return false }
                return true
            })
        try stage.world.end()
        #expect(stage.alice.ends == [.hungUp])
    }
}

@Suite("Session timers between two agents (RFC 4028)")
struct SessionTimerCallTests {
    private static func agent(interval: UInt32, minimum: UInt32 = 90) -> SimulatedAgent {
        SimulatedAgent(configure: { $0.sessionTimer = SessionTimerPolicy(interval: interval, minimum: minimum) })
    }

    @Test("An interval below the callee's is refused with 422 and asked for anew (RFC 4028 §7.3, §9)")
    func tooSmall() throws {
        let stage = try Stage(alice: Self.agent(interval: 100), bob: Self.agent(interval: 1800, minimum: 600))
        stage.bob.behaviour.hangsUpAfter = .seconds(5)
        try stage.call()
        try stage.world.end()
        #expect(
            stage.flow.prefix(5) == [
                "alice>bob INVITE 1", "bob>alice 422 Session Interval Too Small INVITE 1", "alice>bob ACK 1",
                "alice>bob INVITE 2", "bob>alice 180 Ringing INVITE 2",
            ])
        #expect(stage.alice.establishedCount == 1)
    }

    @Test("The caller refreshes by UPDATE every half interval, and the session lasts (RFC 4028 §10)")
    func refresh() throws {
        let stage = try Stage(alice: Self.agent(interval: 90), bob: Self.agent(interval: 90))
        stage.bob.behaviour.hangsUpAfter = .seconds(600)
        try stage.call()
        try stage.world.end()
        // 45 s apart, the first 45 s after the 200: 13 of them in 600 s.
        #expect(stage.flow.count { $0.hasPrefix("alice>bob UPDATE") } == 13)
        #expect(stage.alice.ends == [.remoteHungUp])
        try stage.expectAgreement()
    }

    @Test("A caller that is cut off is missed: the callee sends BYE before the interval is over (RFC 4028 §10)")
    func expiry() throws {
        let stage = try Stage(alice: Self.agent(interval: 90), bob: Self.agent(interval: 90))
        try stage.call()
        stage.world.run(for: .seconds(10))
        stage.world.partition(["alice"], from: stage.world.now)
        try stage.world.end()
        #expect(stage.bob.ends == [.sessionExpired])
        #expect(stage.alice.ends == [.timedOut])
    }
}
