public import SIPMessages

/// The non-INVITE server transaction: RFC 3261 §17.2.2 figure 8, with RFC 4320 §4.
///
///     Trying ──1xx──▶ Proceeding
///        ├──200-699──────┴──▶ Completed ──timer J──▶ Terminated
///        └──abandoned────┴─────────────────────────▶ Terminated
///
/// A transport error is told and changes no state (RFC 6026 §8.8).
///
/// The one provisional response is 100, over UDP not before timer E of the client would have reached T2 (RFC 4320 §4.1);
/// 408 is never sent (§4.2): whoever has no answer in time ends the transaction with `abandoned`.
public struct NonInviteServerTransaction: BitwiseCopyable, Hashable, Sendable {
    /// What can happen, named as on the arrows of the figure.
    public enum Event: UInt8, BitwiseCopyable, Hashable, Sendable {
        case retransmission, sentTrying, sentFinal, abandoned, transportFailed
    }
    /// The states of the figure.
    public enum State: UInt8, BitwiseCopyable, Hashable, Sendable { case trying, proceeding, completed, terminated }

    /// The present state.
    public private(set) var state: State = .trying
    /// The time before which RFC 4320 forbids a 100, while in Trying; then timer J.
    public private(set) var clock = TransactionClock()
    private let isReliable: Bool

    /// Starts the transaction with the request that was received.
    public init(isReliable: Bool, timers: borrowing TransactionTimers, at now: MonotonicInstant) {
        self.isReliable = isReliable
        // Timer E runs T1, 2*T1 … up to T2: it has reached T2 after the intervals below it.
        var (elapsed, interval) = (TimeSpan.zero, timers.t1)
        while !isReliable, interval < timers.t2 { (elapsed, interval) = (elapsed + interval, interval * 2) }
        self.clock.retransmitAt = now.advanced(by: isReliable ? .milliseconds(200) : elapsed)
    }

    /// Handles one event and says what to do about it; `send` means the last response.
    public mutating func handle(
        _ event: Event, timers: borrowing TransactionTimers, at now: MonotonicInstant
    ) -> TransactionEffects {
        switch (self.state, event) {
        case (.trying, .retransmission):
            return []
        case (.proceeding, .retransmission), (.completed, .retransmission):
            return .send
        case (.trying, .sentTrying) where self.isTryingTooEarly(at: now):
            return []
        case (.trying, .sentTrying), (.proceeding, .sentTrying):
            self.state = .proceeding
            self.clock.stop()
            return .send
        case (.trying, .sentFinal), (.proceeding, .sentFinal):
            self.clock.stop()
            if self.isReliable {  // Timer J is zero.
                self.state = .terminated
                return [.send, .terminate]
            }
            self.state = .completed
            self.clock.endAt = now.advanced(by: timers.timeout)
            return .send
        case (.trying, .abandoned), (.proceeding, .abandoned):
            self.state = .terminated
            self.clock.stop()
            return .terminate
        case (.proceeding, .transportFailed), (.completed, .transportFailed):
            return .transportFailed  // The state stays (RFC 6026 §8.8, on §17.2.4).
        case (.trying, .transportFailed):
            return []  // Nothing of ours is on the wire.
        case (.completed, .sentTrying), (.completed, .sentFinal), (.completed, .abandoned):
            return []  // The first final response has decided.
        case (.terminated, _):
            return []  // Overtaken.
        }
    }

    /// Over UDP a 100 that comes before timer E of the client has reached T2 would slow its retransmissions down and so
    /// delay the recovery of a lost final response (RFC 4320 §4.1).
    private func isTryingTooEarly(at instant: MonotonicInstant) -> Bool {
        !self.isReliable && self.clock.retransmitAt != .never && instant < self.clock.retransmitAt
    }

    /// Fires the timers that are due: `deliver` means that the request still has no answer and 100 is due.
    public mutating func wake(at now: MonotonicInstant) -> TransactionEffects {
        if self.clock.endAt <= now, self.state == .completed {
            self.state = .terminated
            self.clock.stop()
            return .terminate
        }
        guard self.clock.retransmitAt <= now, self.state == .trying else { return [] }
        self.clock.retransmitAt = .never
        return .deliver
    }
}
