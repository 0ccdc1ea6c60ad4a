import RTP
import SDP
import SIPMessages
import Testing

@testable import MediaEngine

@Suite("The echo of a stream")
struct EchoStreamTests {
    static let peer = SocketAddress(IPAddress(v4: 0x0A00_0001), 4_000)

    /// A stream of PCMU and events, the events with another payload type in each direction.
    static func stream(isHeld: Bool = false) throws -> NegotiatedStream {
        var machine = OfferAnswer(identity: DescriptionIdentity(sessionID: 1, host: "10.0.0.2"))
        _ = try machine.makeOffer([
            LocalStream(
                host: "10.0.0.2", port: 6_000, formats: [MediaFormat(0, "PCMU"), MediaFormat(101, "telephone-event")])
        ])
        let text =
            "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\na=rtcp:4009\r\n"
            + (isHeld ? "a=inactive\r\n" : "")
        _ = try machine.receiveAnswer(SessionDescription(Array(text.utf8)))
        return try #require(machine.streams.first)
    }

    struct Run {
        var echo: EchoStream
        var sent: [RTPHeader] = []

        init(isSending: Bool = true) throws {
            self.echo = EchoStream(
                seed: 0x1122_3344_5566_7788, try EchoStreamTests.stream(isHeld: !isSending), at: .start)
        }

        mutating func receive(
            _ sequence: UInt16, _ timestamp: UInt32, type: UInt8 = 0, ssrc: UInt32 = 1, at milliseconds: Int64 = 0
        ) throws {
            var octets: [UInt8] = []
            RTPHeader(payloadType: type, sequenceNumber: sequence, timestamp: timestamp, ssrc: ssrc).append(to: &octets)
            octets += [1, 2, 3, 4]
            var span = octets.mutableSpan
            let now = MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
            guard self.echo.receive(&span, from: EchoStreamTests.peer, at: now) != nil else { return }
            #expect(octets.suffix(4) == [1, 2, 3, 4])
            self.sent.append(try RTPHeader(parsing: octets.span))
        }
    }

    @Test("Loss and disorder stay visible: numbers are those received with a constant added")
    func keepsGaps() throws {
        var run = try Run()
        for sequence: UInt16 in [65_534, 65_535, 2, 1, 3] { try run.receive(sequence, UInt32(sequence) &* 160) }
        let first = run.sent[0]
        #expect(run.sent.map { $0.sequenceNumber &- first.sequenceNumber } == [0, 1, 4, 3, 5])
        #expect(run.sent.allSatisfy { $0.ssrc == 0x5566_7788 })
        #expect(run.echo.returned == 5)
    }

    @Test("Events go back with the payload type that the peer gave them; unknown payload types do not go back")
    func payloadTypes() throws {
        var run = try Run()
        try run.receive(1, 0)
        try run.receive(2, 160, type: 101)
        try run.receive(3, 320, type: 96)
        try run.receive(4, 480, type: 18)
        #expect(run.sent.map(\.payloadType) == [0, 96])
        #expect(run.echo.dropped == 2)
    }

    @Test("When the peer changes its source, ours goes on: the next number, the time that has passed")
    func sourceChange() throws {
        var run = try Run()
        try run.receive(100, 1_000, at: 0)
        try run.receive(101, 1_160, at: 20)
        try run.receive(7, 500_000, ssrc: 2, at: 120)
        try run.receive(8, 500_160, ssrc: 2, at: 140)
        #expect(run.sent[2].sequenceNumber == run.sent[1].sequenceNumber &+ 1)
        #expect(run.sent[2].timestamp == run.sent[1].timestamp &+ 800)
        #expect(run.sent[3].timestamp == run.sent[1].timestamp &+ 960)
        #expect(Set(run.sent.map(\.ssrc)).count == 1)
    }

    @Test("On hold packets are counted and nothing goes back")
    func hold() throws {
        var run = try Run(isSending: false)
        try run.receive(1, 0)
        #expect(run.sent.isEmpty)
        #expect(run.echo.reception?.received == 1)
    }

    @Test(
        "A report says what was received and returned, goes where the description says, and later to where RTCP comes from"
    )
    func reports() throws {
        var run = try Run()
        for i: UInt16 in 0..<10 where i != 5 { try run.receive(i, UInt32(i) * 160, at: Int64(i) * 20) }
        var octets: [UInt8] = []
        let due = run.echo.control.nextReport
        let early = MonotonicInstant(nanoseconds: due.nanoseconds - 1)
        #expect(run.echo.report(at: early, ntp: 1 << 32, into: &octets) == nil)
        #expect(
            run.echo.report(at: due, ntp: 1 << 32, into: &octets) == SocketAddress(EchoStreamTests.peer.ip, 4_009))
        var reader = try RTCPReader(octets.span)
        let next = reader.next(in: octets.span)
        let packet = try #require(next)
        let info = SenderInfo(packet, in: octets.span)
        #expect(info?.packets == 9)
        #expect(info?.payloadOctets == 36)
        let block = ReportBlock(0, of: packet, in: octets.span)
        #expect(block?.ssrc == 1)
        #expect(block?.lost == 1)
        #expect(block?.fractionLost == 25)  // 1 of 10

        var theirs: [UInt8] = []
        var none: Reception?
        var peer = RTCPSession(ssrc: 1, canonicalName: [], seed: 1, at: .start)
        peer.writeReport(sender: nil, reception: &none, at: due, to: &theirs)
        let stranger = SocketAddress(IPAddress(v4: 0x0A00_0002), 4_009)
        run.echo.receiveControl(theirs.span, from: stranger, at: due, ntp: 0)
        let known = SocketAddress(EchoStreamTests.peer.ip, 5_555)
        run.echo.receiveControl(theirs.span, from: known, at: due, ntp: 0)
        octets = []
        #expect(run.echo.leave(at: due, ntp: 2 << 32, into: &octets) == known)
        #expect(octets.suffix(8).starts(with: [0x81, 203]))
    }
}
