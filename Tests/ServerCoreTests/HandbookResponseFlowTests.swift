import CallRouting
import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("Answers other than 200, in the flows of the handbook's chapter 6.1")
struct HandbookResponseFlowTests {
    @Test("302: by the redirect server, or by Bob's telephone through the proxy (6.1.5)", arguments: [true, false])
    func redirect(byServer: Bool) throws {
        let figure = try HandbookFlowTests.Figure {
            if byServer {
                $0.redirections = [
                    Array("bob@biloxi.com".utf8): Redirection(302, [.init("sip:bob@192.0.2.20")])
                ]
            }
        }
        let mobile = try figure.telephone("mobile", at: "192.0.2.20")
        try figure.bobIsHere()
        try figure.alice.invites("sip:bob@biloxi.com")
        if !byServer {
            try figure.bob.expects(.invite)
            try figure.bob.sends(302) { $0.add(named: "Contact", "<sip:bob@192.0.2.20>") }
        }
        let contact = try #require(try figure.alice.expects(302).first(.contact)?.uri)
        figure.alice.outboundProxy = SocketAddress(try #require(IPAddress("192.0.2.20")), 5060)
        try figure.alice.sends(.invite) { $0.retarget(contact) }
        try mobile.expects(.invite)
        try mobile.sends(200)
        try figure.alice.expects(200)
        try figure.alice.sends(.ack)
        try mobile.expects(.ack)
        try figure.stage.world.end()
        let served = [
            "alice>server10 INVITE 1", "server10>alice 302 Moved Temporarily INVITE 1", "alice>server10 ACK 1",
        ]
        let relayed = [
            "alice>server10 INVITE 1", "server10>alice 100 Trying INVITE 1", "server10>bob INVITE 1",
            "bob>server10 302 Moved Temporarily INVITE 1", "server10>alice 302 Moved Temporarily INVITE 1",
            "server10>bob ACK 1", "alice>server10 ACK 1",
        ]
        let before = byServer ? served : relayed
        #expect(Set(figure.flow.prefix(before.count + 1)) == Set(before + ["alice>mobile INVITE 2"]))
        #expect(figure.flow.suffix(2) == ["mobile>alice 200 OK INVITE 2", "alice>mobile ACK 2"])
    }

    @Test("488 with what Bob's telephone can, after which Alice calls again with that (6.1.5)")
    func notAcceptableHere() throws {
        let figure = try HandbookFlowTests.Figure()
        try figure.bobIsHere()
        let offers = ["m=audio 49172 RTP/AVP 0", "m=audio 3456 RTP/AVP 18"].map { Array("v=0\r\n\($0)\r\n".utf8) }
        let type = MediaType("application", "sdp")
        try figure.alice.invites("sip:bob@biloxi.com") { $0.setBody(offers[0], type: type) }
        #expect(try figure.bob.expects(.invite).body == offers[0])
        try figure.bob.sends(488) { $0.setBody(offers[1], type: type) }
        // The body is Bob's word to Alice: it comes through.
        #expect(try figure.alice.expects(488).body == offers[1])
        try figure.alice.sends(.invite) { $0.setBody(offers[1], type: type) }
        try figure.bob.expects(.invite)
        try figure.bob.sends(200)
        try figure.alice.expects(200)
        try figure.alice.sends(.ack)
        try figure.bob.expects(.ack)
        try figure.stage.world.end()
    }

    @Test(
        "Statuses with which Bob refuses reach Alice as they are (6.1.4, 6.1.5)", arguments: [486, 600, 603, 406, 404])
    func refused(status: Int) throws {
        let figure = try HandbookFlowTests.Figure()
        try figure.bobIsHere()
        let status = StatusCode(UInt16(status))
        try figure.alice.invites("sip:bob@biloxi.com")
        try figure.bob.expects(.invite)
        try figure.bob.sends(status)
        try figure.alice.expects(status)
        try figure.stage.world.end()
        let answer = "\(status.number) \(status.reasonPhrase) INVITE 1"
        #expect(
            Set(figure.flow) == [
                "alice>server10 INVITE 1", "server10>alice 100 Trying INVITE 1", "server10>bob INVITE 1",
                "bob>server10 \(answer)", "server10>bob ACK 1", "server10>alice \(answer)", "alice>server10 ACK 1",
            ])
    }

    @Test("Provisional answers reach Alice with what they carry (6.1.1)", arguments: [180, 181, 182, 183])
    func provisional(status: Int) throws {
        let figure = try HandbookFlowTests.Figure()
        try figure.bobIsHere()
        try figure.alice.invites("sip:bob@biloxi.com")
        try figure.bob.expects(.invite)
        let body = Array("v=0\r\n".utf8)
        try figure.bob.sends(StatusCode(UInt16(status))) { $0.setBody(body, type: MediaType("application", "sdp")) }
        #expect(try figure.alice.expects(StatusCode(UInt16(status))).body == body)
        try figure.bob.sends(486)
        try figure.alice.expects(486)
        try figure.stage.world.end()
    }

    @Test("Gateway congestion: 503 from the first gateway, the call goes to the second (6.1.6)")
    func congestion() throws {
        let trunk = try TrunkStage()
        try trunk.alice.invites(TrunkStage.number)
        try trunk.first.expects(.invite)
        try trunk.first.sends(503)
        try trunk.second.expects(.invite)
        try trunk.second.sends(200)
        try trunk.alice.expects(200)
        try trunk.alice.sends(.ack)
        try trunk.second.expects(.ack)
        #expect(
            trunk.stage.flow().filter { !$0.contains("OPTIONS") } == [
                "alice>proxy INVITE 1", "proxy>alice 100 Trying INVITE 1", "proxy>first INVITE 1",
                "first>proxy 503 Service Unavailable INVITE 1", "proxy>first ACK 1", "proxy>second INVITE 1",
                "second>proxy 200 OK INVITE 1", "proxy>alice 200 OK INVITE 1", "alice>proxy ACK 1",
                "proxy>second ACK 1",
            ])
        try trunk.end()
    }
}
