import SIPMessages
import SIPTransactions
import Testing

@Suite("Non-INVITE client transaction (RFC 3261 §17.1.2)")
struct NonInviteClientTransactionTests {
    typealias Machine = NonInviteClientTransaction
    static let timers = TransactionTimers()
    static let t0 = MonotonicInstant(nanoseconds: 1_000_000_000)

    static func machine(in state: Machine.State) -> Machine {
        var machine = Machine(isReliable: false, timers: Self.timers, at: Self.t0)
        switch state {
        case .trying: break
        case .proceeding: _ = machine.handle(.provisional, timers: Self.timers, at: Self.t0)
        case .completed: _ = machine.handle(.final, timers: Self.timers, at: Self.t0)
        case .terminated: _ = machine.handle(.transportFailed, timers: Self.timers, at: Self.t0)
        }
        return machine
    }

    struct Row: Sendable {
        let from: Machine.State
        let event: Machine.Event
        let to: Machine.State
        let effects: TransactionEffects
        init(_ from: Machine.State, _ event: Machine.Event, _ to: Machine.State, _ effects: TransactionEffects) {
            (self.from, self.event, self.to, self.effects) = (from, event, to, effects)
        }
    }

    /// Every arrow of RFC 3261 figure 6, and every pair for which it has none.
    static let arrows: [Row] = [
        Row(.trying, .provisional, .proceeding, .deliver),
        Row(.trying, .final, .completed, .deliver),
        Row(.trying, .transportFailed, .terminated, [.transportFailed, .terminate]),
        Row(.proceeding, .provisional, .proceeding, .deliver),
        Row(.proceeding, .final, .completed, .deliver),
        Row(.proceeding, .transportFailed, .terminated, [.transportFailed, .terminate]),
        Row(.completed, .provisional, .completed, []),
        Row(.completed, .final, .completed, []),
        Row(.completed, .transportFailed, .completed, []),
        Row(.terminated, .provisional, .terminated, []),
        Row(.terminated, .final, .terminated, []),
        Row(.terminated, .transportFailed, .terminated, []),
    ]

    @Test("Each arrow of the figure leads to its state with its actions", arguments: arrows)
    func arrow(row: Row) {
        var machine = Self.machine(in: row.from)
        let effects = machine.handle(row.event, timers: Self.timers, at: Self.t0)
        #expect(machine.state == row.to)
        #expect(effects == row.effects)
    }

    @Test("Over UDP timer E doubles from T1 up to T2, and timer F ends it at 64*T1 (§17.1.2.2)")
    func timersEF() {
        var machine = Machine(isReliable: false, timers: Self.timers, at: Self.t0)
        let ladder = fire(until: .terminated, from: Self.t0) { now in
            (machine.clock.wakeAt, now.map { machine.wake(timers: Self.timers, at: $0) } ?? [], machine.state)
        }
        #expect(ladder.sent == [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
        #expect(ladder.end == 32_000)
        #expect(ladder.effects == [.timedOut, .terminate])
    }

    @Test("After a provisional response timer E runs at T2, from its next firing on (§17.1.2.2)")
    func timerEInProceeding() {
        var machine = Machine(isReliable: false, timers: Self.timers, at: Self.t0)
        _ = machine.handle(.provisional, timers: Self.timers, at: Self.t0.advanced(by: .milliseconds(100)))
        let ladder = fire(until: .terminated, from: Self.t0) { now in
            (machine.clock.wakeAt, now.map { machine.wake(timers: Self.timers, at: $0) } ?? [], machine.state)
        }
        #expect(ladder.sent == [500, 4500, 8500, 12_500, 16_500, 20_500, 24_500, 28_500])
        #expect(ladder.end == 32_000)
        #expect(ladder.effects == [.timedOut, .terminate])
    }

    @Test(
        "Over a stream nothing is sent again, and timer F ends it at 64*T1, also after 100", arguments: [false, true])
    func timerFReliable(isTrying: Bool) {
        var machine = Machine(isReliable: true, timers: Self.timers, at: Self.t0)
        if isTrying { _ = machine.handle(.provisional, timers: Self.timers, at: Self.t0) }
        let ladder = fire(until: .terminated, from: Self.t0) { now in
            (machine.clock.wakeAt, now.map { machine.wake(timers: Self.timers, at: $0) } ?? [], machine.state)
        }
        #expect(ladder.sent == [])
        #expect(ladder.end == 32_000)
        #expect(ladder.effects == [.timedOut, .terminate])
    }

    @Test("Timer K ends Completed after T4 over UDP, at once over a stream")
    func timerK() {
        var machine = Self.machine(in: .completed)
        #expect(machine.clock.wakeAt == Self.t0.advanced(by: .seconds(5)))
        #expect(machine.wake(timers: Self.timers, at: Self.t0.advanced(by: .seconds(5))) == .terminate)
        var reliable = Machine(isReliable: true, timers: Self.timers, at: Self.t0)
        #expect(reliable.handle(.final, timers: Self.timers, at: Self.t0) == [.deliver, .terminate])
    }
}
