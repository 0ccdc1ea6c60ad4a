import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("Calls between two agents (RFC 3665 §3)")
struct BasicCallTests {
    @Test("Session establishment and release (RFC 3665 §3.1)")
    func establishment() throws {
        let stage = try Stage()
        stage.bob.behaviour.hangsUpAfter = .seconds(30)
        try stage.call()
        stage.world.run(for: .seconds(10))
        try stage.expectAgreement()
        #expect(stage.alice.establishedCount == 1 && stage.bob.establishedCount == 1)
        try stage.world.end()
        #expect(
            stage.flow == [
                "alice>bob INVITE 1", "bob>alice 180 Ringing INVITE 1", "bob>alice 200 OK INVITE 1",
                "alice>bob ACK 1", "bob>alice BYE 1", "alice>bob 200 OK BYE 1",
            ])
        #expect(stage.alice.ends == [.remoteHungUp])
        #expect(stage.bob.ends == [.hungUp])
    }

    @Test("The caller hangs up")
    func callerHangsUp() throws {
        let stage = try Stage()
        stage.alice.behaviour.hangsUpAfter = .seconds(5)
        try stage.call()
        try stage.world.end()
        #expect(stage.flow.suffix(2) == ["alice>bob BYE 2", "bob>alice 200 OK BYE 2"])
        #expect(stage.alice.ends == [.hungUp])
        #expect(stage.bob.ends == [.remoteHungUp])
    }

    @Test("Unsuccessful: busy (RFC 3665 §3.9)")
    func busy() throws {
        let stage = try Stage()
        stage.bob.behaviour.rejects = 486
        try stage.call()
        try stage.world.end()
        #expect(stage.flow == ["alice>bob INVITE 1", "bob>alice 486 Busy Here INVITE 1", "alice>bob ACK 1"])
        #expect(stage.alice.ends == [.rejected(486, "Busy Here")])
    }

    @Test("A callee that hangs up before it has answered declines: 603 (RFC 3261 §21.6.2)")
    func decline() throws {
        let stage = try Stage()
        stage.bob.behaviour.answersAfter = nil
        try stage.call()
        stage.world.run(for: .seconds(5))
        let calls = stage.bob.events.compactMap { event -> CallHandle? in
            guard case .incoming(let call, _) = event else { return nil }
            return call
        }
        let call = try #require(calls.first)
        stage.perform("bob") { $0.hangUp(call, at: $1, into: &$2) }
        try stage.world.end()
        #expect(stage.alice.ends == [.rejected(603, "Decline")])
    }

    @Test("Unsuccessful: no answer, the caller gives up (RFC 3665 §3.8, RFC 5407 appendix C)")
    func cancel() throws {
        let stage = try Stage()
        stage.bob.behaviour.answersAfter = nil
        let call = try stage.call()
        stage.world.run(for: .seconds(20))
        stage.perform("alice") { $0.hangUp(call, at: $1, into: &$2) }
        try stage.world.end()
        #expect(
            stage.flow == [
                "alice>bob INVITE 1", "bob>alice 180 Ringing INVITE 1", "alice>bob CANCEL 1",
                "bob>alice 200 OK CANCEL 1",
                "bob>alice 487 Request Terminated INVITE 1", "alice>bob ACK 1",
            ])
        #expect(stage.alice.ends == [.hungUp])
        #expect(stage.bob.ends == [.cancelled])
    }

    @Test("Unsuccessful: no response at all (RFC 3665 §3.10)")
    func silence() throws {
        let stage = try Stage(conditions: .losing(1))
        try stage.call()
        try stage.world.end()
        #expect(stage.alice.ends == [.timedOut])
        #expect(stage.world.now == MonotonicInstant.start.advanced(by: .seconds(32)))
    }

    @Test("Unsuccessful: temporarily unavailable when nobody answers (RFC 3665 §3.11)")
    func ringingLimit() throws {
        let stage = try Stage()
        stage.bob.behaviour.answersAfter = nil
        try stage.call()
        try stage.world.end()
        #expect(stage.alice.ends == [.rejected(480, "Nobody Answered")])
        #expect(stage.bob.ends == [.timedOut])
        // A provisional response a minute keeps proxies waiting (RFC 3261 §13.3.1.1).
        #expect(stage.flow.count { $0 == "bob>alice 180 Ringing INVITE 1" } == 3)
    }

    @Test("An INVITE without offer: the 200 brings it, the ACK the answer (RFC 6337 §2.2, pattern 2)")
    func delayedOffer() throws {
        let stage = try Stage()
        stage.alice.behaviour.hangsUpAfter = .seconds(5)
        try stage.call { $0.offers = false }
        stage.world.run(for: .seconds(4))
        try stage.expectAgreement()
        #expect(try stage.session(stage.bob).local == "bob 1")
        try stage.world.end()
    }

    @Test("A redirection is followed (RFC 3665 §3.6)")
    func redirection() throws {
        let stage = try Stage()
        let carol = SimulatedAgent()
        carol.behaviour.hangsUpAfter = .seconds(5)
        try stage.add(carol, "carol", at: "192.0.2.202")
        stage.bob.behaviour.rejects = 302
        stage.bob.behaviour.contacts = [Contact(try URI("sip:carol@192.0.2.202"))]
        try stage.call()
        try stage.world.end()
        #expect(
            stage.flow.prefix(5) == [
                "alice>bob INVITE 1", "bob>alice 302 Moved Temporarily INVITE 1", "alice>bob ACK 1",
                "alice>carol INVITE 2", "carol>alice 180 Ringing INVITE 2",
            ])
        #expect(carol.establishedCount == 1)
        #expect(stage.alice.ends == [.remoteHungUp])
    }

    @Test("A redirection in a circle ends with the redirection (RFC 3261 §8.1.3.4)")
    func circle() throws {
        let stage = try Stage()
        stage.bob.behaviour.rejects = 302
        stage.bob.behaviour.contacts = [Contact(try URI("sip:bob@192.0.2.201"))]
        try stage.call()
        try stage.world.end()
        #expect(stage.flow.count == 3)
        #expect(stage.alice.ends == [.rejected(302, "Moved Temporarily")])
    }

    @Test(
        "A 488 or 606 that says what could be is answered with an offer of that, once (RFC 3261 §21.4.26, §21.6.4)",
        arguments: [488, 606] as [StatusCode])
    func limitedOffer(status: StatusCode) throws {
        let (world, alice, bob) = try Stage.calling()
        let sdp = MediaType("application", "sdp")
        #expect(String(decoding: try bob.expects(.invite).body, as: UTF8.self) == "alice 1")
        try bob.sends(status) { $0.setBody(Array("PCMA".utf8), type: sdp) }
        try bob.expects(.ack)
        let second = try bob.expects(.invite)
        #expect(String(decoding: second.body, as: UTF8.self) == "alice 2 of PCMA")
        #expect(second.first(.cseq)?.number == 2)
        try bob.sends(status) { $0.setBody(Array("G729".utf8), type: sdp) }
        try bob.expects(.ack)
        try world.end()
        #expect(alice.ends == [.rejected(status, status.reasonPhrase)])
    }

    @Test("A challenge is answered with credentials and the next CSeq (RFC 3261 §22.2)")
    func challenge() throws {
        let world = SimulatedWorld(seed: 1)
        let alice = SimulatedAgent(configure: { configuration in
            configuration.credentials = { challenged in
                challenged.response.status == 407
                    ? [("Proxy-Authorization", "Digest username=\"alice\", uri=\"\(challenged.uri)\"")] : nil
            }
        })
        let ip = try #require(IPAddress("192.0.2.101"))
        world.addHost("alice", listening: SimulatedListener.standard(ip), running: alice)
        let proxy = world.peer("proxy", at: "192.0.2.201")
        let plan = try Stage.plan()
        world.perform(as: "alice") { _, outbox in alice.call(plan, at: world.now, into: &outbox) }
        try proxy.expects(.invite)
        try proxy.sends(407) { $0.add(named: "Proxy-Authenticate", "Digest realm=\"x\", nonce=\"1\"") }
        let second = try proxy.expects(.invite)
        #expect(second.first(.cseq)?.number == 2)
        #expect(second.has(.proxyAuthorization))
        try proxy.sends(403)
        try world.end()
        #expect(alice.ends == [.rejected(403, "Forbidden")])
    }
}
