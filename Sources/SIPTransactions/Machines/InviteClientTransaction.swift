public import SIPMessages

/// The INVITE client transaction: RFC 3261 §17.1.1, with the Accepted state of RFC 6026 §7.2, whose figure 5 replaces
/// that of RFC 3261.
///
///     Calling ──1xx──▶ Proceeding
///        ├───────2xx──────┴──▶ Accepted ──timer M──▶ Terminated
///        ├───────300-699──┴──▶ Completed ─timer D──▶ Terminated
///        └───────timer B, transport error──────────▶ Terminated
///
/// A transport error ends Completed too: the ACK cannot be sent. How long it may stay in Proceeding is the transaction user's business (timer C of a proxy, §16.6).
public struct InviteClientTransaction: BitwiseCopyable, Hashable, Sendable {
    /// What can happen, named as on the arrows of the figure.
    public enum Event: UInt8, BitwiseCopyable, Hashable, Sendable {
        case provisional, success, failure, transportFailed
    }
    /// The states of the figure.
    public enum State: UInt8, BitwiseCopyable, Hashable, Sendable {
        case calling, proceeding, accepted, completed, terminated
    }

    /// The present state.
    public private(set) var state: State = .calling
    /// Timer A; then timer B, M or D.
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
        case (.calling, .provisional), (.proceeding, .provisional):
            self.state = .proceeding
            self.clock.stop()
            return .deliver
        case (.calling, .success), (.proceeding, .success):
            self.state = .accepted
            self.clock.stop()
            self.clock.endAt = now.advanced(by: timers.timeout)  // Timer M
            return .deliver
        case (.accepted, .success):
            return .deliver  // A retransmission or another fork: the transaction user sends the ACK.
        case (.calling, .failure), (.proceeding, .failure):
            self.clock.stop()
            if self.isReliable {  // Timer D is zero (§17.1.1.2).
                self.state = .terminated
                return [.sendACK, .deliver, .terminate]
            }
            self.state = .completed
            self.clock.endAt = now.advanced(by: timers.d)
            return [.sendACK, .deliver]
        case (.completed, .failure):
            return .sendACK  // A retransmission: acknowledged, not delivered again.
        case (.calling, .transportFailed), (.completed, .transportFailed):
            return self.terminate(.transportFailed)
        case (.proceeding, .transportFailed), (.accepted, .transportFailed):
            return []  // Nothing of ours is on the wire.
        case (.accepted, .provisional), (.accepted, .failure), (.completed, .provisional), (.completed, .success):
            return []  // Late or stray: the first final response has decided.
        case (.terminated, _):
            return []  // Overtaken.
        }
    }

    /// Fires the timers that are due.
    public mutating func wake(at now: MonotonicInstant) -> TransactionEffects {
        if self.clock.endAt <= now {
            switch self.state {
            case .calling: return self.terminate(.timedOut)  // Timer B
            case .accepted, .completed: return self.terminate([])  // Timers M and D
            case .proceeding, .terminated: return []
            }
        }
        guard self.clock.retransmitAt <= now, self.state == .calling else { return [] }
        self.clock.backOff(at: now)  // Timer A doubles without bound (§17.1.1.2).
        return .send
    }

    private mutating func terminate(_ effect: TransactionEffects) -> TransactionEffects {
        self.state = .terminated
        self.clock.stop()
        return effect.union(.terminate)
    }
}
