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

    @Test("Over UDP it is limited, since the address may be forged: it is served again and again, if not always")
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
