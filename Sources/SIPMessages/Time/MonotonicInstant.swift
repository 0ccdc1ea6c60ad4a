/// A moment on a clock that never jumps: nanoseconds since a start that the driver, or the simulator, chose.
public struct MonotonicInstant: BitwiseCopyable, Hashable, Comparable, Sendable {
    /// Nanoseconds since the start.
    public var nanoseconds: Int64

    /// The moment this long after the start.
    @inlinable
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The start of the clock.
    @inlinable public static var start: MonotonicInstant { MonotonicInstant(nanoseconds: 0) }
    /// A moment that is never reached.
    @inlinable public static var never: MonotonicInstant { MonotonicInstant(nanoseconds: .max) }

    /// Whether the left moment is the earlier one.
    @inlinable
    public static func < (left: MonotonicInstant, right: MonotonicInstant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The moment `duration` later; `never` stays `never`.
    @inlinable
    public func advanced(by duration: TimeSpan) -> MonotonicInstant {
        let (sum, overflow) = self.nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return overflow ? .never : MonotonicInstant(nanoseconds: sum)
    }

    /// The time from `earlier` until this moment.
    @inlinable
    public func since(_ earlier: MonotonicInstant) -> TimeSpan {
        TimeSpan(nanoseconds: self.nanoseconds &- earlier.nanoseconds)
    }

    /// Milliseconds since the start, rounded up, so that a timer never fires early.
    @inlinable public var millisecondsRoundedUp: Int64 {
        self.nanoseconds > .max - 999_999 ? .max : (self.nanoseconds &+ 999_999) / 1_000_000
    }
}

/// A length of time in nanoseconds: what `Duration` is, in one word, for where timers are counted by the million.
public struct TimeSpan: BitwiseCopyable, Hashable, Comparable, Sendable {
    /// The length in nanoseconds.
    public var nanoseconds: Int64

    /// A time of this length.
    @inlinable
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// No time at all.
    @inlinable public static var zero: TimeSpan { TimeSpan(nanoseconds: 0) }
    /// This many seconds.
    @inlinable
    public static func seconds(_ seconds: Int64) -> TimeSpan { TimeSpan(nanoseconds: seconds * 1_000_000_000) }
    /// This many milliseconds.
    @inlinable
    public static func milliseconds(_ milliseconds: Int64) -> TimeSpan {
        TimeSpan(nanoseconds: milliseconds * 1_000_000)
    }
    /// This many microseconds.
    @inlinable
    public static func microseconds(_ microseconds: Int64) -> TimeSpan { TimeSpan(nanoseconds: microseconds * 1000) }
    /// Whether the left time is the shorter one.
    @inlinable
    public static func < (left: TimeSpan, right: TimeSpan) -> Bool { left.nanoseconds < right.nanoseconds }
    /// The time `factor` times as long.
    @inlinable
    public static func * (span: TimeSpan, factor: Int64) -> TimeSpan {
        TimeSpan(nanoseconds: span.nanoseconds &* factor)
    }
    /// Both times together.
    @inlinable
    public static func + (left: TimeSpan, right: TimeSpan) -> TimeSpan {
        TimeSpan(nanoseconds: left.nanoseconds &+ right.nanoseconds)
    }

    /// The left time without the right one.
    @inlinable
    public static func - (left: TimeSpan, right: TimeSpan) -> TimeSpan {
        TimeSpan(nanoseconds: left.nanoseconds &- right.nanoseconds)
    }

    /// The same as a `Duration`.
    @inlinable public var duration: Duration { .nanoseconds(self.nanoseconds) }
}
