import SIPMessages
import ServerCore
import Testing

@testable import SignallingTransport

@Suite("How long messages wait before they are taken")
struct BacklogTests {
    private static func moment(_ milliseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: 5_000_000_000 + milliseconds * 1_000_000)
    }

    @Test("The least wait of a window counts, and the next window begins with nothing")
    func leastWait() {
        var backlog = Backlog()
        for age: Int64 in [30, 12, 80] { _ = backlog.note(age: .milliseconds(age), at: Self.moment(0)) }
        #expect(backlog.endWindow(lost: 0) == .milliseconds(12))
        #expect(backlog.endWindow(lost: 0) == .zero)
    }

    @Test("A queue that was empty once is no backlog, however long it was at another time")
    func burst() {
        var backlog = Backlog()
        for age: Int64 in [90, 0, 90] { _ = backlog.note(age: .milliseconds(age), at: Self.moment(0)) }
        #expect(backlog.endWindow(lost: 7) == .zero)
    }

    @Test("Messages that were lost make a short wait a long one: the queue cannot become longer")
    func losses() {
        var backlog = Backlog()
        _ = backlog.note(age: .milliseconds(1), at: Self.moment(0))
        #expect(backlog.endWindow(lost: 4) == Admission.longWait)
        _ = backlog.note(age: .milliseconds(1), at: Self.moment(0))
        #expect(backlog.endWindow(lost: 4) == .milliseconds(1))
        _ = backlog.note(age: .milliseconds(40), at: Self.moment(0))
        #expect(backlog.endWindow(lost: 5) == .milliseconds(40))
    }

    @Test("A queue stays when it has not been empty for half a window")
    func stays() {
        var backlog = Backlog()
        #expect(backlog.note(age: .zero, at: Self.moment(0)) == .zero)
        #expect(backlog.note(age: .milliseconds(30), at: Self.moment(49)) == .zero)
        #expect(backlog.note(age: .milliseconds(30), at: Self.moment(50)) == .milliseconds(30))
        #expect(backlog.note(age: .zero, at: Self.moment(60)) == .zero)
        #expect(backlog.note(age: .milliseconds(30), at: Self.moment(109)) == .zero)
    }
}
