import ProxyCore
import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("Forking and the best response (RFC 3261 §16.6, §16.7)")
struct ForkingTests {
    /// Alice, the server, and two devices of Bob with these preferences.
    struct Fork {
        let stage = Stage()
        let alice: ScriptedPeer
        let first: ScriptedPeer
        let second: ScriptedPeer

        init(_ q: (String, String) = ("1.0", "1.0"), edit: (inout ServerSettings) -> Void = { _ in }) throws {
            self.stage.server("proxy", at: Place.proxy, [Place.domain], edit)
            self.alice = try self.stage.alice()
            self.first = try self.stage.bob("first", at: "192.0.2.201")
            self.second = try self.stage.bob("second", at: "192.0.2.202")
            try self.first.isRegistered(["<sip:bob@192.0.2.201>;q=\(q.0)"])
            try self.second.isRegistered(["<sip:bob@192.0.2.202>;q=\(q.1)"])
        }

        /// Lets both devices refuse an INVITE with these.
        func refuse(
            _ first: StatusCode, _ second: StatusCode, edit: (inout MessageBuilder) -> Void = { _ in }
        ) throws {
            try self.alice.invites()
            try self.first.expects(.invite)
            try self.second.expects(.invite)
            try self.first.sends(first, edit: edit)
            try self.second.sends(second, edit: edit)
        }
    }

    @Test("Contacts of one q ring at once; who answers first wins, the other is cancelled (§16.7 step 10)")
    func parallel() throws {
        let fork = try Fork()
        try fork.alice.invites()
        try fork.first.expects(.invite)
        try fork.second.expects(.invite)
        try fork.first.sends(180)
        try fork.alice.expects(180)
        try fork.second.sends(180)
        try fork.alice.expects(180)
        try fork.first.sends(200)
        try fork.alice.expects(200)
        let cancel = try fork.second.expects(.cancel)
        // RFC 3326 §2: so that the other device does not show a missed call.
        let reason = try #require(cancel.first(.reason))
        #expect(reason.isSIP && reason.cause == 200 && reason.phrase == "Call completed elsewhere")
        try fork.second.sends(200, to: .cancel)
        try fork.second.sends(487, to: .invite)
        try fork.alice.sends(.ack)
        try fork.first.expects(.ack)
        try fork.stage.world.end()
    }

    @Test("Each branch has a Via branch of its own, and its target as Request-URI (§16.6 steps 2 and 8)")
    func branches() throws {
        let fork = try Fork()
        try fork.alice.invites()
        let (one, two) = (try fork.first.expects(.invite), try fork.second.expects(.invite))
        #expect(one.requestURI?.description == "sip:bob@192.0.2.201")
        #expect(two.requestURI?.description == "sip:bob@192.0.2.202")
        #expect(one.all(.via).first?.branch != two.all(.via).first?.branch)
        try fork.first.sends(486)
        try fork.second.sends(486)
        try fork.alice.expects(486)
        try fork.stage.world.end()
    }

    @Test("Contacts of different q are tried one after the other, the preferred first (§16.6)")
    func serial() throws {
        let fork = try Fork(("0.3", "0.8"))
        try fork.alice.invites()
        try fork.second.expects(.invite)
        try fork.first.expectsNothing(for: .milliseconds(300))
        try fork.second.sends(486)
        try fork.first.expects(.invite)
        try fork.first.sends(200)
        try fork.alice.expects(200)
        try fork.alice.sends(.ack)
        try fork.first.expects(.ack)
        try fork.stage.world.end()
    }

    @Test("Where it is to fork to all at once, q decides nothing")
    func allAtOnce() throws {
        let fork = try Fork(("0.3", "0.8")) { $0.proxy.serialByQ = false }
        try fork.refuse(486, 486)
        try fork.alice.expects(486)
        try fork.stage.world.end()
    }

