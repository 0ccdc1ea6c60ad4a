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
    /// When the NOTIFY that a refresh promises must be there.
    private var notifyBy = MonotonicInstant.never
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
        (self.isNotified, self.notifyBy) = (true, .never)
        if state.isTerminated { return .terminated(reason: state.reason ?? "") }
        if let expires = state.expires { self.last(expires, from: now) }
        return .stands
    }

    private mutating func last(_ expires: UInt32, from now: MonotonicInstant) {
        self.expires = Swift.min(expires, 86_400)
        self.expiresAt = now.advanced(by: .seconds(Int64(self.expires)))
        // Well before the end, so that a SUBSCRIBE that is sent again is in time.
        let margin = Swift.min(Int64(self.expires) / 2, 32)
        self.refreshAt = margin > 0 ? self.expiresAt.advanced(by: .seconds(-margin)) : .never
    }

    /// How long a SUBSCRIBE asks for, in seconds.
    public var interval: UInt32 { self.expires }

    /// When it must be woken.
    public var wakeAt: MonotonicInstant { Swift.min(self.expiresAt, self.refreshAt, self.notifyBy) }

    /// Time has passed.
    public mutating func wake(at now: MonotonicInstant) -> Step {
        if self.expiresAt <= now || self.notifyBy <= now { return .expired }
        guard self.refreshAt <= now else { return .nothing }
        self.refreshAt = .never
        return .refresh
    }

    /// A SUBSCRIBE is sent; without a NOTIFY within timer N it is over (§4.1.2.2).
    public mutating func refreshing(timerN: TimeSpan, at now: MonotonicInstant) {
        self.notifyBy = now.advanced(by: timerN)
    }

    /// A SUBSCRIBE was taken for this long, in seconds.
    ///
    /// - Parameter promisesNotify: Whether a NOTIFY follows; not after a 204 (RFC 5839 §7.1).
    public mutating func refreshed(expires: UInt32, promisesNotify: Bool = true, at now: MonotonicInstant) {
        self.last(expires, from: now)
        if !promisesNotify { self.notifyBy = .never }
    }

    /// A SUBSCRIBE was not taken for a reason that says nothing of the subscription: it lasts as long as was known.
    public mutating func refreshFailed() { self.notifyBy = .never }
}
