import SIPMessages
import Testing

@testable import SDP

@Suite("Offer and answer (RFC 3264, RFC 6337)")
struct OfferAnswerTests {
    static let pcmu = MediaFormat(0, "PCMU")
    static let pcma = MediaFormat(8, "PCMA")
    static let events = MediaFormat(101, "telephone-event", parameters: "0-15")

    static func machine(_ name: String = "a") -> OfferAnswer {
        OfferAnswer(identity: DescriptionIdentity(username: name, sessionID: 7, firstVersion: 10, host: "192.0.2.9"))
    }

    static func audio(
        _ formats: [MediaFormat] = [pcmu, pcma, events], port: UInt16 = 4_000,
        direction: MediaDirection = .sendrecv
    ) -> LocalStream {
        LocalStream(host: "192.0.2.1", port: port, formats: formats, direction: direction)
    }

    static func description(_ media: String, version: Int = 1) throws -> SessionDescription {
        try SessionDescription(
            Array("v=0\r\no=peer 1 \(version) IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n\(media)".utf8))
    }

    /// The machine with an audio stream agreed on, after our offer.
    static func established() throws -> OfferAnswer {
        var machine = Self.machine()
        _ = try machine.makeOffer([Self.audio()])
        _ = try machine.receiveAnswer(
            Self.description("m=audio 5000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"))
        return machine
    }

    // MARK: Whose turn it is

    @Test("An offer while ours is not answered is glare; one before theirs is answered comes too early (RFC 6337 §4)")
    func turns() throws {
        var machine = Self.machine()
        #expect(machine.state == .initial)
        _ = try machine.makeOffer([Self.audio()])
        #expect(machine.state == .offered)
        let offer = try Self.description("m=audio 5000 RTP/AVP 0\r\n")
        #expect(throws: OfferAnswerError(.glare)) { try machine.receiveOffer(offer) }
        #expect(throws: OfferAnswerError(.glare)) { try machine.makeOffer([]) }
        #expect(throws: OfferAnswerError(.noOffer)) { try machine.makeAnswer([]) }
        machine.offerRejected()
        #expect(machine.state == .initial)
        #expect(throws: OfferAnswerError(.noOffer)) { try machine.receiveAnswer(offer) }
        _ = try machine.receiveOffer(offer)
        #expect(machine.state == .asked)
        #expect(throws: OfferAnswerError(.offerPending)) { try machine.receiveOffer(offer) }
        #expect(throws: OfferAnswerError(.offerPending)) { try machine.makeOffer([]) }
        #expect(throws: OfferAnswerError(.noOffer)) { try machine.receiveAnswer(offer) }
        machine.rejectOffer()
        #expect(machine.state == .initial)
        _ = try machine.receiveOffer(offer)
        _ = try machine.makeAnswer([Self.audio()])
        #expect(machine.state == .stable)
    }

    @Test(
        "After a rejected re-offer the streams are as before, and the version still goes up (RFC 6141, RFC 6337 §5.2.5)"
    )
    func rejectedOffer() throws {
        var machine = try Self.established()
        let streams = machine.streams
        let held = try machine.makeOffer([Self.audio(direction: .sendonly)])
        #expect(held.origin.version == 11)
        machine.offerRejected()
        #expect(machine.streams == streams)
        #expect(try machine.makeOffer([Self.audio(direction: .inactive)]).origin.version == 12)
    }

    // MARK: o= (RFC 3264 §8)

    @Test("The version goes up by one with a change, and stays without one")
    func version() throws {
        var machine = try Self.established()
        let answer = try Self.description("m=audio 5000 RTP/AVP 0\r\n")
        let first = try machine.makeOffer([Self.audio()])
        #expect(first.origin.version == 10)
        _ = try machine.receiveAnswer(answer)
        let second = try machine.makeOffer([Self.audio(port: 4_002)])
        #expect(second.origin.version == 11)
        #expect(second.origin.isSameSession(as: first.origin))
    }

