import DNSTestServer
import SIPMessages
import SIPRouting
import SignallingTransport
import Synchronization
import Testing

@Suite("The resolver, against a DNS server on the loopback address")
struct ResolverTests {
    private let server: DNSTestServer
    private let address = DNSRecord.address(IPAddress(v4: 0xC000_0201))

    init() throws { self.server = try #require(DNSTestServer()) }

    /// A resolver that asks the server. It waits longer than any run of the tests takes: on a machine that has other work
    /// a test may go on minutes after what it awaits has come.
    private func resolver(
        timeout: TimeSpan = .seconds(3600), attempts: Int = 2, maximumOutstanding: Int = 100,
        readsHostsFile: Bool = false
    ) throws -> Resolver {
        try Resolver(
            Resolver.Settings(
                servers: [self.server.address], timeout: timeout, attempts: attempts,
                maximumOutstanding: maximumOutstanding, readsHostsFile: readsHostsFile))
    }

    private func ask(
        _ resolver: Resolver, _ type: DNSQuestion.RecordType, _ name: String = "example.com"
    ) async throws -> DNSAnswer {
        let question = DNSQuestion(type, try #require(DomainName(name)))
        return await withCheckedContinuation { continuation in
            let isTaken = resolver.query(question) { continuation.resume(returning: $0) }
            if !isTaken { continuation.resume(returning: .failed) }
        }
    }

    /// Asks again what timed out: on a machine that has other work an answer may take longer than a resolver waits.
    private func askUntilAnswered(
        _ resolver: Resolver, _ type: DNSQuestion.RecordType, _ name: String
    ) async throws -> DNSAnswer {
        for _ in 0..<500 {
            let answer = try await self.ask(resolver, type, name)
            if answer != .timedOut { return answer }
        }
        return .timedOut
    }

    /// Answers with the server, checks, and ends both.
    private func check(
        _ reaction: DNSTestServer.Reaction, _ type: DNSQuestion.RecordType, _ expected: DNSAnswer,
        timeout: TimeSpan = .seconds(3600), attempts: Int = 2
    ) async throws {
        self.server.set(type, "example.com", reaction)
        let resolver = try self.resolver(timeout: timeout, attempts: attempts)
        #expect(try await self.ask(resolver, type) == expected)
        resolver.stop()
        self.server.stop()
    }

    @Test("A and AAAA records come with their addresses and TTL", arguments: ["192.0.2.1", "2001:db8::1"])
    func addresses(text: String) async throws {
        let address = try #require(IPAddress(text))
        let answer = DNSAnswer.records([.address(address), .address(address)], seconds: 77)
        try await self.check(.answer(answer), address.isIPv6 ? .aaaa : .a, answer)
    }

    @Test("SRV records come with priority, weight, port and target (RFC 2782)")
    func services() async throws {
        let target = try #require(DomainName("server1.example.com"))
        let answer = DNSAnswer.records(
            .srv(SRVRecord(priority: 1, weight: 2, port: 5070, target: target)),
            .srv(SRVRecord(priority: 0, weight: 0, port: 65_535, target: .root)), seconds: 5)
        try await self.check(.answer(answer), .srv, answer)
    }

    @Test("NAPTR records come with all their fields (RFC 3403)")
    func rules() async throws {
        let rule = NAPTRRecord(
            order: 50, preference: 51, flags: "s", services: "SIPS+D2T", regularExpression: "!a!b!",
            replacement: try #require(DomainName("_sips._tcp.example.com")))
        try await self.check(.answer(.records(.naptr(rule), seconds: 9)), .naptr, .records(.naptr(rule), seconds: 9))
    }

    @Test("An alias is followed within the answer")
    func alias() async throws {
        let other = try #require(DomainName("host.example.net"))
        let answer = DNSAnswer.records(self.address, seconds: 30)
        try await self.check(.alias(other, answer), .a, answer)
    }

    @Test("NXDOMAIN and an empty answer both mean that there are none, for as long as the SOA says (RFC 2308)")
    func none() async throws {
        self.server.set(.srv, "example.com", .nameError(seconds: 120))
        self.server.set(.a, "example.com", .answer(.noRecords(seconds: 30)))
        let resolver = try self.resolver()
        #expect(try await self.ask(resolver, .srv) == .noRecords(seconds: 120))
        #expect(try await self.ask(resolver, .a) == .noRecords(seconds: 30))
        resolver.stop()
        self.server.stop()
    }

    @Test("An answer too long for a datagram is fetched over TCP (RFC 2181 §9)")
    func truncated() async throws {
        let records = (0..<60).map { DNSRecord.address(IPAddress(v4: 0x0A00_0000 + UInt32($0))) }
        try await self.check(
            .truncated(.records(records, seconds: 30)), .a, .records(records, seconds: 30))
    }

    @Test("SERVFAIL is a failure")
    func serverFailure() async throws { try await self.check(.answer(.failed), .a, .failed) }

    @Test("Octets that are no answer are not believed")
    func garbage() async throws {
        try await self.check(.octets([0xFF, 0xFF, 0xFF]), .a, .timedOut, timeout: .milliseconds(200))
    }

    @Test("A question without answer times out")
    func noAnswer() async throws {
        try await self.check(.answer(.timedOut), .a, .timedOut, timeout: .milliseconds(200))
        #expect(self.server.asked.count >= 1)
    }

    @Test("A question whose answer is lost is asked again")
    func repeats() async throws {
        let answer = DNSAnswer.records(self.address, seconds: 30)
        // Eight attempts within the two minutes: the second comes after half a second.
        try await self.check(.dropFirst(answer), .a, answer, timeout: .seconds(120), attempts: 8)
        #expect(self.server.asked.count >= 2)
    }

    @Test("An answer with another's id is passed over")
    func wrongID() async throws {
        let forged = DNSAnswer.records(.address(IPAddress(v4: 0xCB00_7142)), seconds: 30)
        let answer = DNSAnswer.records(self.address, seconds: 30)
        try await self.check(.wrongIDFirst(forged, then: answer), .a, answer)
    }

    @Test("A second answer to a question, and one after its time, reach nobody")
    func strayAnswers() async throws {
        let answer = DNSAnswer.records(self.address, seconds: 30)
        self.server.set(.a, "late.example.com", .hold(answer))
        self.server.set(.a, "twice.example.com", .twice(answer))
        let resolver = try self.resolver(timeout: .milliseconds(200))
        let calls = Mutex(0)
        let late = DNSQuestion(.a, try #require(DomainName("late.example.com")))
        let first = await withCheckedContinuation { continuation in
            let isTaken = resolver.query(late) { answer in
                calls.withLock { $0 += 1 }
                continuation.resume(returning: answer)
            }
            if !isTaken { continuation.resume(returning: .failed) }
        }
        #expect(first == .timedOut)
        self.server.release()
        #expect(try await self.askUntilAnswered(resolver, .a, "twice.example.com") == answer)
        // A question answered after them shows that the stray answers have been read.
        self.server.set(.a, "last.example.com", .answer(answer))
        #expect(try await self.askUntilAnswered(resolver, .a, "last.example.com") == answer)
        resolver.stop()
        #expect(calls.withLock { $0 } == 1)
        self.server.stop()
    }

    @Test("Equal questions under way are asked once, and each is answered")
    func equalQuestions() async throws {
        let answer = DNSAnswer.records(self.address, seconds: 30)
        // A name of its own: a resolver that still waits elsewhere may ask at a port that was another server's.
        self.server.set(.a, "equal.example.com", .hold(answer))
        let resolver = try self.resolver()
        let question = DNSQuestion(.a, try #require(DomainName("equal.example.com")))
        let answers = Mutex<[DNSAnswer]>([])
        for _ in 0..<9 {
            #expect(resolver.query(question) { answer in answers.withLock { $0.append(answer) } })
        }
        // Questions and answers keep their order: when this one is answered, those have been asked …
        self.server.set(.a, "other.example.com", .answer(answer))
        #expect(try await self.ask(resolver, .a, "other.example.com") == answer)
        #expect(answers.withLock { $0.isEmpty })
        self.server.release()
        // … and when this one is, they have been answered.
        self.server.set(.a, "last.example.com", .answer(answer))
        #expect(try await self.ask(resolver, .a, "last.example.com") == answer)
        resolver.stop()
        #expect(answers.withLock { $0 } == Array(repeating: answer, count: 9))
        #expect(self.server.asked.filter { $0 == question }.count == 1)
        self.server.stop()
    }

    @Test("What is beyond the bound is refused, and what is under way when the resolver stops has failed")
    func bounds() async throws {
        let resolver = try self.resolver(maximumOutstanding: 3)
        let answers = Mutex<[DNSAnswer]>([])
        for i in 0..<5 {
            let name = "h\(i).example.com"
            self.server.set(.a, name, .hold(.records(self.address, seconds: 1)))
            let question = DNSQuestion(.a, try #require(DomainName(name)))
            let isTaken = resolver.query(question) { answer in answers.withLock { $0.append(answer) } }
            #expect(isTaken == (i < 3))
        }
        #expect(resolver.outstandingQuestions == 3)
        resolver.stop()
        resolver.stop()
        #expect(answers.withLock { $0 } == [.failed, .failed, .failed])
        #expect(resolver.outstandingQuestions == 0)
        #expect(try await self.ask(resolver, .a) == .failed)
        self.server.stop()
    }

    @Test("Many questions at once are all answered, each with its own answer")
    func manyQuestions() async throws {
        let resolver = try self.resolver(maximumOutstanding: 500)
        for i in 0..<400 {
            let record = DNSRecord.address(IPAddress(v4: UInt32(0x0A00_0000 + i)))
            self.server.set(.a, "h\(i).example.com", .answer(.records(record, seconds: UInt32(i))))
        }
        let correct = try await withThrowingTaskGroup(of: Bool.self) { group in
            for i in 0..<400 {
                group.addTask {
                    let record = DNSRecord.address(IPAddress(v4: UInt32(0x0A00_0000 + i)))
                    return try await self.ask(resolver, .a, "h\(i).example.com") == .records(record, seconds: UInt32(i))
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(correct == 400)
        resolver.stop()
        self.server.stop()
    }

    @Test("The name localhost is in the hosts file, and no server is asked for it")
    func hostsFile() async throws {
        let resolver = try self.resolver(readsHostsFile: true)
        #expect(try await self.ask(resolver, .a, "localhost") == .records(.address(.loopback), seconds: 5))
        #expect(self.server.asked.isEmpty)
        resolver.stop()
        self.server.stop()
    }

    @Test("A selection over the network finds the servers of the example in RFC 3263 §4.1")
    func selection() async throws {
        func rule(_ order: UInt16, _ services: String, _ next: String) throws -> DNSRecord {
            .naptr(
                NAPTRRecord(
                    order: order, preference: 50, flags: "s", services: services,
                    replacement: try #require(DomainName(next))))
        }
        func service(_ weight: UInt16, _ target: String) throws -> DNSRecord {
            .srv(SRVRecord(priority: 0, weight: weight, port: 5060, target: try #require(DomainName(target))))
        }
        let rules = [
            try rule(50, "SIPS+D2T", "_sips._tcp.example.com"), try rule(90, "SIP+D2T", "_sip._tcp.example.com"),
            try rule(100, "SIP+D2U", "_sip._udp.example.com"),
        ]
        let services = [try service(1, "server1.example.com"), try service(2, "server2.example.com")]
        self.server.set(.naptr, "example.com", .answer(.records(rules, seconds: 60)))
        self.server.set(.srv, "_sip._tcp.example.com", .answer(.records(services, seconds: 60)))
        for i in 1...2 {
            let record = DNSRecord.address(IPAddress(v4: UInt32(0xC000_0200 + i)))
            self.server.set(.a, "server\(i).example.com", .answer(.records(record, seconds: 60)))
        }
        let resolver = try self.resolver()
        var memory = RoutingMemory()
        var actions: [ServerSelection.Action] = []
        let hop = NextHop(try SIPURI("sip:user@example.com"))
        var selection = ServerSelection(
            hop, capabilities: RoutingCapabilities([.udp, .tcp]), seed: 7, at: .start, memory: &memory, into: &actions)
        var found: Set<String> = []
        search: while true {
            switch selection.next(at: .start, memory: &memory, into: &actions) {
            case .target(let server): found.insert("\(server.transport):\(server.address)")
            case .exhausted: break search
            case .waiting:
                guard case .query(let id, let question)? = actions.first else { break search }
                actions.removeFirst()
                let answer = try await self.ask(resolver, question.type, question.name.text)
                selection.handle(answer, to: id, at: .start, memory: &memory, into: &actions)
            }
        }
        #expect(found == ["tcp:192.0.2.1:5060", "tcp:192.0.2.2:5060"])
        resolver.stop()
        self.server.stop()
    }
}

@Suite("The resolver's settings")
struct ResolverSettingsTests {
    @Test(
        "BILOXI_DNS_SERVERS names servers with or without port",
        arguments: [
            ("192.0.2.53", ["192.0.2.53:53"]), ("192.0.2.53:5353, 127.0.0.1", ["192.0.2.53:5353", "127.0.0.1:53"]),
            ("2001:db8::53", ["[2001:db8::53]:53"]), ("[2001:db8::53]", ["[2001:db8::53]:53"]),
            ("[2001:db8::53]:5353", ["[2001:db8::53]:5353"]), ("", []),
        ] as [(String, [String])])
    func environment(text: String, expected: [String]) throws {
        let settings = try Resolver.Settings(environment: ["BILOXI_DNS_SERVERS": text])
        #expect(settings.servers.map { $0.description } == expected)
    }

    @Test(
        "What is no address is refused with its name",
        arguments: ["dns.example.com", "192.0.2.53:0", "1.2.3.4:x", "[::1", ":53"])
    func refused(text: String) {
        #expect(throws: TransportError.self) { try Resolver.Settings(environment: ["BILOXI_DNS_SERVERS": text]) }
    }
}
