import SIPMessages
import Testing

@testable import RTP

@Suite("What is known of a source (RFC 3550 appendix A)")
struct ReceptionTests {
    static func header(_ sequence: UInt16, _ timestamp: UInt32 = 0) -> RTPHeader {
        RTPHeader(payloadType: 0, sequenceNumber: sequence, timestamp: timestamp, ssrc: 1)
    }

    static func instant(_ milliseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    /// A reception of packets with these numbers, 20 ms apart.
    static func reception(_ sequence: [UInt16]) -> (Reception, [Reception.Validity]) {
        var reception = Reception(first: Self.header(sequence[0]), clockRate: 8_000, at: Self.instant(0))
        var validities: [Reception.Validity] = []
        for (i, number) in sequence.enumerated() {
            validities.append(
                reception.receive(Self.header(number, UInt32(160 * i)), at: Self.instant(Int64(20 * i))))
        }
        return (reception, validities)
    }

    @Test("The first packet is one of one, whatever its number", arguments: [0, 1, 65_535] as [UInt16])
    func first(number: UInt16) {
        let (reception, _) = Self.reception([number])
        #expect(reception.expected == 1)
        #expect(reception.lost == 0)
        #expect(reception.extendedHighest == UInt32(number))
    }

    @Test("Numbers that wrap around count on (appendix A.1)")
    func wraps() {
        let (reception, validities) = Self.reception([65_534, 65_535, 0, 1])
        #expect(reception.extendedHighest == 65_537)
        #expect(reception.expected == 4)
        #expect(reception.lost == 0)
        #expect(validities == [.inOrder, .inOrder, .inOrder, .inOrder])
    }

    @Test("Missing packets are lost until they come late; repeated ones make the loss negative (appendix A.3)")
    func losses() {
        #expect(Self.reception([1, 2, 5]).0.lost == 2)
        let (late, validities) = Self.reception([1, 2, 5, 3])
        #expect(late.lost == 1)
        #expect(validities.last == .late)
        #expect(Self.reception([1, 2, 2, 2]).0.lost == -2)
    }

    @Test("A jump is taken as a new start only when the next packet follows it (appendix A.1)")
    func jumps() {
        let (reception, validities) = Self.reception([1, 2, 30_000, 3])
        #expect(validities == [.inOrder, .inOrder, .outOfRange, .inOrder])
        #expect(reception.expected == 3)
        let (restarted, again) = Self.reception([1, 2, 30_000, 30_001, 30_002])
        #expect(again == [.inOrder, .inOrder, .outOfRange, .restarted, .inOrder])
        #expect(restarted.expected == 2)
        #expect(restarted.lost == 0)
    }

    @Test("The fraction of lost packets counts since the last report, in 1/256")
    func fraction() {
        var (reception, _) = Self.reception([1, 2, 3, 5])  // 1 of 5
        #expect(reception.takeFractionLost() == 51)
        #expect(reception.takeFractionLost() == 0)
        for number: UInt16 in [6, 8] { _ = reception.receive(Self.header(number), at: Self.instant(100)) }
        #expect(reception.takeFractionLost() == 85)  // 1 of 3
    }

    @Test("Jitter is 0 for an even stream, and follows |D| by 1/16 (§6.4.1)")
    func jitter() {
        #expect(Self.reception([1, 2, 3, 4]).0.jitter == 0)
        var reception = Reception(first: Self.header(1), clockRate: 8_000, at: Self.instant(0))
        _ = reception.receive(Self.header(1, 0), at: Self.instant(0))
        // 16 ms late: 128 ticks, of which a sixteenth counts.
        _ = reception.receive(Self.header(2, 160), at: Self.instant(36))
        #expect(reception.jitter == 8)
        #expect(reception.jitterTime == .milliseconds(1))
    }

    @Test("Nothing overflows at the end of the clock's range")
    func endOfTime() {
        #expect(Reception.ticks(MonotonicInstant(nanoseconds: 1_500_000_000), 8_000) == 12_000)
        _ = Reception.ticks(MonotonicInstant(nanoseconds: .max), .max)
    }
}

@Suite("Where packets go (RFC 4961, RFC 7362)")
struct SymmetricLatchTests {
    static let described = SocketAddress(IPAddress(v4: 0x0A00_0001), 4_000)
    static let behindNAT = SocketAddress(IPAddress(v4: 0xC000_0201), 61_000)
    static let attacker = SocketAddress(IPAddress(v4: 0xC633_6401), 666)

