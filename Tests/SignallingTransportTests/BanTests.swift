import SIPMessages
import SIPTransactions
import ServerCore
import Testing

@testable import SignallingTransport

@Suite("Sources that are kept out")
struct BanTests {
    private static let attacker = IPAddress(v4: 0x7F00_0009)
    /// A request with two CSeq numbers: malformed.
    private static func malformed(_ peer: Peer, _ transport: TransportProtocol, _ number: Int) -> String {
        Text.request("OPTIONS", to: "", uri: "sip:sip.test", from: peer.local, over: transport, call: "m\(number)")
            .split(separator: "\r\n", omittingEmptySubsequences: false)
            .map { $0.hasPrefix("CSeq:") ? "CSeq: 1 1 OPTIONS" : String($0) }.joined(separator: "\r\n")
    }

    private static func options(_ peer: Peer, _ transport: TransportProtocol, call: String) -> String {
        Text.request("OPTIONS", to: "", uri: "sip:sip.test", from: peer.local, over: transport, call: call)
    }

    @Test(
        "Over a connection too much of it leads to a ban: the connection ends, no other is accepted, the rest goes on")
    func bans() throws {
        let reports = Reports()
        let server = try TestServer([.tcp], edit: { $0.offences.malformed = 5 }, report: reports.take)
        let attacker = try Peer(connectingTo: server.address(.tcp), from: Self.attacker)
        for number in 0..<5 {
            try attacker.send(Self.malformed(attacker, .tcp, number))
            #expect(Text.startLine(try attacker.inbox.message()) == "SIP/2.0 400 Bad Request")
        }
        #expect(server.server.sanctionedSources.isEmpty)
        try attacker.send(Self.malformed(attacker, .tcp, 5))
        #expect(Text.startLine(try attacker.inbox.message()) == "SIP/2.0 400 Bad Request")
        #expect(try attacker.inbox.next() == .closed)
        let (ban, rest) = try #require(server.server.sanctionedSources.first)
        #expect(ban.source == Self.attacker && ban.sanction == .banned && rest > .seconds(500))
        #expect(
            reports.all.map(\.description) == [
                "127.0.0.9 is banned for 600 s after too many malformed messages;"
                    + " biloxi bans --lift 127.0.0.9 ends that"
            ])
        let again = try Peer(connectingTo: server.address(.tcp), from: Self.attacker)
        #expect(try again.inbox.next() == .closed)
        let other = try Peer(connectingTo: server.address(.tcp))
        try other.send(Self.options(other, .tcp, call: "o"))
        #expect(Text.startLine(try other.inbox.message()) == "SIP/2.0 200 OK")