    @Test(
        "What is wrong with the o= of a later description is said, and the description used",
        arguments: [
            ("peer 1 2 IN IP4 192.0.2.2", "m=audio 5002 RTP/AVP 0", []),
            ("peer 1 1 IN IP4 192.0.2.2", "m=audio 5000 RTP/AVP 0", []),
            ("peer 1 1 IN IP4 192.0.2.2", "m=audio 5002 RTP/AVP 0", [OfferAnswerError.Rule.versionKept]),
            ("peer 1 5 IN IP4 192.0.2.2", "m=audio 5002 RTP/AVP 0", [.versionStep]),
            ("peer 1 0 IN IP4 192.0.2.2", "m=audio 5002 RTP/AVP 0", [.versionStep]),
            ("peer 2 2 IN IP4 192.0.2.2", "m=audio 5002 RTP/AVP 0", [.originChanged]),
            ("peer 1 2 IN IP4 192.0.2.3", "m=audio 5002 RTP/AVP 0", [.originChanged]),
        ])
    func originOfPeer(origin: String, line: String, rules: [OfferAnswerError.Rule]) throws {
        var machine = Self.machine()
        _ = try machine.receiveOffer(Self.description("m=audio 5000 RTP/AVP 0\r\n"))
        _ = try machine.makeAnswer([Self.audio()])
        let text = "v=0\r\no=\(origin)\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n\(line)\r\n"
        #expect(try machine.receiveOffer(SessionDescription(Array(text.utf8))).map(\.rule) == rules)
        _ = try machine.makeAnswer([Self.audio()])
        #expect(machine.streams[0].destination?.rtp.port == (line.contains("5002") ? 5_002 : 5_000))
    }

    // MARK: Answers of ours

