import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("CANCEL through the proxy (RFC 3261 §9, §16.10)")
struct CancelTests {
    @Test("The proxy answers it, cancels what rings and passes the 487 on", arguments: [1, 64])
    func cancel(shards: Int) throws {
        let stage = Stage(shards: shards)
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.invites()
        let invite = try bob.expects(.invite)
        try bob.sends(180)
        try alice.expects(180)
        try alice.sends(.cancel)
        try alice.expects(200, for: .cancel)
        let cancel = try bob.expects(.cancel)
        // §9.1: Request-URI, Call-ID, To, From and the number of CSeq are those of the INVITE, the Via one value.
        #expect(cancel.requestURI == invite.requestURI)
        #expect(cancel.all(.via).map(\.branch) == [invite.all(.via).first?.branch])
        #expect(cancel.first(.callID) == invite.first(.callID))
        #expect(cancel.first(.cseq)?.number == invite.first(.cseq)?.number)
        try bob.sends(200, to: .cancel)
        try bob.sends(487, to: .invite)
        try alice.expects(487)
        try stage.world.end()
        #expect(
            stage.flow(from: 2) == [
                "alice>proxy INVITE 1", "proxy>alice 100 Trying INVITE 1", "proxy>bob INVITE 1",
                "bob>proxy 180 Ringing INVITE 1", "proxy>alice 180 Ringing INVITE 1",
                "alice>proxy CANCEL 1", "proxy>alice 200 OK CANCEL 1", "proxy>bob CANCEL 1",
                "bob>proxy 200 OK CANCEL 1", "bob>proxy 487 Request Terminated INVITE 1",
                "proxy>alice 487 Request Terminated INVITE 1", "proxy>bob ACK 1", "alice>proxy ACK 1",
            ])
    }

    @Test("Before a provisional response nothing may be cancelled: it waits for one (§9.1)")
    func race() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        stage.world.setConditions(.delaying(.milliseconds(150)), between: "proxy", and: "bob")
        try alice.invites()
        stage.world.run(for: .milliseconds(100))
        try alice.sends(.cancel)
        try alice.expects(200, for: .cancel)
        try bob.expects(.invite)
        try bob.expectsNothing(for: .milliseconds(100))
        try bob.sends(180)
        try bob.expects(.cancel)
        try bob.sends(200, to: .cancel)
        try bob.sends(487, to: .invite)
        try alice.expects(180)
        try alice.expects(487)
        try stage.world.end()
    }

    @Test("A callee that answers before the CANCEL comes has won: the 200 is passed on (§9.1)")
    func tooLate() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.invites()
        try bob.expects(.invite)
        try bob.sends(180)
        try alice.expects(180)
        try alice.sends(.cancel)
        try bob.sends(200, to: .invite)
        try alice.expects(200, for: .cancel)
        try alice.expects(200, for: .invite)
        try alice.sends(.ack)
        try bob.expects(.cancel)
        try bob.sends(200, to: .cancel)
        try bob.expects(.ack)
        try stage.world.end()
    }

    @Test("The Reason of a CANCEL goes on with it (RFC 3326 §2)")
    func reason() throws {
        let stage = Stage()
        stage.server()
        let (bob) = try stage.bob()
        try bob.isRegistered()
        let alice = try stage.peer("alice", at: "192.0.2.101", "sip:alice@atlanta.example.com")
        try alice.invites()
        let invite = try bob.expects(.invite)
        try bob.sends(180)
        try alice.expects(180)
        let branch = try #require(invite.all(.via).last?.branch)
        let text =
            "CANCEL sip:bob@biloxi.example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.101:5060;rport;branch=\(branch)\r\n"
            + "From: \(invite.values(named: "From")[0])\r\nTo: <\(Place.bob)>\r\n"
            + "Call-ID: \(invite.values(named: "Call-ID")[0])\r\nCSeq: 1 CANCEL\r\nMax-Forwards: 70\r\n"
            + "Reason: Q.850;cause=16;text=\"Terminated\"\r\nReason: SIP;cause=487\r\nContent-Length: 0\r\n\r\n"
        stage.world.permitsViolations(by: "alice")
        try alice.sendsOctets(Array(text.utf8), to: SocketAddress(try #require(IPAddress(Place.proxy)), 5060))
        let cancel = try bob.expects(.cancel)
        #expect(cancel.first(.reason)?.isQ850 == true && cancel.first(.reason)?.cause == 16)
        #expect(cancel.all(.reason).map(\.cause) == [16, 487])
        try bob.sends(200, to: .cancel)
        try bob.sends(487, to: .invite)
        try alice.expects(487)
    }

    @Test("Cancelled between two targets of different q, the next one is not tried (§16.10)")
    func serial() throws {
        let stage = Stage()
        stage.server()
        let (alice, first) = (try stage.alice(), try stage.bob("first"))
        let second = try stage.bob("second", at: "192.0.2.202")
        try first.isRegistered(["<sip:bob@192.0.2.201>;q=1.0"])
        try second.isRegistered(["<sip:bob@192.0.2.202>;q=0.5"])
        try alice.invites()
        try first.expects(.invite)
        try first.sends(180)
        try alice.expects(180)
        try alice.sends(.cancel)
        try alice.expects(200, for: .cancel)
        try first.expects(.cancel)
        try first.sends(200, to: .cancel)
        try first.sends(487, to: .invite)
        try alice.expects(487)
        try second.expectsNothing(for: .seconds(2))
        try stage.world.end()
    }
}
