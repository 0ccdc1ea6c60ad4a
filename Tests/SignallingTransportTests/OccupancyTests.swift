import SIPMessages
import Testing

@testable import SignallingTransport

@Suite("How busy a thread is")
struct OccupancyTests {
    private static func moment(_ milliseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: 5_000_000_000 + milliseconds * 1_000_000)
    }

    @Test("The part of a window in which it does not wait", arguments: [(0, 1.0), (25, 0.75), (100, 0.0)])
    func measures(waited: Int64, busy: Double) {
        var occupancy = Occupancy()
        _ = occupancy.endWindow(at: Self.moment(0))
        occupancy.wait(from: Self.moment(0), to: Self.moment(waited))
        let early = occupancy.endWindow(at: Self.moment(99))
        #expect(early == nil)
        let result = occupancy.endWindow(at: Self.moment(100))
        #expect(abs((result ?? 2) - busy) < 0.001)
        // The next window begins with nothing.
        let next = occupancy.endWindow(at: Self.moment(200))
        #expect(next == 1)
    }

    @Test("A long sleep is a long window, and an idle one")
    func sleeps() {
        var occupancy = Occupancy()
        _ = occupancy.endWindow(at: Self.moment(0))
        occupancy.wait(from: Self.moment(1), to: Self.moment(60_000))
        let result = occupancy.endWindow(at: Self.moment(60_000))
        #expect((result ?? 2) < 0.001)
    }

    @Test(
        "A thread that mostly finds more than it takes at a time is busy, though it has stood still",
        arguments: [
            (taken: [(64, true), (64, true), (40, false)], busy: 1.0), (taken: [(64, true), (90, false)], busy: 0.1),
        ])
    func falls(taken: [(Int, Bool)], busy: Double) {
        var occupancy = Occupancy()
        _ = occupancy.endWindow(at: Self.moment(0))
        occupancy.wait(from: Self.moment(0), to: Self.moment(90))
        for (count, more) in taken { occupancy.take(count, thereWereMore: more) }
        let result = occupancy.endWindow(at: Self.moment(100))
        #expect(abs((result ?? 2) - busy) < 0.001)
        // The next window knows nothing of it.
        occupancy.wait(from: Self.moment(100), to: Self.moment(200))
        let next = occupancy.endWindow(at: Self.moment(200))
        #expect((next ?? 2) < 0.001)
    }
}
