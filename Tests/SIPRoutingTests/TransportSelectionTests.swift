import SIPMessages
import Testing

@testable import SIPRouting

@Suite("Selecting a transport protocol (RFC 3263 §4.1)")
struct TransportSelectionTests {
    /// The records of the example in §4.1.
    static let example = """
        NAPTR example.com 50 50 s SIPS+D2T _sips._tcp.example.com
        NAPTR example.com 90 50 s SIP+D2T _sip._tcp.example.com
        NAPTR example.com 100 50 s SIP+D2U _sip._udp.example.com
        SRV _sip._tcp.example.com 0 1 5060 server1.example.com
        SRV _sip._tcp.example.com 0 2 5060 server2.example.com
        SRV _sips._tcp.example.com 0 1 5061 server1.example.com
        SRV _sip._udp.example.com 0 1 5060 server1.example.com
        A server1.example.com 192.0.2.1
        A server2.example.com 192.0.2.2
        A example.com 192.0.2.9
        """

    @Test("§4.1, the example: a client with TCP and UDP uses TCP, at the servers of _sip._tcp.example.com")
    func example() throws {
        var run = try Run("sip:user@example.com", Zone(Self.example), over: [.udp, .tcp])
        let targets = run.targets()
        #expect(Set(targets) == ["tcp:192.0.2.1:5060", "tcp:192.0.2.2:5060", "allTried"])
        #expect(run.asked.prefix(2) == ["NAPTR example.com", "SRV _sip._tcp.example.com"])
    }

    @Test("§4.1: a client with TLS keeps SIPS services for a SIP URI, and prefers what the domain prefers")
    func tlsForSIP() throws {
        var run = try Run("sip:user@example.com", Zone(Self.example))
        #expect(run.targets() == ["tls:192.0.2.1:5061", "allTried"])
    }

