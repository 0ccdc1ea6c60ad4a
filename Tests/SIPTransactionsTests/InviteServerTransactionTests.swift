import SIPMessages
import SIPTransactions
import Testing

@Suite("INVITE server transaction (RFC 3261 §17.2.1, RFC 6026 §7.1)")
struct InviteServerTransactionTests {
    typealias Machine = InviteServerTransaction
    static let timers = TransactionTimers()
    static let t0 = MonotonicInstant(nanoseconds: 1_000_000_000)

    static func new(isReliable: Bool = false, promisesAnswer: Bool = true) -> Machine {
        Machine(isReliable: isReliable, promisesAnswer: promisesAnswer, timers: Self.timers, at: Self.t0)
    }

    static func machine(in state: Machine.State) -> Machine {
        var machine = Self.new()
        switch state {
        case .proceeding: break
        case .accepted: _ = machine.handle(.sentSuccess, timers: Self.timers, at: Self.t0)
        case .completed: _ = machine.handle(.sentFailure, timers: Self.timers, at: Self.t0)
        case .confirmed:
            _ = machine.handle(.sentFailure, timers: Self.timers, at: Self.t0)
            _ = machine.handle(.acknowledged, timers: Self.timers, at: Self.t0)
        case .terminated:
            _ = machine.handle(.sentFailure, timers: Self.timers, at: Self.t0)
            _ = machine.wake(timers: Self.timers, at: Self.t0.advanced(by: .seconds(32)))
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

    /// Every arrow of RFC 6026 figure 7 (which replaces that of RFC 3261), and every pair for which it has none.
    static let arrows: [Row] = [
        Row(.proceeding, .retransmission, .proceeding, .send),
        Row(.proceeding, .sentProvisional, .proceeding, .send),
        Row(.proceeding, .sentSuccess, .accepted, .send),
        Row(.proceeding, .sentFailure, .completed, .send),
        Row(.proceeding, .acknowledged, .proceeding, []),
        Row(.proceeding, .transportFailed, .proceeding, .transportFailed),
        Row(.accepted, .retransmission, .accepted, []),
        Row(.accepted, .sentProvisional, .accepted, []),
        Row(.accepted, .sentSuccess, .accepted, .send),
        Row(.accepted, .sentFailure, .accepted, []),
        Row(.accepted, .acknowledged, .accepted, .deliver),
        Row(.accepted, .transportFailed, .accepted, .transportFailed),
        Row(.completed, .retransmission, .completed, .send),
        Row(.completed, .sentProvisional, .completed, []),
        Row(.completed, .sentSuccess, .completed, []),
        Row(.completed, .sentFailure, .completed, []),
        Row(.completed, .acknowledged, .confirmed, []),
        Row(.completed, .transportFailed, .completed, .transportFailed),
        Row(.confirmed, .retransmission, .confirmed, []),
        Row(.confirmed, .sentProvisional, .confirmed, []),
        Row(.confirmed, .sentSuccess, .confirmed, []),
        Row(.confirmed, .sentFailure, .confirmed, []),
        Row(.confirmed, .acknowledged, .confirmed, []),
        Row(.confirmed, .transportFailed, .confirmed, []),
        Row(.terminated, .retransmission, .terminated, []),
        Row(.terminated, .sentProvisional, .terminated, []),
        Row(.terminated, .sentSuccess, .terminated, []),
        Row(.terminated, .sentFailure, .terminated, []),
        Row(.terminated, .acknowledged, .terminated, []),
        Row(.terminated, .transportFailed, .terminated, []),
    ]

    @Test("Each arrow of the figure leads to its state with its actions", arguments: arrows)
    func arrow(row: Row) {
        var machine = Self.machine(in: row.from)
        let effects = machine.handle(row.event, timers: Self.timers, at: Self.t0)
        #expect(machine.state == row.to)
        #expect(effects == row.effects)
    }

    @Test("Over UDP timer G doubles from T1 up to T2, and timer H ends it at 64*T1 (§17.2.1)")
    func timersGH() {
        var machine = Self.machine(in: .completed)
        let ladder = fire(until: .terminated, from: Self.t0) { now in
            (machine.clock.wakeAt, now.map { machine.wake(timers: Self.timers, at: $0) } ?? [], machine.state)
        }
        #expect(ladder.sent == [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
        #expect(ladder.end == 32_000)
        #expect(ladder.effects == [.timedOut, .terminate])
    }

    @Test("Over a stream the final response is not sent again, and timer H ends it at 64*T1")
    func timerHReliable() {
        var machine = Self.new(isReliable: true)
        _ = machine.handle(.sentFailure, timers: Self.timers, at: Self.t0)
        let ladder = fire(until: .terminated, from: Self.t0) { now in
            (machine.clock.wakeAt, now.map { machine.wake(timers: Self.timers, at: $0) } ?? [], machine.state)
        }
        #expect(ladder.sent == [])
        #expect(ladder.end == 32_000)
        #expect(ladder.effects == [.timedOut, .terminate])
    }

    @Test("Timer I ends Confirmed after T4 over UDP, at once over a stream")
    func timerI() {
        var machine = Self.machine(in: .confirmed)
        #expect(machine.clock.wakeAt == Self.t0.advanced(by: .seconds(5)))
        #expect(machine.wake(timers: Self.timers, at: Self.t0.advanced(by: .seconds(5))) == .terminate)
        var reliable = Self.new(isReliable: true)
        _ = reliable.handle(.sentFailure, timers: Self.timers, at: Self.t0)
        #expect(reliable.handle(.acknowledged, timers: Self.timers, at: Self.t0) == .terminate)
    }

    @Test(
        "Timer L ends Accepted 64*T1 after the first 2xx, over any transport (RFC 6026 §7.1)", arguments: [false, true])
    func timerL(isReliable: Bool) {
        var machine = Self.new(isReliable: isReliable)
        _ = machine.handle(.sentSuccess, timers: Self.timers, at: Self.t0)
        _ = machine.handle(.sentSuccess, timers: Self.timers, at: Self.t0.advanced(by: .seconds(4)))
        #expect(machine.clock.wakeAt == Self.t0.advanced(by: .seconds(32)))
        #expect(machine.wake(timers: Self.timers, at: Self.t0.advanced(by: .seconds(32))) == .terminate)
    }

    @Test("100 is due at once, or 200 ms after a promise to answer until then (§17.2.1)", arguments: [false, true])
    func tryingIsDue(promisesAnswer: Bool) {
        var machine = Self.new(promisesAnswer: promisesAnswer)
        let due = Self.t0.advanced(by: .milliseconds(promisesAnswer ? 200 : 0))
        #expect(machine.clock.wakeAt == due)
        #expect(machine.wake(timers: Self.timers, at: due) == .sendTrying)
        #expect(machine.state == .proceeding && machine.clock.wakeAt == .never)
    }

    @Test(
        "A response of the transaction user takes the place of 100",
        arguments: [Machine.Event.sentProvisional, .sentSuccess, .sentFailure])
    func tryingIsOvertaken(event: Machine.Event) {
        var machine = Self.new(isReliable: true)
        _ = machine.handle(event, timers: Self.timers, at: Self.t0)
        #expect(machine.wake(timers: Self.timers, at: Self.t0.advanced(by: .milliseconds(200))) == [])
    }

    @Test("Once a provisional response is sent no timer runs: ringing may last (§17.2.1)")
    func proceedingHasNoTimer() {
        var machine = Self.new()
        _ = machine.handle(.sentProvisional, timers: Self.timers, at: Self.t0)
        #expect(machine.clock.wakeAt == .never)
    }
}
