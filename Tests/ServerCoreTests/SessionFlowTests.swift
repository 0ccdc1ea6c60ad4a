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
}
