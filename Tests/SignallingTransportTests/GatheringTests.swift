import SIPMessages
import Testing

@testable import SignallingTransport

@Suite("Messages gather while they come all the time")
struct GatheringTests {
    /// How long it is from the beginning of each batch to the next, in microseconds; `nil` where nothing waits.
    private func spans(_ batches: [(moment: Int64, count: Int)]) -> [Int64?] {
        var gathering = Gathering()
        return batches.map { batch in
            let now = MonotonicInstant(nanoseconds: 1_000_000_000 + batch.moment * 1000)
            return gathering.end(ofBatchAt: now, count: batch.count).map { $0.since(now).nanoseconds / 1000 }
        }
    }

    private static func steady(every microseconds: Int64, _ count: Int = 1, batches: Int64 = 200) -> [(Int64, Int)] {
        (0..<batches).map { ($0 * microseconds, count) }
    }

    @Test("The messages of one call do not wait")
    func leavesCallsAlone() {
        let spans = self.spans([(0, 1), (50, 1), (400, 1), (900, 1), (2_000_000, 1), (2_000_100, 1)])
        #expect(spans.allSatisfy { $0 == nil })
    }

    @Test("A message each millisecond is too little to wait for")
    func leavesLittleAlone() {
        #expect(self.spans(Self.steady(every: 1000)).allSatisfy { $0 == nil })
    }

    @Test("The next batch begins when two dozen messages are to be expected, after two milliseconds at most")
    func gathers() {
        #expect(self.spans(Self.steady(every: 400)).last == 2000)
        #expect(self.spans(Self.steady(every: 2000, 20)).last == 2000)
        #expect(self.spans(Self.steady(every: 1000, 48)).last.flatMap { $0 }.map { (480..<510).contains($0) } == true)
        #expect(self.spans(Self.steady(every: 200, 40)).last.flatMap { $0 }.map { (120..<130).contains($0) } == true)
    }

    @Test("Eight milliseconds without a message end it")
    func stops() {
        let spans = self.spans(Self.steady(every: 100) + [(19_900 + 8_000, 1), (19_900 + 8_100, 1)])
        #expect(spans[199] == 2000)
        #expect(spans.suffix(2).allSatisfy { $0 == nil })
    }
}
