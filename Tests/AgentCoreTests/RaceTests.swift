import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("Races (RFC 5407)")
struct RaceTests {
    /// An agent Bob and a peer Alice who does as the test says.
    struct Scene {
        let world = SimulatedWorld(seed: 1)
        let bob = SimulatedAgent()
        let alice: ScriptedPeer

        init() throws {
            let ip = try #require(IPAddress("192.0.2.201"))
            self.world.addHost("bob", listening: SimulatedListener.standard(ip), running: self.bob)
            self.alice = self.world.peer("alice", at: "192.0.2.101")
            self.bob.behaviour.rings = false
            self.bob.behaviour.answersAfter = .zero
        }

        func invite(offers: Bool = true) throws {
            try self.alice.sends(.invite, to: try URI("sip:bob@192.0.2.201")) { builder in
                if offers { Self.offer(1, in: &builder) }
            }
        }

        static func offer(_ number: Int, in builder: inout MessageBuilder) {
            builder.setBody(Array("alice \(number)".utf8), type: MediaType("application", "sdp"))
        }

        var call: CallHandle {
            get throws {
                let handles = self.bob.events.compactMap { event -> CallHandle? in
                    guard case .incoming(let call, _) = event else { return nil }
                    return call
                }
                return try #require(handles.first)
            }
        }

        func bobDoes(_ body: (SimulatedAgent, MonotonicInstant, inout Outbox) -> Void) {
            self.world.perform(as: "bob") { _, outbox in body(self.bob, self.world.now, &outbox) }
        }
    }