    static func at(_ milliseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    static func packet(_ sequence: UInt16, ssrc: UInt32 = 1) -> RTPHeader {
        RTPHeader(payloadType: 0, sequenceNumber: sequence, timestamp: 0, ssrc: ssrc)
    }

    @Test("Until a packet comes, the described address is used; then the source at the same host at once")
    func samePeer() {
        var latch = SymmetricLatch(described: Self.described)
        #expect(latch.destination == Self.described)
        let other = SocketAddress(Self.described.ip, 4_444)
        #expect(latch.receive(Self.packet(1), from: other, at: Self.at(0)) == .accept)
        #expect(latch.destination == other)
    }

    @Test("A source at another host is believed after three packets in a row")
    func nat() {
        var latch = SymmetricLatch(described: Self.described)
        #expect(latch.receive(Self.packet(1), from: Self.behindNAT, at: Self.at(0)) == .reject)
        #expect(latch.receive(Self.packet(2), from: Self.behindNAT, at: Self.at(20)) == .reject)
        #expect(latch.destination == Self.described)
        #expect(latch.receive(Self.packet(3), from: Self.behindNAT, at: Self.at(40)) == .accept)
        #expect(latch.destination == Self.behindNAT)
    }

    @Test("Random packets, or those of changing sources, are never believed")
    func noise() {
        var latch = SymmetricLatch(described: Self.described)
        for i: UInt16 in 0..<100 {
            #expect(latch.receive(Self.packet(i &* 1_000), from: Self.attacker, at: Self.at(0)) == .reject)
            #expect(latch.receive(Self.packet(i, ssrc: UInt32(i)), from: Self.attacker, at: Self.at(0)) == .reject)
        }
        #expect(latch.destination == Self.described)
        #expect(latch.rejected == 200)
    }

    @Test("Once the source is known nobody else takes it over, even with its SSRC (RTP bleed)")
    func takeover() {
        var latch = SymmetricLatch(described: Self.described)
        for i: UInt16 in 0..<100 {
            #expect(latch.receive(Self.packet(i), from: Self.described, at: Self.at(Int64(i) * 20)) == .accept)
            #expect(latch.receive(Self.packet(i + 1), from: Self.attacker, at: Self.at(Int64(i) * 20)) == .reject)
        }
        #expect(latch.destination == Self.described)
    }

    @Test("The described address takes over from one that was only learned")
    func describedWins() {
        var latch = SymmetricLatch(described: Self.described)
        for i: UInt16 in 0..<3 { _ = latch.receive(Self.packet(i), from: Self.attacker, at: Self.at(0)) }
        #expect(latch.destination == Self.attacker)
        #expect(latch.receive(Self.packet(9, ssrc: 2), from: Self.described, at: Self.at(10)) == .accept)
        #expect(latch.destination == Self.described)
        #expect(latch.receive(Self.packet(3), from: Self.attacker, at: Self.at(20)) == .reject)
    }

    @Test("After a silence the same stream may come from a new port; another stream may not")
    func rebinding() {
        var latch = SymmetricLatch(described: Self.described)
        _ = latch.receive(Self.packet(1), from: Self.described, at: Self.at(0))
        let moved = SocketAddress(Self.described.ip, 5_000)
        #expect(latch.receive(Self.packet(2), from: moved, at: Self.at(500)) == .reject)
        #expect(latch.receive(Self.packet(3, ssrc: 9), from: moved, at: Self.at(1_000)) == .reject)
        #expect(latch.receive(Self.packet(3), from: moved, at: Self.at(1_000)) == .accept)
        #expect(latch.destination == moved)
    }

    @Test("A new description starts anew, the same one does not")
    func redescribed() {
        var latch = SymmetricLatch(described: Self.described)
        let learned = SocketAddress(Self.described.ip, 4_444)
        _ = latch.receive(Self.packet(1), from: learned, at: Self.at(0))
        latch.describe(Self.described)
        #expect(latch.destination == learned)
        latch.describe(Self.behindNAT)
        #expect(latch.destination == Self.behindNAT)
        #expect(latch.receive(Self.packet(2), from: Self.behindNAT, at: Self.at(1)) == .accept)
    }
}
