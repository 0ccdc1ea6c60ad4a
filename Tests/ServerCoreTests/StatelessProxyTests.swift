import ProxyCore
import SIPMessages
import SIPSimulation
import ServerCore
import ServerSimulation
import Testing

@Suite("The stateless proxy (RFC 3261 §16.11)")
struct StatelessProxyTests {
    /// A server that forwards without transactions.
    @discardableResult
    private static func server(_ stage: Stage, _ edit: (inout ServerSettings) -> Void = { _ in }) -> SimulatedServer {
        // It sends again what comes again, and owes no ACK: the rules for transactions are not for it.
        defer { stage.world.permitsViolations(by: "proxy") }
        return stage.server {
            $0.proxy.isStateless = true
            edit(&$0)
        }
    }

    @Test("A call goes through, and nothing is sent that did not come: no 100, no ACK of its own", arguments: [1, 64])
    func call(shards: Int) throws {
        let stage = Stage(shards: shards)
        let server = Self.server(stage)
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.invites()
        let invite = try bob.expects(.invite)
        #expect(invite.all(.via).count == 2)
        #expect(invite.all(.recordRoute).count == 1)
        #expect(invite.first(.maxForwards) == 69)
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
        #expect(
            stage.flow(from: 2) == [
                "alice>proxy INVITE 1", "proxy>bob INVITE 1", "bob>proxy 180 Ringing INVITE 1",
                "proxy>alice 180 Ringing INVITE 1", "bob>proxy 200 OK INVITE 1", "proxy>alice 200 OK INVITE 1",
                "alice>proxy ACK 1", "proxy>bob ACK 1", "bob>proxy BYE 1", "proxy>alice BYE 1",
                "alice>proxy 200 OK BYE 1", "proxy>bob 200 OK BYE 1",
            ])
        #expect(server.transactionCount == 0)
        try stage.world.end()
    }

    @Test("A refusal passes, and its ACK goes on to the callee as the INVITE did")
    func refusal() throws {
        let stage = Stage()
        Self.server(stage)
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.invites()
        try bob.expects(.invite)
        try bob.sends(486)
        try alice.expects(486)
        try stage.world.end()
        #expect(
            stage.flow(from: 2) == [
                "alice>proxy INVITE 1", "proxy>bob INVITE 1", "bob>proxy 486 Busy Here INVITE 1",
                "proxy>alice 486 Busy Here INVITE 1", "alice>proxy ACK 1", "proxy>bob ACK 1",
            ])
    }

    @Test("A CANCEL goes on like any other request, with the branch of its INVITE; the callee answers it")
    func cancel() throws {
        let stage = Stage()
        Self.server(stage)
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.invites()
        let invite = try bob.expects(.invite)
        try bob.sends(180)
        try alice.expects(180)
        try alice.sends(.cancel)
        let cancel = try bob.expects(.cancel)
        #expect(cancel.requestURI == invite.requestURI)
        #expect(cancel.all(.via).map(\.branch) == invite.all(.via).map(\.branch))
        try bob.sends(200, to: .cancel)
        try alice.expects(200, for: .cancel)
        try bob.sends(487, to: .invite)
        try alice.expects(487)
        try stage.world.end()
    }

    @Test("Retransmissions go the same way with the same branch, so that the callee knows them as such")
    func retransmissions() throws {
        let stage = Stage()
        Self.server(stage)
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.sends(.message, to: try URI(Place.bob))
        try bob.expects(.message)
        // It is sent again after 500 ms, 1 s and 2 s: each time it is passed on, and absorbed.
        try bob.expectsNothing(for: .milliseconds(3600))
        #expect(stage.flow(from: 2).filter { $0 == "proxy>bob MESSAGE 1" }.count == 4)
        try bob.sends(200)
        try alice.expects(200)
        try stage.world.end()
    }

    @Test("Of several devices one is chosen, the preferred one, and for a retransmission the same")
    func oneTarget() throws {
        let stage = Stage()
        Self.server(stage)
        let alice = try stage.alice()
        let desk = try stage.bob("desk", at: "192.0.2.201")
        let mobile = try stage.bob("mobile", at: "192.0.2.202")
        try desk.isRegistered(["<sip:bob@192.0.2.201>;q=0.3"])
        try mobile.isRegistered(["<sip:bob@192.0.2.202>;q=0.7"])
        try alice.invites()
        try mobile.expects(.invite)
        try desk.expectsNothing(for: .seconds(2))
        try mobile.sends(603)
        try alice.expects(603)
        try desk.expectsNothing(for: .seconds(2))
        try stage.world.end()
    }

    @Test(
        "An answer finds the client on its connection behind a NAT, whose port no Via can name",
        arguments: [TransportProtocol.tcp, .tls, .ws])
    func connections(transport: TransportProtocol) throws {
        let stage = Stage()
        Self.server(stage)
        let alice = try DialogFlowTests.device(
            "alice", "sip:alice@atlanta.example.com", box: "198.51.100.1", in: stage, over: transport)
        let bob = try DialogFlowTests.device("bob", Place.bob, box: "198.51.100.2", in: stage, over: transport)
        try bob.isRegistered(["<sip:bob@df7jal23ls0d.invalid;transport=\(transport)>"])
        try DialogFlowTests.converse(alice, bob)
        try stage.world.end()
    }

    @Test("Who is not there is told so without a transaction, and the ACK to that ends here")
    func absence() throws {
        let stage = Stage()
        let server = Self.server(stage)
        let alice = try stage.alice()
        try alice.invites()
        try alice.expects(480)
        #expect(server.transactionCount == 0)
        try stage.world.end()
        #expect(
            stage.flow() == ["alice>proxy INVITE 1", "proxy>alice 480 Not Registered INVITE 1", "alice>proxy ACK 1"])
    }

    @Test("A response that is no answer of a transaction is dropped where its next Via says nothing")
    func strayResponse() throws {
        let stage = Stage()
        Self.server(stage)
        let bob = try stage.bob()
        let response = [
            "SIP/2.0 200 OK", "Via: SIP/2.0/UDP 192.0.2.222:5060;branch=z9hG4bKnobody",
            "From: <sip:a@b.example>;tag=1", "To: <sip:c@d.example>;tag=2", "Call-ID: stray", "CSeq: 1 INVITE",
            "Content-Length: 0", "", "",
        ]
        stage.world.permitsViolations(by: "bob")
        let known = stage.flow().count
        try bob.sendsOctets(
            Array(response.joined(separator: "\r\n").utf8),
            to: SocketAddress(try #require(IPAddress(Place.proxy)), 5060))
        stage.world.run(for: .seconds(1))
        #expect(stage.flow(from: known).filter { $0.hasPrefix("proxy>") }.isEmpty)
        try stage.world.end()
    }
}

/// Credentials where nobody remembers what has come already.
@Suite("A stateless proxy that asks for passwords (RFC 3261 §16.11, §22.1)")
struct StatelessAuthorisationTests {
    private let stage = Stage()
    private let alice: ScriptedPeer
    private let bob: ScriptedPeer
    /// Somebody of another domain.
    private let carol: ScriptedPeer

    init() throws {
        self.stage.server("proxy", at: Place.proxy, [Place.domain, "atlanta.example.com"]) {
            $0.proxy.isStateless = true
            $0.requires([.alice])
        }
        self.stage.world.permitsViolations(by: "proxy")
        self.alice = try self.stage.alice()
        self.bob = try self.stage.bob()
        self.carol = try self.stage.peer("carol", at: "203.0.113.7", "sip:carol@chicago.example.com")
    }

    @Test("A retransmission with the credentials of the request is no replay; it is passed on")
    func repeatedCredentials() throws {
        let uri = "sip:carol@203.0.113.7"
        try self.alice.sends(.message, to: try URI(uri))
        let challenge = try self.alice.expects(407)
        let answer = try #require(Account.alice.answer(challenge, .message, uri))
        try self.alice.sends(.message, to: try URI(uri)) { $0.add(named: "Proxy-Authorization", answer) }
        try self.carol.expects(.message)
        try self.carol.expectsNothing(for: .milliseconds(1700))
        try self.carol.sends(200)
        try self.alice.expects(200)
        try self.stage.world.end()
        #expect(self.stage.flow().filter { $0.hasPrefix("proxy>carol MESSAGE") }.count == 3)
    }

    @Test("ACK and CANCEL of strangers to elsewhere are not relayed: the one vanishes, the other is refused")
    func strangers() throws {
        for method in ["ACK", "CANCEL"] {
            let request = [
                "\(method) sip:carol@203.0.113.7 SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.66;branch=z9hG4bK1\(method)",
                "Max-Forwards: 70", "From: <sip:mallory@evil.example.com>;tag=1", "To: <sip:carol@203.0.113.7>",
                "Call-ID: 66", "CSeq: 1 \(method)", "Content-Length: 0", "", "",
            ]
            try self.bob.sendsOctets(
                Array(request.joined(separator: "\r\n").utf8),
                to: SocketAddress(try #require(IPAddress(Place.proxy)), 5060))
        }
        self.stage.world.run(for: .seconds(1))
        #expect(!self.stage.flow().contains { $0.hasPrefix("proxy>carol") })
        #expect(self.stage.flow().contains { $0.hasSuffix("481 No Such Transaction CANCEL 1") })
    }
}
