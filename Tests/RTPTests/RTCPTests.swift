import SIPMessages
import Testing

@testable import RTP

@Suite("RTCP (RFC 3550 §6, RFC 3611)")
struct RTCPTests {
    /// A sender report with one block, a source description and a BYE, laid out by hand.
    static let compound: [UInt8] = [
        0x81, 200, 0, 12, 0, 0, 0, 9,
        0xE0, 0, 0, 1, 0x80, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 50, 0, 0, 0x1F, 0x40,
        0, 0, 0, 7, 64, 0xFF, 0xFF, 0xFE, 0, 1, 0, 5, 0, 0, 0, 80, 0x11, 0x22, 0x33, 0x44, 0, 0, 0x80, 0,
        0x81, 202, 0, 3, 0, 0, 0, 9, 1, 3, 0x61, 0x62, 0x63, 0, 0, 0,
        0x81, 203, 0, 1, 0, 0, 0, 9,
    ]

    static func packets(_ octets: [UInt8]) throws -> [RTCPPacket] {
        var reader = try RTCPReader(octets.span)
        var packets: [RTCPPacket] = []
        while let packet = reader.next(in: octets.span) { packets.append(packet) }
        return packets
    }

    @Test("A compound is read packet by packet")
    func readsCompound() throws {
        let octets = Self.compound
        let packets = try Self.packets(octets)
        #expect(packets.map(\.type) == [.senderReport, .sourceDescription, .bye])
        #expect(packets[0].sender(in: octets.span) == 9)
        let foundInfo = SenderInfo(packets[0], in: octets.span)
        let info = try #require(foundInfo)
        #expect(info == SenderInfo(ntp: 0xE000_0001_8000_0000, timestamp: 0x1000, packets: 50, payloadOctets: 8_000))
        let foundBlock = ReportBlock(0, of: packets[0], in: octets.span)
        let block = try #require(foundBlock)
        #expect(block.ssrc == 7)
        #expect(block.fractionLost == 64)
        #expect(block.lost == -2)
        #expect(block.extendedHighest == 65_541)
        #expect(block.jitter == 80)
        #expect(block.lastReport == 0x1122_3344)
        #expect(block.delaySinceLastReport == 0x8000)
        #expect(ReportBlock(1, of: packets[0], in: octets.span) == nil)
        let foundName = packets[1].canonicalName(of: 9, in: octets.span)
        let name = try #require(foundName)
        #expect(Array(octets[name.range]) == Array("abc".utf8))
        #expect(packets[1].canonicalName(of: 8, in: octets.span) == nil)
        #expect(packets[2].leaving(0, in: octets.span) == 9)
        #expect(packets[2].leaving(1, in: octets.span) == nil)
    }

    @Test("A compound that is cut off or begins with no report is refused (appendix A.2)", arguments: 0..<76)
    func truncated(count: Int) {
        let boundaries = [52, 68]
        let octets = Array(Self.compound.prefix(count))
        guard !boundaries.contains(count) else { return }
        #expect(throws: RTCPParseError.self) { try RTCPReader(octets.span) }
    }

    @Test(
        "The rules of a compound (appendix A.2)",
        arguments: [
            ([0x80, 202, 0, 0], RTCPParseError.reportMissing), ([0x40, 200, 0, 0], .wrongVersion),
            ([0x80, 201, 0, 1], .tooShort), ([0x80, 201, 0, 0, 0x80], .tooShort),
            ([0xA0, 201, 0, 1, 0, 0, 0, 4, 0x80, 203, 0, 0], .malformedPadding),
            ([0xA0, 201, 0, 1, 0, 0, 0, 3], .malformedPadding), ([0xA0, 201, 0, 1, 0, 0, 0, 8], .malformedPadding),
            ([0x80, 201, 0, 0, 0x00, 203, 0, 0], .wrongVersion),
        ] as [([UInt8], RTCPParseError)])
    func refuses(octets: [UInt8], error: RTCPParseError) {
        #expect(throws: error) { try RTCPReader(octets.span) }
    }

    @Test("What is written is read as the same")
    func roundTrip() throws {
        var reception: Reception? = Reception(
            first: RTPHeader(payloadType: 0, sequenceNumber: 9, timestamp: 0, ssrc: 77), clockRate: 8_000, at: .start)
        _ = reception?.receive(RTPHeader(payloadType: 0, sequenceNumber: 9, timestamp: 0, ssrc: 77), at: .start)
        var metrics = VoIPMetrics(ssrc: 77)
        (metrics.lossRate, metrics.burstDuration, metrics.signalLevel, metrics.conversationScore) = (12, 120, -18, 41)
        var session = RTCPSession(ssrc: 5, canonicalName: Array("x@y".utf8), seed: 1, at: .start)
        var octets: [UInt8] = []
        let info = SenderInfo(ntp: 1 << 40, timestamp: 2, packets: 3, payloadOctets: 4)
        session.writeReport(sender: info, reception: &reception, metrics: metrics, at: .start, to: &octets)
        let packets = try Self.packets(octets)
        #expect(packets.map(\.type) == [.senderReport, .sourceDescription, .extendedReport])
        #expect(SenderInfo(packets[0], in: octets.span) == info)
        #expect(ReportBlock(0, of: packets[0], in: octets.span)?.extendedHighest == 9)
        #expect(VoIPMetrics(packets[2], in: octets.span) == metrics)
        let foundName = packets[1].canonicalName(of: 5, in: octets.span)
        let name = try #require(foundName)
        #expect(octets[name.range].elementsEqual("x@y".utf8))
    }

