import SIPMessages

/// When a thread lets messages gather before it looks for more.
///
/// To be woken costs a thread several times what a message does, and so it does who gets its answers. While messages come
/// all the time the thread sleeps after each batch until about `goal` of them are there, two milliseconds at most: that is
/// a small part of what a sender waits before it sends again (T1 of 500 ms, RFC 3261 §17.1.1.1). The more comes, the
/// shorter a message waits for others; where little comes, nothing waits.
struct Gathering {
    /// So many messages make a batch.
    static let goal: Int64 = 24
    /// How long after the beginning of a batch the next one may begin, at most.
    static let longestSpan: TimeSpan = .milliseconds(2)
    /// Messages gather while so many of them come in the longest span.
    static let fewest: Int64 = 4
    /// A pause that is longer ends it.
    static let pause: TimeSpan = .milliseconds(8)

    private var lastBatch = MonotonicInstant.start
    /// How far messages were apart lately, in nanoseconds.
    private var distance = Self.pause.nanoseconds

    /// Notes a batch.
    ///
    /// - Parameters:
    ///   - now: When it came.
    ///   - count: How many messages it had.
    /// - Returns: the moment before which the thread does not look for more; `nil` when it does so at once.
    mutating func end(ofBatchAt now: MonotonicInstant, count: Int) -> MonotonicInstant? {
        let elapsed = now.since(self.lastBatch)
        self.lastBatch = now
        guard elapsed < Self.pause else {
            self.distance = Self.pause.nanoseconds
            return nil
        }
        let latest = elapsed.nanoseconds / Int64(Swift.max(1, count))
        self.distance += (latest - self.distance) / 8
        guard self.distance * Self.fewest <= Self.longestSpan.nanoseconds else { return nil }
        let span = Swift.min(self.distance * Self.goal, Self.longestSpan.nanoseconds)
        return now.advanced(by: TimeSpan(nanoseconds: span))
    }
}
