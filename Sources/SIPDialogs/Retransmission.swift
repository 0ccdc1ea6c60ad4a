public import SIPMessages

/// Sends something again until it is acknowledged: the 2xx to INVITE until its ACK (RFC 3261 §13.3.1.4), a reliable
/// provisional response until its PRACK (RFC 3262 §3).
public struct Retransmission: BitwiseCopyable, Hashable, Sendable {
    /// What is to be done when it is woken.
    public enum Step: BitwiseCopyable, Hashable, Sendable {
        case nothing
        case sendAgain
        /// 64*T1 are over and no acknowledgement has come.
        case giveUp
    }
    private var interval: TimeSpan
    private let longest: TimeSpan
    private var sendAt: MonotonicInstant
    private let endAt: MonotonicInstant

    /// Something was sent for the first time.
    ///
    /// - Parameters:
    ///   - t1: The first interval, which doubles.
    ///   - longest: The interval beyond which it does not double: T2 for a 2xx; none for a provisional response.
    public init(t1: TimeSpan, longest: TimeSpan? = nil, at now: MonotonicInstant) {
        self.interval = t1
        self.longest = longest ?? TimeSpan(nanoseconds: .max)
        self.sendAt = now.advanced(by: t1)
        self.endAt = now.advanced(by: t1 * 64)
    }

    /// When it must be woken.
    public var wakeAt: MonotonicInstant { Swift.min(self.sendAt, self.endAt) }

    /// Time has passed.
    public mutating func wake(at now: MonotonicInstant) -> Step {
        if now >= self.endAt { return .giveUp }
        guard now >= self.sendAt else { return .nothing }
        self.interval = Swift.min(self.interval * 2, self.longest)
        self.sendAt = now.advanced(by: self.interval)
        return .sendAgain
    }
}
