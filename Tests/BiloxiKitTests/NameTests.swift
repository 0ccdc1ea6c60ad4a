import BiloxiKit
import DNSTestServer
import SIPMessages
import SIPRouting
import Testing

@Suite("Addresses that have a name (RFC 3263)", .timeLimit(.minutes(5)))
struct NameTests {
    private func settings(_ dns: DNSTestServer) -> UserAgentSettings {
        var settings = UserAgentSettings()
        settings.dnsServers = [dns.address.description]
        settings.mediaPorts = 30_000...39_999
        return settings
    }

    /// Records that lead `far.test` to servers at these UDP ports, in this order.
    private func dns(_ ports: [UInt16]) throws -> DNSTestServer {
        let dns = try #require(DNSTestServer())
        let host = try #require(DomainName("host.far.test"))
        let servers = ports.enumerated().map { number, port in
            DNSRecord.srv(SRVRecord(priority: UInt16(number), weight: 0, port: port, target: host))
        }
        dns.set(.naptr, "far.test", .answer(.noRecords(seconds: 60)))
        dns.set(.srv, "_sip._udp.far.test", .answer(.records(servers, seconds: 60)))
        dns.set(.a, "host.far.test", .answer(.records(.address(.loopback), seconds: 60)))
        return dns
    }

    @Test("SRV records say where a call goes; where the first server is gone the next is taken (§4.3)")
    func followsRecords() async throws {
        let handler: @Sendable (Invitation) async throws -> Void = { _ = try await $0.accept() }
        try await withUserAgent(.udp("127.0.0.1", 0), answering: handler) { bob in
            // Nobody listens at the discard port.
            let dns = try self.dns([9, try #require(bob.port("udp"))])
            defer { dns.stop() }
            try await withUserAgent(.udp("127.0.0.1", 0), settings: self.settings(dns)) { alice in
                let servers = try await alice.servers(of: "sip:bob@far.test")
                #expect(servers.map(\.address) == ["127.0.0.1:9", "127.0.0.1:\(bob.port("udp") ?? 0)"])
                #expect(servers.first?.identity == "far.test")
                let call = try await alice.call("sip:bob@far.test", ringFor: .seconds(20))
                await call.hangUp()
                #expect(try await alice.request("OPTIONS", "sip:far.test").status == 200)
            }
        }
    }

    @Test("A name that does not exist is unreachable at once, and the error says so")
    func unknownName() async throws {
        let dns = try self.dns([])
        defer { dns.stop() }
        dns.set(.naptr, "nowhere.test", .nameError(seconds: 60))
        dns.set(.srv, "_sip._udp.nowhere.test", .nameError(seconds: 60))
        dns.set(.a, "nowhere.test", .nameError(seconds: 60))
        try await withUserAgent(.udp("127.0.0.1", 0), settings: self.settings(dns)) { alice in
            let error = await #expect(throws: SIPError.self) { try await alice.call("sip:bob@nowhere.test") }
            #expect(error?.code == .unreachable)
            #expect(error?.reason == "nowhere.test: no such name, or it has no address for our transports")
        }
    }
}
