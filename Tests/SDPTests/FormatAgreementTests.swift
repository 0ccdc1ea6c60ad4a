import SIPMessages
import Testing

@testable import SDP

@Suite("Formats and their parameters in offer and answer")
struct FormatAgreementTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let encoding: String
        let offered: String?
        let own: String?
        /// The parameters of the answer; `nil` where there is no agreement.
        let answer: String??
        var testDescription: String { "\(self.encoding) \(self.offered ?? "-") / \(self.own ?? "-")" }

        init(_ encoding: String, _ offered: String?, _ own: String?, _ answer: String??) {
            (self.encoding, self.offered, self.own, self.answer) = (encoding, offered, own, answer)
        }
    }

    @Test(
        "The parameters of the answer",
        arguments: [
            Case("PCMU", nil, nil, .some(nil)),
            Case("G729", nil, nil, .some(nil)),
            Case("G729", "annexb=no", nil, "annexb=no"),
            Case("G729", nil, "annexb=no", "annexb=no"),
            Case("G729", "annexb=YES", "annexb=yes", "annexb=yes"),
            Case("G729", "annexb = No", "annexb=yes", "annexb=no"),
            Case("G723", "bitrate=6.3;annexa=no", nil, "annexa=no"),
            Case("telephone-event", "0-15", "0-16", "0-15"),
            Case("telephone-event", "0-11,16", "0-15", "0-11"),
            Case("telephone-event", nil, "0-16", "0-15"),
            Case("telephone-event", "32-36", "0-15", nil),
            Case("iLBC", "mode=20", "mode=20", "mode=20"),
            Case("iLBC", "mode=20", nil, "mode=30"),
            Case("AMR", "octet-align=1", "octet-align=1", "octet-align=1"),
            Case("AMR", "octet-align=1", nil, nil),
            Case("AMR", "octet-align=0", nil, .some(nil)),
            Case(
                "H264", "profile-level-id=42e01f;packetization-mode=1", "profile-level-id=42E00C;packetization-mode=1",
                "profile-level-id=42E00C;packetization-mode=1"),
            Case("H264", "profile-level-id=42e01f;packetization-mode=1", "profile-level-id=42e01f", nil),
            Case("H264", "profile-level-id=64001f", "profile-level-id=42e01f", nil),
            Case("opus", "maxplaybackrate=8000", "useinbandfec=1", "useinbandfec=1"),
        ])
    func answers(example: Case) {
        let offered = MediaFormat(96, example.encoding, parameters: example.offered)
        let own = MediaFormat(100, example.encoding.uppercased(), parameters: example.own)
        let answer = FormatAgreement.answer(to: offered, own: own)
        #expect((answer == nil) == (example.answer == nil))
        #expect(answer?.parameters == example.answer ?? nil)
        #expect(answer == nil || answer?.payloadType == 96)
    }

    @Test("Another rate or number of channels is another encoding")
    func rateAndChannels() {
        let opus = MediaFormat(96, "opus", 48_000, channels: 2)
        #expect(FormatAgreement.answer(to: opus, own: MediaFormat(96, "opus", 48_000)) == nil)
        #expect(FormatAgreement.answer(to: opus, own: MediaFormat(96, "opus", 16_000, channels: 2)) == nil)
    }

    @Test(
        "Lists of events (RFC 4733 §2.4.1)",
        arguments: [
            ("0-15", "0-15"), ("0,1,2,3", "0-3"), ("0-15,66,70", "0-15,66,70"), ("16", "16"), (" 1 , 3 - 3", nil),
            ("255", "255"), ("0-255", "0-255"), ("256", nil), ("5-3", nil), ("", nil), ("1,,2", nil), ("a", nil),
        ] as [(String, String?)])
    func eventLists(text: String, expected: String?) {
        #expect(TelephoneEventSet(text)?.description == expected)
    }
}

@Suite("What of an offer can be accepted, and the Warning otherwise (RFC 3261 §20.43)")
struct OfferPlanTests {
    static let capability = StreamCapability(
        formats: [MediaFormat(0, "PCMU"), MediaFormat(8, "PCMA"), MediaFormat(101, "telephone-event")], hasIPv6: false)

    static func offer(_ media: String) throws -> SessionDescription {
        try SessionDescription(
            Array("v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n\(media)".utf8))
    }

    @Test("Audio is accepted beside media that are not")
    func acceptsAudio() throws {
        let plan = OfferPlan(try Self.offer("m=video 2 RTP/AVP 31\r\nm=audio 4 RTP/AVP 18 8\r\n"), [Self.capability])
        #expect(plan.refusal == nil)
        #expect(plan.verdicts.last == .accept(capability: 0))
    }

    @Test(
        "The reason that came closest to an agreement is given",
        arguments: [
            ("m=video 2 RTP/AVP 31\r\n", 304), ("m=audio 2 RTP/AVP 18\r\n", 305),
            ("m=video 2 RTP/AVP 31\r\nm=audio 2 RTP/AVP 18\r\n", 305), ("m=audio 2 RTP/SAVP 0\r\n", 302),
            ("m=audio 2 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n", 301),
            ("m=audio 2 RTP/AVP 0\r\nc=ATM NSAP 1.2\r\n", 300),
            ("m=audio 2 RTP/AVP 0\r\nc=IN IP4 233.252.0.1/127\r\n", 330),
            ("m=audio 2 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n", nil),
            ("m=audio 2 RTP/AVP 18 101\r\na=rtpmap:101 telephone-event/8000\r\n", 305),
            ("m=audio 0 RTP/AVP 18\r\n", nil), ("", nil),
        ] as [(String, UInt16?)])
    func refusals(media: String, warning: UInt16?) throws {
        #expect(OfferPlan(try Self.offer(media), [Self.capability]).refusal?.warning == warning)
    }

    @Test("A second stream of a type is refused where one is all we have")
    func oneOfEach() throws {
        let plan = OfferPlan(try Self.offer("m=audio 2 RTP/AVP 0\r\nm=audio 4 RTP/AVP 8\r\n"), [Self.capability])
        #expect(plan.verdicts[0] == .accept(capability: 0))
        #expect(plan.verdicts[1] != .accept(capability: 0))
        #expect(plan.refusal == nil)
    }

    @Test("Capabilities for OPTIONS and 488 have port 0 and every format (RFC 3264 §9)")
    func capabilities() throws {
        let description = SessionDescription(
            capabilities: [Self.capability], identity: DescriptionIdentity(sessionID: 3, host: "192.0.2.4"))
        #expect(description.violations.isEmpty)
        #expect(description.media.map(\.line.description) == ["audio 0 RTP/AVP 0 8 101", "audio 0 RTP/AVPF 0 8 101"])
        let stream = LocalStream(
            host: "192.0.2.1", port: 4_000,
            formats: [MediaFormat(18, "G729"), MediaFormat(8, "PCMA"), MediaFormat(101, "telephone-event")])
        #expect(stream.limited(to: description)?.formats.map(\.payloadType) == [8, 101])
        var none = stream
        none.formats.remove(at: 1)
        #expect(none.limited(to: description) == nil)
    }
}
