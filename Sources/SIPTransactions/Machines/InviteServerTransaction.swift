public import SIPMessages

/// The INVITE server transaction: RFC 3261 §17.2.1, with the Accepted state of RFC 6026 §7.1, whose figure 7 replaces
/// that of RFC 3261.
///
///     Proceeding ──100 when it is due, 101-199──▶ Proceeding
///         ├──2xx──▶ Accepted ──timer L──▶ Terminated
///         └──300-699──▶ Completed ──ACK──▶ Confirmed ──timer I──▶ Terminated
///                           └──timer H──▶ Terminated
///
/// 100 is due at once, or after 200 ms when the transaction user has promised an answer within that time and not kept
/// its word (§17.2.1). A transport error is told and changes no state. `timedOut` means that no ACK came.
public struct InviteServerTransaction: BitwiseCopyable, Hashable, Sendable {
    /// What can happen, named as on the arrows of the figure.
    public enum Event: UInt8, BitwiseCopyable, Hashable, Sendable {
        case retransmission, sentProvisional, sentSuccess, sentFailure, acknowledged, transportFailed
    }
    /// The states of the figure.
    public enum State: UInt8, BitwiseCopyable, Hashable, Sendable {
        case proceeding, accepted, completed, confirmed, terminated
    }

    /// The present state.
    public private(set) var state: State = .proceeding
    /// When 100 is due; timer G; then timer H, I or L.
    public private(set) var clock = TransactionClock()
    private let isReliable: Bool

    /// Starts the transaction with the INVITE that was received; `wake` says when 100 is due, which may be at once.
    ///
    /// - Parameter promisesAnswer: Whether the transaction user will answer within 200 ms.
    public init(
        isReliable: Bool, promisesAnswer: Bool, timers: borrowing TransactionTimers, at now: MonotonicInstant
    ) {
        self.isReliable = isReliable
        self.clock.retransmitAt = promisesAnswer ? now.advanced(by: timers.promise) : now
    }

    /// Handles one event and says what to do about it; `send` means the last response.
    public mutating func handle(
        _ event: Event, timers: borrowing TransactionTimers, at now: MonotonicInstant
    ) -> TransactionEffects {
        switch (self.state, event) {
        case (.proceeding, .retransmission), (.completed, .retransmission):
            return .send
        case (.proceeding, .sentProvisional):
            self.clock.stop()
            return .send
        case (.proceeding, .sentSuccess):
            self.state = .accepted
            self.clock.stop()
            self.clock.endAt = now.advanced(by: timers.timeout)  // Timer L
            return .send
        case (.accepted, .sentSuccess):
            return .send  // Another fork's 2xx, or a retransmission by the UAS core.
        case (.proceeding, .sentFailure):
            self.state = .completed
            self.clock.stop()
            self.clock.interval = timers.t1
            if !self.isReliable { self.clock.retransmitAt = now.advanced(by: timers.t1) }  // Timer G
            self.clock.endAt = now.advanced(by: timers.timeout)  // Timer H
            return .send
        case (.completed, .acknowledged):
            self.clock.stop()
            if self.isReliable { return self.terminate([]) }  // Timer I is zero.
            self.state = .confirmed
            self.clock.endAt = now.advanced(by: timers.t4)
            return []
        case (.accepted, .acknowledged):
            return .deliver  // The ACK to a 2xx belongs to the transaction user (RFC 6026 §7.1).
        case (.accepted, .retransmission), (.confirmed, .retransmission), (.confirmed, .acknowledged):
            return []  // Absorbed.
        case (.proceeding, .transportFailed), (.accepted, .transportFailed), (.completed, .transportFailed):
            return .transportFailed  // The state stays: the next retransmission may get through (RFC 6026 §8.8).
        case (.confirmed, .transportFailed):
            return []  // Nothing of ours is on the wire.
        case (.proceeding, .acknowledged):
            return []  // Stray: nothing final has been sent.
        case (.accepted, .sentProvisional), (.accepted, .sentFailure), (.completed, .sentProvisional),
            (.completed, .sentSuccess), (.completed, .sentFailure), (.confirmed, .sentProvisional),
            (.confirmed, .sentSuccess), (.confirmed, .sentFailure):
            return []  // The first final response has decided.
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
            case .completed: return self.terminate(.timedOut)  // Timer H
            case .accepted, .confirmed: return self.terminate([])  // Timers L and I
            case .proceeding, .terminated: return []
            }
        }
        guard self.clock.retransmitAt <= now else { return [] }
        switch self.state {
        case .proceeding:
            self.clock.stop()
            return .sendTrying
        case .completed:
            self.clock.backOff(at: now, maximum: timers.t2)
            return .send
        case .accepted, .confirmed, .terminated: return []
        }
    }

    private mutating func terminate(_ effect: TransactionEffects) -> TransactionEffects {
        self.state = .terminated
        self.clock.stop()
        return effect.union(.terminate)
    }
}
