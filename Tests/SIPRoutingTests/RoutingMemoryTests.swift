import SIPMessages
import Testing

@testable import SIPRouting

@Suite("What routing remembers (RFC 1035 §3.2.1, RFC 2308, RFC 3263 §4.3)")
struct RoutingMemoryTests {
    private let records = """
        SRV _sip._udp.example.com 1 0 5060 a.example.com
        SRV _sip._udp.example.com 2 0 5060 b.example.com
        A a.example.com 192.0.2.1
        A b.example.com 192.0.2.2
        """
    private let uri = "sip:example.com;transport=udp"

    private func seconds(_ seconds: Int64) -> MonotonicInstant {
        MonotonicInstant.start.advanced(by: .seconds(seconds))
    }

    private func server(_ ip: String) throws -> ServerAddress {
        ServerAddress(.udp, SocketAddress(try #require(IPAddress(ip)), 5060), identity: "example.com")
    }

    @Test("An answer is used until its TTL has passed, and then asked for again", arguments: [(299, 0), (300, 3)])
    func lifetime(later: Int, questions: Int) throws {
        var run = try Run(self.uri, Zone(self.records, seconds: 300))
        _ = run.targets()
        var second = try Run(self.uri, Zone(self.records), memory: run.memory, at: self.seconds(Int64(later)))
        #expect(second.targets() == ["udp:192.0.2.1:5060", "udp:192.0.2.2:5060", "allTried"])
        #expect(second.asked.count == questions)
    }

    @Test("A TTL of 0 holds for the selection that asked, and no longer")
    func zeroLifetime() throws {
        var run = try Run(self.uri, Zone(self.records, seconds: 0))
        #expect(run.target() == "udp:192.0.2.1:5060")
        #expect(run.memory.counts.answers == 0)
    }

    @Test(
        "Lifetimes are bounded, and what the DNS failed to tell is not asked again at once (RFC 2308 §5, §7)",
        arguments: [
            (.records([], seconds: .max), 86_400), (.noRecords(seconds: .max), 3600), (.noRecords(seconds: 60), 60),
            (.failed, 5), (.timedOut, 5),
        ] as [(DNSAnswer, Int64)])
    func boundedLifetimes(answer: DNSAnswer, seconds: Int64) throws {
        let question = DNSQuestion(.a, try #require(DomainName("example.com")))
        var memory = RoutingMemory()
        memory.remember(answer, to: question, at: .start)
        #expect(memory.answer(to: question, at: self.seconds(seconds - 1)) == answer)
        #expect(memory.answer(to: question, at: self.seconds(seconds)) == nil)
    }

    @Test("RFC 2308 §5: that there is none is not remembered when the answer had no SOA record")
    func negativeWithoutLifetime() throws {
        let question = DNSQuestion(.a, try #require(DomainName("example.com")))
        var memory = RoutingMemory()
        memory.remember(.noRecords(seconds: 0), to: question, at: .start)
        #expect(memory.answer(to: question, at: .start) == nil)
    }

    @Test("A full memory drops what ends first, and never grows", arguments: [1, 2, 8, 100])
    func capacity(capacity: Int) throws {
        var limits = RoutingMemory.Limits()
        (limits.answers, limits.failures) = (capacity, capacity)
        var memory = RoutingMemory(limits: limits)
        for i in 0..<1000 {
            let question = DNSQuestion(.a, try #require(DomainName("h\(i).example.com")))
            memory.remember(.noRecords(seconds: UInt32(i + 1)), to: question, at: .start)
            #expect(memory.answer(to: question, at: .start) != nil)
            let server = ServerAddress(.udp, SocketAddress(IPAddress(v4: UInt32(i)), 5060), identity: "a")
            memory.noteUnreachable(server, at: .start)
        }
        #expect(memory.counts.answers <= capacity)
        #expect(memory.counts.failures <= capacity)
        let oldest = DNSQuestion(.a, try #require(DomainName("h0.example.com")))
        #expect(memory.answer(to: oldest, at: .start) == nil)
    }

    @Test("§4.3: a server that could not be reached comes last for a minute, and first again after it")
    func unreachable() throws {
        var memory = RoutingMemory()
        memory.noteUnreachable(try self.server("192.0.2.1"), at: .start)
        var run = try Run(self.uri, Zone(self.records), memory: memory, at: self.seconds(59))
        #expect(run.targets() == ["udp:192.0.2.2:5060", "udp:192.0.2.1:5060", "allTried"])
        var later = try Run(self.uri, Zone(self.records), memory: memory, at: self.seconds(60))
        #expect(later.target() == "udp:192.0.2.1:5060")
    }

    @Test("§4.3: when every server failed lately, all are tried in their order")
    func allUnreachable() throws {
        var memory = RoutingMemory()
        memory.noteUnreachable(try self.server("192.0.2.2"), at: .start)
        memory.noteUnreachable(try self.server("192.0.2.1"), at: .start)
        var run = try Run(self.uri, Zone(self.records), memory: memory)
        #expect(run.targets() == ["udp:192.0.2.1:5060", "udp:192.0.2.2:5060", "allTried"])
    }

    @Test("RFC 3261 §21.5.4: a server that answered 503 with Retry-After is sent nothing for that time")
    func refusing() throws {
        var memory = RoutingMemory()
        memory.noteRefusal(try self.server("192.0.2.1"), retryAfterSeconds: 120, at: .start)
        var run = try Run(self.uri, Zone(self.records), memory: memory, at: self.seconds(119))
        #expect(run.targets() == ["udp:192.0.2.2:5060", "refusing until 120 s"])
        var later = try Run(self.uri, Zone(self.records), memory: memory, at: self.seconds(120))
        #expect(later.target() == "udp:192.0.2.1:5060")
    }

    @Test("A Retry-After is believed for an hour at most, and one of 0 or none counts as a failure")
    func boundedRetryAfter() throws {
        var memory = RoutingMemory()
        memory.noteRefusal(try self.server("192.0.2.1"), retryAfterSeconds: .max, at: .start)
        var run = try Run(self.uri, Zone(self.records), memory: memory, at: self.seconds(3600))
        #expect(run.target() == "udp:192.0.2.1:5060")
        memory.noteRefusal(try self.server("192.0.2.2"), retryAfterSeconds: nil, at: self.seconds(3600))
        memory.noteRefusal(try self.server("192.0.2.1"), retryAfterSeconds: 0, at: self.seconds(3600))
        var second = try Run(self.uri, Zone(self.records), memory: memory, at: self.seconds(3601))
        #expect(second.targets() == ["udp:192.0.2.1:5060", "udp:192.0.2.2:5060", "allTried"])
    }

    @Test("A response ends what was remembered of silence, not of a Retry-After")
    func success() throws {
        let (first, second) = (try self.server("192.0.2.1"), try self.server("192.0.2.2"))
        var memory = RoutingMemory()
        memory.noteUnreachable(first, at: .start)
        memory.noteSuccess(first, at: .start)
        #expect(memory.counts.failures == 0)
        memory.noteRefusal(second, retryAfterSeconds: 10, at: .start)
        memory.noteUnreachable(second, at: .start)
        memory.noteSuccess(second, at: .start)
        #expect(memory.failure(of: second, at: self.seconds(9))?.value == .refusing)
    }

    @Test("Another port or transport of a host that failed is another server")
    func otherServers() throws {
        var memory = RoutingMemory()
        var failed = try self.server("192.0.2.1")
        failed.transport = .tcp
        memory.noteUnreachable(failed, at: .start)
        failed = try self.server("192.0.2.1")
        failed.address.port = 5070
        memory.noteUnreachable(failed, at: .start)
        var run = try Run(self.uri, Zone(self.records), memory: memory)
        #expect(run.target() == "udp:192.0.2.1:5060")
    }
}
