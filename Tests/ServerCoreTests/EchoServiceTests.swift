import SIPMessages
import SIPSimulation
import SIPTransactions
import ServerCore
import ServerSimulation
import Testing

@Suite("The echo service of the server")
struct EchoServiceTests {
    private static let echo = "sip:echo@biloxi.example.com"

    private func offer(_ builder: inout MessageBuilder) {
        builder.setBody(Array("alice".utf8), type: MediaType("application", "sdp"))
    }

    @Test("It answers at once, and the call is its own: no proxy is on its way", arguments: [1, 64])
    func call(shards: Int) throws {
        let stage = Stage(shards: shards)
        stage.server()
        let alice = try stage.alice()
        try alice.invites(Self.echo) { self.offer(&$0) }
        let success = try alice.expects(200)
        #expect(String(decoding: success.body, as: UTF8.self) == "echo of alice")
        #expect(success.contacts == ["<sip:echo@192.0.2.222:5060>"])
        #expect(!success.has(.recordRoute))
        try alice.sends(.ack)
        stage.world.run(for: .seconds(20))
        try alice.sends(.bye)
        try alice.expects(200)
        try stage.world.end()
        #expect(
            stage.flow() == [
                "alice>proxy INVITE 1", "proxy>alice 200 OK INVITE 1", "alice>proxy ACK 1", "alice>proxy BYE 2",
                "proxy>alice 200 OK BYE 2",
            ])
    }

    @Test("A re-INVITE is answered anew, an unknown dialog with 481 (RFC 3261 §12.2.2)")
    func reinvite() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        try alice.invites(Self.echo) { self.offer(&$0) }
        try alice.expects(200)
        try alice.sends(.ack)
        try alice.sends(.invite) { $0.setBody(Array("hold".utf8), type: MediaType("application", "sdp")) }
        #expect(String(decoding: try alice.expects(200).body, as: UTF8.self) == "echo of hold")
        try alice.sends(.ack)
        try alice.sends(.bye)
        try alice.expects(200)
        stage.world.run(for: .seconds(40))
        try alice.sends(.bye)
        try alice.expects(481)
        try stage.world.end()
    }

    @Test("It says what it can do in answer to OPTIONS (RFC 3261 §11.2)")
    func options() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        try alice.sends(.options, to: try URI(Self.echo))
        let success = try alice.expects(200)
        #expect(success.all(.allow).contains(.update))
        #expect(success.all(.supported).contains("timer"))
        #expect(success.all(.accept) == [MediaType("application", "sdp")])
        try stage.world.end()
    }

    @Test(
        "What it does not know is refused by name: extensions, methods, bodies",
        arguments: [
            ("Require", "x-future", StatusCode(420), "Unsupported", "x-future"),
            ("Content-Type", "application/x-future", 415, "Accept", "application/sdp"),
            ("Accept", "text/plain", 406, "Server", "Biloxi"),
        ])
    func refusals(field: String, value: String, status: StatusCode, answer: String, names: String) throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        try alice.invites(Self.echo) { builder in
            self.offer(&builder)
            builder.remove(named: field)
            builder.add(named: field, value)
        }
        let refusal = try alice.expects(status)
        #expect(refusal.values(named: answer) == [names])
        try stage.world.end()
    }

    @Test("Who must prove himself to call our users must do so to call the echo")
    func authentication() throws {
        let stage = Stage()
        stage.server { $0.requires([.bob]) }
        let bob = try stage.bob()
        try bob.invites(Self.echo) { self.offer(&$0) }
        try bob.expects(407)
    }

    @Test("A call whose ACK never comes is ended by BYE to the caller (RFC 3261 §13.3.1.4)")
    func noACK() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        try alice.invites(Self.echo) { self.offer(&$0) }
        try alice.expects(200)
        try alice.expects(.bye)
        try alice.sends(200)
        try stage.world.end()
    }

    @Test("Without the service the user is like any other")
    func none() throws {
        let stage = Stage()
        stage.server { $0.echoUser = [] }
        let alice = try stage.alice()
        try alice.invites(Self.echo) { self.offer(&$0) }
        try alice.expects(480)
    }
}