    @Test("A preferred contact that does not answer makes room for the next one after 64*T1 (§16.9)")
    func serialTimeout() throws {
        let fork = try Fork(("1.0", "0.5"))
        fork.stage.world.partition(["first"])
        try fork.alice.invites()
        try fork.second.expects(.invite, within: .seconds(33))
        try fork.second.sends(486)
        try fork.alice.expects(486)
        try fork.stage.world.end()
    }

    /// §16.7 step 6: 6xx before all; then the lowest class; within 4xx what the client can do something about.
    @Test(
        "Of two refusals the better one is passed on (§16.7 step 6)",
        arguments: [
            (486, 603, 603), (404, 500, 404), (302, 404, 302), (486, 503, 486), (500, 302, 302), (404, 420, 420),
            (484, 404, 484), (415, 480, 415), (408, 486, 486), (503, 500, 500),
        ] as [(UInt16, UInt16, UInt16)])
    func best(first: UInt16, second: UInt16, expected: UInt16) throws {
        let fork = try Fork()
        try fork.refuse(StatusCode(first), StatusCode(second))
        try fork.alice.expects(StatusCode(expected))
        try fork.stage.world.end()
    }

    @Test("A 503 from downstream becomes 500, since it is not about this proxy (§16.7 step 6)")
    func serviceUnavailable() throws {
        let fork = try Fork()
        try fork.refuse(503, 503)
        try fork.alice.expects(500)
        try fork.stage.world.end()
    }

    @Test("The challenges of all 401 and 407 are passed on together (§16.7 step 7)")
    func challenges() throws {
        let fork = try Fork()
        try fork.alice.invites()
        try fork.first.expects(.invite)
        try fork.second.expects(.invite)
        try fork.first.sends(401) { $0.add(named: "WWW-Authenticate", "Digest realm=\"one\", nonce=\"1\"") }
        try fork.second.sends(407) { $0.add(named: "Proxy-Authenticate", "Digest realm=\"two\", nonce=\"2\"") }
        // The first one decides the status; nothing prefers one to the other.
        let challenge = try fork.alice.expects(401)
        #expect(challenge.values(named: "WWW-Authenticate") == ["Digest realm=\"one\", nonce=\"1\""])
        #expect(challenge.values(named: "Proxy-Authenticate") == ["Digest realm=\"two\", nonce=\"2\""])
        try fork.stage.world.end()
    }

    @Test(
        "A 6xx ends the search: what rings is cancelled, what is left is not tried (§16.7 step 5)",
        arguments: [600, 603, 604, 606] as [StatusCode])
    func globalFailure(status: StatusCode) throws {
        let fork = try Fork()
        let third = try fork.stage.bob("third", at: "192.0.2.203")
        try third.isRegistered(["<sip:bob@192.0.2.203>;q=0.1"])
        try fork.alice.invites()
        try fork.first.expects(.invite)
        try fork.second.expects(.invite)
        try fork.second.sends(180)
        try fork.alice.expects(180)
        try fork.first.sends(status)
        try fork.second.expects(.cancel)
        try fork.second.sends(200, to: .cancel)
        try fork.second.sends(487, to: .invite)
        try fork.alice.expects(status)
        try third.expectsNothing(for: .seconds(2))
        try fork.stage.world.end()
    }

    @Test("Every 2xx is passed on, also that of a device that answered at the same time (§16.7 step 5)")
    func severalSuccesses() throws {
        let fork = try Fork()
        try fork.alice.invites()
        try fork.first.expects(.invite)
        try fork.second.expects(.invite)
        try fork.first.sends(200)
        try fork.second.sends(200)
        let one = try fork.alice.expects(200)
        try fork.alice.sends(.ack)
        let two = try fork.alice.expects(200)
        #expect(one.toTag != two.toTag)
        try fork.alice.sends(.ack)
        try fork.first.expects(.ack)
        try fork.second.expects(.ack)
        try fork.stage.world.end()
    }

