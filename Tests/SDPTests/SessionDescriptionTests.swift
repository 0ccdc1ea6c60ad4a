import SIPMessages
import Testing

@testable import SDP

@Suite("Session descriptions (RFC 8866)")
struct SessionDescriptionTests {
    static let full = """
        v=0
        o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1
        s=Call to John Smith
        i=SDP Offer #1
        u=http://www.jdoe.example.com/home.html
        e=Jane Doe <jane@jdoe.example.com>
        p=+1 617 555-6011
        c=IN IP4 198.51.100.1
        b=AS:64
        b=X-own:7
        t=0 0
        a=group:LS 1 2
        m=audio 49170 RTP/AVP 0 101
        a=fmtp:101 0-15,66,70
        a=rtpmap:101 telephone-event/8000
        a=ptime:30
        a=mid:1
        a=rtcp-mux
        m=audio 49180 RTP/AVP 0
        a=rtcp:53020 IN IP6 2001:2345:6789:ABCD:EF01:2345:6789:ABCD
        m=video 51372 RTP/AVP 99
        c=IN IP6 2001:db8::2
        a=rtpmap:99 h263-1998/90000
        a=sendonly

        """

    static func parse(_ text: String) throws -> SessionDescription { try SessionDescription(Array(text.utf8)) }

    @Test("The examples are there")
    func isComplete() {
        #expect(Example.all.count == 8 + 54 + 13)
    }

    @Test("Each description of the documents is written as it came, with CRLF and with LF", arguments: Example.all)
    func isLossless(example: Example) throws {
        #expect(try example.parsed().octets == example.octets)
        #expect(try Self.parse(example.text).octets == Array(example.text.utf8))
    }

    @Test("The example of RFC 8866 §5, with more lines, is read by its fields")
    func typedAccess() throws {
        let description = try Self.parse(Self.full)
        #expect(description.octets == Array(Self.full.utf8))
        #expect(description.violations.isEmpty)
        #expect(description.origin.username == "jdoe")
        #expect(description.origin.sessionID == 3_724_394_400)
        #expect(description.origin.version == 3_724_394_405)
        #expect(description.name == "Call to John Smith")
        #expect(description.information == "SDP Offer #1")
        #expect(description.timing == Timing())
        #expect(description.bandwidth("as") == 64)
        #expect(description.bandwidths == [Bandwidth("AS", 64), Bandwidth("X-own", 7)])
        #expect(description.groups == [MediaGroup("LS", ["1", "2"])])
        let audio = description.media[0]
        #expect(audio.formats.map(\.map) == [RTPMap(0, "PCMU", 8_000), RTPMap(101, "telephone-event", 8_000)])
        #expect(audio.parameters(of: "101") == "0-15,66,70")
        #expect(TelephoneEventSet(of: audio.formats[1]).description == "0-15,66,70")
        #expect(audio.packetTime == 30)
        #expect(audio.hasRTCPMux)
        #expect(audio.identification == "1")
        let destination = try #require(description.destination(of: audio))
        #expect(destination.rtp.address == SocketAddress(IPAddress(v4: 0xC633_6401), 49_170))
        #expect(destination.rtcp.port == 49_171)
        let second = try #require(description.destination(of: description.media[1]))
        #expect(second.rtcp.port == 53_020)
        #expect(second.rtcp.host == Host("2001:2345:6789:abcd:ef01:2345:6789:abcd"))
        #expect(second.rtp.host == Host("198.51.100.1"))
        let video = description.media[2]
        #expect(description.connection(of: video)?.address == "2001:db8::2")
        #expect(description.direction(of: video) == .sendonly)
        #expect(description.direction(of: audio) == .sendrecv)
    }

