public import SIPMessages

/// The session timer of a dialog: who refreshes the session, and when it is over without (RFC 4028 §7.2, §9, §10).
public struct SessionTimer: BitwiseCopyable, Hashable, Sendable {
    /// What is to be done when it is woken.
    public enum Step: BitwiseCopyable, Hashable, Sendable {
        case nothing
        /// Send a re-INVITE or UPDATE.
        case refresh
        /// No refresh came in time: send BYE.
        case expire
    }
    /// How long a session lasts from one refresh to the next, in seconds.
    public let interval: UInt32
    /// Whether we send the refreshes.
    public let isRefresher: Bool
    private var refreshAt: MonotonicInstant
    private let expireAt: MonotonicInstant

    /// A session that was refreshed by a 2xx sent or received now.
    public init(interval: UInt32, isRefresher: Bool, at now: MonotonicInstant) {
        (self.interval, self.isRefresher) = (interval, isRefresher)
        let seconds = Int64(interval)
        // Half way is RECOMMENDED (§10).
        self.refreshAt = isRefresher ? now.advanced(by: .milliseconds(seconds * 500)) : .never
        // The side that waits gives up slightly before the expiration: by 32 s or a third of the interval (§10).
        let margin =
            isRefresher
            ? TimeSpan.zero : Swift.min(TimeSpan.seconds(32), TimeSpan.milliseconds(seconds * 1000 / 3))
        self.expireAt = now.advanced(by: .seconds(seconds) - margin)
    }

    /// When it must be woken.
    public var wakeAt: MonotonicInstant { Swift.min(self.refreshAt, self.expireAt) }

    /// Time has passed. A refresh is asked for once.
    public mutating func wake(at now: MonotonicInstant) -> Step {
        if now >= self.expireAt { return .expire }
        guard now >= self.refreshAt else { return .nothing }
        self.refreshAt = .never
        return .refresh
    }

    /// The refresh could not be made, but may be tried again.
    public mutating func retryRefresh(at moment: MonotonicInstant) {
        if self.isRefresher { self.refreshAt = moment }
    }
}

/// What a UA wants of session timers, and what it agrees on with its peers (RFC 4028).
public struct SessionTimerPolicy: Hashable, Sendable {
    /// How long a session should last without refresh, in seconds.
    public var interval: UInt32
    /// The shortest that is accepted, in seconds: at least 90 (§4, §5).
    public var minimum: UInt32

    /// A policy; what is below 90 s counts as 90 s.
    public init(interval: UInt32 = 1800, minimum: UInt32 = 90) {
        self.minimum = Swift.max(90, minimum)
        self.interval = Swift.max(self.minimum, interval)
    }

    /// What the answering side does about a session refresh request.
    public enum Answer: Hashable, Sendable {
        /// No session timer.
        case none
        /// 422 with this Min-SE.
        case tooSmall(minimum: UInt32)
        /// A session timer.
        ///
        /// - requires: Whether the 2xx says `Require: timer`: where the peer knows what that is.
        case timer(SessionExpires, isRefresher: Bool, requires: Bool)
    }

    /// Answers an INVITE or UPDATE (RFC 4028 §9 and its table 2).
    ///
    /// - Parameter current: Whether we refresh at present; who does so goes on, where the request leaves it open.
    public func answer(_ request: SIPMessage, isRefresher current: Bool? = nil) -> Answer {
        let peerKnowsTimer = request.all(.supported).contains("timer") || request.all(.require).contains("timer")
        let asked: SessionExpires? = request.first(.sessionExpires)
        let peerMinimum = request.first(.minSE)?.seconds ?? 90
        guard let asked else {
            guard peerKnowsTimer else { return .none }
            // The peer that can refresh does so; nobody asked us to.
            let seconds = Swift.max(self.interval, peerMinimum)
            return .timer(SessionExpires(seconds, refresher: .uac), isRefresher: false, requires: true)
        }
        if asked.seconds < self.minimum {
            // A UAC without the extension would not understand 422; a proxy asked for the timer (§8.1, §9).
            if peerKnowsTimer { return .tooSmall(minimum: self.minimum) }
        }
        var seconds = Swift.max(asked.seconds, 90)
        if self.interval < seconds { seconds = Swift.max(self.interval, peerMinimum) }
        seconds = Swift.min(seconds, Swift.max(asked.seconds, 90))
        let refresher: SessionExpires.Refresher
        if peerKnowsTimer {
            refresher = asked.refresher ?? (current == true ? .uas : .uac)
        } else {
            refresher = .uas
        }
        return .timer(
            SessionExpires(seconds, refresher: refresher), isRefresher: refresher == .uas, requires: peerKnowsTimer)
    }

    /// The timer that a 2xx to our INVITE or UPDATE sets (RFC 4028 §7.2); `nil` for none.
    public static func timer(by response: SIPMessage, at now: MonotonicInstant) -> SessionTimer? {
        guard let agreed: SessionExpires = response.first(.sessionExpires) else { return nil }
        return SessionTimer(
            interval: Swift.max(agreed.seconds, 90), isRefresher: agreed.refresher != .uas, at: now)
    }
}