    @Test("A 2xx that comes again is passed on again, for it is the ends that retransmit it (RFC 6026 §7.3)")
    func repeatedSuccess() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.invites()
        try bob.expects(.invite)
        try bob.sends(200)
        try alice.expects(200)
        // No ACK yet: T1 later the 200 comes again, and again after 2*T1.
        stage.world.run(for: .milliseconds(1600))
        let successes = stage.flow().filter { $0 == "proxy>alice 200 OK INVITE 1" }
        #expect(successes.count == 3)
        try alice.sends(.ack)
        try bob.expects(.ack)
        try stage.world.end()
    }

    @Test("A target that cannot be reached counts as 503, and the next one is tried (§16.9)")
    func transportFailure() throws {
        let fork = try Fork(("1.0", "0.5"))
        fork.stage.world.network.reportsUnreachable = true
        fork.stage.world.runToEnd()
        fork.stage.world.crash("first")
        try fork.alice.invites()
        try fork.second.expects(.invite, within: .seconds(1))
        try fork.second.sends(486)
        try fork.alice.expects(486)
        try fork.stage.world.end()
    }

    @Test("Where none can be reached the answer is 500, not the 503 that would condemn this proxy (§16.7 step 6)")
    func allUnreachable() throws {
        let fork = try Fork()
        fork.stage.world.network.reportsUnreachable = true
        fork.stage.world.runToEnd()
        fork.stage.world.crash("first")
        fork.stage.world.crash("second")
        try fork.alice.invites()
        try fork.alice.expects(500)
        try fork.stage.world.end()
    }

    @Test("A callee that never answers an INVITE ends it with 408 (§16.7 step 6, §16.9)")
    func timeout() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        stage.world.partition(["bob"])
        try alice.invites()
        try alice.expects(408, within: .seconds(33))
        // Seven copies: at 0, T1, 3, 7, 15, 31 and 63 T1 (§17.1.1.2).
        #expect(stage.flow().filter { $0.hasPrefix("proxy>bob INVITE") }.count == 7)
        try stage.world.end()
    }

    @Test("A request other than INVITE that nobody answers is not answered with 408 (RFC 4320 §4.2)")
    func nonInviteTimeout() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        stage.world.partition(["bob"])
        try alice.sends(.message, to: try URI(Place.bob))
        try alice.expectsTimeout()
        try stage.world.end()
        #expect(!stage.flow().contains { $0.hasPrefix("proxy>alice 408") })
    }

    @Test("Timer C: a phone that rings for three minutes without a word is cancelled (§16.8)")
    func timerC() throws {
        let stage = Stage()
        stage.server { $0.proxy.timerC = .seconds(185) }
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.invites()
        try bob.expects(.invite)
        try bob.sends(180)
        try alice.expects(180)
        try bob.expectsNothing(for: .seconds(180))
        // Another 180 starts it anew (§16.7 step 2).
        try bob.sends(180)
        try alice.expects(180)
        try bob.expectsNothing(for: .seconds(184))
        try bob.expects(.cancel, within: .seconds(2))
        try bob.sends(200, to: .cancel)
        try bob.sends(487, to: .invite)
        try alice.expects(487)
        try stage.world.end()
    }

    @Test("A phone that does not answer its CANCEL is given up 64*T1 later with 408 (§9.1, §16.8)")
    func timerCWithoutAnswer() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.invites()
        try bob.expects(.invite)
        try bob.sends(180)
        try alice.expects(180)
        stage.world.partition(["bob"])
        try alice.expects(408, within: .seconds(185 + 33))
        bob.ignores(.invite)
        try stage.world.end()
    }

    @Test("100 is answered at once and never passed on (§16.7 step 5)")
    func trying() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.invites()
        try bob.expects(.invite)
        try bob.sends(100)
        stage.world.run(for: .seconds(2))
        try bob.sends(486)
        try alice.expects(486)
        #expect(stage.flow().filter { $0 == "proxy>alice 100 Trying INVITE 1" }.count == 1)
        // The 100 ends the retransmission of the INVITE.
        #expect(stage.flow().filter { $0 == "proxy>bob INVITE 1" }.count == 1)
        try stage.world.end()
    }
}
