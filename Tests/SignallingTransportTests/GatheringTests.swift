import SIPMessages
import Testing

@testable import SignallingTransport

@Suite("Messages gather while they come all the time")
struct GatheringTests {
    /// What is said of batches that begin at these microseconds.
    private func ends(_ moments: [Int64]) -> [MonotonicInstant?] {
        var gathering = Gathering()
        return moments.map { gathering.end(ofBatchAt: Self.moment($0)) }
    }

    private static func moment(_ microseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: 1_000_000_000 + microseconds * 1000)
    }

    @Test("The messages of one call do not wait")
    func leavesCallsAlone() {
        #expect(self.ends([0, 50, 400, 900, 2_000_000, 2_000_100]).allSatisfy { $0 == nil })
    }

    @Test("After sixteen batches in quick succession the next one begins half a millisecond after the last")
    func gathers() {
        let moments = (0..<20).map { Int64($0) * 999 }
        let ends = self.ends(moments)
        #expect(ends.prefix(16).allSatisfy { $0 == nil })
        #expect(Array(ends.suffix(4)) == moments.suffix(4).map { Self.moment($0 + 500) })
    }

    @Test("A millisecond without a message ends it")
    func stops() {
        let moments = (0..<20).map { Int64($0) * 100 } + [2_900, 3_000]
        #expect(self.ends(moments).suffix(2).allSatisfy { $0 == nil })
    }
}
