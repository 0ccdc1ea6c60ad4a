import ProxyCore
import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("Sessions through proxies (RFC 3665 §3)")
struct SessionFlowTests {
    /// Two domains with a proxy each, as in RFC 3665 §3.2: Alice's asks for her password, Bob's for nobody's.
    struct Trapezoid {
        let stage: Stage
        let alice: ScriptedPeer
        let bob: ScriptedPeer

        init(shards: Int = 1, alice account: Account? = .alice) throws {
            self.stage = Stage(shards: shards)
            self.stage.server("ss1", at: "192.0.2.111", ["atlanta.example.com"]) {
                if let account { $0.requires([account]) }
            }
            self.stage.server("ss2", at: "192.0.2.222", ["biloxi.example.com"])
            self.alice = try self.stage.peer(
                "alice", at: "192.0.2.101", "sip:alice@atlanta.example.com", by: "192.0.2.111")
            self.bob = try self.stage.bob()
            try self.bob.isRegistered()
            self.stage.world.run(for: .seconds(1))
        }

        /// Alice's INVITE by both proxies, with the credentials that the first one asks for; F1 to F10.
        func invite() throws {
            let routes = ["<sip:192.0.2.111;lr>", "<sip:192.0.2.222;lr>"]
            try self.alice.invites { for route in routes { $0.add(named: "Route", route) } }
            let challenge = try self.alice.expects(407)
            let credentials = try #require(Account.alice.answer(challenge, .invite, Place.bob))
            try self.alice.sends(.invite) {
                for route in routes { $0.add(named: "Route", route) }
                $0.add(named: "Proxy-Authorization", credentials)
            }
        }

        /// What was sent after Bob's registration.
        var flow: [String] { self.stage.flow(from: 2) }

        static let invited = [
            "alice>ss1 INVITE 1", "ss1>alice 407 Proxy Authentication Required INVITE 1",
            "alice>ss1 ACK 1", "alice>ss1 INVITE 2",
            "ss1>alice 100 Trying INVITE 2", "ss1>ss2 INVITE 2",
            "ss2>bob INVITE 2", "ss2>ss1 100 Trying INVITE 2",
        ]
    }