    @Test("A name of every length leaves the packet at a multiple of four", arguments: [0, 1, 2, 3, 4, 255, 300])
    func nameLengths(count: Int) throws {
        var octets: [UInt8] = []
        RTCPWriter.report(from: 1, sender: nil, block: nil, to: &octets)
        RTCPWriter.canonicalName([UInt8](repeating: 0x61, count: count), of: 1, to: &octets)
        RTCPWriter.bye(from: 1, to: &octets)
        let packets = try Self.packets(octets)
        #expect(packets.map(\.type) == [.receiverReport, .sourceDescription, .bye])
        #expect(packets[1].canonicalName(of: 1, in: octets.span)?.count == Swift.min(255, count))
    }

    @Test("The time there and back is arrival less LSR less DLSR (§6.4.1, figure 2)")
    func roundTripTime() throws {
        var session = RTCPSession(ssrc: 7, canonicalName: [], seed: 1, at: .start)
        var octets = Self.compound
        // The example of figure 2: A 0xb710:8000, DLSR 5.250 s, LSR 0xb705:2000, so 6.125 s.
        octets.replaceSubrange(44..<52, with: [0xB7, 0x05, 0x20, 0, 0, 0x05, 0x40, 0])
        try session.receive(octets.span, at: .start, ntp: 0xB710_8000 << 16)
        #expect(session.roundTrip == .milliseconds(6_125))
        #expect(session.peerReport?.fractionLost == 64)
        #expect(session.hasLeft)
    }

    @Test(
        "What is a little less than nothing, by clocks that tell milliseconds, is nothing; what is much less is not known",
        arguments: [(66, TimeSpan.zero), (655, .zero), (656, nil), (1_311, nil)] as [(UInt64, TimeSpan?)])
    func shortWay(units: UInt64, expected: TimeSpan?) throws {
        var session = RTCPSession(ssrc: 7, canonicalName: [], seed: 1, at: .start)
        var octets = Self.compound
        octets.replaceSubrange(44..<52, with: [0xB7, 0x05, 0x20, 0, 0, 0x05, 0x40, 0])
        try session.receive(octets.span, at: .start, ntp: (0xB70A_6000 - units) << 16)
        #expect(session.roundTrip == expected)
    }

    @Test("A report that we answer says how long ago it came (§6.4.1)")
    func delaySinceReport() throws {
        var session = RTCPSession(ssrc: 7, canonicalName: [], seed: 1, at: .start)
        try session.receive(Self.compound.span, at: .start, ntp: 0)
        var reception: Reception? = Reception(
            first: RTPHeader(payloadType: 0, sequenceNumber: 9, timestamp: 0, ssrc: 9), clockRate: 8_000, at: .start)
        var octets: [UInt8] = []
        session.writeReport(
            sender: nil, reception: &reception, at: MonotonicInstant(nanoseconds: 1_500_000_000), to: &octets)
        let foundBlock = try ReportBlock(0, of: Self.packets(octets)[0], in: octets.span)
        let block = try #require(foundBlock)
        #expect(block.lastReport == 0x0001_8000)
        #expect(block.delaySinceLastReport == 98_304)
    }

    @Test("Reports come between 2.05 and 6.2 seconds after each other, at different times (§6.3.1)")
    func intervals() {
        var session = RTCPSession(ssrc: 7, canonicalName: [], seed: 42, at: .start)
        var none: Reception?
        var now = MonotonicInstant.start
        var gaps: Set<Int64> = []
        for _ in 0..<1_000 {
            var octets: [UInt8] = []
            session.writeReport(sender: nil, reception: &none, at: now, to: &octets)
            let gap = session.nextReport.since(now)
            #expect(gap >= .milliseconds(2_052) && gap <= .milliseconds(6_156))
            gaps.insert(gap.nanoseconds)
            now = session.nextReport
        }
        #expect(gaps.count > 990)
    }

    @Test("The example of RFC 3611 §4.7.2: one burst of twelve packets")
    func lossPattern() {
        var pattern = LossPattern()
        for letter in "11110111111111111111111X111X1011110111111111111111111X111111111" {
            pattern.note(letter == "1" ? .received : letter == "0" ? .lost : .discarded)
        }
        var metrics = VoIPMetrics(ssrc: 1)
        pattern.fill(&metrics, packetTime: 10)
        #expect(metrics.lossRate == 12)
        #expect(metrics.discardRate == 12)
        #expect(metrics.burstDensity == 85)  // 4 of 12; the RFC's 84 cuts off 0.33 before it multiplies.
        #expect(metrics.gapDensity == 10)
        #expect(metrics.burstDuration == 120)
    }

    @Test("The wall clock of 1970 is 2208988800 s after that of 1900 (§4)")
    func ntp() {
        #expect(NTPTime.from(unixMilliseconds: 0) >> 32 == 2_208_988_800)
        #expect(NTPTime.from(unixMilliseconds: 1_500) == UInt64(2_208_988_801) << 32 + 0x8000_0000)
    }
}