    @Test("What is not changed stays as it came, octet for octet")
    func editsInPlace() throws {
        var description = try Self.parse(
            "v=0\no=- 1  1 IN IP4 a.example \ns= \nt=0 0\nx=odd\nm=audio 9  RTP/AVP 0\na=b:c")
        description.media[0].addAttribute("ptime", "20")
        #expect(
            String(decoding: description.octets, as: UTF8.self)
                == "v=0\no=- 1  1 IN IP4 a.example \ns= \nt=0 0\nx=odd\nm=audio 9  RTP/AVP 0\na=b:c\r\na=ptime:20\r\n")
        description.origin.version += 1
        #expect(String(decoding: description.octets, as: UTF8.self).contains("o=- 1 2 IN IP4 a.example\r\n"))
        description.media[0].line.port = 10
        #expect(String(decoding: description.octets, as: UTF8.self).contains("m=audio 10 RTP/AVP 0\r\n"))
    }

    @Test("A line that is added finds its place in the order of RFC 8866 §5")
    func insertsInOrder() throws {
        var description = try Self.parse(
            "v=0\r\no=- 1 1 IN IP4 a.example\r\ns=-\r\nt=0 0\r\na=x\r\nm=audio 9 RTP/AVP 0\r\na=y\r\n")
        description.connection = ConnectionData("192.0.2.1")
        description.bandwidths = [Bandwidth("AS", 80)]
        description.information = "note"
        description.media[0].connection = ConnectionData("2001:db8::1")
        #expect(
            String(decoding: description.octets, as: UTF8.self)
                == """
                v=0\r
                o=- 1 1 IN IP4 a.example\r
                s=-\r
                i=note\r
                c=IN IP4 192.0.2.1\r
                b=AS:80\r
                t=0 0\r
                a=x\r
                m=audio 9 RTP/AVP 0\r
                c=IN IP6 2001:db8::1\r
                a=y\r

                """)
    }

    @Test("Text of ours cannot add a line")
    func noInjection() throws {
        var description = try Self.parse(Self.full)
        description.name = "a\r\nm=audio 1 RTP/AVP 0"
        #expect(description.name == "am=audio 1 RTP/AVP 0")
        #expect(try SessionDescription(description.octets).media.count == 3)
    }

    @Test("Octets that are no UTF-8, unknown attributes and empty lines at the end are kept (RFC 8866 §5)")
    func keepsOddOctets() throws {
        let octets: [UInt8] =
            Array("v=0\r\no=- 1 1 IN IP4 h.example\r\ns=".utf8) + [0xE4, 0x07, 0xFF]
            + Array("\r\nt=0 0\r\na=x-own:\u{1}  y \r\n\r\n\n".utf8)
        let description = try SessionDescription(octets)
        #expect(description.octets == octets)
        #expect(description.attribute("x-own")?.value == "\u{1}  y ")
    }

    @Test(
        "A description that cannot be understood is refused with the line and the rule",
        arguments: [
            ("", SDPParseError(.empty, line: 1)),
            ("o=- 1 1 IN IP4 a\r\n", SDPParseError(.versionMissing, type: 0x6F, line: 1)),
            ("v=1\r\no=- 1 1 IN IP4 a\r\n", SDPParseError(.versionUnsupported, type: 0x76, line: 1)),
            ("v=0\r\n", SDPParseError(.originMissing, line: 2)),
            ("v=0\r\ns=-\r\n", SDPParseError(.originMissing, type: 0x73, line: 2)),
            ("v=0\r\no=- 1 1 IN IP4\r\n", SDPParseError(.subfields, type: 0x6F, line: 2)),
            ("v=0\r\no=- x 1 IN IP4 a\r\n", SDPParseError(.number, type: 0x6F, line: 2)),
            (
                "v=0\r\no=- 18446744073709551616 1 IN IP4 a\r\n",
                SDPParseError(.numberTooLarge, type: 0x6F, line: 2)
            ),
            ("v=0\r\no=- 1 1 IN IP4 a\r\nrubbish\r\n", SDPParseError(.malformedLine, line: 3)),
            ("v=0\r\n\r\no=- 1 1 IN IP4 a\r\n", SDPParseError(.malformedLine, line: 2)),
            ("v=0\r\no=- 1 1 IN IP4 a\r\ns=a\rb\r\n", SDPParseError(.controlCharacter, type: 0x73, line: 3)),
            ("v=0\r\no=- 1 1 IN IP4 a\r\ns=a\0\r\n", SDPParseError(.controlCharacter, type: 0x73, line: 3)),
            ("v=0\r\no=- 1 1 IN IP4 a\r\nc=IN IP6 1.2.3.4\r\n", SDPParseError(.address, type: 0x63, line: 3)),
            ("v=0\r\no=- 1 1 IN IP4 a\r\nc=IN IP4\r\n", SDPParseError(.subfields, type: 0x63, line: 3)),
            (
                "v=0\r\no=- 1 1 IN IP4 a\r\nm=audio 65536 RTP/AVP 0\r\n",
                SDPParseError(.numberTooLarge, type: 0x6D, line: 3)
            ),
            ("v=0\r\no=- 1 1 IN IP4 a\r\nm=audio 9 RTP/AVP\r\n", SDPParseError(.subfields, type: 0x6D, line: 3)),
            ("v=0\r\no=- 1 1 IN IP4 a\r\nm=audio 9/0 RTP/AVP 0\r\n", SDPParseError(.number, type: 0x6D, line: 3)),
        ])
    func refuses(text: String, error: SDPParseError) {
        #expect(throws: error) { try Self.parse(text) }
    }

    @Test("At each limit a description is taken, beyond it refused")
    func limits() throws {
        var limits = SDPLimits()
        (limits.lines, limits.media, limits.formats) = (6, 2, 3)
        let head = "v=0\r\no=- 1 1 IN IP4 a\r\ns=-\r\n"
        func parse(_ text: String) throws -> SessionDescription {
            try SessionDescription(Array(text.utf8), limits: limits)
        }
        _ = try parse(head + "m=audio 9 RTP/AVP 0 8 9\r\nm=audio 9 RTP/AVP 0\r\na=x\r\n")
        #expect(throws: SDPParseError(.tooManyFormats, type: 0x6D, line: 4)) {
            try parse(head + "m=audio 9 RTP/AVP 0 8 9 18\r\n")
        }
        #expect(throws: SDPParseError(.tooManyMedia, type: 0x6D, line: 6)) {
            try parse(head + "m=audio 9 RTP/AVP 0\r\nm=audio 9 RTP/AVP 0\r\nm=audio 9 RTP/AVP 0\r\n")
        }
        #expect(throws: SDPParseError(.tooManyLines, line: 7)) { try parse(head + "a=1\r\na=2\r\na=3\r\na=4\r\n") }
        limits.octets = head.utf8.count
        _ = try parse(head)
        #expect(throws: SDPParseError(.tooLong, line: 1)) { try parse(head + "\n") }
    }

    @Test(
        "The handbook's slips are understood and named",
        arguments: [
            ("Handbook 3.3: offer", [SDPViolation.Rule.nameMissing]),
            ("Handbook 3.4: second-offer", [.nameEmpty, .encodingName]),
            ("Handbook 9.3: offer", [.attributeCase, .attributeCase]),
        ])
    func namesSlips(name: String, rules: [SDPViolation.Rule]) throws {
        let example = try #require(Example.all.first { $0.testDescription == name })
        #expect(try example.parsed().violations.map(\.rule) == rules)
    }

    @Test("a=RTPmap is read as a=rtpmap, telephone-events as telephone-event (handbook 9.3, 3.4)")
    func lenientNames() throws {
        let digits = try #require(Example.all.first { $0.testDescription == "Handbook 9.3: offer" }).parsed()
        #expect(digits.media[0].formats == [MediaFormat(4, "G723"), MediaFormat(101, "telephone-event")])
        let events = try #require(Example.all.first { $0.testDescription == "Handbook 3.4: second-offer" }).parsed()
        #expect(events.media[3].formats.map(\.isTelephoneEvent) == [true])
    }

    @Test(
        "Rules that are broken without harm are named",
        arguments: [
            ("s=-\nt=0 0\nq=1\n", SDPViolation.Rule.unknownType), ("t=0 0\ns=-\n", .order), ("s=-\n", .timeMissing),
            ("s=-\ns=-\nt=0 0\n", .repeated), ("s=-\nt=0 0\nk=prompt\n", .keyLine),
            ("s=-\nt=0 0\nm=audio 9 RTP/AVP 0\n", .connectionMissing),
            ("s=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 9 RTP/AVP 97\n", .mapMissing),
            ("s=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 9 RTP/AVP 0\na=rtpmap:0 PCMU\n", .mapMalformed),
        ])
    func violations(lines: String, rule: SDPViolation.Rule) throws {
        let description = try Self.parse("v=0\no=- 1 1 IN IP4 192.0.2.1\n" + lines)
        #expect(description.violations.map(\.rule) == [rule])
    }

    @Test("Repeat times between two times are in order (RFC 8866 §9)")
    func timesInOrder() throws {
        let description = try Self.parse(
            "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=3724394400 3730536000\nr=7d 1h 0 25h\nz=3730928400 -1h\nt=0 0\na=x\n"
        )
        #expect(description.violations.isEmpty)
    }

    @Test("Multicast: time to live and number of addresses (RFC 8866 §5.7)")
    func multicast() throws {
        let v4 = try ConnectionData(parsing: Array("IN IP4 233.252.0.1/127/3".utf8))
        #expect(v4.timeToLive == 127)
        #expect(v4.addressCount == 3)
        #expect(v4.isMulticast)
        #expect(v4.description == "IN IP4 233.252.0.1/127/3")
        let v6 = try ConnectionData(parsing: Array("IN IP6 ff00::db8:0:101/3".utf8))
        #expect(v6.addressCount == 3)
        #expect(v6.isMulticast)
        #expect(throws: (any Error).self) { try ConnectionData(parsing: Array("IN IP6 ff00::db8:0:101/127/3".utf8)) }
    }

    @Test(
        "A payload type means what its map says, or what RFC 3551 §6 says",
        arguments: [
            ("m=audio 9 RTP/AVP 0 8 9 18", ["PCMU/8000", "PCMA/8000", "G722/8000", "G729/8000"]),
            ("m=audio 9 RTP/AVP 96 200 x 0 0", ["PCMU/8000"]),
            ("m=audio 9 RTP/SAVPF 0", ["PCMU/8000"]),
            ("m=audio 9 udp 0", []),
        ])
    func staticTypes(line: String, expected: [String]) throws {
        let description = try Self.parse("v=0\no=- 1 1 IN IP4 a.b\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n\(line)\n")
        #expect(description.media[0].formats.map { "\($0.map.encoding)/\($0.map.clockRate)" } == expected)
    }
}
