import DNSTestServer
import SIPMessages
import SIPRouting
import Testing

@testable import SignallingTransport

@Suite("Targets that have a name (RFC 3263)")
struct NamedTargetTests {
    private func name(_ text: String) throws -> DomainName { try #require(DomainName(text)) }

    /// Records that lead `_sip._udp.far.test` to servers at these ports, in this order.
    private func dns(_ ports: [UInt16]) throws -> DNSTestServer {
        let dns = try #require(DNSTestServer())
        let servers = try ports.enumerated().map { number, port in
            DNSRecord.srv(
                SRVRecord(priority: UInt16(number), weight: 0, port: port, target: try self.name("host.far.test")))
        }
        dns.set(.naptr, "far.test", .answer(.noRecords(seconds: 60)))
        dns.set(.srv, "_sip._udp.far.test", .answer(.records(servers, seconds: 60)))
        dns.set(.srv, "_sip._tcp.far.test", .answer(.noRecords(seconds: 60)))
        dns.set(.a, "host.far.test", .answer(.records(.address(.loopback), seconds: 60)))
        return dns
    }

    @Test("A request to another domain goes where its SRV records lead, and the answer comes back (§4.1, §4.2)")
    func followsRecords() throws {
        let far = try Peer(udpTo: SocketAddress(.loopback, 9))
        let dns = try self.dns([far.local.port])
        defer { dns.stop() }
        let server = try TestServer([.udp], dns: dns.address)
        let near = try Peer(udpTo: server.address(.udp))
        try near.send(
            Text.request("MESSAGE", to: "bob", uri: "sip:bob@far.test", from: near.local, over: .udp, call: "c1"))
        let request = try far.inbox.message()
        #expect(Text.startLine(request) == "MESSAGE sip:bob@far.test SIP/2.0")
        let back = try Peer(udpTo: server.address(.udp))
        try back.send(Text.response("200 OK", to: request))
        #expect(Text.startLine(try near.inbox.message()) == "SIP/2.0 200 OK")
    }

    @Test("A name that does not exist is answered with 404 (RFC 3261 §16.7)")
    func unknownName() throws {
        let dns = try self.dns([])
        defer { dns.stop() }
        dns.set(.naptr, "nowhere.test", .nameError(seconds: 60))
        dns.set(.srv, "_sip._udp.nowhere.test", .nameError(seconds: 60))
        dns.set(.a, "nowhere.test", .nameError(seconds: 60))
        let server = try TestServer([.udp], dns: dns.address)
        let near = try Peer(udpTo: server.address(.udp))
        try near.send(
            Text.request("MESSAGE", to: "bob", uri: "sip:bob@nowhere.test", from: near.local, over: .udp, call: "c2"))
        #expect(Text.startLine(try near.inbox.message()).hasPrefix("SIP/2.0 404"))
    }

    @Test("A server that answers 503 is followed by the next of its name, with another branch (§4.3)")
    func goesOnAfter503() throws {
        let (first, second) = (
            try Peer(udpTo: SocketAddress(.loopback, 9)), try Peer(udpTo: SocketAddress(.loopback, 9))
        )
        let dns = try self.dns([first.local.port, second.local.port])
        defer { dns.stop() }
        let server = try TestServer([.udp], dns: dns.address)
        let near = try Peer(udpTo: server.address(.udp))
        let answering = try Peer(udpTo: server.address(.udp))
        try near.send(
            Text.request("MESSAGE", to: "bob", uri: "sip:bob@far.test", from: near.local, over: .udp, call: "c3"))
        let refused = try first.inbox.message()
        try answering.send(Text.response("503 Service Unavailable", to: refused))
        let retried = try second.inbox.message()
        #expect(Text.field("Via", of: retried) != Text.field("Via", of: refused))
        try answering.send(Text.response("200 OK", to: retried))
        #expect(Text.startLine(try near.inbox.message()) == "SIP/2.0 200 OK")
    }
}
