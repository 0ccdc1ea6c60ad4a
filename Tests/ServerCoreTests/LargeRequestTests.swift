import ProxyCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import ServerCore
import Testing

@Suite("Requests that are too large for UDP (RFC 3261 §18.1.1)")
struct LargeRequestTests {
    private static let carol = "sip:carol@192.0.2.82"

    /// A request to Carol, who has an address and is no user of ours, with a body of so many octets.
    private func send(_ octets: Int, from alice: ScriptedPeer, to uri: String = Self.carol) throws {
        try alice.sends(.message, to: try URI(uri)) {
            $0.setBody([UInt8](repeating: 0x61, count: octets), type: MediaType("text", "plain"))
        }
    }

    private func carol(_ stage: Stage) -> ScriptedPeer { stage.world.peer("carol", at: "192.0.2.82") }

    @Test("A request below the limit goes as a datagram, one above it over TCP, as its Via says")
    func switches() throws {
        let stage = Stage()
        stage.server()
        let (alice, carol) = (try stage.alice(), self.carol(stage))
        try self.send(200, from: alice)
        #expect(try carol.expects(.message).first(.via)?.transport == .udp)
        try carol.sends(200)
        try alice.expects(200)
        try self.send(1300, from: alice)
        let large = try carol.expects(.message)
        #expect(large.all(.via).map(\.transport) == [.tcp, .udp])
        #expect(large.body.count == 1300)
        try carol.sends(200)
        try alice.expects(200)
        try stage.world.end()
    }

    @Test("The limit counts the whole request as it leaves: 1300 octets go as a datagram, 1301 do not")
    func limit() throws {
        let stage = Stage()
        stage.server()
        let (alice, carol) = (try stage.alice(), self.carol(stage))
        try self.send(100, from: alice)
        let small = try carol.expects(.message)
        try carol.sends(200)
        try alice.expects(200)
        // Both bodies have lengths of three digits, so that nothing else of the message changes its length.
        let room = 1300 - (small.octets.count - 100)
        for (octets, transport) in [(room, TransportProtocol.udp), (room + 1, .tcp)] {
            try self.send(octets, from: alice)
            #expect(try carol.expects(.message).first(.via)?.transport == transport)
            try carol.sends(200)
            try alice.expects(200)
        }
        try stage.world.end()
    }

