import SIPMessages
import SIPTransactions
import Testing

@testable import SIPSimulation

/// A host that only sends what it is told to.
final class Puppet: SimulatedNode {
    private(set) var received: [String] = []
    private(set) var failures = 0
    private(set) var closed = 0
    private(set) var flows: [Flow] = []
    private(set) var answers: [ServiceAnswer] = []
    private(set) var place = SimulatedPlace(name: "", listeners: [], seed: 0)
    var questions: [ServiceQuestion] = []
    var left = SimulationAudit()

    func placed(at place: SimulatedPlace) { self.place = place }
    func receive(_ octets: Span<UInt8>, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox) {
        self.received.append(octets.string(0..<octets.count))
        self.flows.append(flow)
    }
    func wake(at now: MonotonicInstant, into outbox: inout Outbox) {}
    var nextWakeUp: MonotonicInstant? { nil }
    func audit() -> SimulationAudit { self.left }
    func transportFailed(
        _ sender: Outbox.Sender, shard: UInt16, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        self.failures += 1
    }
    func connectionClosed(_ flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox) { self.closed += 1 }
    func takeQuestions() -> [ServiceQuestion] {
        defer { self.questions = [] }
        return self.questions
    }
    func answered(_ answer: ServiceAnswer, at now: MonotonicInstant, into outbox: inout Outbox) {
        self.answers.append(answer)
    }
}

extension SimulatedWorld {
    /// Adds a puppet that listens at 192.0.2.N.
    func puppet(_ name: String, _ number: UInt32, behind box: Int? = nil, network: UInt32 = 0xC000_0200) -> Puppet {
        let puppet = Puppet()
        let address = IPAddress(v4: network + number)
        self.addHost(name, listening: SimulatedListener.standard(address), behind: box, running: puppet)
        return puppet
    }

    /// Lets a puppet send a text: end point 0 is UDP, 1 TCP.
    func send(_ text: String, from name: String, to remote: SocketAddress, endpoint: UInt16 = 0, connection: UInt32 = 0)
    {
        let flow = Flow(
            endpoint: endpoint, transport: endpoint == 0 ? .udp : .tcp, connection: connection, remote: remote)
        self.perform(as: name) { _, outbox in
            let start = outbox.octets.count
            outbox.octets.append(contentsOf: text.utf8)
            outbox.send(from: start, over: flow)
        }
    }
}

@Suite("The rules that are checked on the wire")
struct WireInvariantTests {
    struct Line: Sendable {
        let milliseconds: Int64
        let isFromClient: Bool
        let text: String
    }
    /// A line of a client.
    static func client(_ at: Int64, _ method: String, branch: String = "z9hG4bK1", extra: String = "") -> Line {
        Line(milliseconds: at, isFromClient: true, text: Self.text("\(method) sip:b@h SIP/2.0", method, branch, extra))
    }
    /// A line of a server.
    static func server(_ at: Int64, _ status: Int, _ method: String, extra: String = "") -> Line {
        Line(milliseconds: at, isFromClient: false, text: Self.text("SIP/2.0 \(status) X", method, "z9hG4bK1", extra))
    }
    private static func text(_ start: String, _ method: String, _ branch: String, _ extra: String) -> String {
        "\(start)\r\nVia: SIP/2.0/UDP h;branch=\(branch)\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\(extra)\r\n"
            + "Call-ID: 1\r\nCSeq: 1 \(method)\r\nContent-Length: 0\r\n\r\n"
    }

    static func run(_ lines: [Line], endpoint: UInt16 = 0) -> [Violation.Rule] {
        let world = SimulatedWorld(seed: 1)
        _ = world.puppet("client", 1)
        _ = world.puppet("server", 2)
        for line in lines {
            world.at(MonotonicInstant.start.advanced(by: .milliseconds(line.milliseconds))) { [unowned world] in
                let number: UInt32 = line.isFromClient ? 2 : 1
                let remote = SocketAddress(IPAddress(v4: 0xC000_0200 + number), 5060)
                // Connections are numbered from 1; the side that accepted the first one has 2.
                let connection: UInt32 = endpoint == 0 ? 0 : line.isFromClient ? 0 : 2
                world.send(
                    line.text, from: line.isFromClient ? "client" : "server", to: remote, endpoint: endpoint,
                    connection: connection)
            }
        }
        world.runToEnd()
        return world.violations.map(\.rule)
    }

