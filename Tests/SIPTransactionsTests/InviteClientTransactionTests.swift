import SIPMessages
import SIPTransactions
import Testing

@Suite("INVITE client transaction (RFC 3261 §17.1.1, RFC 6026 §7.2)")
struct InviteClientTransactionTests {
    typealias Machine = InviteClientTransaction
    static let timers = TransactionTimers()
    static let t0 = MonotonicInstant(nanoseconds: 1_000_000_000)

    /// A machine in one of the states, over UDP.
    static func machine(in state: Machine.State) -> Machine {
        var machine = Machine(isReliable: false, timers: Self.timers, at: Self.t0)
        switch state {
        case .calling: break
        case .proceeding: _ = machine.handle(.provisional, timers: Self.timers, at: Self.t0)
        case .accepted: _ = machine.handle(.success, timers: Self.timers, at: Self.t0)
        case .completed: _ = machine.handle(.failure, timers: Self.timers, at: Self.t0)
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

    /// Every arrow of RFC 6026 figure 5 (which replaces that of RFC 3261), and every pair for which it has none.
    static let arrows: [Row] = [
        Row(.calling, .provisional, .proceeding, .deliver),
        Row(.calling, .success, .accepted, .deliver),
        Row(.calling, .failure, .completed, [.sendACK, .deliver]),
        Row(.calling, .transportFailed, .terminated, [.transportFailed, .terminate]),
        Row(.proceeding, .provisional, .proceeding, .deliver),
        Row(.proceeding, .success, .accepted, .deliver),
        Row(.proceeding, .failure, .completed, [.sendACK, .deliver]),
        Row(.proceeding, .transportFailed, .proceeding, []),
        Row(.accepted, .provisional, .accepted, []),
        Row(.accepted, .success, .accepted, .deliver),
        Row(.accepted, .failure, .accepted, []),
        Row(.accepted, .transportFailed, .accepted, []),
        Row(.completed, .provisional, .completed, []),
        Row(.completed, .success, .completed, []),
        Row(.completed, .failure, .completed, .sendACK),
        Row(.completed, .transportFailed, .terminated, [.transportFailed, .terminate]),
        Row(.terminated, .provisional, .terminated, []),
        Row(.terminated, .success, .terminated, []),
        Row(.terminated, .failure, .terminated, []),
        Row(.terminated, .transportFailed, .terminated, []),
    ]

    @Test("Each arrow of the figure leads to its state with its actions", arguments: arrows)
    func arrow(row: Row) {
        var machine = Self.machine(in: row.from)
        let effects = machine.handle(row.event, timers: Self.timers, at: Self.t0)
        #expect(machine.state == row.to)
        #expect(effects == row.effects)
    }

    @Test("Over UDP timer A doubles from T1 without bound, and timer B ends it at 64*T1")
    func timersAB() {
        var machine = Machine(isReliable: false, timers: Self.timers, at: Self.t0)
        let ladder = fire(until: .terminated, from: Self.t0) { now in
            (machine.clock.wakeAt, now.map { machine.wake(at: $0) } ?? [], machine.state)
        }
        #expect(ladder.sent == [500, 1500, 3500, 7500, 15_500, 31_500])
        #expect(ladder.end == 32_000)
        #expect(ladder.effects == [.timedOut, .terminate])
    }

    @Test("Over a stream nothing is sent again, and timer B ends it at 64*T1")
    func timerBReliable() {
        var machine = Machine(isReliable: true, timers: Self.timers, at: Self.t0)
        let ladder = fire(until: .terminated, from: Self.t0) { now in
            (machine.clock.wakeAt, now.map { machine.wake(at: $0) } ?? [], machine.state)
        }
        #expect(ladder.sent == [])
        #expect(ladder.end == 32_000)
        #expect(ladder.effects == [.timedOut, .terminate])
    }

    @Test("A provisional response stops timers A and B: the transaction waits as long as it must (§17.1.1.2)")
    func proceedingHasNoTimer() {
        let machine = Self.machine(in: .proceeding)
        #expect(machine.clock.wakeAt == .never)
    }

    @Test("Timer D ends Completed after 32 s over UDP, at once over a stream (§17.1.1.2)")
    func timerD() {
        var machine = Self.machine(in: .completed)
        #expect(machine.clock.wakeAt == Self.t0.advanced(by: .seconds(32)))
        #expect(machine.wake(at: Self.t0.advanced(by: .milliseconds(31_999))) == [])
        #expect(machine.wake(at: Self.t0.advanced(by: .seconds(32))) == .terminate)
        #expect(machine.state == .terminated)
        var reliable = Machine(isReliable: true, timers: Self.timers, at: Self.t0)
        let effects = reliable.handle(.failure, timers: Self.timers, at: Self.t0)
        #expect(effects == [.sendACK, .deliver, .terminate])
        #expect(reliable.state == .terminated)
    }

    @Test(
        "Timer M ends Accepted 64*T1 after the first 2xx, whatever the transport and however often it comes",
        arguments: [false, true])
    func timerM(isReliable: Bool) {
        var machine = Machine(isReliable: isReliable, timers: Self.timers, at: Self.t0)
        _ = machine.handle(.success, timers: Self.timers, at: Self.t0)
        _ = machine.handle(.success, timers: Self.timers, at: Self.t0.advanced(by: .seconds(10)))
        #expect(machine.clock.wakeAt == Self.t0.advanced(by: .seconds(32)))
        #expect(machine.wake(at: Self.t0.advanced(by: .seconds(32))) == .terminate)
    }
}

/// Fires timers when they ask for it, until a state is reached: the milliseconds after `start` at which something was
/// sent, when it ended and with what effects.
func fire<State: Equatable>(
    until final: State, from start: MonotonicInstant,
    _ step: (MonotonicInstant?) -> (wakeAt: MonotonicInstant, effects: TransactionEffects, state: State)
) -> (sent: [Int64], end: Int64, effects: TransactionEffects) {
    var sent: [Int64] = []
    var next = step(nil).wakeAt
    for _ in 0..<100 where next != .never {
        let elapsed = next.since(start).nanoseconds / 1_000_000
        let (_, effects, state) = step(next)
        if state == final { return (sent, elapsed, effects) }
        if effects.contains(.send) { sent.append(elapsed) }
        next = step(nil).wakeAt
    }
    return (sent, -1, [])
}