    @Test("An answer has a line for each line of the offer; what is not wanted has port 0 (RFC 3264 §6)")
    func refusesWithPortZero() throws {
        var machine = Self.machine()
        _ = try machine.receiveOffer(
            Self.description(
                "m=video 5002 RTP/AVP 31 34\r\nm=audio 5000 RTP/AVP 0\r\nm=image 5004 udptl t38\r\nm=audio 0 RTP/AVP 8\r\n"
            ))
        let answer = try machine.makeAnswer([nil, Self.audio(), nil, Self.audio()])
        #expect(
            answer.media.map(\.line.description) == [
                "video 0 RTP/AVP 31", "audio 4000 RTP/AVP 0", "image 0 udptl t38", "audio 0 RTP/AVP 8",
            ])
        #expect(machine.streams.map(\.isActive) == [false, true, false, false])
    }

    @Test("Formats of the answer keep the order and the payload types of the offer (RFC 3264 §6.1)")
    func answerOrder() throws {
        let offer = try Self.description(
            "m=audio 5000 RTP/AVP 18 96 8 98 0\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:98 telephone-event/8000\r\n")
        var machine = Self.machine()
        _ = try machine.receiveOffer(offer)
        let answer = try machine.makeAnswer([Self.audio()])
        #expect(answer.media[0].line.formats == ["8", "98", "0"])
        #expect(answer.media[0].parameters(of: "98") == "0-15")
        #expect(machine.streams[0].sendFormat?.payloadType == 8)
        #expect(machine.streams[0].eventFormat?.payloadType == 98)

        var own = Self.machine()
        own.style.usesOwnOrder = true
        _ = try own.receiveOffer(offer)
        #expect(try own.makeAnswer([Self.audio()]).media[0].line.formats == ["0", "8", "98"])

        var single = Self.machine()
        single.style.listsOneEncoding = true
        _ = try single.receiveOffer(offer)
        #expect(try single.makeAnswer([Self.audio()]).media[0].line.formats == ["8", "98"])
    }

    @Test("Events alone are no agreement where speech was offered too")
    func eventsAloneAreNothing() throws {
        var machine = Self.machine()
        _ = try machine.receiveOffer(
            Self.description("m=audio 5000 RTP/AVP 18 98\r\na=rtpmap:98 telephone-event/8000\r\n"))
        #expect(try machine.makeAnswer([Self.audio()]).media[0].line.port == 0)
    }

    @Test(
        "The direction of an answer fits the offer's (RFC 3264 §6.1)",
        arguments: MediaDirection.allCases, MediaDirection.allCases)
    func answeredDirection(offered: MediaDirection, wanted: MediaDirection) throws {
        var machine = Self.machine()
        _ = try machine.receiveOffer(Self.description("m=audio 5000 RTP/AVP 0\r\na=\(offered.rawValue)\r\n"))
        let answer = try machine.makeAnswer([Self.audio(direction: wanted)])
        let direction = answer.direction(of: answer.media[0])
        #expect(direction.sends == (wanted.sends && offered.receives))
        #expect(direction.receives == (wanted.receives && offered.sends))
        #expect(machine.streams[0].direction == direction)
        #expect(machine.streams[0].isHeldByPeer == !offered.receives)
    }

    @Test("A session-level direction holds for media that say none (RFC 8866 §6.7)")
    func sessionDirection() throws {
        var machine = Self.machine()
        let text =
            "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\na=sendonly\r\nm=audio 5 RTP/AVP 0\r\n"
        _ = try machine.receiveOffer(SessionDescription(Array(text.utf8)))
        let answer = try machine.makeAnswer([Self.audio()])
        #expect(answer.direction(of: answer.media[0]) == .recvonly)
    }

    @Test(
        "t= and a=mid are those of the offer, groups hold what was accepted, and BUNDLE is not claimed (RFC 5888 §9.1)")
    func copies() throws {
        var machine = Self.machine()
        let text = """
            v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=3724394400 3724398000\r
            a=group:LS a v\r\na=group:BUNDLE a v\r\nm=audio 5 RTP/AVP 0\r\na=mid:a\r\na=rtcp-mux\r
            a=candidate:1 1 UDP 1 192.0.2.2 5 typ host\r\nm=video 7 RTP/AVP 31\r\na=mid:v\r\n
            """
        _ = try machine.receiveOffer(SessionDescription(Array(text.utf8)))
        var stream = Self.audio()
        stream.allowsRTCPMux = true
        let answer = try machine.makeAnswer([stream, nil])
        #expect(answer.timing == Timing(start: 3_724_394_400, stop: 3_724_398_000))
        #expect(answer.groups == [MediaGroup("LS", ["a"])])
        #expect(answer.media[0].identification == "a")
        #expect(answer.media[0].hasRTCPMux)
        #expect(machine.streams[0].hasRTCPMux)
        #expect(!answer.media[0].hasAttribute("candidate"))
    }

    // MARK: Answers of the peer

    @Test(
        "An answer that cannot be used is refused by name",
        arguments: [
            ("", OfferAnswerError(.mediaCount)),
            ("m=audio 5 RTP/AVP 0\r\nm=audio 5 RTP/AVP 0\r\n", OfferAnswerError(.mediaCount)),
            ("m=video 5 RTP/AVP 31\r\n", OfferAnswerError(.mediaType, medium: 0)),
            ("m=audio 5 RTP/SAVP 0\r\n", OfferAnswerError(.transport, medium: 0)),
            ("m=audio 5 RTP/AVP 18\r\n", OfferAnswerError(.noCommonFormat, medium: 0)),
            ("m=audio 5 RTP/AVP 0\r\ny=1\r\n", OfferAnswerError(.unknownType)),
        ])
    func refusesAnswer(media: String, error: OfferAnswerError) throws {
        var machine = Self.machine()
        _ = try machine.makeOffer([Self.audio()])
        let answer = try Self.description(media)
        #expect(throws: error) { try machine.receiveAnswer(answer) }
        #expect(machine.state == .offered)
    }

    @Test("An answer whose direction does not fit is named, and what fits is used (RFC 3264 §6.1)")
    func misdirectedAnswer() throws {
        var machine = Self.machine()
        _ = try machine.makeOffer([Self.audio(direction: .sendonly)])
        let problems = try machine.receiveAnswer(Self.description("m=audio 5 RTP/AVP 0\r\na=sendrecv\r\n"))
        #expect(problems == [OfferAnswerError(.direction, medium: 0)])
        #expect(machine.streams[0].direction == .sendonly)
    }

    @Test("Packets are sent with the payload types of the peer's answer (RFC 3264 §5.1)")
    func payloadTypesOfPeer() throws {
        var machine = Self.machine()
        _ = try machine.makeOffer([Self.audio([MediaFormat(97, "iLBC"), Self.events])])
        _ = try machine.receiveAnswer(
            Self.description("m=audio 5 RTP/AVP 99 98\r\na=rtpmap:99 iLBC/8000\r\na=rtpmap:98 telephone-event/8000\r\n")
        )
        #expect(machine.streams[0].sendFormats.map(\.payloadType) == [99, 98])
        #expect(machine.streams[0].receiveFormats.map(\.payloadType) == [97, 101])
    }

    // MARK: Later offers

    @Test("Hold is sendonly and resume says sendrecv (RFC 6337 §5.3)")
    func holdAndResume() throws {
        var machine = try Self.established()
        let held = try machine.makeOffer([Self.audio(direction: .sendonly)])
        #expect(held.media[0].ownDirection == .sendonly)
        _ = try machine.receiveAnswer(Self.description("m=audio 5000 RTP/AVP 0\r\na=recvonly\r\n", version: 2))
        #expect(machine.streams[0].direction == .sendonly)
        let resumed = try machine.makeOffer([Self.audio()])
        #expect(resumed.media[0].ownDirection == .sendrecv)
        _ = try machine.receiveAnswer(Self.description("m=audio 5000 RTP/AVP 0\r\n", version: 3))
        #expect(machine.streams[0].direction == .sendrecv)
    }

    @Test("Held by the peer, our next offer still says what we want (RFC 6337 §5.3)")
    func offersWhatWeWant() throws {
        var machine = try Self.established()
        _ = try machine.receiveOffer(Self.description("m=audio 5000 RTP/AVP 0\r\na=sendonly\r\n", version: 2))
        #expect(try machine.makeAnswer([Self.audio()]).media[0].ownDirection == .recvonly)
        #expect(try machine.makeOffer([Self.audio()]).media[0].ownDirection == .sendrecv)
    }

    @Test("A stream that ends keeps its line with port 0, and its line may be used again (RFC 3264 §8.1, §8.2)")
    func endsAndReuses() throws {
        var machine = try Self.established()
        let ended = try machine.makeOffer([nil])
        #expect(ended.media.map(\.line.description) == ["audio 0 RTP/AVP 0"])
        _ = try machine.receiveAnswer(Self.description("m=audio 0 RTP/AVP 0\r\n", version: 2))
        #expect(machine.streams.map(\.isActive) == [false])
        let video = LocalStream("video", host: "192.0.2.1", port: 4_010, formats: [MediaFormat(31, "H261", 90_000)])
        #expect(try machine.makeOffer([video]).media.map(\.line.type) == ["video"])
    }

    @Test("An offer with fewer lines than before cannot be used (RFC 3264 §8)")
    func fewerLines() throws {
        var machine = try Self.established()
        let offer = try Self.description("", version: 2)
        #expect(throws: OfferAnswerError(.mediaCount)) { try machine.receiveOffer(offer) }
        #expect(machine.state == .stable)
    }

    @Test("A dynamic payload type keeps its meaning in our offers, whatever is wanted for it (RFC 3264 §8.3.2)")
    func bindingsOfOurs() throws {
        var machine = Self.machine()
        _ = try machine.makeOffer([Self.audio([MediaFormat(96, "iLBC"), MediaFormat(97, "speex")])])
        _ = try machine.receiveAnswer(Self.description("m=audio 5 RTP/AVP 96\r\na=rtpmap:96 iLBC/8000\r\n"))
        let offer = try machine.makeOffer([
            Self.audio([
                MediaFormat(96, "opus", 48_000, channels: 2), MediaFormat(99, "speex"), MediaFormat(97, "iLBC"),
            ])
        ])
        #expect(offer.media[0].formats.map { "\($0.map)" } == ["98 opus/48000/2", "97 speex/8000", "96 iLBC/8000"])
    }

    @Test("A dynamic payload type that the peer gives another meaning is named (RFC 3264 §8.3.2)")
    func bindingsOfPeer() throws {
        var machine = Self.machine()
        _ = try machine.receiveOffer(Self.description("m=audio 5 RTP/AVP 0 96\r\na=rtpmap:96 iLBC/8000\r\n"))
        _ = try machine.makeAnswer([Self.audio()])
        let problems = try machine.receiveOffer(
            Self.description("m=audio 5 RTP/AVP 0 96\r\na=rtpmap:96 speex/8000\r\n", version: 2))
        #expect(problems == [OfferAnswerError(.payloadTypeChanged, medium: 0)])
    }
}
