import SIPMessages
import Testing

@testable import SIPRouting

@Suite("Servers, addresses and failover (RFC 3263 §4.2, §4.3, §5, RFC 7984)")
struct FailoverTests {
    /// The records of the example in RFC 7984 §4, with AAAA and A apart as the DNS has them.
    static let dualStack = """
        SRV _sip._tcp.example.com 10 1 5060 sip-1.example.com
        SRV _sip._tcp.example.com 20 1 5060 sip-2.example.com
        A sip-1.example.com 192.0.2.45
        A sip-1.example.com 203.0.113.109
        A sip-1.example.com 198.51.100.24
        AAAA sip-1.example.com 2001:db8:58:c02::face
        AAAA sip-1.example.com 2001:db8:c:a06::2:cafe
        AAAA sip-1.example.com 2001:db8:44:204::d1ce
        A sip-2.example.com 192.0.2.75
        A sip-2.example.com 203.0.113.38
        A sip-2.example.com 198.51.100.140
        AAAA sip-2.example.com 2001:db8:58:c02::dead
        AAAA sip-2.example.com 2001:db8:c:a06::2:beef
        AAAA sip-2.example.com 2001:db8:44:204::c0de
        """

    @Test("RFC 7984 §4, the example: both families of one server come before those of the next")
    func dualStack() throws {
        var run = try Run("sip:example.com;transport=tcp", Zone(Self.dualStack), hasIPv6: true)
        #expect(
            run.targets() == [
                "tcp:[2001:db8:58:c02::face]:5060", "tcp:[2001:db8:c:a06::2:cafe]:5060",
                "tcp:[2001:db8:44:204::d1ce]:5060", "tcp:192.0.2.45:5060", "tcp:203.0.113.109:5060",
                "tcp:198.51.100.24:5060", "tcp:[2001:db8:58:c02::dead]:5060", "tcp:[2001:db8:c:a06::2:beef]:5060",
                "tcp:[2001:db8:44:204::c0de]:5060", "tcp:192.0.2.75:5060", "tcp:203.0.113.38:5060",
                "tcp:198.51.100.140:5060", "allTried",
            ])
    }

    @Test("§4.2: the addresses of the next server are asked for when the one before has failed")
    func lazily() throws {
        var run = try Run("sip:example.com;transport=tcp", Zone(Self.dualStack))
        let first = (run.target(), run.target(), run.target())
        #expect(first == ("tcp:192.0.2.45:5060", "tcp:203.0.113.109:5060", "tcp:198.51.100.24:5060"))
        #expect(run.asked == ["SRV _sip._tcp.example.com", "A sip-1.example.com"])
        #expect(run.target() == "tcp:192.0.2.75:5060")
        #expect(run.asked.last == "A sip-2.example.com")
    }

    @Test("RFC 7984 §3.1: only families that we have are asked for")
    func families() throws {
        let ways = [RoutingCapabilities.Way(.udp, hasIPv4: false, hasIPv6: true)]
        var run = Run(
            NextHop("sip-1.example.com", port: 5060), Zone(Self.dualStack), RoutingCapabilities(ways))
        #expect(run.target() == "udp:[2001:db8:58:c02::face]:5060")
        #expect(run.asked == ["AAAA sip-1.example.com"])
    }

    @Test("RFC 6724 §2.1: global IPv6 before IPv4, IPv4 before 6to4, Teredo and unique local addresses")
    func precedence() {
        let texts = ["fd00::1", "2001:0:1::1", "2002:c000:201::1", "192.0.2.2", "192.0.2.1", "2001:db8::1", "::1"]
        let arranged = AddressOrder.arrange(texts.compactMap { IPAddress($0) }).map { $0.description }
        #expect(
            arranged == ["::1", "2001:db8::1", "192.0.2.2", "192.0.2.1", "2002:c000:201::1", "2001:0:1::1", "fd00::1"])
    }

    @Test(
        "Addresses of groups, of nowhere and of a link are no targets",
        arguments: ["224.0.1.75", "0.0.0.0", "255.255.255.255"])
    func unusableAddresses(text: String) throws {
        let zone = Zone("A example.com \(text)\nAAAA example.com fe80::1\nAAAA example.com ff02::1")
        var run = try Run("sip:example.com:5060", zone, hasIPv6: true)
        #expect(run.targets() == ["noAddress"])
    }

    @Test("RFC 2782: a target of . says that there is no such service, and nothing else is tried")
    func denied() throws {
        let zone = Zone("SRV _sip._udp.example.com 0 0 0 .\nA example.com 192.0.2.9")
        var run = try Run("sip:example.com;transport=udp", zone)
        #expect(run.targets() == ["serviceDenied"])
        #expect(run.asked == ["SRV _sip._udp.example.com"])
    }

    @Test("RFC 2782: a server whose address is unknown is passed over")
    func serverWithoutAddress() throws {
        let zone = Zone(
            """
            SRV _sip._udp.example.com 1 0 5060 gone.example.com
            SRV _sip._udp.example.com 2 0 5060 here.example.com
            A here.example.com 192.0.2.4
            """)
        var run = try Run("sip:example.com;transport=udp", zone)
        #expect(run.targets() == ["udp:192.0.2.4:5060", "allTried"])
    }

    @Test("An address that two servers share is tried once")
    func sharedAddress() throws {
        let zone = Zone(
            """
            SRV _sip._udp.example.com 1 0 5060 a.example.com
            SRV _sip._udp.example.com 2 0 5060 b.example.com
            A a.example.com 192.0.2.4
            A b.example.com 192.0.2.4
            """)
        var run = try Run("sip:example.com;transport=udp", zone)
        let targets = run.targets()
        #expect(targets.filter { $0 == "udp:192.0.2.4:5060" }.count == 1)
    }

    @Test(
        "When the DNS fails or does not answer, what it did not tell is passed over, and the reason says so",
        arguments: [DNSAnswer.failed, .timedOut])
    func lookUpFails(answer: DNSAnswer) throws {
        let domain = try #require(DomainName("example.com"))
        var zone = Zone("A example.com 192.0.2.9")
        zone.answers[DNSQuestion(.naptr, domain)] = answer
        var run = try Run("sip:example.com", zone)
        #expect(run.targets() == ["udp:192.0.2.9:5060", "allTried"])
        zone.answers[DNSQuestion(.a, domain)] = answer
        var second = try Run("sip:example.com", zone)
        #expect(second.targets() == ["lookUpFailed"])
        var third = try Run("sip:nowhere.example.com", Zone())
        #expect(third.targets() == ["noAddress"])
    }

    @Test("One family that does not answer does not hide the other (RFC 7984 §3.1)")
    func oneFamilyFails() throws {
        var zone = Zone("A example.com 192.0.2.9")
        zone.answers[DNSQuestion(.aaaa, try #require(DomainName("example.com")))] = .timedOut
        var run = try Run("sip:example.com:5060", zone, hasIPv6: true)
        #expect(run.targets() == ["udp:192.0.2.9:5060", "allTried"])
    }

    // MARK: Answers out of turn

    @Test("Answers with a wrong id, twice, or after another change nothing")
    func strayAnswers() throws {
        let hop = NextHop("example.com", port: 5060)
        let here = DNSAnswer.records(.address(try #require(IPAddress("192.0.2.1"))), seconds: 60)
        let elsewhere = DNSAnswer.records(.address(try #require(IPAddress("203.0.113.66"))), seconds: 60)
        var memory = RoutingMemory()
        var actions: [ServerSelection.Action] = []
        var selection = ServerSelection(
            hop, capabilities: RoutingCapabilities([.udp]), seed: 1, at: .start, memory: &memory, into: &actions)
        let question = DNSQuestion(.a, try #require(DomainName("example.com")))
        #expect(actions == [.query(id: 1, question)])
        selection.handle(elsewhere, to: 7, at: .start, memory: &memory, into: &actions)
        #expect(selection.next(at: .start, memory: &memory, into: &actions) == .waiting)
        #expect(selection.isWaiting)
        selection.handle(here, to: 1, at: .start, memory: &memory, into: &actions)
        selection.handle(elsewhere, to: 1, at: .start, memory: &memory, into: &actions)
        let target = ServerAddress(
            .udp, SocketAddress(try #require(IPAddress("192.0.2.1")), 5060), identity: "example.com",
            serverName: question.name)
        #expect(selection.next(at: .start, memory: &memory, into: &actions) == .target(target))
        #expect(selection.next(at: .start, memory: &memory, into: &actions) == .exhausted(.allTried))
        #expect(actions.count == 1)
        #expect(memory.answer(to: question, at: .start) == here)
    }

    @Test("Both families are asked at once, and answered in either order", arguments: [[0, 1], [1, 0]])
    func eitherOrder(order: [Int]) throws {
        let answers = [
            DNSAnswer.records(.address(try #require(IPAddress("2001:db8::1"))), seconds: 60),
            .records(.address(try #require(IPAddress("192.0.2.1"))), seconds: 60),
        ]
        var memory = RoutingMemory()
        var actions: [ServerSelection.Action] = []
        var selection = ServerSelection(
            NextHop("example.com", port: 5060), capabilities: RoutingCapabilities([.udp], hasIPv6: true), seed: 1,
            at: .start, memory: &memory, into: &actions)
        #expect(actions.count == 2)
        selection.handle(answers[order[0]], to: UInt32(order[0] + 1), at: .start, memory: &memory, into: &actions)
        #expect(selection.next(at: .start, memory: &memory, into: &actions) == .waiting)
        selection.handle(answers[order[1]], to: UInt32(order[1] + 1), at: .start, memory: &memory, into: &actions)
        guard case .target(let first) = selection.next(at: .start, memory: &memory, into: &actions) else {
            Issue.record("no target")
            return
        }
        #expect(first.address.ip.isIPv6)
    }

    // MARK: Responses (§5)

    @Test(
        "§5: a response that cannot go back the way its request came goes where sent-by says",
        arguments: [
            ("SIP/2.0/UDP 192.0.2.1", ["udp:192.0.2.1:5060"], []),
            ("SIP/2.0/TLS 192.0.2.1:5071", ["tls:192.0.2.1:5071"], []),
            ("SIP/2.0/TCP a.example.com:5072", ["tcp:192.0.2.3:5072"], ["A a.example.com"]),
            (
                "SIP/2.0/TLS a.example.com", ["tls:192.0.2.4:5079"],
                ["SRV _sips._tcp.a.example.com", "A b.example.com"]
            ),
            ("SIP/2.0/UDP b.example.com", ["udp:192.0.2.4:5060"], ["SRV _sip._udp.b.example.com", "A b.example.com"]),
        ] as [(String, [String], [String])])
    func responses(value: String, expected: [String], asked: [String]) throws {
        let octets = Array((value + ";branch=z9hG4bK1").utf8)
        var via = ViaIndex()
        _ = try ViaIndex.parse(octets.span, in: 0..<octets.count, into: &via)
        let zone = Zone(
            """
            SRV _sips._tcp.a.example.com 0 0 5079 b.example.com
            A a.example.com 192.0.2.3
            A b.example.com 192.0.2.4
            """)
        var run = Run(NextHop(responseTo: via, octets.span), zone, RoutingCapabilities(Run.everything))
        #expect(run.targets() == expected + ["allTried"])
        #expect(run.asked == asked)
    }

    // MARK: Bounds

    @Test("Questions, servers, addresses and targets of one selection are bounded", arguments: [1, 4, 16])
    func bounds(bound: Int) throws {
        var text = ""
        for i in 0..<40 {
            text += "SRV _sip._udp.example.com \(i) 0 5060 s\(i).example.com\n"
            for j in 0..<20 { text += "A s\(i).example.com 10.0.\(i).\(j)\n" }
        }
        var limits = ServerSelection.Limits()
        limits.targets = bound
        var run = try Run("sip:example.com;transport=udp", Zone(text), limits: limits)
        #expect(run.targets().count == bound + 1)
        limits = ServerSelection.Limits()
        limits.addresses = bound
        run = try Run("sip:example.com;transport=udp", Zone(text), limits: limits)
        let first = run.targets().filter { $0.hasPrefix("udp:10.0.0.") }
        #expect(first.count == bound)
        limits = ServerSelection.Limits()
        (limits.questions, limits.targets, limits.addresses) = (bound, 1000, 1)
        run = try Run("sip:example.com;transport=udp", Zone(text), limits: limits)
        _ = run.targets()
        #expect(run.asked.count == bound)
    }
}
