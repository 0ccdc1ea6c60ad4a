import DNSTestServer
import SIPMessages
import Testing

@testable import SIPRouting

@Suite("Reading DNS replies (RFC 1035, 2308, 2782, 3403, 3596)")
struct DNSReplyTests {
    private func name(_ text: String) throws -> DomainName { try #require(DomainName(text)) }
    private func question(_ type: DNSQuestion.RecordType, _ text: String = "example.com") throws -> DNSQuestion {
        DNSQuestion(type, try self.name(text))
    }

    @Test("A reply from an authoritative server, octet by octet, with a compressed name (RFC 1035 §4.1.4)")
    func compressed() throws {
        let octets: [UInt8] = [
            0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0,
            4, 0x5F, 0x73, 0x69, 0x70, 4, 0x5F, 0x75, 0x64, 0x70, 7, 0x45, 0x78, 0x61, 0x6D, 0x70, 0x6C, 0x65,
            3, 0x63, 0x6F, 0x6D, 0, 0, 33, 0, 1,  // _sip._udp.Example.com SRV IN
            0xC0, 12, 0, 33, 0, 1, 0, 0, 1, 0x2C, 0, 12,  // The same name, TTL 300, 12 octets
            0, 10, 0, 20, 0x13, 0xC4, 3, 0x73, 0x76, 0x31, 0xC0, 22,  // 10 20 5060 sv1.example.com
        ]
        let answer = try DNSReply.parse(octets.span, answering: self.question(.srv, "_sip._udp.example.com"))
        let server = SRVRecord(priority: 10, weight: 20, port: 5060, target: try self.name("sv1.example.com"))
        #expect(answer == .records(.srv(server), seconds: 300))
    }

    @Test("Every type of record is read as it was written, and the shortest TTL holds for all")
    func records() throws {
        let owner = try self.name("example.com")
        let rule = NAPTRRecord(
            order: 50, preference: 60, flags: "s", services: "SIPS+D2T", regularExpression: "!^.*$!x!",
            replacement: try self.name("_sips._tcp.example.com"))
        let sets: [(DNSQuestion.RecordType, [DNSRecord])] = [
            (.a, [.address(try #require(IPAddress("192.0.2.1"))), .address(try #require(IPAddress("192.0.2.2")))]),
            (.aaaa, [.address(try #require(IPAddress("2001:db8::1"))), .address(try #require(IPAddress("::2")))]),
            (
                .srv,
                [
                    .srv(SRVRecord(priority: 1, weight: 2, port: 3, target: .root)),
                    .srv(SRVRecord(priority: 4, weight: 5, port: 65_535, target: owner)),
                ]
            ),
            (.naptr, [.naptr(rule), .naptr(rule)]),
        ]
        for (type, records) in sets {
            var writer = DNSReplyWriter(id: 1, question: DNSQuestion(type, owner), answers: 2)
            writer.record(owner, seconds: 90, records[0])
            writer.record(owner, seconds: 60, records[1])
            #expect(
                try DNSReply.parse(writer.octets.span, answering: DNSQuestion(type, owner))
                    == .records(records, seconds: 60))
        }
    }

    @Test("Records of another name or type are left out; a TTL with its highest bit set is 0 (RFC 2181 §8)")
    func otherRecords() throws {
        let question = try self.question(.a)
        let address = DNSRecord.address(.loopback)
        var writer = DNSReplyWriter(id: 1, question: question, answers: 4)
        writer.record(try self.name("evil.example"), seconds: 60, .address(try #require(IPAddress("203.0.113.66"))))
        writer.record(question.name, seconds: 60, .address(try #require(IPAddress("2001:db8::1"))))
        writer.record(question.name, type: 16, seconds: 60) { $0.writeString("text") }
        writer.record(question.name, seconds: 0x8000_0001, address)
        #expect(try DNSReply.parse(writer.octets.span, answering: question) == .records(address, seconds: 0))
    }

    @Test("A chain of aliases is followed in any order of records, and a loop of them has no end but an answer")
    func aliases() throws {
        let question = try self.question(.a)
        let (first, second) = (try self.name("one.example.net"), try self.name("two.example.net"))
        var writer = DNSReplyWriter(id: 1, question: question, answers: 3)
        writer.record(second, seconds: 100, .address(.loopback))
        writer.alias(first, seconds: 30, second)
        writer.alias(question.name, seconds: 50, first)
        let answer = try DNSReply.parse(writer.octets.span, answering: question)
        #expect(answer == .records(.address(.loopback), seconds: 30))
        var loop = DNSReplyWriter(id: 1, question: question, answers: 2)
        loop.alias(question.name, seconds: 30, first)
        loop.alias(first, seconds: 30, question.name)
        #expect(try DNSReply.parse(loop.octets.span, answering: question) == .noRecords(seconds: 0))
    }

    @Test("Eight aliases in a row are followed, and no ninth", arguments: [8, 9])
    func longChain(count: Int) throws {
        let question = try self.question(.a)
        let names = try [question.name] + (1...count).map { try self.name("n\($0).example.net") }
        var writer = DNSReplyWriter(id: 1, question: question, answers: count + 1)
        for i in 0..<count { writer.alias(names[i], seconds: 30, names[i + 1]) }
        writer.record(names[count], seconds: 30, .address(.loopback))
        let answer = try DNSReply.parse(writer.octets.span, answering: question)
        #expect((answer == .records(.address(.loopback), seconds: 30)) == (count == 8))
    }

    @Test("Of the records of a reply the first 64 are kept", arguments: [64, 65])
    func manyRecords(count: Int) throws {
        let question = try self.question(.a)
        var writer = DNSReplyWriter(id: 1, question: question, answers: count)
        for number in 0..<UInt32(count) {
            writer.record(question.name, seconds: 30, .address(IPAddress(v4: 0xC000_0200 + number)))
        }
        guard case .records(let records, _) = try DNSReply.parse(writer.octets.span, answering: question) else {
            Issue.record("no records")
            return
        }
        #expect(records.count == 64 && records.last == .address(IPAddress(v4: 0xC000_0200 + 63)))
    }

    @Test(
        "RFC 2308 §5: that there is none holds for the lesser of the SOA's TTL and MINIMUM",
        arguments: [(0, 60, 90, 60), (3, 90, 60, 60), (3, 0, 60, 0)] as [(UInt16, UInt32, UInt32, UInt32)])
    func negative(code: UInt16, seconds: UInt32, minimum: UInt32, expected: UInt32) throws {
        let question = try self.question(.naptr)
        var writer = DNSReplyWriter(id: 1, question: question, code: code, authorities: 1)
        writer.authority(try self.name("com"), seconds: seconds, minimum: minimum)
        #expect(try DNSReply.parse(writer.octets.span, answering: question) == .noRecords(seconds: expected))
        let bare = DNSReplyWriter(id: 1, question: question, code: code)
        #expect(try DNSReply.parse(bare.octets.span, answering: question) == .noRecords(seconds: 0))
    }

    @Test("Other response codes are failures", arguments: [1, 2, 4, 5, 15] as [UInt16])
    func failures(code: UInt16) throws {
        let question = try self.question(.a)
        let writer = DNSReplyWriter(id: 1, question: question, code: code)
        #expect(try DNSReply.parse(writer.octets.span, answering: question) == .failed)
    }

    @Test("An answer to another question is none", arguments: ["example.org", "a.example.com"])
    func otherQuestions(text: String) throws {
        let writer = DNSReplyWriter(id: 1, question: try self.question(.a, text))
        #expect(throws: DNSReplyError.notAnAnswer) {
            try DNSReply.parse(writer.octets.span, answering: self.question(.a))
        }
        let other = DNSReplyWriter(id: 1, question: try self.question(.aaaa))
        #expect(throws: DNSReplyError.notAnAnswer) {
            try DNSReply.parse(other.octets.span, answering: self.question(.a))
        }
    }

    @Test(
        "A pointer that leads forwards or to itself is malformed (RFC 1035 §4.1.4)",
        arguments: [12, 13, 200] as [UInt8])
    func pointers(target: UInt8) throws {
        let octets: [UInt8] = [0, 1, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0, 0xC0, target, 0, 1, 0, 1]
        #expect(throws: DNSReplyError.malformedName) {
            try DNSReply.parse(octets.span, answering: self.question(.a))
        }
    }

    @Test("A reply that ends at any octet before its last is refused, and none traps")
    func truncation() throws {
        let question = try self.question(.naptr)
        var writer = DNSReplyWriter(id: 1, question: question, answers: 1)
        let rule = NAPTRRecord(
            order: 1, preference: 2, flags: "s", services: "SIP+D2U",
            replacement: try self.name("_sip._udp.example.com"))
        writer.record(question.name, seconds: 60, .naptr(rule))
        for count in 0..<writer.octets.count {
            let part = Array(writer.octets[..<count])
            #expect(throws: DNSReplyError.self) { try DNSReply.parse(part.span, answering: question) }
        }
    }

    @Test("Octets changed at random are read or refused, and never trap", arguments: 0..<32)
    func mutations(seed: Int) throws {
        var numbers = SeededNumbers(seed: UInt64(seed))
        let question = try self.question(.srv)
        var writer = DNSReplyWriter(id: 1, question: question, answers: 3, authorities: 1)
        for i in 0..<3 {
            let server = SRVRecord(priority: 1, weight: 1, port: 5060, target: try self.name("s\(i).example.com"))
            writer.record(question.name, seconds: 60, .srv(server))
        }
        writer.authority(question.name, seconds: 60, minimum: 60)
        for _ in 0..<500 {
            var octets = writer.octets
            for _ in 0..<3 {
                let position = Int(numbers.next(upTo: UInt64(octets.count - 1)))
                octets[position] = UInt8(numbers.next(upTo: 255))
            }
            let answer = try? DNSReply.parse(octets.span, answering: question)
            guard case .records(let records, _)? = answer else { continue }
            #expect(records.count <= 3)
        }
    }

    @Test(
        "Names are equal in any case and with or without the final dot; what no host may be called is refused",
        arguments: [
            ("Example.COM.", "example.com"), ("_sip._udp.example.com", "_sip._udp.example.com"), (".", ""),
            ("", nil), ("a..b", nil), (".a", nil), ("a b", nil), ("a\\.b", nil), ("ä.example", nil),
            (String(repeating: "a", count: 64) + ".example", nil),
            (String(repeating: "a", count: 63) + ".example", String(repeating: "a", count: 63) + ".example"),
            (String(repeating: "ab.", count: 84) + "a", String(repeating: "ab.", count: 84) + "a"),
            (String(repeating: "ab.", count: 84) + "ab", nil),
        ] as [(String, String?)])
    func names(text: String, expected: String?) {
        #expect(DomainName(text)?.text == expected)
    }
}
