import SIPMessages

/// When a thread lets messages gather before it looks for more.
///
/// To be woken costs a thread several times what a message does. While messages come all the time, each alone, it sleeps a
/// little after each batch and finds some of them together; a message waits half a millisecond at most for that, which is
/// a thousandth of what its sender waits before it sends again (T1, RFC 3261 §17.1.1.1). Where little comes, nothing waits.
struct Gathering {
    /// How long after the beginning of a batch the next one may begin.
    static let span: TimeSpan = .microseconds(500)
    /// Batches that follow each other within this time come all the time ...
    static let pause: TimeSpan = .milliseconds(1)
    /// ... once there have been so many of them.
    static let patience = 16

    private var lastBatch = MonotonicInstant.start
    private var streak = 0

    /// Notes a batch.
    ///
    /// - Parameter now: When it came.
    /// - Returns: the moment before which the thread does not look for more; `nil` when it does so at once.
    mutating func end(ofBatchAt now: MonotonicInstant) -> MonotonicInstant? {
        self.streak = now.since(self.lastBatch) < Self.pause ? Swift.min(self.streak + 1, Self.patience) : 0
        self.lastBatch = now
        return self.streak < Self.patience ? nil : now.advanced(by: Self.span)
    }
}