    @Test("An INVITE over TCP is record-routed for both transports, its ACK and BYE go the way back (RFC 5658 §4)")
    func call() throws {
        let stage = Stage()
        stage.server()
        let (alice, carol) = (try stage.alice(), self.carol(stage))
        try alice.invites(Self.carol) {
            $0.setBody([UInt8](repeating: 0x61, count: 1300), type: MediaType("text", "plain"))
        }
        let invite = try carol.expects(.invite)
        #expect(
            invite.all(.recordRoute).map { $0.uri.sip?.transport } == ["tcp", nil])
        try carol.sends(200)
        try alice.expects(200)
        try alice.sends(.ack)
        try carol.expects(.ack)
        try carol.sends(.bye)
        try alice.expects(.bye)
        try alice.sends(200)
        try carol.expects(200)
        try stage.world.end()
    }

    @Test("Where TCP is refused the request goes as a datagram at once, in a transaction of its own")
    func refused() throws {
        let stage = Stage()
        stage.server()
        let listener = SimulatedListener(.udp, SocketAddress(try #require(IPAddress("192.0.2.82")), 5060))
        let (alice, carol) = (try stage.alice(), UDPPhone())
        stage.world.addHost("carol", listening: [listener], running: carol)
        try self.send(1300, from: alice)
        try alice.expects(200, within: .seconds(1))
        let attempts = stage.flow().filter { $0.hasPrefix("proxy>") && $0.contains("MESSAGE 1") && !$0.contains("200") }
        #expect(attempts.count == 2, "\(stage.flow())")
        #expect(carol.vias.map(\.transport) == [.udp])
        // What was learnt holds: the next one makes no attempt.
        try self.send(1300, from: alice)
        try alice.expects(200, within: .seconds(1))
        #expect(carol.vias.count == 2)
        #expect(Set(carol.vias.map(\.branch)).count == 2)
        try stage.world.end()
    }

    @Test("Where nothing is heard of a connection for two seconds the request goes as a datagram, and the next at once")
    func silent() throws {
        let stage = Stage()
        stage.server()
        let (alice, carol) = (try stage.alice(), self.carol(stage))
        var conditions = LinkConditions.delaying(.milliseconds(10))
        conditions.dropsStreams = true
        stage.world.setConditions(conditions, between: "proxy", and: "carol")
        let start = stage.world.now
        try self.send(1300, from: alice)
        #expect(try carol.expects(.message).first(.via)?.transport == .udp)
        #expect(stage.world.now.since(start) == .milliseconds(2020))
        try carol.sends(200)
        try alice.expects(200)
        let next = stage.world.now
        try self.send(1300, from: alice)
        try carol.expects(.message)
        #expect(stage.world.now.since(next) < .seconds(1))
        try carol.sends(200)
        try alice.expects(200)
        try stage.world.end()
    }

    @Test("What has been refused is tried again after ten minutes")
    func forgets() throws {
        let stage = Stage()
        stage.server()
        let (alice, carol) = (try stage.alice(), self.carol(stage))
        var conditions = LinkConditions.delaying(.milliseconds(10))
        conditions.dropsStreams = true
        stage.world.setConditions(conditions, between: "proxy", and: "carol")
        try self.send(1300, from: alice)
        try carol.expects(.message)
        try carol.sends(200)
        try alice.expects(200)
        stage.world.setConditions(.delaying(.milliseconds(10)), between: "proxy", and: "carol")
        stage.world.run(for: .seconds(601))
        try self.send(1300, from: alice)
        #expect(try carol.expects(.message).first(.via)?.transport == .tcp)
        try carol.sends(200)
        try alice.expects(200)
        try stage.world.end()
    }

    @Test("A device of a user is reached over its own flow, however large the request (RFC 5626 §5.3)")
    func keepsFlows() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try self.send(1300, from: alice, to: Place.bob)
        #expect(try bob.expects(.message).first(.via)?.transport == .udp)
        try bob.sends(200)
        try alice.expects(200)
        try stage.world.end()
    }

    @Test("A server that has a name is tried over TCP first too, and over UDP when that is refused (RFC 3263 §4.1)")
    func names() throws {
        let stage = Stage()
        stage.server()
        stage.world.services.dns.add("example.net", .address(try #require(IPAddress("192.0.2.82"))))
        let (alice, carol) = (try stage.alice(), self.carol(stage))
        try self.send(1300, from: alice, to: "sip:carol@example.net")
        #expect(try carol.expects(.message).first(.via)?.transport == .tcp)
        try carol.sends(200)
        try alice.expects(200)
        try self.send(100, from: alice, to: "sip:carol@example.net")
        #expect(try carol.expects(.message).first(.via)?.transport == .udp)
        try carol.sends(200)
        try alice.expects(200)
        try stage.world.end()
    }

    @Test("Cancelled while the connection is tried, the call ends with 487 and is not tried as a datagram")
    func cancelled() throws {
        let stage = Stage()
        stage.server()
        let (alice, carol) = (try stage.alice(), self.carol(stage))
        var conditions = LinkConditions.delaying(.milliseconds(10))
        conditions.dropsStreams = true
        stage.world.setConditions(conditions, between: "proxy", and: "carol")
        try alice.invites(Self.carol) {
            $0.setBody([UInt8](repeating: 0x61, count: 1300), type: MediaType("text", "plain"))
        }
        stage.world.run(for: .seconds(1))
        try alice.sends(.cancel)
        try alice.expects(200, for: .cancel)
        stage.world.run(for: .seconds(10))
        try carol.expectsNothing(for: .seconds(10))
        try alice.expects(487)
    }
}

/// A phone that knows nothing but UDP, and answers everything with 200.
private final class UDPPhone: TransactionEndpoint {
    /// The topmost Via of each request.
    private(set) var vias: [Via] = []

    override func requestArrived(
        _ request: SIPMessage, in transaction: TransactionID, over flow: Flow, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        if let via = request.first(.via) { self.vias.append(via) }
        self.respond(MessageBuilder(200, to: request, toTag: "c"), 200, in: transaction, at: now, into: &outbox)
    }
}
