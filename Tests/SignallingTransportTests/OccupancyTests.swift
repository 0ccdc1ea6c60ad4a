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
}
