public import SIPMessages

/// The non-INVITE client transaction: RFC 3261 §17.1.2 figure 6.
///
///     Trying ──1xx──▶ Proceeding
///        ├──200-699──────┴──▶ Completed ──timer K──▶ Terminated
///        └──timer F, transport error───────────────▶ Terminated
public struct NonInviteClientTransaction: BitwiseCopyable, Hashable, Sendable {
    /// What can happen, named as on the arrows of the figure.
    public enum Event: UInt8, BitwiseCopyable, Hashable, Sendable { case provisional, final, transportFailed }
    /// The states of the figure.
    public enum State: UInt8, BitwiseCopyable, Hashable, Sendable { case trying, proceeding, completed, terminated }

    /// The present state.
    public private(set) var state: State = .trying
    /// Timer E; then timer F or K.
    public private(set) var clock = TransactionClock()
    private let isReliable: Bool

    /// Starts the transaction; the request is sent by whoever starts it.
    public init(isReliable: Bool, timers: borrowing TransactionTimers, at now: MonotonicInstant) {
        self.isReliable = isReliable
        self.clock.interval = timers.t1
        if !isReliable { self.clock.retransmitAt = now.advanced(by: timers.t1) }
        self.clock.endAt = now.advanced(by: timers.timeout)
    }

    /// Handles one event and says what to do about it.
    public mutating func handle(
        _ event: Event, timers: borrowing TransactionTimers, at now: MonotonicInstant
    ) -> TransactionEffects {
        switch (self.state, event) {
        case (.trying, .provisional), (.proceeding, .provisional):
            if self.state == .trying, !self.isReliable {
                // From now on timer E runs at T2 (§17.1.2.2); it is not restarted, but its next interval is T2.
                self.clock.interval = timers.t2
            }
            self.state = .proceeding
            return .deliver
        case (.trying, .final), (.proceeding, .final):
            self.clock.stop()
            if self.isReliable {  // Timer K is zero.
                self.state = .terminated
                return [.deliver, .terminate]
            }
            self.state = .completed
            self.clock.endAt = now.advanced(by: timers.t4)
            return .deliver
        case (.trying, .transportFailed), (.proceeding, .transportFailed):
            return self.terminate(.transportFailed)
        case (.completed, _):
            return []  // Retransmissions are absorbed: that is what the state is for.
        case (.terminated, _):
            return []  // Overtaken.
        }
    }

    /// Fires the timers that are due.
    public mutating func wake(
        timers: borrowing TransactionTimers, at now: MonotonicInstant
    ) -> TransactionEffects {
        if self.clock.endAt <= now {
            switch self.state {
            case .trying, .proceeding: return self.terminate(.timedOut)  // Timer F
            case .completed: return self.terminate([])  // Timer K
            case .terminated: return []
            }
        }
        guard self.clock.retransmitAt <= now, self.state == .trying || self.state == .proceeding else { return [] }
        self.clock.backOff(at: now, maximum: timers.t2)
        return .send
    }

    private mutating func terminate(_ effect: TransactionEffects) -> TransactionEffects {
        self.state = .terminated
        self.clock.stop()
        return effect.union(.terminate)
    }
}
