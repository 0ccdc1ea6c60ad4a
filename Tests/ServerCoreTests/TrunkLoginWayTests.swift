import SIPMessages
import SIPSimulation
import SIPTransactions
import ServerCore
import Testing

@Suite("Logging in at a gateway, whatever way the request takes (RFC 3261 §18.1.1, §22.3)")
struct TrunkLoginWayTests {
    /// A gateway that listens over UDP alone, asks each new request for a password, and takes it with one.
    private final class Gateway: TransactionEndpoint {
        /// The requests that came, each by its transport and whether it had credentials.
        var came: [(transport: TransportProtocol?, hasCredentials: Bool)] = []

        override func requestArrived(
            _ request: SIPMessage, in transaction: TransactionID, over flow: Flow, at now: MonotonicInstant,
            into outbox: inout Outbox
        ) {
            let hasCredentials = request.has(.proxyAuthorization)
            self.came.append((request.first(.via)?.transport, hasCredentials))
            let status: StatusCode = hasCredentials ? 486 : 407
            var response = MessageBuilder(status, to: request, toTag: "gateway")
            if !hasCredentials {
                response.add(
                    named: "Proxy-Authenticate",
                    "Digest realm=\"provider\", nonce=\"abc\", qop=\"auth\", algorithm=SHA-256")
            }
            self.respond(response, status, in: transaction, at: now, into: &outbox)
        }
    }

    @Test("A request that its credentials make too large for UDP has them also when TCP is refused")
    func fallBack() throws {
        let trunk = try TrunkStage(edit: {
            $0.targets = [Array("sip:192.0.2.73".utf8)]
            $0.credentials = .init(user: "4711", password: "trunk secret")
        })
        let gateway = Gateway()
        let listener = SimulatedListener(.udp, SocketAddress(try #require(IPAddress("192.0.2.73")), 5060))
        trunk.stage.world.addHost("gateway", listening: [listener], running: gateway)
        // Less than 1300 octets without the credentials, more with them.
        try trunk.alice.invites(TrunkStage.number) {
            $0.setBody([UInt8](repeating: 0x61, count: 640), type: MediaType("text", "plain"))
        }
        try trunk.alice.expects(486)
        #expect(gateway.came.map(\.hasCredentials) == [false, true])
        #expect(gateway.came.map(\.transport) == [.udp, .udp])
        // One attempt over TCP lay between them.
        let attempts = trunk.stage.flow().filter {
            $0.hasPrefix("proxy>gateway INVITE") || $0.hasPrefix("proxy>? INVITE")
        }
        #expect(attempts.count == 3, "\(trunk.stage.flow())")
        try trunk.end()
    }

    @Test("The next server of the same name has nonces of its own, and is answered when it asks (RFC 3263 §4.3)")
    func nextServer() throws {
        let trunk = try TrunkStage(edit: {
            $0.targets = [Array("sip:gw.example.net".utf8)]
            $0.credentials = .init(user: "4711", password: "trunk secret")
        })
        for (priority, host, address) in [(1, "a", "192.0.2.71"), (2, "b", "192.0.2.72")] {
            trunk.stage.world.services.dns.add(
                "_sip._udp.gw.example.net",
                .srv(priority: UInt16(priority), weight: 0, port: 5060, target: "\(host).example.net"))
            trunk.stage.world.services.dns.add("\(host).example.net", .address(try #require(IPAddress(address))))
        }
        try trunk.alice.invites(TrunkStage.number)
        for (gateway, nonce) in [(trunk.first, "one"), (trunk.second, "two")] {
            #expect(!(try gateway.expects(.invite).has(.proxyAuthorization)))
            try gateway.sends(407) {
                $0.add(named: "Proxy-Authenticate", "Digest realm=\"provider\", nonce=\"\(nonce)\", qop=\"auth\"")
            }
            let invite = try gateway.expects(.invite)
            #expect(invite.values(named: "Proxy-Authorization").map { $0.contains("nonce=\"\(nonce)\"") } == [true])
            try gateway.sends(nonce == "one" ? 503 : 486)
        }
        try trunk.alice.expects(486)
        try trunk.end()
    }
}
