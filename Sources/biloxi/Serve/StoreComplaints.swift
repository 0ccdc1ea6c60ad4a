import Logging
import Persistence
import Synchronization

/// Says in the log that the database cannot be written: at once, then every ten seconds as long as that lasts, and when
/// it is over. A full disk would otherwise be filled further by a line for every REGISTER.
final class StoreComplaints: Sendable {
    fileprivate struct State {
        /// When the last line was written; `nil` while all is well.
        var lastLine: ContinuousClock.Instant?
        /// REGISTERs refused since the trouble began.
        var refused = 0
    }

    /// How long the log is quiet between two lines of one trouble.
    fileprivate static let interval: Duration = .seconds(10)
    private let logger: Logger
    private let state = Mutex(State())

    /// Complaints that go to this logger.
    init(logger: Logger) { self.logger = logger }

    /// Notes what became of a group with so many requests.
    func note(_ outcome: BindingStore.Outcome, requests: Int, at now: ContinuousClock.Instant = .now) {
        switch outcome {
        case .committed:
            guard let refused = self.state.withLock({ $0.end() }) else { return }
            self.logger.notice("the database is written again", metadata: ["refused": "\(refused)"])
        case .failed(let reason):
            guard let refused = self.state.withLock({ $0.refuse(requests, at: now) }) else { return }
            self.logger.error(
                "the database could not be written", metadata: ["reason": "\(reason)", "refused": "\(refused)"])
        }
    }
}

extension StoreComplaints.State {
    /// Counts refusals.
    ///
    /// - Returns: how many there have been, when it is time to say so.
    fileprivate mutating func refuse(_ count: Int, at now: ContinuousClock.Instant) -> Int? {
        self.refused += count
        if let lastLine = self.lastLine, lastLine.duration(to: now) < StoreComplaints.interval { return nil }
        self.lastLine = now
        return self.refused
    }

    /// Ends the trouble.
    ///
    /// - Returns: how many REGISTERs were refused, when there was any.
    fileprivate mutating func end() -> Int? {
        guard self.lastLine != nil else { return nil }
        defer { self = StoreComplaints.State() }
        return self.refused
    }
}