    static let breaches: [([Line], Violation.Rule)] = [
        (
            [client(0, "INVITE"), server(1, 486, "INVITE"), client(2, "ACK"), server(3, 487, "INVITE")],
            .secondFinalResponse
        ),
        ([client(0, "INVITE"), server(1, 200, "INVITE"), server(2, 486, "INVITE")], .secondFinalResponse),
        ([client(0, "OPTIONS"), server(1, 200, "OPTIONS"), server(2, 404, "OPTIONS")], .secondFinalResponse),
        ([client(0, "INVITE"), server(1, 200, "INVITE"), server(2, 180, "INVITE")], .provisionalAfterFinal),
        ([client(0, "OPTIONS"), server(1, 200, "OPTIONS"), server(32_002, 200, "OPTIONS")], .sentAfterTermination),
        ([client(0, "OPTIONS"), client(32_000, "OPTIONS")], .sentAfterTermination),
        ([client(0, "OPTIONS"), server(1, 200, "OPTIONS"), client(500, "OPTIONS")], .needlessRetransmission),
        ([client(0, "INVITE"), server(1, 180, "INVITE"), client(500, "INVITE")], .needlessRetransmission),
        ([server(0, 200, "OPTIONS")], .responseWithoutRequest),
        ([client(0, "OPTIONS"), client(1, "OPTIONS", extra: ";tag=9")], .branchUsedTwice),
        ([client(0, "OPTIONS"), server(1, 408, "OPTIONS")], .timeoutResponseToNonInvite),
        ([client(0, "OPTIONS"), server(3499, 100, "OPTIONS")], .provisionalToNonInvite),
        ([client(0, "OPTIONS"), server(4000, 183, "OPTIONS")], .provisionalToNonInvite),
        ([client(0, "INVITE"), server(1, 486, "INVITE")], .missingACK),
        (
            [client(0, "INVITE"), server(1, 180, "INVITE"), client(2, "CANCEL"), server(32_001, 487, "INVITE")],
            .missingACK
        ),
    ]

    @Test("Each rule is noticed when it is broken", arguments: breaches)
    func breach(lines: [Line], rule: Violation.Rule) {
        let broken = Self.run(lines)
        // No puppet acknowledges within the step, so every failure to an INVITE breaks that rule too.
        #expect(broken.filter { $0 != .missingACK || rule == .missingACK } == [rule])
    }

    @Test(
        "What is allowed is not noticed",
        arguments: [
            [client(0, "INVITE"), client(500, "INVITE"), server(501, 180, "INVITE"), server(502, 200, "INVITE")],
            [
                client(0, "INVITE"), server(1, 200, "INVITE", extra: ";tag=1"),
                server(2, 200, "INVITE", extra: ";tag=2"),
            ],
            [client(0, "INVITE"), server(1, 200, "INVITE"), server(500, 200, "INVITE")],
            [
                client(0, "OPTIONS"), server(3500, 100, "OPTIONS"), server(3600, 200, "OPTIONS"),
                server(4000, 200, "OPTIONS"),
            ],
            [client(0, "OPTIONS"), client(31_500, "OPTIONS"), server(31_600, 200, "OPTIONS")],
            [client(0, "INVITE"), client(1, "CANCEL"), server(2, 200, "CANCEL")],
            [client(0, "INVITE"), server(1, 180, "INVITE"), client(2, "CANCEL"), server(32_002, 487, "INVITE")],
        ])
    func allowed(lines: [Line]) {
        #expect(Self.run(lines) == [])
    }

    @Test("Over a stream nothing is repeated, and 100 may come at once")
    func streams() {
        #expect(
            Self.run([Self.client(0, "OPTIONS"), Self.client(500, "OPTIONS")], endpoint: 1) == [.needlessRetransmission]
        )
        #expect(Self.run([Self.client(0, "OPTIONS"), Self.server(1, 100, "OPTIONS")], endpoint: 1) == [])
        let twice = [Self.client(0, "OPTIONS"), Self.server(1, 200, "OPTIONS"), Self.server(2, 200, "OPTIONS")]
        #expect(Self.run(twice, endpoint: 1) == [.sentAfterTermination])
    }

    @Test("A rule of the test's own is checked after every step")
    func ownRule() {
        let world = SimulatedWorld(seed: 1)
        let server = world.puppet("server", 2)
        _ = world.puppet("client", 1)
        world.always { server.received.count > 1 ? "\(server.received.count) messages" : nil }
        let remote = SocketAddress(IPAddress(v4: 0xC000_0202), 5060)
        world.send("x", from: "client", to: remote)
        world.runToEnd()
        #expect(world.violations == [])
        world.send("y", from: "client", to: remote)
        world.runToEnd()
        #expect(world.violations.map(\.description) == ["server broke ownRule at 0 ms: 2 messages"])
    }

    @Test("A host that is permitted to breaks no rule, and what is left alive is one")
    func permitted() {
        let world = SimulatedWorld(seed: 1)
        let server = world.puppet("server", 2)
        world.permitsViolations(by: "server")
        world.send(Self.server(0, 200, "OPTIONS").text, from: "server", to: SocketAddress(IPAddress(v4: 1), 5060))
        #expect(throws: Never.self) { try world.end() }
        server.left = SimulationAudit([("timers", 2), ("transactions", 0)])
        let failure = #expect(throws: SimulationFailure.self) { try world.end() }
        #expect(failure?.reason == "server broke leftOver at 0 ms: 2 timers")
    }
}