        #expect(server.server.liftSanction(of: Self.attacker))
        let forgiven = try Peer(connectingTo: server.address(.tcp), from: Self.attacker)
        try forgiven.send(Self.options(forgiven, .tcp, call: "f"))
        #expect(Text.startLine(try forgiven.inbox.message()) == "SIP/2.0 200 OK")
    }

    @Test("Over UDP who sends what is malformed is limited, since the address may be forged, and is served still")
    func limits() throws {
        let server = try TestServer([.udp], threads: 1, edit: { $0.offences.malformed = 5 })
        let attacker = try Peer(udpTo: server.address(.udp), localIP: Self.attacker)
        for number in 0..<6 {
            try attacker.send(Self.malformed(attacker, .udp, number))
            _ = try attacker.inbox.message()
        }
        #expect(server.server.sanctionedSources.map(\.source.sanction) == [.limited])
        for number in 0..<400 { try attacker.send(Self.options(attacker, .udp, call: "many\(number)")) }
        let other = try Peer(udpTo: server.address(.udp))
        try other.send(Self.options(other, .udp, call: "o"))
        #expect(Text.startLine(try other.inbox.message()) == "SIP/2.0 200 OK")
        #expect(server.server.statistics.sanctionedMessages + server.server.statistics.dropped > 300)
        // A device that keeps asking gets its answer: in each tenth of a second one is served.
        let end = ContinuousClock.now + .seconds(1)
        var number = 0
        while ContinuousClock.now < end {
            number += 1
            try attacker.send(Self.options(attacker, .udp, call: "last\(number)"))
            try other.send(Self.options(other, .udp, call: "tick\(number)"))
            _ = try other.inbox.message()
        }
        #expect(Text.startLine(try attacker.inbox.message()) == "SIP/2.0 200 OK")
    }

    /// A server that asks for passwords and takes five wrong ones.
    private static func strictServer() throws -> TestServer {
        try TestServer(
            [.udp], threads: 1,
            edit: {
                $0.requiresAuthentication = true
                $0.offences.wrongCredentials = 5
            })
    }

    /// A REGISTER, with a wrong answer to a nonce where one is given.
    private static func guess(
        _ peer: Peer, _ number: Int, nonce: String? = nil, via: String? = nil
    ) -> String {
        let text = Text.request(
            "REGISTER", to: "alice", from: peer.local, over: .udp, call: "g\(number)",
            fields: nonce.map {
                let zeros = String(repeating: "0", count: 32)
                return [
                    "Authorization: Digest username=\"alice\", realm=\"sip.test\", nonce=\"\($0)\", uri=\"sip:sip.test\","
                        + " response=\"\(zeros)\", algorithm=MD5"
                ]
            } ?? [])
        guard let via else { return text }
        return text.replacing("UDP \(peer.local);", with: "UDP \(via);")
    }

    private static func nonce(_ challenge: String) throws -> String {
        let rest = try #require(challenge.split(separator: "nonce=\"").dropFirst().first)
        return String(rest.prefix { $0 != "\"" })
    }

    @Test("Who answers a challenge that was sent to him over UDP is there: too many wrong answers, and he is banned")
    func bansProvenSources() throws {
        let server = try Self.strictServer()
        let attacker = try Peer(udpTo: server.address(.udp), localIP: Self.attacker)
        try attacker.send(Self.guess(attacker, 0))
        let nonce = try Self.nonce(try attacker.inbox.message())
        for number in 1...6 {
            #expect(server.server.sanctionedSources.isEmpty)
            try attacker.send(Self.guess(attacker, number, nonce: nonce))
            #expect(Text.startLine(try attacker.inbox.message()) == "SIP/2.0 401 Unauthorized")
        }
        #expect(server.server.sanctionedSources.map(\.source.sanction) == [.banned])
        // He is not heard at all; others are. When he is let in again his next request is the first that is answered.
        for number in 0..<50 { try attacker.send(Self.options(attacker, .udp, call: "gone\(number)")) }
        let other = try Peer(udpTo: server.address(.udp))
        try other.send(Self.options(other, .udp, call: "o"))
        #expect(Text.startLine(try other.inbox.message()) == "SIP/2.0 200 OK")
        #expect(server.server.liftSanction(of: Self.attacker))
        try attacker.send(Self.guess(attacker, 9))
        let answer = try attacker.inbox.message()
        #expect(Text.startLine(answer) == "SIP/2.0 401 Unauthorized" && answer.contains("Call-ID: g9\r\n"))
    }

    @Test(
        "A nonce that was sent to somebody else bans nobody: neither one's own nor one that was had by maddr (§18.2.2)",
        arguments: [false, true])
    func bansNobodyElse(usesMaddr: Bool) throws {
        let server = try Self.strictServer()
        let attacker = try Peer(udpTo: server.address(.udp), localIP: Self.attacker)
        // What the attacker sends in the name of a victim.
        let victim = try Peer(udpTo: server.address(.udp), localIP: IPAddress(v4: 0x7F00_0008))
        if usesMaddr {
            let via = "127.0.0.8:\(attacker.local.port);maddr=127.0.0.9"
            try victim.send(Self.guess(victim, 0, via: via))
        } else {
            try attacker.send(Self.guess(attacker, 0))
        }
        let nonce = try Self.nonce(try attacker.inbox.message())
        for number in 1...6 {
            try victim.send(Self.guess(victim, number, nonce: nonce))
            _ = try victim.inbox.message()
        }
        let sanctioned = server.server.sanctionedSources.map(\.source)
        #expect(sanctioned.map(\.sanction) == [.limited] && sanctioned.first?.source == victim.local.ip)
    }

    @Test("A gateway that is known by its address is let be")
    func sparesTrunks() throws {
        let server = try TestServer(
            [.udp], threads: 1,
            edit: { settings in
                settings.offences.malformed = 2
                var trunk = TrunkSettings("gateway", targets: [])
                trunk.allow = AddressBlock("127.0.0.9/32").map { [$0] } ?? []
                settings.trunks = [trunk]
            })
        let gateway = try Peer(udpTo: server.address(.udp), localIP: Self.attacker)
        for number in 0..<10 {
            try gateway.send(Self.malformed(gateway, .udp, number))
            #expect(Text.startLine(try gateway.inbox.message()) == "SIP/2.0 400 Bad Request")
        }
        #expect(server.server.sanctionedSources.isEmpty)
    }
}
