import CLinuxIO
public import SIPMessages

/// The clocks of the system, as the core wants them.
public enum SystemClock {
    /// The monotonic clock.
    public static func now() -> MonotonicInstant { MonotonicInstant(nanoseconds: cio_monotonic_nanoseconds()) }

    /// Milliseconds since 1970, UTC.
    public static func wall() -> Int64 { cio_wall_milliseconds() }

    /// What all threads of this process have computed.
    public static func processorTime() -> TimeSpan { TimeSpan(nanoseconds: cio_processor_nanoseconds()) }
}
