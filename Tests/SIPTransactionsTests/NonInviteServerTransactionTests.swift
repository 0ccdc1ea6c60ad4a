import SIPMessages
import SIPTransactions
import Testing

@Suite("Non-INVITE server transaction (RFC 3261 §17.2.2, RFC 4320)")
struct NonInviteServerTransactionTests {
    typealias Machine = NonInviteServerTransaction
    static let timers = TransactionTimers()
    static let t0 = MonotonicInstant(nanoseconds: 1_000_000_000)
    /// When 100 may be sent over UDP: timer E was set to T1, 2*T1 and 4*T1, and is set to T2 now (RFC 4320 §4.1).
    static let tryingDue = t0.advanced(by: .milliseconds(500 + 1000 + 2000))

    static func machine(in state: Machine.State, isReliable: Bool = false) -> Machine {
        var machine = Machine(isReliable: isReliable, timers: Self.timers, at: Self.t0)
        switch state {
        case .trying: break
        case .proceeding: _ = machine.handle(.sentTrying, timers: Self.timers, at: Self.tryingDue)
        case .completed: _ = machine.handle(.sentFinal, timers: Self.timers, at: Self.t0)
        case .terminated: _ = machine.handle(.abandoned, timers: Self.timers, at: Self.t0)
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

    /// Every arrow of RFC 3261 figure 8, as RFC 4320 and RFC 6026 §8.8 change it, and every pair for which there is none.
    static let arrows: [Row] = [
        Row(.trying, .retransmission, .trying, []),
        Row(.trying, .sentTrying, .proceeding, .send),
        Row(.trying, .sentFinal, .completed, .send),
        Row(.trying, .abandoned, .terminated, .terminate),
        Row(.trying, .transportFailed, .trying, []),
        Row(.proceeding, .retransmission, .proceeding, .send),
        Row(.proceeding, .sentTrying, .proceeding, .send),
        Row(.proceeding, .sentFinal, .completed, .send),
        Row(.proceeding, .abandoned, .terminated, .terminate),
        Row(.proceeding, .transportFailed, .proceeding, .transportFailed),
        Row(.completed, .retransmission, .completed, .send),
        Row(.completed, .sentTrying, .completed, []),
        Row(.completed, .sentFinal, .completed, []),
        Row(.completed, .abandoned, .completed, []),
        Row(.completed, .transportFailed, .completed, .transportFailed),
        Row(.terminated, .retransmission, .terminated, []),
        Row(.terminated, .sentTrying, .terminated, []),
        Row(.terminated, .sentFinal, .terminated, []),
        Row(.terminated, .abandoned, .terminated, []),
        Row(.terminated, .transportFailed, .terminated, []),
    ]

    @Test("Each arrow of the figure leads to its state with its actions", arguments: arrows)
    func arrow(row: Row) {
        var machine = Self.machine(in: row.from)
        let effects = machine.handle(row.event, timers: Self.timers, at: Self.tryingDue)
        #expect(machine.state == row.to)
        #expect(effects == row.effects)
    }

    @Test("Over UDP a 100 before timer E of the client has reached T2 is not sent (RFC 4320 §4.1)")
    func earlyTrying() {
        var machine = Self.machine(in: .trying)
        let early = Self.t0.advanced(by: .milliseconds(3499))
        #expect(machine.handle(.sentTrying, timers: Self.timers, at: early) == [])
        #expect(machine.state == .trying)
        #expect(machine.handle(.sentTrying, timers: Self.timers, at: Self.tryingDue) == .send)
    }

    @Test("Over a stream a 100 may be sent at any time (RFC 4320 §4.1)")
    func tryingOverStream() {
        var machine = Self.machine(in: .trying, isReliable: true)
        #expect(machine.handle(.sentTrying, timers: Self.timers, at: Self.t0) == .send)
    }

    @Test(
        "Without an answer 100 is due at 3.5 s at the latest, once, over any transport (RFC 4320 §4.1)",
        arguments: [false, true])
    func tryingIsDue(isReliable: Bool) {
        var machine = Self.machine(in: .trying, isReliable: isReliable)
        let due = machine.clock.wakeAt
        #expect(due <= Self.tryingDue)
        if !isReliable { #expect(due == Self.tryingDue) }
        #expect(machine.wake(at: due) == .deliver)
        #expect(machine.clock.wakeAt == .never)
    }

    @Test("Timer J ends Completed after 64*T1 over UDP, at once over a stream (§17.2.2)")
    func timerJ() {
        var machine = Self.machine(in: .completed)
        #expect(machine.clock.wakeAt == Self.t0.advanced(by: .seconds(32)))
        #expect(machine.wake(at: Self.t0.advanced(by: .milliseconds(31_999))) == [])
        #expect(machine.wake(at: Self.t0.advanced(by: .seconds(32))) == .terminate)
        var reliable = Self.machine(in: .trying, isReliable: true)
        #expect(reliable.handle(.sentFinal, timers: Self.timers, at: Self.t0) == [.send, .terminate])
    }
}
