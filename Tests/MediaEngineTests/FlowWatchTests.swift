import MediaEngine
import SIPMessages
import Testing

@Suite("Audio that flows one way only")
struct FlowWatchTests {
    /// A second of a call: what has come and gone by then, and the peer's newest report.
    static func look(
        _ watch: inout FlowWatch, second: Int64, received: UInt64, sent: UInt64, reports: UInt64 = 0,
        reported: UInt32? = nil, isExpecting: Bool = true, isPausing: Bool = false
    ) -> FlowWatch.Finding? {
        watch.look(
            FlowWatch.Situation(
                isExpecting: isExpecting, isPausing: isPausing, received: received, sent: sent, reports: reports,
                reported: reported),
            at: MonotonicInstant.start.advanced(by: .seconds(second)))
    }

    @Test("Nothing comes: told in the fourth second, once, and again when it has come and stopped")
    func nothingComes() {
        var watch = FlowWatch(at: .start)
        #expect((0...3).allSatisfy { Self.look(&watch, second: $0, received: 0, sent: 50 * UInt64($0)) == nil })
        #expect(Self.look(&watch, second: 4, received: 0, sent: 200) == .nothingComes)
        #expect(Self.look(&watch, second: 5, received: 0, sent: 250) == nil)
        #expect(Self.look(&watch, second: 6, received: 9, sent: 300) == nil)
        #expect(Self.look(&watch, second: 9, received: 9, sent: 300) == nil)
        #expect(Self.look(&watch, second: 10, received: 9, sent: 300) == .nothingComes)
    }

    @Test("On hold, and in a pause that the peer has described, nothing has to come", arguments: [true, false])
    func pauses(isHeld: Bool) {
        var watch = FlowWatch(at: .start)
        for second: Int64 in 0...9 {
            let finding = Self.look(
                &watch, second: second, received: 5, sent: 0, isExpecting: !isHeld, isPausing: !isHeld)
            #expect(finding == nil)
        }
        #expect(Self.look(&watch, second: 12, received: 5, sent: 0) == nil)
        #expect(Self.look(&watch, second: 13, received: 5, sent: 0) == .nothingComes)
    }

    @Test("The peer's reports know none of our packets, or none since the report before (RFC 3550 §6.4.1)")
    func nothingArrives() {
        var watch = FlowWatch(at: .start)
        // So early a report may know nothing yet.
        #expect(Self.look(&watch, second: 1, received: 50, sent: 50, reports: 1) == nil)
        #expect(Self.look(&watch, second: 5, received: 250, sent: 250, reports: 2) == .nothingArrives)
        #expect(Self.look(&watch, second: 9, received: 450, sent: 450, reports: 3) == nil)
        #expect(Self.look(&watch, second: 13, received: 650, sent: 650, reports: 4, reported: 700) == nil)
        #expect(Self.look(&watch, second: 17, received: 850, sent: 850, reports: 5, reported: 900) == nil)
        #expect(Self.look(&watch, second: 21, received: 999, sent: 1_050, reports: 6, reported: 900) == .nothingArrives)
    }

    @Test("The words name the addresses that were seen, and what is wrong with the keys")
    func words() {
        let peer = SocketAddress(IPAddress(v4: 0xC000_0201), 4_000)
        let elsewhere = SocketAddress(IPAddress(v4: 0xC633_6401), 5_000)
        let dead = OneWayAudio(
            finding: .nothingComes, described: peer, destination: peer, elsewhere: elsewhere,
            problem: "an SRTP packet is not authentic")
        #expect(
            dead.description
                == "nothing has come in 4 s: the other side says that it is at 192.0.2.1:4000; ours goes to "
                + "192.0.2.1:4000; packets from 198.51.100.1:5000 are not taken; an SRTP packet is not authentic")
        let deaf = OneWayAudio(finding: .nothingArrives, described: peer, source: elsewhere, destination: elsewhere)
        #expect(
            deaf.description
                == "the other side hears nothing of us, by its reports: ours goes to 198.51.100.1:5000, its comes from "
                + "198.51.100.1:5000, and it says that it is at 192.0.2.1:4000")
    }
}