    @Test("Session establishment through two proxies (§3.2)", arguments: [1, 64])
    func twoProxies(shards: Int) throws {
        let call = try Trapezoid(shards: shards)
        try call.invite()
        let invite = try call.bob.expects(.invite)
        // F8: two Record-Routes with ss2 on top, three Vias, and Max-Forwards two less.
        #expect(invite.all(.via).map { $0.host.name } == ["192.0.2.222", "192.0.2.111", "192.0.2.101"])
        #expect(invite.all(.recordRoute).map { $0.uri.sip?.host.name } == ["192.0.2.222", "192.0.2.111"])
        #expect(invite.first(.maxForwards) == 68)
        #expect(invite.requestURI?.sip?.host.name == "192.0.2.201")
        #expect(!invite.has(.route))
        #expect(!invite.has(.proxyAuthorization))
        try call.bob.sends(180)
        try call.alice.expects(180)
        try call.bob.sends(200)
        let success = try call.alice.expects(200)
        // F14: Alice gets back her own Via and nobody else's.
        #expect(success.all(.via).map { $0.host.name } == ["192.0.2.101"])
        try call.alice.sends(.ack)
        let ack = try call.bob.expects(.ack)
        #expect(ack.all(.via).count == 3)
        #expect(!ack.has(.route))
        try call.bob.sends(.bye)
        let bye = try call.alice.expects(.bye)
        #expect(!bye.has(.recordRoute))
        try call.alice.sends(200)
        try call.bob.expects(200)
        try call.stage.world.end()
        #expect(
            call.flow == Trapezoid.invited + [
                "bob>ss2 180 Ringing INVITE 2", "ss2>ss1 180 Ringing INVITE 2", "ss1>alice 180 Ringing INVITE 2",
                "bob>ss2 200 OK INVITE 2", "ss2>ss1 200 OK INVITE 2", "ss1>alice 200 OK INVITE 2",
                "alice>ss1 ACK 2", "ss1>ss2 ACK 2", "ss2>bob ACK 2",
                "bob>ss2 BYE 1", "ss2>ss1 BYE 1", "ss1>alice BYE 1",
                "alice>ss1 200 OK BYE 1", "ss1>ss2 200 OK BYE 1", "ss2>bob 200 OK BYE 1",
            ])
    }

    @Test("Session with multiple proxy authentication: the first proxy's part (§3.3)")
    func multipleAuthentication() throws {
        let stage = Stage()
        stage.server("ss1", at: "192.0.2.111", ["atlanta.example.com"]) { $0.requires([.alice]) }
        let alice = try stage.peer("alice", at: "192.0.2.101", "sip:alice@atlanta.example.com", by: "192.0.2.111")
        // The second proxy, which asks for a password of its own realm.
        let ss2 = stage.world.peer("ss2", at: "192.0.2.222")
        let routes = "<sip:192.0.2.111;lr>, <sip:192.0.2.222;lr>"
        try alice.invites { $0.add(named: "Route", routes) }
        let first = try alice.expects(407)
        func credentials() throws -> String { try #require(Account.alice.answer(first, .invite, Place.bob)) }
        let own = try credentials()
        try alice.sends(.invite) {
            $0.add(named: "Route", routes)
            $0.add(named: "Proxy-Authorization", own)
        }
        try ss2.expects(.invite)
        let demand = "Digest realm=\"biloxi.example.com\", nonce=\"c1e22c41ae6cbe5ae983a9c8e88d359\", algorithm=MD5"
        try ss2.sends(407) { $0.add(named: "Proxy-Authenticate", demand) }
        let second = try alice.expects(407)
        // F9: nothing but the challenge of the second proxy.
        #expect(second.values(named: "Proxy-Authenticate") == [demand])
        // F11: credentials for both, those for the first proxy with a nonce count of their own.
        try alice.sends(.invite) {
            $0.add(named: "Route", routes)
            $0.add(named: "Proxy-Authorization", own)
        }
        let third = try alice.expects(407)
        let fresh = try #require(Account.alice.answer(third, .invite, Place.bob))
        let answer =
            "Digest username=\"alice\", realm=\"biloxi.example.com\", nonce=\"c1e22c41ae6cbe5ae983a9c8e88d359\", "
            + "uri=\"\(Place.bob)\", response=\"f44ab22f150c6a56071bce8b9a5a9cd9\""
        try alice.sends(.invite) {
            $0.add(named: "Route", routes)
            $0.add(named: "Proxy-Authorization", fresh)
            $0.add(named: "Proxy-Authorization", answer)
        }
        // F13: the second proxy's are left.
        #expect(try ss2.expects(.invite).values(named: "Proxy-Authorization") == [answer])
        try ss2.sends(200)
        try alice.expects(200)
        try alice.sends(.ack)
        try ss2.expects(.ack)
        try stage.world.end()
    }

    @Test("Successful session with proxy failure: the second proxy does it alone (§3.4)")
    func proxyFailure() throws {
        let stage = Stage()
        stage.server("ss1", at: "192.0.2.111", ["atlanta.example.com"])
        stage.server("ss2", at: Place.proxy, ["atlanta.example.com", Place.domain])
        let alice = try stage.peer("alice", at: "192.0.2.101", "sip:alice@atlanta.example.com", by: "192.0.2.111")
        let bob = try stage.bob()
        try bob.isRegistered()
        stage.world.partition(["ss1"])
        try alice.invites()
        try alice.expectsTimeout()
        // F1 to F7, then the other proxy.
        alice.outboundProxy = SocketAddress(try #require(IPAddress(Place.proxy)), 5060)
        let start = stage.flow().count
        #expect(stage.flow().filter { $0.hasPrefix("alice>ss1 INVITE 1") }.count == 7)
        try alice.invites()
        try bob.expects(.invite)
        try bob.sends(180)
        try alice.expects(180)
        try bob.sends(200)
        try alice.expects(200)
        try alice.sends(.ack)
        try bob.expects(.ack)
        try bob.sends(.bye)
        try alice.expects(.bye)
        try alice.sends(200)
        try bob.expects(200)
        try stage.world.end()
        #expect(
            stage.flow(from: start) == [
                "alice>ss2 INVITE 1", "ss2>alice 100 Trying INVITE 1", "ss2>bob INVITE 1",
                "bob>ss2 180 Ringing INVITE 1", "ss2>alice 180 Ringing INVITE 1",
                "bob>ss2 200 OK INVITE 1", "ss2>alice 200 OK INVITE 1", "alice>ss2 ACK 1", "ss2>bob ACK 1",
                "bob>ss2 BYE 1", "ss2>alice BYE 1", "alice>ss2 200 OK BYE 1", "ss2>bob 200 OK BYE 1",
            ])
    }

    @Test("Session via redirect and proxy servers with SDP in ACK: the proxy's part (§3.6)")
    func redirect() throws {
        let stage = Stage()
        stage.server("ss3", at: Place.proxy, ["chicago.example.com"])
        let redirector = stage.world.peer("redirect", at: "192.0.2.30")
        let alice = try stage.peer("alice", at: "192.0.2.101", "sip:alice@atlanta.example.com", by: "192.0.2.30")
        let bob = try stage.peer("bob", at: "192.0.2.201", "sip:bob@chicago.example.com")
        try bob.isRegistered()
        try alice.invites("sip:bob@biloxi.example.com")
        try redirector.expects(.invite)
        try redirector.sends(302) { $0.add(named: "Contact", "<sip:bob@chicago.example.com>") }
        try alice.expects(302)
        alice.outboundProxy = SocketAddress(try #require(IPAddress(Place.proxy)), 5060)
        try alice.invites("sip:bob@chicago.example.com")
        #expect(try bob.expects(.invite).body.isEmpty)
        try bob.sends(200)
        try alice.expects(200)
        let answer = Array("v=0\r\n".utf8)
        try alice.sends(.ack) { $0.setBody(answer, type: nil) }
        // F12: the body of the ACK comes through.
        #expect(try bob.expects(.ack).body == answer)
        try stage.world.end()
    }

    @Test("Session with re-INVITE: a proxy that does not record-route sees the first INVITE only (§3.7)")
    func reInvite() throws {
        let stage = Stage()
        stage.server("ss2", at: Place.proxy, [Place.domain]) { $0.proxy.recordRoute = false }
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.invites()
        try bob.expects(.invite)
        try bob.sends(180)
        try alice.expects(180)
        try bob.sends(200)
        try alice.expects(200)
        (alice.outboundProxy, bob.outboundProxy) = (nil, nil)
        try alice.sends(.ack)
        try bob.expects(.ack)
        try bob.sends(.invite)
        try alice.expects(.invite)
        try alice.sends(200)
        try bob.expects(200)
        try bob.sends(.ack)
        try alice.expects(.ack)
        try alice.sends(.bye)
        try bob.expects(.bye)
        try bob.sends(200)
        try alice.expects(200)
        try stage.world.end()
        #expect(
            stage.flow(from: 2) == [
                "alice>ss2 INVITE 1", "ss2>alice 100 Trying INVITE 1", "ss2>bob INVITE 1",
                "bob>ss2 180 Ringing INVITE 1", "ss2>alice 180 Ringing INVITE 1",
                "bob>ss2 200 OK INVITE 1", "ss2>alice 200 OK INVITE 1",
                "alice>bob ACK 1", "bob>alice INVITE 1", "alice>bob 200 OK INVITE 1", "bob>alice ACK 1",
                "alice>bob BYE 2", "bob>alice 200 OK BYE 2",
            ])
    }

    @Test("Unsuccessful, no answer: Alice cancels (§3.8)", arguments: [1, 64])
    func noAnswer(shards: Int) throws {
        let call = try Trapezoid(shards: shards)
        try call.invite()
        try call.bob.expects(.invite)
        try call.bob.sends(180)
        try call.alice.expects(180)
        try call.alice.sends(.cancel)
        try call.alice.expects(200, for: .cancel)
        try call.bob.expects(.cancel)
        try call.bob.sends(200, to: .cancel)
        try call.bob.sends(487, to: .invite)
        try call.alice.expects(487)
        try call.stage.world.end()
        #expect(
            call.flow == Trapezoid.invited + [
                "bob>ss2 180 Ringing INVITE 2", "ss2>ss1 180 Ringing INVITE 2", "ss1>alice 180 Ringing INVITE 2",
                "alice>ss1 CANCEL 2", "ss1>alice 200 OK CANCEL 2", "ss1>ss2 CANCEL 2",
                "ss2>bob CANCEL 2", "ss2>ss1 200 OK CANCEL 2",
                "bob>ss2 200 OK CANCEL 2", "bob>ss2 487 Request Terminated INVITE 2",
                "ss2>bob ACK 2", "ss2>ss1 487 Request Terminated INVITE 2",
                "ss1>alice 487 Request Terminated INVITE 2", "ss1>ss2 ACK 2", "alice>ss1 ACK 2",
            ])
    }

    @Test("Unsuccessful, busy (§3.9), and temporarily unavailable (§3.11)", arguments: [486, 480] as [UInt16])
    func refused(status: UInt16) throws {
        let call = try Trapezoid()
        try call.invite()
        try call.bob.expects(.invite)
        var rings: [String] = []
        if status == 480 {
            try call.bob.sends(180)
            try call.alice.expects(180)
            rings = ["bob>ss2 180 Ringing INVITE 2", "ss2>ss1 180 Ringing INVITE 2", "ss1>alice 180 Ringing INVITE 2"]
        }
        try call.bob.sends(StatusCode(status))
        try call.alice.expects(StatusCode(status))
        try call.stage.world.end()
        let answer = status == 486 ? "486 Busy Here INVITE 2" : "480 Temporarily Unavailable INVITE 2"
        #expect(
            call.flow == Trapezoid.invited + rings + [
                "bob>ss2 \(answer)", "ss2>bob ACK 2", "ss2>ss1 \(answer)",
                "ss1>alice \(answer)", "ss1>ss2 ACK 2", "alice>ss1 ACK 2",
            ])
    }

    @Test("Unsuccessful, no response from the user agent: seven copies, then 408 (§3.10; RFC 3261 §16.9)")
    func noResponse() throws {
        let call = try Trapezoid()
        call.stage.world.partition(["bob"], from: call.stage.world.now)
        try call.invite()
        // §3.10 shows a 480; RFC 3261 §16.9 has what times out count as 408.
        try call.alice.expects(408, within: .seconds(33))
        try call.stage.world.end()
        let copies = (0..<6).map { _ in "ss2>bob INVITE 2 cut off" }
        let answer = "408 Request Timeout INVITE 2"
        var expected = Trapezoid.invited
        expected[6] += " cut off"
        #expect(
            call.flow == expected + copies + [
                "ss2>ss1 \(answer)", "ss1>alice \(answer)", "ss1>ss2 ACK 2", "alice>ss1 ACK 2",
            ])
    }
}
