import SIPMessages
import SIPTransactions

/// The requests that were written to a connection lately: when it ends, nobody knows whether they arrived, and no answer
/// to them comes over it any more.
///
/// A request that has been answered since is told of too; its transaction has ended, and takes no notice.
struct WrittenRequests {
    /// The most that are remembered; of older ones the timers of their transactions tell.
    static let capacity = 4096
    /// How long one is remembered: 64*T1, after which its transaction has ended (RFC 3261 §17.1).
    static let lifetime: TimeSpan = .seconds(32)

    private var requests: [(request: Unreached, writtenAt: MonotonicInstant)] = []
    /// Those before this one are forgotten.
    private var first = 0

    /// Notes a message that is being written; only requests count.
    mutating func add(_ message: Unreached, at now: MonotonicInstant) {
        guard case .client = message.sender else { return }
        self.forget(at: now)
        self.requests.append((message, now))
        if self.requests.count - self.first > Self.capacity { self.first += 1 }
        guard self.first > self.requests.count / 2 else { return }
        self.requests.removeFirst(self.first)
        self.first = 0
    }

    /// Those that are remembered, in the order in which they were written.
    func recent(at now: MonotonicInstant) -> [Unreached] {
        self.requests[self.first...].filter { now.since($0.writtenAt) <= Self.lifetime }.map(\.request)
    }

    private mutating func forget(at now: MonotonicInstant) {
        while self.first < self.requests.count, now.since(self.requests[self.first].writtenAt) > Self.lifetime {
            self.first += 1
        }
    }
}