    @Test("CANCEL crosses the 200: it is answered, and the call stands until BYE (§3.1.2)")
    func cancelCrossesSuccess() throws {
        let stage = try Stage(conditions: .delaying(.milliseconds(50)))
        stage.bob.behaviour.answersAfter = .seconds(2)
        let call = try stage.call()
        // The 200 leaves at 2050 ms and arrives at 2100.
        stage.world.run(until: MonotonicInstant.start.advanced(by: .milliseconds(2080)))
        stage.perform("alice") { $0.hangUp(call, at: $1, into: &$2) }
        try stage.world.end()
        #expect(
            stage.flow.suffix(6) == [
                "bob>alice 200 OK INVITE 1", "alice>bob CANCEL 1", "alice>bob ACK 1", "alice>bob BYE 2",
                "bob>alice 200 OK CANCEL 1", "bob>alice 200 OK BYE 2",
            ])
        #expect(stage.alice.ends == [.hungUp])
        #expect(stage.bob.ends == [.remoteHungUp])
    }

    @Test("A retransmitted 200 is acknowledged each time with the same ACK (§2, RFC 3261 §13.2.2.4)")
    func retransmittedSuccess() throws {
        let (world, alice, bob) = try Stage.calling()
        let invite = try bob.expects(.invite)
        world.setConditions(.losing(1), from: "alice", to: "bob")
        try bob.sends(200) { $0.setBody(Array("bob 1".utf8), type: MediaType("application", "sdp")) }
        world.run(for: .seconds(2))
        world.setConditions(.perfect, from: "alice", to: "bob")
        let ack = try bob.expects(.ack)
        #expect(ack.first(.cseq)?.number == invite.first(.cseq)?.number)
        let sent = world.ladder.lines.filter { $0.label == "ACK 1" }
        #expect(sent.count == 4)
        try bob.sends(.bye)
        try bob.expects(200)
        try world.end()
        #expect(alice.ends == [.remoteHungUp])
    }

    @Test("Without ACK the callee sends BYE after 64*T1 (RFC 3261 §13.3.1.4)")
    func missingACK() throws {
        let scene = try Scene()
        try scene.invite()
        try scene.alice.expects(200)
        try scene.alice.expects(.bye)
        try scene.alice.sends(200)
        #expect(scene.world.now == MonotonicInstant.start.advanced(by: .seconds(32)))
        #expect(scene.bob.ends == [.unacknowledged])
    }

    @Test("The callee hangs up before the ACK is there: its BYE waits for it (RFC 3261 §15)")
    func byeWaitsForACK() throws {
        let scene = try Scene()
        try scene.invite()
        try scene.alice.expects(200)
        let call = try scene.call
        scene.bobDoes { $0.hangUp(call, at: $1, into: &$2) }
        scene.world.run(for: .milliseconds(200))
        #expect(scene.world.ladder.lines.allSatisfy { !$0.label.hasPrefix("BYE") })
        try scene.alice.sends(.ack)
        try scene.alice.expects(.bye)
        try scene.alice.sends(200)
        try scene.world.end()
        #expect(scene.bob.ends == [.hungUp])
    }

    @Test("A re-INVITE overtakes the ACK: it is answered with 200 (§3.1.4)")
    func reinviteOvertakesACK() throws {
        let scene = try Scene()
        try scene.invite()
        try scene.alice.expects(200)
        try scene.alice.sends(.invite) { Scene.offer(2, in: &$0) }
        try scene.alice.expects(200)
        try scene.alice.sends(.ack)
        try scene.alice.sends(.bye)
        try scene.alice.expects(200)
        try scene.world.end()
        #expect(scene.bob.sessions.values.first?.remote == "alice 2")
    }

    @Test("A re-INVITE overtakes the ACK that answers our offer: 491 (§3.1.5)")
    func reinviteOvertakesAnswer() throws {
        let scene = try Scene()
        try scene.invite(offers: false)
        try scene.alice.expects(200)
        try scene.alice.sends(.invite) { Scene.offer(2, in: &$0) }
        try scene.alice.expects(491)
    }

    @Test("Two re-INVITEs cross: both get 491, and both changes are made in the end (§3.3.1)", arguments: 0..<20)
    func crossingReinvites(seed: Int) throws {
        let stage = try Stage(seed: UInt64(seed))
        stage.alice.behaviour.modifiesAfter = .seconds(5)
        // The callee's clock starts when its 200 leaves, 10 ms before it arrives.
        stage.bob.behaviour.modifiesAfter = .milliseconds(5010)
        stage.alice.behaviour.hangsUpAfter = .seconds(30)
        try stage.call()
        stage.world.run(for: .seconds(25))
        try stage.expectAgreement()
        #expect(stage.flow.count { $0.contains("491 Request Pending") } >= 2)
        try stage.world.end()
        let accepted = stage.flow.filter { $0.contains("200 OK INVITE") }
        #expect(accepted.count == 3)
    }

    @Test("BYE of an early dialog crosses the 200: it ends the call, and nothing is sent again (§3.1.3)")
    func earlyBYECrossesSuccess() throws {
        let scene = try Scene()
        scene.bob.behaviour.rings = true
        scene.bob.behaviour.answersAfter = .seconds(2)
        try scene.invite()
        try scene.alice.expects(180)
        scene.world.setConditions(.delaying(.milliseconds(50)), between: "alice", and: "bob")
        scene.world.run(until: MonotonicInstant.start.advanced(by: .milliseconds(1980)))
        try scene.alice.sends(.bye)
        try scene.alice.expects(200, for: .invite)
        try scene.alice.sends(.ack)
        try scene.alice.expects(200, for: .bye)
        try scene.world.end()
        #expect(scene.bob.ends == [.remoteHungUp])
        #expect(scene.world.ladder.lines.count { $0.label == "200 OK INVITE 1" } == 1)
    }

    @Test("BYE of an early dialog before the answer: the INVITE is refused with 487 (appendix A, RFC 3261 §15.1.2)")
    func earlyBYE() throws {
        let scene = try Scene()
        scene.bob.behaviour.rings = true
        scene.bob.behaviour.answersAfter = nil
        try scene.invite()
        try scene.alice.expects(180)
        try scene.alice.sends(.bye)
        try scene.alice.expects(200, for: .bye)
        try scene.alice.expects(487, for: .invite)
        try scene.world.end()
        #expect(scene.bob.ends == [.remoteHungUp])
    }

    @Test("UPDATE and re-INVITE cross: both get 491, and the re-INVITE is made again (§3.3.2)")
    func updateCrossesReinvite() throws {
        let scene = try Scene()
        try scene.invite()
        try scene.alice.expects(200)
        try scene.alice.sends(.ack)
        scene.world.run(for: .milliseconds(10))
        let call = try scene.call
        scene.bobDoes { $0.modify(call, at: $1, into: &$2) }
        try scene.alice.sends(.update) { Scene.offer(2, in: &$0) }
        try scene.alice.expects(.invite)
        try scene.alice.sends(491)
        try scene.alice.expects(491, for: .update)
        try scene.alice.expects(.ack)
        let again = try scene.alice.expects(.invite)
        // Bob did not make the Call-ID: he waits up to 2 s.
        #expect(scene.world.now <= MonotonicInstant.start.advanced(by: .milliseconds(2020)))
        #expect(again.first(.cseq)?.number == 2)
        try scene.alice.sends(200) { Scene.offer(3, in: &$0) }
        try scene.alice.expects(.ack)
        try scene.alice.sends(.bye)
        try scene.alice.expects(200)
        try scene.world.end()
        #expect(scene.bob.sessions.values.first?.remote == "alice 3")
    }

    @Test("An INVITE that comes by two ways is taken once and refused with 482 once (RFC 3261 §8.2.2.2)")
    func mergedRequests() throws {
        let scene = try Scene()
        scene.bob.behaviour.answersAfter = nil
        try scene.invite()
        let first = try #require(scene.world.ladder.lines.first)
        #expect(first.label == "INVITE 1")
        scene.world.run(for: .milliseconds(1))
        guard case .incoming(_, let invite) = try #require(scene.bob.events.first) else { return }
        var builder = MessageBuilder(invite)
        builder.remove(.via)
        builder.add(named: "Via", "SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bKotherbranch")
        scene.world.permitsViolations(by: "alice")
        let bob = SocketAddress(try #require(IPAddress("192.0.2.201")), 5060)
        try scene.alice.sendsOctets(builder.octets, to: bob)
        scene.world.run(for: .milliseconds(1))
        #expect(scene.world.ladder.lines.last?.label == "482 Loop Detected INVITE 1")
        #expect(scene.bob.events.count == 1)
    }

    @Test("A retransmitted INVITE after the 200 makes no second call (§3.1.1)")
    func retransmittedInvite() throws {
        let stage = try Stage(conditions: .delaying(.milliseconds(10)))
        stage.bob.behaviour.rings = true
        stage.bob.behaviour.answersAfter = .milliseconds(490)
        stage.alice.behaviour.hangsUpAfter = .seconds(3)
        // The 180 is lost; the INVITE is sent again at 500 ms, as the 200 leaves.
        stage.world.setConditions(.losing(1), from: "bob", to: "alice")
        stage.world.at(MonotonicInstant.start.advanced(by: .milliseconds(400))) {
            stage.world.setConditions(.delaying(.milliseconds(10)), from: "bob", to: "alice")
        }
        try stage.call()
        try stage.world.end()
        #expect(
            stage.flow == [
                "alice>bob INVITE 1", "bob>alice 180 Ringing INVITE 1", "alice>bob INVITE 1",
                "bob>alice 200 OK INVITE 1", "alice>bob ACK 1", "alice>bob BYE 2", "bob>alice 200 OK BYE 2",
            ])
        #expect(stage.bob.invitations.count == 1)
        #expect(stage.alice.establishedCount == 1 && stage.bob.establishedCount == 1)
        #expect(stage.alice.ends == [.hungUp])
    }

    @Test("The ACK is lost, and BYE crosses the 200 that is sent again: the session is not made anew (§3.1.6)")
    func byeCrossesRepeatedSuccess() throws {
        let stage = try Stage(conditions: .delaying(.milliseconds(50)))
        stage.bob.behaviour.rings = false
        stage.bob.behaviour.answersAfter = .zero
        let call = try stage.call()
        stage.world.run(until: MonotonicInstant.start.advanced(by: .milliseconds(90)))
        stage.world.setConditions(.losing(1), from: "alice", to: "bob")
        stage.world.run(until: MonotonicInstant.start.advanced(by: .milliseconds(200)))
        stage.world.setConditions(.delaying(.milliseconds(50)), from: "alice", to: "bob")
        // The 200 is sent again at 550 ms and arrives at 600; the BYE leaves in between.
        stage.world.run(until: MonotonicInstant.start.advanced(by: .milliseconds(570)))
        stage.perform("alice") { $0.hangUp(call, at: $1, into: &$2) }
        try stage.world.end()
        #expect(
            stage.flow == [
                "alice>bob INVITE 1", "bob>alice 200 OK INVITE 1", "alice>bob ACK 1", "bob>alice 200 OK INVITE 1",
                "alice>bob BYE 2", "alice>bob ACK 1", "bob>alice 200 OK BYE 2",
            ])
        #expect(stage.alice.establishedCount == 1)
        #expect(stage.alice.ends == [.hungUp])
        #expect(stage.bob.ends == [.remoteHungUp])
    }

    @Test("The 200 to a re-INVITE crosses our BYE: it is acknowledged, and nothing begins (§3.2.3)")
    func successCrossesBYE() throws {
        let stage = try Stage(conditions: .delaying(.milliseconds(50)))
        stage.bob.behaviour.rings = false
        stage.bob.behaviour.answersAfter = .zero
        let call = try stage.call()
        stage.world.run(for: .seconds(1))
        let starts = stage.alice.events.count
        stage.perform("alice") { $0.modify(call, at: $1, into: &$2) }
        stage.world.run(for: .milliseconds(70))
        stage.perform("alice") { $0.hangUp(call, at: $1, into: &$2) }
        try stage.world.end()
        #expect(
            stage.flow.suffix(5) == [
                "alice>bob INVITE 2", "bob>alice 200 OK INVITE 2", "alice>bob BYE 3", "alice>bob ACK 2",
                "bob>alice 200 OK BYE 3",
            ])
        #expect(
            stage.alice.events.dropFirst(starts).allSatisfy {
                guard case .mediaStart = $0 else { return true }
                return false
            })
        #expect(stage.alice.ends == [.hungUp] && stage.bob.ends == [.remoteHungUp])
    }

    @Test(
        "The callee hangs up before the ACK arrives, which was lost: its BYE follows when the 200 is acknowledged (§3.2.4)"
    )
    func lateACK() throws {
        let stage = try Stage(conditions: .delaying(.milliseconds(10)))
        stage.bob.behaviour.rings = false
        stage.bob.behaviour.answersAfter = .zero
        stage.bob.behaviour.hangsUpAfter = .milliseconds(100)
        try stage.call()
        stage.world.run(until: MonotonicInstant.start.advanced(by: .milliseconds(15)))
        stage.world.setConditions(.losing(1), from: "alice", to: "bob")
        stage.world.run(until: MonotonicInstant.start.advanced(by: .milliseconds(100)))
        stage.world.setConditions(.delaying(.milliseconds(10)), from: "alice", to: "bob")
        try stage.world.end()
        #expect(
            stage.flow == [
                "alice>bob INVITE 1", "bob>alice 200 OK INVITE 1", "alice>bob ACK 1", "bob>alice 200 OK INVITE 1",
                "alice>bob ACK 1", "bob>alice BYE 1", "alice>bob 200 OK BYE 1",
            ])
        #expect(stage.bob.ends == [.hungUp] && stage.alice.ends == [.remoteHungUp])
    }

    @Test(
        "A copy of an INVITE that comes by another way after the call is over is refused all the same (RFC 3261 §8.2.2.2)"
    )
    func mergedAfterwards() throws {
        let scene = try Scene()
        scene.bob.behaviour.rejects = 486
        try scene.invite()
        let refusal = try scene.alice.expects(486)
        #expect(refusal.status == 486)
        guard case .incoming(_, let invite) = try #require(scene.bob.events.first) else { return }
        scene.world.permitsViolations(by: "alice")
        let bob = SocketAddress(try #require(IPAddress("192.0.2.201")), 5060)
        func copy(_ branch: String) throws {
            var builder = MessageBuilder(invite)
            builder.remove(.via)
            builder.add(named: "Via", "SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK\(branch)")
            try scene.alice.sendsOctets(builder.octets, to: bob)
            scene.world.run(for: .milliseconds(1))
        }
        try copy("second")
        #expect(scene.world.ladder.lines.last?.label == "482 Loop Detected INVITE 1")
        // A proxy that forks one after the other may come again when the first transaction is over.
        scene.world.run(for: .seconds(6))
        try copy("third")
        #expect(scene.bob.invitations.count == 2)
    }

    @Test("Our BYE to a Contact with a name goes where the DNS says, not the way the INVITE came (RFC 3261 §12.2.1.1)")
    func byeToName() throws {
        let scene = try Scene()
        let gateway = scene.world.peer("gateway", at: "192.0.2.150")
        scene.bob.names["gateway.example.com"] = SocketAddress(try #require(IPAddress("192.0.2.150")), 5060)
        try scene.alice.sends(.invite, to: try URI("sip:bob@192.0.2.201")) { builder in
            builder.remove(.contact)
            builder.add(named: "Contact", "<sip:alice@gateway.example.com>")
            Self.Scene.offer(1, in: &builder)
        }
        try scene.alice.expects(200)
        try scene.alice.sends(.ack)
        scene.world.run(for: .milliseconds(1))
        let call = try scene.call
        scene.bobDoes { $0.hangUp(call, at: $1, into: &$2) }
        #expect(try gateway.expects(.bye).requestURI?.description == "sip:alice@gateway.example.com")
        try gateway.sends(200)
        try scene.world.end()
    }
}
