public import SIPMessages

/// The subscriber's end of a subscription in a dialog (RFC 6665 §4.1).
///
///     notify-wait ──NOTIFY──▶ pending, active ──NOTIFY terminated──▶ terminated
///        └──timer N──▶ terminated   └──nothing more before it expires──▶─┘
public struct SubscriberUsage: Hashable, Sendable {
    /// How a NOTIFY leaves the subscription.
    public enum Reading: Hashable, Sendable {
        case stands
        /// It is over, for this reason.
        case terminated(reason: String)
    }
    /// What is to be done when it is woken.
    public enum Step: Hashable, Sendable {
        case nothing
        /// Ask for more time by SUBSCRIBE.
        case refresh
        /// It is over: no NOTIFY has come in time.
        case expired
    }

    /// What is subscribed to.
    public private(set) var event: EventType
    private var expiresAt: MonotonicInstant
    private var refreshAt = MonotonicInstant.never
    private var expires: UInt32 = 0
    /// Whether a NOTIFY has come.
    public private(set) var isNotified = false

    /// Asked for at once.
    ///
    /// - Parameter timerN: How long the first NOTIFY may take: 64*T1 (§4.1.2.4).
    public init(_ event: EventType, timerN: TimeSpan, at now: MonotonicInstant) {
        self.event = event
        self.expiresAt = now.advanced(by: timerN)
    }

    /// A NOTIFY came (§4.1.3).
    ///
    /// - Parameter event: Its Event: the `id` of the first one counts for those that follow (RFC 3515 §2.4.6).
    public mutating func receive(_ event: EventType, _ state: SubscriptionState, at now: MonotonicInstant) -> Reading {
        if !self.isNotified { self.event.id = event.id }
        self.isNotified = true
        if state.isTerminated { return .terminated(reason: state.reason ?? "") }
        if let expires = state.expires {
            self.expires = Swift.min(expires, 86_400)
            self.expiresAt = now.advanced(by: .seconds(Int64(self.expires)))
            // Well before the end, so that a SUBSCRIBE that is sent again is in time.
            self.refreshAt =
                self.expires >= 64 ? self.expiresAt.advanced(by: .seconds(-32)) : MonotonicInstant.never
        }
        return .stands
    }

    /// How long a SUBSCRIBE asks for, in seconds.
    public var interval: UInt32 { self.expires }

    /// When it must be woken.
    public var wakeAt: MonotonicInstant { Swift.min(self.expiresAt, self.refreshAt) }

    /// Time has passed.
    public mutating func wake(at now: MonotonicInstant) -> Step {
        if self.expiresAt <= now { return .expired }
        guard self.refreshAt <= now else { return .nothing }
        self.refreshAt = .never
        return .refresh
    }

    /// A SUBSCRIBE was taken for this long, in seconds.
    public mutating func refreshed(expires: UInt32, at now: MonotonicInstant) {
        _ = self.receive(self.event, SubscriptionState("active", expires: expires), at: now)
    }
}
