import DNSTestServer
import Foundation
import LoopbackSockets
import SIPMessages
import SIPRouting
import Testing

@Suite("Two servers and the DNS as processes (RFC 3261 figure 1, RFC 3263)")
struct TrapezoidProcessTests {
    /// A port that was free a moment ago.
    private static func freePort() throws -> UInt16 { try LoopbackPeer().port }

    @Test("A call goes from a user of one domain by both servers to a user of the other, found by SRV records")
    func call() throws {
        let directory = try TestDirectory()
        let dns = try #require(DNSTestServer())
        defer { dns.stop() }
        var ports: [String: UInt16] = [:]
        var servers: [RunningCommand] = []
        for domain in ["atlanta.test", "biloxi.test"] {
            let port = try Self.freePort()
            ports[domain] = port
            let host = try #require(DomainName("proxy.\(domain)"))
            let service = SRVRecord(priority: 1, weight: 1, port: port, target: host)
            dns.set(.srv, "_sip._udp.\(domain)", .answer(.records([.srv(service)], seconds: 60)))
            dns.set(.a, "proxy.\(domain)", .answer(.records([.address(.loopback)], seconds: 60)))
            let file = try directory.write(
                "domains: [\(domain)]\nlisten: [\"udp:127.0.0.1:\(port)\"]\nauthentication: { required: false }\n",
                to: "\(domain).yaml")
            let server = try RunningCommand(
                ["serve", "--config", file, "--data", directory.path + "/" + domain],
                environment: ["BILOXI_DNS_SERVERS": "\(dns.address)"])
            #expect(server.wait(for: "ready"), "\(server.errors)")
            servers.append(server)
        }
        let (atlanta, biloxi) = (try #require(ports["atlanta.test"]), try #require(ports["biloxi.test"]))
        let (alice, bob) = (try LoopbackPeer(), try LoopbackPeer())
        bob.request(
            "REGISTER sip:biloxi.test", branch: "r",
            [
                "From: <sip:bob@biloxi.test>;tag=r", "To: <sip:bob@biloxi.test>", "Call-ID: r", "CSeq: 1 REGISTER",
                "Contact: <sip:bob@127.0.0.1:\(bob.port)>",
            ], to: biloxi)
        #expect(bob.receive { $0.status == 200 } != nil)

        let from = "From: <sip:alice@atlanta.test>;tag=caller"
        alice.request(
            "INVITE sip:bob@biloxi.test", branch: "i",
            [
                from, "To: <sip:bob@biloxi.test>", "Call-ID: trapezoid", "CSeq: 1 INVITE",
                "Contact: <sip:alice@127.0.0.1:\(alice.port)>",
            ], to: atlanta)
        let invite = try #require(bob.receive { $0.method == .invite })
        #expect(invite.all(.via).map(\.port) == [biloxi, atlanta, alice.port])
        bob.respond("200 OK", to: invite, ["Contact: <sip:bob@127.0.0.1:\(bob.port)>"], by: biloxi)
        let success = try #require(alice.receive { $0.status == 200 })
        #expect(success.all(.via).map(\.port) == [alice.port])
        let routes = success.values(named: "Record-Route").reversed().map { "Route: \($0)" }
        #expect(routes.count == 2)
        let to = "To: " + (success.values(named: "To").first ?? "")
        let target = "sip:bob@127.0.0.1:\(bob.port)"
        alice.request(
            "ACK \(target)", branch: "a", routes + [from, to, "Call-ID: trapezoid", "CSeq: 1 ACK"], to: atlanta)
        #expect(bob.receive { $0.method == .ack } != nil)
        alice.request(
            "BYE \(target)", branch: "b", routes + [from, to, "Call-ID: trapezoid", "CSeq: 2 BYE"], to: atlanta)
        let bye = try #require(bob.receive { $0.method == .bye })
        bob.respond("200 OK", to: bye, by: biloxi)
        #expect(alice.receive { $0.status == 200 && $0.first(.cseq)?.method == .bye } != nil)
        for server in servers { #expect(server.finish(SIGTERM).status == 0) }
    }
}
