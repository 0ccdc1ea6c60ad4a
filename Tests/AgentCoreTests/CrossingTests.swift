import AgentCore
import SIPDialogs
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("Messages that cross, ladder by ladder (RFC 5407 §3)")
struct CrossingTests {
    typealias Scene = RaceTests.Scene

    /// Two agents that talk, 50 ms from each other, and what they do from then on.
    private static func talking(
        alice: SimulatedAgent = SimulatedAgent(), bob: SimulatedAgent = SimulatedAgent()
    ) throws -> (stage: Stage, call: CallHandle) {
        let stage = try Stage(conditions: .delaying(.milliseconds(50)), alice: alice, bob: bob)
        stage.bob.behaviour.rings = false
        stage.bob.behaviour.answersAfter = .zero
        let call = try stage.call()
        stage.world.run(for: .seconds(1))
        #expect(stage.flow == ["alice>bob INVITE 1", "bob>alice 200 OK INVITE 1", "alice>bob ACK 1"])
        return (stage, call)
    }

    /// Two agents of which Alice has sent an ACK that was lost, 20 ms after the 200 was sent again.
    private static func withoutACK(offers: Bool) throws -> (stage: Stage, call: CallHandle) {
        let stage = try Stage(conditions: .delaying(.milliseconds(50)))
        stage.bob.behaviour.answersAfter = .zero
        let call = try stage.call { $0.offers = offers }
        stage.world.run(until: MonotonicInstant.start.advanced(by: .milliseconds(90)))
        stage.world.setConditions(.losing(1), from: "alice", to: "bob")
        stage.world.run(until: MonotonicInstant.start.advanced(by: .milliseconds(200)))
        stage.world.setConditions(.delaying(.milliseconds(50)), from: "alice", to: "bob")
        stage.world.run(until: MonotonicInstant.start.advanced(by: .milliseconds(570)))
        #expect(
            stage.flow == [
                "alice>bob INVITE 1", "bob>alice 180 Ringing INVITE 1", "bob>alice 200 OK INVITE 1",
                "alice>bob ACK 1", "bob>alice 200 OK INVITE 1",
            ])
        return (stage, call)
    }

    private static func end(_ stage: Stage, _ call: CallHandle) throws {
        stage.perform("alice") { $0.hangUp(call, at: $1, into: &$2) }
        try stage.world.end()
    }

    // MARK: In the Moratorium state

    @Test("A re-INVITE crosses the 200 whose ACK was lost: it is answered, and the late ACK is taken (§3.1.4)")
    func reinviteCrossesSuccess() throws {
        let (stage, call) = try Self.withoutACK(offers: true)
        stage.perform("alice") { $0.modify(call, at: $1, into: &$2) }
        stage.world.run(for: .seconds(5))
        #expect(
            stage.flow.dropFirst(5) == [
                "alice>bob INVITE 2", "alice>bob ACK 1", "bob>alice 200 OK INVITE 2", "alice>bob ACK 2",
            ])
        try stage.expectAgreement()
        #expect(try stage.session(stage.alice).local == "alice 2")
        try Self.end(stage, call)
    }

    @Test(
        "A re-INVITE crosses the 200 with an offer whose ACK was lost: 491, the answer is taken, it is made again (§3.1.5)"
    )
    func reinviteCrossesOffer() throws {
        let (stage, call) = try Self.withoutACK(offers: false)
        stage.perform("alice") { $0.modify(call, at: $1, into: &$2) }
        stage.world.run(for: .seconds(1))
        #expect(try stage.session(stage.bob).remote == "alice 1 to bob 1")
        stage.world.run(for: .seconds(5))
        #expect(
            stage.flow.dropFirst(5) == [
                "alice>bob INVITE 2", "alice>bob ACK 1", "bob>alice 491 Request Pending INVITE 2", "alice>bob ACK 2",
                "alice>bob INVITE 3", "bob>alice 200 OK INVITE 3", "alice>bob ACK 3",
            ])
        try stage.expectAgreement()
        try Self.end(stage, call)
    }

    @Test("The same goes for an UPDATE with an offer (§3.1.5)")
    func updateCrossesOffer() throws {
        let scene = try Scene()
        try scene.invite(offers: false)
        try scene.alice.expects(200)
        try scene.alice.sends(.update) { Scene.offer(2, in: &$0) }
        try scene.alice.expects(491, for: .update)
        try scene.alice.sends(.ack) { Scene.offer(1, in: &$0) }
        scene.world.run(for: .milliseconds(1))
        #expect(scene.bob.sessions.values.first?.remote == "alice 1")
        try scene.alice.sends(.update) { Scene.offer(2, in: &$0) }
        try scene.alice.expects(200, for: .update)
        #expect(scene.bob.sessions.values.first?.remote == "alice 2")
        try scene.alice.sends(.bye)
        try scene.alice.expects(200)
        try scene.world.end()
    }

    @Test("The 200 with an offer has crossed a BYE: the ACK with the answer that comes later begins nothing (§3.1.6)")
    func answerAfterBYE() throws {
        let (stage, call) = try Self.withoutACK(offers: false)
        stage.perform("alice") { $0.hangUp(call, at: $1, into: &$2) }
        try stage.world.end()
        #expect(stage.flow.dropFirst(5) == ["alice>bob BYE 2", "alice>bob ACK 1", "bob>alice 200 OK BYE 2"])
        #expect(!stage.bob.startsMedia && stage.bob.ends == [.remoteHungUp])
    }

    // MARK: In the Mortal state

    @Test("BYE crosses BYE: each is answered with 200 (§3.2.1)")
    func byeCrossesBYE() throws {
        let (stage, call) = try Self.talking()
        let other = stage.bob.calls[0]
        stage.perform("alice") { $0.hangUp(call, at: $1, into: &$2) }
        stage.perform("bob") { $0.hangUp(other, at: $1, into: &$2) }
        try stage.world.end()
        #expect(
            stage.flow.dropFirst(3) == [
                "alice>bob BYE 2", "bob>alice BYE 1", "bob>alice 200 OK BYE 2", "alice>bob 200 OK BYE 1",
            ])
        #expect(stage.alice.ends == [.hungUp] && stage.bob.ends == [.hungUp])
    }

    @Test("BYE crosses a re-INVITE: 200 to the one, 481 to the other, which is acknowledged (§3.2.2)")
    func byeCrossesReinvite() throws {
        let (stage, call) = try Self.talking()
        let other = stage.bob.calls[0]
        stage.perform("alice") { $0.hangUp(call, at: $1, into: &$2) }
        stage.perform("bob") { $0.modify(other, at: $1, into: &$2) }
        try stage.world.end()
        #expect(
            stage.flow.dropFirst(3) == [
                "alice>bob BYE 2", "bob>alice INVITE 1", "bob>alice 200 OK BYE 2",
                "alice>bob 481 Call/Transaction Does Not Exist INVITE 1", "bob>alice ACK 1",
            ])
        #expect(stage.alice.ends == [.hungUp] && stage.bob.ends == [.remoteHungUp])
    }

    @Test(
        "BYE of the callee crosses the ACK, which is sent though the media has no answer yet (§3.2.4)",
        arguments: [true, false], [TimeSpan.zero, .seconds(1)])
    func byeCrossesACK(offers: Bool, describing: TimeSpan) throws {
        let (world, alice, bob) = try Stage.calling(conditions: .delaying(.milliseconds(50))) { $0.offers = offers }
        try bob.expects(.invite)
        alice.behaviour.describesAfter = describing
        try bob.sends(180)
        try bob.sends(200) { $0.setBody(Array("bob 1".utf8), type: MediaType("application", "sdp")) }
        // A callee ought to wait for the ACK (RFC 3261 §15); this one does not.
        world.permitsViolations(by: "bob")
        try bob.sends(.bye)
        if !offers && describing > .zero {
            try bob.expects(200, for: .bye)
            #expect(try bob.expects(.ack).body.isEmpty)
        } else {
            try bob.expects(.ack)
            try bob.expects(200, for: .bye)
        }
        try world.end()
        #expect(alice.ends == [.remoteHungUp])
        #expect(alice.playing.isEmpty)
    }

    @Test("Who hangs up while the media thinks about the ACK sends it before the BYE (RFC 3261 §13.2.2.4)")
    func byeBeforeAnswer() throws {
        let stage = try Stage(conditions: .delaying(.milliseconds(50)))
        stage.bob.behaviour.answersAfter = .zero
        stage.alice.behaviour.describesAfter = .seconds(1)
        let call = try stage.call { $0.offers = false }
        stage.world.run(for: .milliseconds(300))
        try Self.end(stage, call)
        #expect(
            stage.flow == [
                "alice>bob INVITE 1", "bob>alice 180 Ringing INVITE 1", "bob>alice 200 OK INVITE 1",
                "alice>bob ACK 1", "alice>bob BYE 2",
                // Bob ends a call without answer by himself.
                "bob>alice BYE 1", "bob>alice 200 OK BYE 2", "alice>bob 200 OK BYE 1",
            ])
        #expect(stage.alice.ends == [.hungUp])
    }

    @Test("The answer in an ACK that comes after the callee has hung up is ignored (§3.2.4)")
    func answerIsIgnored() throws {
        let scene = try Scene()
        try scene.invite(offers: false)
        try scene.alice.expects(200)
        let call = try scene.call
        scene.bobDoes { $0.hangUp(call, at: $1, into: &$2) }
        try scene.alice.sends(.ack) { Scene.offer(1, in: &$0) }
        try scene.alice.expects(.bye)
        try scene.alice.sends(200)
        try scene.world.end()
        #expect(!scene.bob.startsMedia && scene.bob.ends == [.hungUp])
    }

    @Test(
        "A re-INVITE that overtakes the ACK after the callee has hung up gets 481, and the BYE follows the ACK (§3.2.2)"
    )
    func reinviteAfterHangingUp() throws {
        let scene = try Scene()
        try scene.invite()
        try scene.alice.expects(200)
        let call = try scene.call
        scene.bobDoes { $0.hangUp(call, at: $1, into: &$2) }
        let told = scene.bob.events.count
        try scene.alice.sends(.invite) { Scene.offer(2, in: &$0) }
        try scene.alice.expects(481, for: .invite)
        #expect(scene.bob.events.count == told)
        try scene.alice.sends(.ack) { $0.set(.cseq, CSeq(1, .ack)) }
        try scene.alice.expects(.bye)
        try scene.alice.sends(200)
        scene.world.run(for: .seconds(1))
        #expect(scene.bob.ends == [.hungUp])
    }

    // MARK: Others

    @Test(
        "re-INVITE crosses re-INVITE: who did not make the Call-ID is first, who made it waits 2.1 to 4 s (§3.3.1)",
        arguments: 1...10)
    func reinviteCrossesReinvite(seed: Int) throws {
        let stage = try Stage(seed: UInt64(seed), conditions: .delaying(.milliseconds(50)))
        stage.bob.behaviour.rings = false
        stage.bob.behaviour.answersAfter = .zero
        let call = try stage.call()
        stage.world.run(for: .seconds(1))
        let other = stage.bob.calls[0]
        let begin = stage.world.now
        stage.perform("alice") { $0.modify(call, at: $1, into: &$2) }
        stage.perform("bob") { $0.modify(other, at: $1, into: &$2) }
        stage.world.run(for: .seconds(6))
        #expect(
            stage.flow.dropFirst(3) == [
                "alice>bob INVITE 2", "bob>alice INVITE 1",
                "bob>alice 491 Request Pending INVITE 2", "alice>bob 491 Request Pending INVITE 1",
                "alice>bob ACK 2", "bob>alice ACK 1",
                "bob>alice INVITE 2", "alice>bob 200 OK INVITE 2", "bob>alice ACK 2",
                "alice>bob INVITE 3", "bob>alice 200 OK INVITE 3", "alice>bob ACK 3",
            ])
        // The 491 came after 100 ms.
        func wait(_ line: Int) -> TimeSpan {
            stage.world.ladder.lines[line].time.since(begin.advanced(by: .milliseconds(100)))
        }
        #expect(wait(9) >= .zero && wait(9) <= .seconds(2))
        #expect(wait(12) >= .milliseconds(2100) && wait(12) <= .milliseconds(4150))
        try stage.expectAgreement()
        try Self.end(stage, call)
    }

    @Test(
        "UPDATE with an offer crosses a re-INVITE: both get 491, and both are made again one after the other (§3.3.2)")
    func updateCrossesReinvite() throws {
        let scene = try Scene()
        try scene.invite()
        try scene.alice.expects(200)
        try scene.alice.sends(.ack)
        scene.world.run(for: .milliseconds(10))
        scene.world.setConditions(.delaying(.milliseconds(50)), between: "alice", and: "bob")
        let call = try scene.call
        try scene.alice.sends(.update) { Scene.offer(2, in: &$0) }
        scene.bobDoes { $0.modify(call, at: $1, into: &$2) }
        try scene.alice.expects(.invite)
        try scene.alice.sends(491)
        try scene.alice.expects(491, for: .update)
        try scene.alice.expects(.ack)
        try scene.alice.expects(.invite)
        try scene.alice.sends(200) { Scene.offer(3, in: &$0) }
        try scene.alice.expects(.ack)
        scene.world.run(for: .seconds(2))
        try scene.alice.sends(.update) { Scene.offer(4, in: &$0) }
        try scene.alice.expects(200, for: .update)
        let flow = scene.world.ladder.lines.map(\.label)
        #expect(
            flow.dropFirst(3) == [
                "UPDATE 2", "INVITE 1", "491 Request Pending UPDATE 2", "491 Request Pending INVITE 1", "ACK 1",
                "INVITE 2", "200 OK INVITE 2", "ACK 2", "UPDATE 3", "200 OK UPDATE 3",
            ])
        #expect(scene.bob.sessions.values.first?.remote == "alice 4")
        try scene.alice.sends(.bye)
        try scene.alice.expects(200)
        try scene.world.end()
    }

    @Test("UPDATE without an offer, for the session timer, crosses a re-INVITE: both get 200 (§3.3.2)")
    func refreshCrossesReinvite() throws {
        func agent() -> SimulatedAgent {
            SimulatedAgent(configure: { $0.sessionTimer = SessionTimerPolicy(interval: 90, minimum: 90) })
        }
        let (stage, call) = try Self.talking(alice: agent(), bob: agent())
        let other = stage.bob.calls[0]
        // Alice has the 200 at 100 ms, and refreshes 45 s later.
        stage.world.run(until: MonotonicInstant.start.advanced(by: .milliseconds(45_120)))
        stage.perform("bob") { $0.modify(other, at: $1, into: &$2) }
        stage.world.run(for: .seconds(1))
        #expect(
            stage.flow.dropFirst(3) == [
                "alice>bob UPDATE 2", "bob>alice INVITE 1", "bob>alice 200 OK UPDATE 2", "alice>bob 200 OK INVITE 1",
                "bob>alice ACK 1",
            ])
        try stage.expectAgreement()
        try Self.end(stage, call)
    }

    @Test("UPDATE crosses UPDATE in an early dialog: with offers both get 491 and are made again (§3.3.2)")
    func updateCrossesUpdate() throws {
        let stage = try Stage(
            conditions: .delaying(.milliseconds(50)),
            bob: SimulatedAgent(configure: { $0.reliability = .whenSupported }))
        stage.bob.behaviour.rings = false
        stage.bob.behaviour.hasEarlyMedia = true
        stage.bob.behaviour.answersAfter = .seconds(20)
        let call = try stage.call()
        stage.world.run(for: .seconds(1))
        let other = stage.bob.calls[0]
        let before = stage.flow.count
        stage.perform("alice") { $0.modify(call, at: $1, into: &$2) }
        stage.perform("bob") { $0.modify(other, at: $1, into: &$2) }
        stage.world.run(for: .seconds(6))
        #expect(
            stage.flow.dropFirst(before) == [
                "alice>bob UPDATE 3", "bob>alice UPDATE 1",
                "bob>alice 491 Request Pending UPDATE 3", "alice>bob 491 Request Pending UPDATE 1",
                "bob>alice UPDATE 2", "alice>bob 200 OK UPDATE 2",
                "alice>bob UPDATE 4", "bob>alice 200 OK UPDATE 4",
            ])
        try stage.expectAgreement()
        stage.world.run(for: .seconds(20))
        #expect(stage.alice.establishedCount == 1)
        try Self.end(stage, call)
    }
}

extension SimulatedAgent {
    /// Whether media was ever told to start.
    fileprivate var startsMedia: Bool {
        self.events.contains {
            guard case .mediaStart = $0 else { return false }
            return true
        }
    }
}
