public import SIPMessages

/// The notifier's end of a subscription in a dialog (RFC 6665 §4.2).
///
///     pending ──accepted──▶ active ──last report, refusal, unsubscription, expiry──▶ terminated ──answered──▶ gone
///        └───────────────────────────────────────────────────────────────────────────▶─┘
///
/// One NOTIFY is underway at a time: what is reported meanwhile waits, so that the subscriber learns it in its order.
public struct NotifierUsage: Hashable, Sendable {
    /// What a NOTIFY says.
    public struct Notification: Hashable, Sendable {
        /// Its Subscription-State.
        public let state: SubscriptionState
        /// Its body.
        public let body: [UInt8]
    }
    private enum State: Hashable {
        case pending, active
        case terminated(reason: String)
    }
    private struct Report: Hashable {
        var state: State
        var body: [UInt8]
    }

    /// What is subscribed to, with the `id` that tells it from other subscriptions in the dialog.
    public let event: EventType
    private var state: State
    private var expiresAt: MonotonicInstant
    private var reports: [Report]
    /// What was reported last.
    private var latest: [UInt8]
    /// Whether a NOTIFY has no final response.
    private var isNotifying = false
    /// Whether the subscriber is gone: nothing is sent any more.
    private var isLost = false

    /// How many reports may wait; of more, the oldest is left out.
    private static let maximumReports = 8

    /// A subscription that exists from now on; its first NOTIFY waits to be sent (§4.2.1.2).
    ///
    /// - Parameters:
    ///   - isActive: Whether it is allowed already.
    ///   - ending: Why the first NOTIFY is the last one: there is nothing more to come; `nil` as a rule.
    ///   - expires: How long it lasts, in seconds.
    ///   - body: What the first NOTIFY says.
    public init(
        _ event: EventType, isActive: Bool, ending: String? = nil, expires: UInt32, body: [UInt8],
        at now: MonotonicInstant
    ) {
        self.event = event
        self.state = ending.map { .terminated(reason: $0) } ?? (isActive ? .active : .pending)
        self.expiresAt = now.advanced(by: .seconds(Int64(expires)))
        self.reports = [Report(state: self.state, body: body)]
        self.latest = body
    }

    /// Whether nothing is left of it.
    public var isGone: Bool { self.isLost || (self.isTerminated && self.reports.isEmpty && !self.isNotifying) }

    /// Whether its last report was made.
    public var isTerminated: Bool {
        if case .terminated = self.state { true } else { false }
    }

    // MARK: What happens

    /// The subscription is allowed.
    public mutating func accept() {
        guard self.state == .pending else { return }
        self.state = .active
        self.add(self.latest)
    }

    /// The state that is subscribed to has changed.
    public mutating func report(_ body: [UInt8]) {
        guard !self.isTerminated else { return }
        self.latest = body
        self.add(body)
    }

    /// There is nothing more to report.
    ///
    /// - Parameters:
    ///   - body: What the last NOTIFY says; `nil` for what was reported last.
    ///   - reason: Why it ends: `noresource`, `rejected`, `timeout` … (§4.1.3).
    public mutating func finish(_ body: [UInt8]? = nil, reason: String) {
        guard !self.isTerminated else { return }
        self.state = .terminated(reason: reason)
        self.latest = body ?? self.latest
        self.add(self.latest)
    }

    /// A SUBSCRIBE came: it asks for more time, or with 0 for the end (§4.2.1.4).
    public mutating func subscribed(expires: UInt32, at now: MonotonicInstant) {
        guard expires > 0 else { return self.finish(reason: "timeout") }
        guard !self.isTerminated else { return }
        self.expiresAt = now.advanced(by: .seconds(Int64(expires)))
        self.add(self.latest)
    }

    /// The NOTIFY had a final response.
    public mutating func answered(_ status: StatusCode) {
        self.isNotifying = false
        if status.endsSubscription { self.isLost = true }
    }

    /// The NOTIFY had no response: the subscriber is gone (§4.2.2).
    public mutating func unanswered() { (self.isNotifying, self.isLost) = (false, true) }

    /// The NOTIFY that is to be sent now; `nil` when there is none, or one is underway.
    public mutating func next(at now: MonotonicInstant) -> Notification? {
        guard !self.isNotifying, !self.isLost, !self.reports.isEmpty else { return nil }
        let report = self.reports.removeFirst()
        self.isNotifying = true
        let remaining = UInt32(clamping: Swift.max(0, self.expiresAt.since(now).nanoseconds / 1_000_000_000))
        let state =
            switch report.state {
            case .pending: SubscriptionState("pending", expires: remaining)
            case .active: SubscriptionState("active", expires: remaining)
            case .terminated(let reason): SubscriptionState("terminated", reason: reason)
            }
        return Notification(state: state, body: report.body)
    }

    // MARK: Time

    /// When it must be woken.
    public var wakeAt: MonotonicInstant { self.isTerminated || self.isLost ? .never : self.expiresAt }

    /// Time has passed.
    public mutating func wake(at now: MonotonicInstant) {
        if self.wakeAt <= now { self.finish(reason: "timeout") }
    }

    private mutating func add(_ body: [UInt8]) {
        if self.reports.count >= Self.maximumReports { self.reports.removeFirst() }
        self.reports.append(Report(state: self.state, body: body))
    }
}

extension StatusCode {
    /// Whether this answer to a NOTIFY ends the subscription (RFC 5057 §5.1, "usage" and "dialog").
    fileprivate var endsSubscription: Bool {
        switch self.number {
        case 404, 405, 408, 410, 416, 480...485, 489, 501, 604: true
        default: false
        }
    }
}
