import SIPMessages
import SIPSimulation
import ServerCore
import Testing

/// What happens between an INVITE and its answer goes through the proxy within the early dialog.
@Suite("Early dialogs through the proxy (RFC 3262, RFC 3311, RFC 3312)")
struct EarlyDialogFlowTests {
    @Test("A reliable provisional response, its PRACK and UPDATEs of both sides pass before the answer (RFC 3311 §4)")
    func reliable() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.invites { $0.add(named: "Supported", "100rel") }
        let invite = try bob.expects(.invite)
        #expect(invite.values(named: "Supported") == ["100rel"])
        try bob.sends(183) {
            $0.add(named: "Require", "100rel")
            $0.add(named: "RSeq", "813520")
            $0.setBody(Array("v=0\r\n".utf8), type: .sdp)
        }
        let progress = try alice.expects(183)
        #expect(progress.first(.rseq) == 813_520)
        #expect(progress.all(.require).map(\.description) == ["100rel"])
        #expect(progress.body == Array("v=0\r\n".utf8))
        // RFC 3262 §4: a request within the dialog that the 183 has made.
        try alice.sends(.prack) { $0.add(named: "RAck", "813520 1 INVITE") }
        let prack = try bob.expects(.prack)
        #expect(prack.values(named: "RAck") == ["813520 1 INVITE"])
        #expect(prack.requestURI?.sip?.host.name == "192.0.2.201")
        try bob.sends(200)
        try alice.expects(200, for: .prack)
        try alice.sends(.update) { $0.setBody(Array("v=1\r\n".utf8), type: .sdp) }
        #expect(try bob.expects(.update).body == Array("v=1\r\n".utf8))
        try bob.sends(200)
        try alice.expects(200, for: .update)
        try bob.sends(.update)
        try alice.expects(.update)
        try alice.sends(200)
        try bob.expects(200, for: .update)
        try bob.sends(200, to: .invite)
        try alice.expects(200, for: .invite)
        try alice.sends(.ack)
        try bob.expects(.ack)
        try stage.world.end()
        let start = 4
        #expect(
            stage.flow(from: start) == [
                "proxy>bob INVITE 1", "bob>proxy 183 Session Progress INVITE 1",
                "proxy>alice 183 Session Progress INVITE 1",
                "alice>proxy PRACK 2", "proxy>bob PRACK 2", "bob>proxy 200 OK PRACK 2", "proxy>alice 200 OK PRACK 2",
                "alice>proxy UPDATE 3", "proxy>bob UPDATE 3", "bob>proxy 200 OK UPDATE 3",
                "proxy>alice 200 OK UPDATE 3",
                "bob>proxy UPDATE 1", "proxy>alice UPDATE 1", "alice>proxy 200 OK UPDATE 1",
                "proxy>bob 200 OK UPDATE 1",
                "bob>proxy 200 OK INVITE 1", "proxy>alice 200 OK INVITE 1", "alice>proxy ACK 1", "proxy>bob ACK 1",
            ])
    }
}