    @Test("RFC 2915 §2: after a match no rule of a higher order is considered, though the first fails")
    func higherOrdersAreNotConsidered() throws {
        var zone = Zone(Self.example)
        zone.answers[DNSQuestion(.a, try #require(DomainName("server1.example.com")))] = nil
        var run = try Run("sip:user@example.com", zone)
        #expect(run.targets() == ["noAddress"])
        #expect(!run.asked.contains("SRV _sip._tcp.example.com"))
    }

    @Test("RFC 2915 §2: within one order, the lower preference comes first and the other is the next choice")
    func preferences() throws {
        let zone = Zone(
            """
            NAPTR example.com 10 20 s SIP+D2U _sip._udp.example.com
            NAPTR example.com 10 10 S sip+d2t _sip._tcp.example.com
            SRV _sip._udp.example.com 0 0 5060 a.example.com
            SRV _sip._tcp.example.com 0 0 5070 a.example.com
            A a.example.com 192.0.2.1
            """)
        var run = try Run("sip:example.com", zone)
        #expect(run.targets() == ["tcp:192.0.2.1:5070", "udp:192.0.2.1:5060", "allTried"])
    }

    @Test(
        "§4.1: records that are not for SIP, have a regular expression or an unknown flag are discarded",
        arguments: [
            "NAPTR example.com 1 1 s E2U+sip _sip._tcp.example.com",
            "NAPTR example.com 1 1 u SIP+D2T _sip._tcp.example.com",
            "NAPTR example.com 1 1 s SIPS+D2U _sip._tcp.example.com",
            "NAPTR example.com 1 1 s SIP+D2S _sip._tcp.example.com",
            "NAPTR example.com 1 1 s SIP+D2W _sip._tcp.example.com", "NAPTR example.com 1 1 s SIP+D2T .",
        ])
    func discards(record: String) throws {
        let zone = Zone(
            record + "\n"
                + """
                NAPTR example.com 2 1 s SIP+D2U _sip._udp.example.com
                SRV _sip._udp.example.com 0 0 5060 a.example.com
                SRV _sip._tcp.example.com 0 0 5060 a.example.com
                A a.example.com 192.0.2.1
                """)
        var run = try Run("sip:example.com", zone)
        #expect(run.targets() == ["udp:192.0.2.1:5060", "allTried"])
    }

    @Test("§4.1: rules with a substitution expression are none for SIP")
    func regularExpressions() throws {
        let domain = try #require(DomainName("example.com"))
        var zone = Zone("A example.com 192.0.2.1")
        let rule = NAPTRRecord(
            order: 1, preference: 1, flags: "s", services: "SIP+D2T", regularExpression: "!.*!_sip._tcp.evil.com!",
            replacement: try #require(DomainName("_sip._tcp.example.com")))
        zone.answers[DNSQuestion(.naptr, domain)] = .records(.naptr(rule), seconds: 60)
        var run = try Run("sip:example.com", zone)
        #expect(run.targets() == ["udp:192.0.2.1:5060", "allTried"])
    }

    @Test("§4.1: a SIPS URI discards every service without SIPS, and is never sent without TLS")
    func sipsDiscardsSIP() throws {
        var run = try Run("sips:user@example.com", Zone(Self.example))
        #expect(run.targets() == ["tls:192.0.2.1:5061", "allTried"])
        let unsafe = Zone(
            """
            NAPTR example.com 90 50 s SIP+D2T _sip._tcp.example.com
            SRV _sip._tcp.example.com 0 1 5060 a.example.com
            SRV _sip._udp.example.com 0 1 5060 a.example.com
            A a.example.com 192.0.2.1
            """)
        var second = try Run("sips:user@example.com", unsafe)
        #expect(second.targets() == ["noAddress"])
        #expect(!second.asked.contains { $0.contains("_sip.") })
    }

    @Test("§4.1: a NAPTR replacement may be in another domain; the certificate is for the domain asked (RFC 5922 §7.3)")
    func replacementElsewhere() throws {
        let zone = Zone(
            """
            NAPTR example.com 90 50 s SIPS+D2T _sips._tcp.school.edu
            SRV _sips._tcp.school.edu 0 1 5061 a.school.edu
            A a.school.edu 192.0.2.7
            """)
        var run = try Run("sip:example.com", zone)
        let server = ServerAddress(
            .tls, SocketAddress(try #require(IPAddress("192.0.2.7")), 5061), identity: "example.com",
            serverName: DomainName("a.school.edu"))
        #expect(run.next() == .target(server))
    }

    @Test("RFC 5922 §7.3: a maddr leads elsewhere, and the certificate stays that of the URI's host")
    func identityWithMaddr() throws {
        let uri = "sips:bob@example.com;maddr=192.0.2.77"
        let server = ServerAddress(
            .tls, SocketAddress(try #require(IPAddress("192.0.2.77")), 5061), identity: "example.com")
        var run = try Run(uri, Zone())
        #expect(run.next() == .target(server))
        let octets = Array(uri.utf8)
        let index = try URIIndex(parsing: octets.span, in: 0..<octets.count)
        #expect(NextHop(index, octets.span) == NextHop(try SIPURI(uri)))
        let tel = Array("tel:+1-201-555-0123".utf8)
        #expect(NextHop(try URIIndex(parsing: tel.span, in: 0..<tel.count), tel.span) == nil)
    }

    @Test("RFC 3402 §3: a rule without flags leads to further rules; a loop of them ends")
    func nonTerminalRules() throws {
        let zone = Zone(
            """
            NAPTR example.com 1 1 "" SIP+D2T rules.example.net
            NAPTR rules.example.net 1 1 s SIP+D2T _sip._tcp.example.net
            SRV _sip._tcp.example.net 0 0 5060 a.example.net
            A a.example.net 192.0.2.3
            """)
        var run = try Run("sip:example.com", zone)
        #expect(run.targets() == ["tcp:192.0.2.3:5060", "allTried"])
        var loop = try Run("sip:example.com", Zone("NAPTR example.com 1 1 \"\" SIP+D2T example.com"))
        #expect(loop.targets() == ["noAddress"])
    }

    @Test("§4.1: without NAPTR records, SRV is asked for every transport at once, and our preference decides")
    func everyTransport() throws {
        let zone = Zone(
            """
            SRV _sip._udp.example.com 0 0 5062 a.example.com
            SRV _sip._tcp.example.com 0 0 5064 a.example.com
            A a.example.com 192.0.2.1
            """)
        var run = try Run("sip:example.com", zone, over: [.tcp, .udp, .tls])
        #expect(run.target() == "tcp:192.0.2.1:5064")
        #expect(
            run.asked == [
                "NAPTR example.com", "SRV _sip._tcp.example.com", "SRV _sip._udp.example.com", "A a.example.com",
            ])
        #expect(run.target() == "udp:192.0.2.1:5062")
    }

    @Test("§4.1: without NAPTR records, a SIPS URI asks for _sips only")
    func everySecureTransport() throws {
        let zone = Zone("SRV _sips._tcp.example.com 0 0 5063 a.example.com\nA a.example.com 192.0.2.1")
        var run = try Run("sips:example.com", zone)
        #expect(run.targets() == ["tls:192.0.2.1:5063", "allTried"])
        #expect(run.asked == ["NAPTR example.com", "SRV _sips._tcp.example.com", "A a.example.com"])
    }

    @Test(
        "§4.1: without any records of services, SIP goes over UDP and SIPS over TLS, at the default port",
        arguments: [("sip:example.com", "udp:192.0.2.9:5060"), ("sips:example.com", "tls:192.0.2.9:5061")])
    func noServices(uri: String, expected: String) throws {
        var run = try Run(uri, Zone("A example.com 192.0.2.9"))
        #expect(run.targets() == [expected, "allTried"])
    }

    @Test("§4.2: without the SRV records that NAPTR led to, the domain is contacted over the transport that NAPTR gave")
    func noServicesAfterRules() throws {
        let zone = Zone("NAPTR example.com 1 1 s SIP+D2T _sip._tcp.example.com\nA example.com 192.0.2.9")
        var run = try Run("sip:example.com", zone)
        #expect(run.targets() == ["tcp:192.0.2.9:5060", "allTried"])
    }

    @Test(
        "§4.1, §4.2: an address, a port or a transport parameter decide without NAPTR",
        arguments: [
            ("sip:192.0.2.1", ["udp:192.0.2.1:5060"], []),
            ("sip:192.0.2.1:5070", ["udp:192.0.2.1:5070"], []),
            ("sips:192.0.2.1", ["tls:192.0.2.1:5061"], []),
            ("sip:192.0.2.1;transport=tcp", ["tcp:192.0.2.1:5060"], []),
            ("sips:192.0.2.1;transport=tcp", ["tls:192.0.2.1:5061"], []),
            ("sip:192.0.2.1;transport=tls", ["tls:192.0.2.1:5061"], []),
            ("sip:example.com:5080", ["udp:192.0.2.9:5080"], ["A example.com"]),
            ("sip:example.com:5060", ["udp:192.0.2.9:5060"], ["A example.com"]),
            ("sips:example.com:5080", ["tls:192.0.2.9:5080"], ["A example.com"]),
            ("sip:example.com:5080;transport=TCP", ["tcp:192.0.2.9:5080"], ["A example.com"]),
            (
                "sip:example.com;transport=udp", ["udp:192.0.2.1:5060"],
                ["SRV _sip._udp.example.com", "A server1.example.com"]
            ),
            (
                "sips:example.com;transport=tcp", ["tls:192.0.2.1:5061"],
                ["SRV _sips._tcp.example.com", "A server1.example.com"]
            ),
            (
                "sip:example.com;transport=tls", ["tls:192.0.2.1:5061"],
                ["SRV _sips._tcp.example.com", "A server1.example.com"]
            ),
            ("sip:example.net;transport=tcp;maddr=192.0.2.77", ["tcp:192.0.2.77:5060"], []),
            ("sip:example.net:5090;maddr=example.com", ["udp:192.0.2.9:5090"], ["A example.com"]),
        ] as [(String, [String], [String])])
    func explicit(uri: String, expected: [String], asked: [String]) throws {
        var run = try Run(uri, Zone(Self.example))
        #expect(run.targets() == expected + ["allTried"])
        #expect(run.asked == asked)
    }

    @Test("§4.2: a named transport without SRV records leads to the default port of that transport")
    func namedTransportWithoutServices() throws {
        var run = try Run("sip:example.com;transport=tls", Zone("A example.com 192.0.2.9"))
        #expect(run.targets() == ["tls:192.0.2.9:5061", "allTried"])
    }

    @Test(
        "A transport that is unknown, not ours or not secure ends the selection before a question is asked",
        arguments: [
            ("sip:example.com;transport=carrier-pigeon", "unsupportedTransport"),
            ("sip:example.com;transport=sctp", "unsupportedTransport"),
            ("sips:example.com;transport=udp", "insecureTransport"),  // RFC 5630 §3.1.4
            ("sips:192.0.2.1;transport=udp", "insecureTransport"),
            ("sip:224.0.1.75", "unusableAddress"), ("sip:0.0.0.0", "unusableAddress"),
            ("sip:[2001:db8::1]", "unusableAddress"),
        ])
    func unusable(uri: String, expected: String) throws {
        var run = try Run(uri, Zone(Self.example))
        #expect(run.targets() == [expected])
        #expect(run.asked.isEmpty)
    }

    @Test("A SIPS URI has no target where we have no TLS (RFC 3261 §26.2.2)")
    func noTLS() throws {
        var run = try Run("sips:example.com", Zone(Self.example), over: [.udp, .tcp])
        #expect(run.targets() == ["unsupportedTransport"])
    }

    @Test(
        "RFC 7118 §5.5: WebSocket is found by D2W services, and is at port 80 or 443 without SRV records",
        arguments: [
            ("sip:example.com;transport=ws", "ws:192.0.2.9:80"), ("sips:example.com;transport=ws", "wss:192.0.2.9:443"),
            ("sip:example.org", "ws:192.0.2.8:8080"), ("sips:example.org", "wss:192.0.2.8:8443"),
        ])
    func webSocket(uri: String, expected: String) throws {
        let zone = Zone(
            """
            A example.com 192.0.2.9
            NAPTR example.org 1 1 s SIPS+D2W _sips._ws.example.org
            NAPTR example.org 0 1 s SIP+D2W _sip._ws.example.org
            SRV _sip._ws.example.org 0 0 8080 a.example.org
            SRV _sips._ws.example.org 0 0 8443 a.example.org
            A a.example.org 192.0.2.8
            """)
        var run = try Run(uri, zone, over: [.ws, .wss])
        #expect(run.targets() == [expected, "allTried"])
    }

    @Test("RFC 4168 §6: SIPS+D2S is TLS over SCTP, SIP+D2S is SCTP, for whoever has them")
    func sctp() throws {
        let zone = Zone(
            """
            NAPTR example.com 1 1 s SIPS+D2S _sips._sctp.example.com
            NAPTR example.com 1 2 s SIP+D2S _sip._sctp.example.com
            SRV _sips._sctp.example.com 0 0 5061 a.example.com
            SRV _sip._sctp.example.com 0 0 5060 a.example.com
            A a.example.com 192.0.2.1
            """)
        var run = try Run("sip:example.com", zone, over: [.udp, .sctp, .tlsSCTP])
        #expect(run.targets() == ["tls-sctp:192.0.2.1:5061", "sctp:192.0.2.1:5060", "allTried"])
    }

    @Test(
        "RFC 3261 §18.1.1: a request too large for UDP goes over TCP, and over UDP when that is refused",
        arguments: [
            ("sip:192.0.2.1", ["tcp:192.0.2.1:5060", "udp:192.0.2.1:5060"]),
            ("sip:example.net:5080", ["tcp:192.0.2.5:5080", "udp:192.0.2.5:5080"]),
            ("sip:example.net", ["tcp:192.0.2.5:5060", "udp:192.0.2.5:5060"]),
        ])
    func largeRequests(uri: String, expected: [String]) throws {
        var run = try Run(uri, Zone("A example.net 192.0.2.5"), isLarge: true)
        #expect(run.targets() == expected + ["allTried"])
    }

    @Test("RFC 3261 §18.1.1: a request too large for UDP takes the next order of rules, or the next service, for TCP")
    func largeRequestsWithServices() throws {
        let services = """

            SRV _sip._udp.example.com 0 0 5062 a.example.com
            SRV _sip._tcp.example.com 0 0 5064 a.example.com
            A a.example.com 192.0.2.1
            """
        let rules = """
            NAPTR example.com 1 1 s SIP+D2U _sip._udp.example.com
            NAPTR example.com 2 1 s SIP+D2T _sip._tcp.example.com
            """
        var run = try Run("sip:example.com", Zone(rules + services))
        #expect(run.target() == "udp:192.0.2.1:5062")
        run = try Run("sip:example.com", Zone(rules + services), isLarge: true)
        #expect(run.target() == "tcp:192.0.2.1:5064")
        run = try Run("sip:example.com", Zone(services), isLarge: true)
        #expect(run.targets() == ["tcp:192.0.2.1:5064", "udp:192.0.2.1:5062", "allTried"])
    }

    @Test("§7: that a domain offered TLS is remembered, and a warning given when it no longer does")
    func tlsWithdrawn() throws {
        var run = try Run("sip:user@example.com", Zone(Self.example, seconds: 1))
        _ = run.targets()
        let later = MonotonicInstant.start.advanced(by: .seconds(2))
        var second = try Run("sip:user@example.com", Zone("A example.com 192.0.2.66"), memory: run.memory, at: later)
        #expect(second.target() == "udp:192.0.2.66:5060")
        #expect(second.asked.contains("TLS withdrawn at example.com"))
        // The first time there is nothing to compare with.
        var first = try Run("sip:user@example.com", Zone("A example.com 192.0.2.66"))
        _ = first.target()
        #expect(!first.asked.contains { $0.hasPrefix("TLS") })
    }
}
