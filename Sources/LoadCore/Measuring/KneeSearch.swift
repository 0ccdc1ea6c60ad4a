/// Looks for the highest rate that a server bears: climbs until a step fails, then halves the distance until it is small.
///
///     var search = KneeSearch(from: 100)
///     while let rate = search.next { search.note(run(rate), offered: rate * seconds, done: answered) }
public struct KneeSearch: Sendable {
    /// What a step must keep to.
    public struct Criteria: Hashable, Sendable {
        /// The share that may fail.
        public var failures = 0.001
        /// The share of what was offered that must have been answered in time.
        public var achieved = 0.985
        /// The share of what began that may have been sent again.
        public var retransmissions = 0.01
        /// What 99 % must not exceed, in microseconds; `nil` for no limit.
        public var latency: Int64?

        /// What is usual.
        public init() {}
    }

    /// Why a step failed.
    public enum Verdict: Hashable, Sendable {
        case passed
        /// More failed than may: the share.
        case failures(Double)
        /// Less was done than was offered: the share.
        case achieved(Double)
        /// More was sent again than may: the share.
        case retransmissions(Double)
        /// It took longer than it may: the 99th percentile, in microseconds.
        case latency(Int64)
    }

    private let criteria: Criteria
    private let growth: Double
    private let precision: Double
    private let limit: Double
    /// The highest rate that has passed, per second.
    public private(set) var best: Double?
    /// The lowest rate that has failed, per second.
    public private(set) var worst: Double?
    /// The rate to try next; `nil` when the search is over.
    public private(set) var next: Double?

    /// A search.
    ///
    /// - Parameters:
    ///   - start: The first rate, per second.
    ///   - growth: By what a rate that passes is multiplied.
    ///   - precision: When the search is over: the distance of best and worst, as a share of the best.
    ///   - limit: The highest rate to try.
    public init(
        from start: Double, criteria: Criteria = Criteria(), growth: Double = 1.6, precision: Double = 0.05,
        limit: Double = 1_000_000
    ) {
        self.criteria = criteria
        (self.growth, self.precision, self.limit) = (growth, precision, limit)
        self.next = Swift.min(Swift.max(start, 1), limit)
    }

    /// Judges the step at the rate `next` and decides about the one after it.
    ///
    /// - Parameters:
    ///   - result: What was counted in the step.
    ///   - offered: What should have been answered in it.
    ///   - done: What was answered while it lasted.
    @discardableResult
    public mutating func note(_ result: LoadInterval, offered: Double, done: UInt64) -> Verdict {
        guard let rate = self.next else { return .passed }
        let verdict = self.judge(result, offered: offered, done: done)
        if verdict == .passed { self.best = rate } else { self.worst = rate }
        switch (self.best, self.worst) {
        case (.some(let best), .none):
            self.next = best >= self.limit ? nil : Swift.min(best * self.growth, self.limit)
        case (.none, .some(let worst)):
            self.next = worst <= 1 ? nil : Swift.max(worst / 4, 1)
        case (.some(let best), .some(let worst)):
            self.next = worst - best <= best * self.precision ? nil : (best + worst) / 2
        case (.none, .none): self.next = nil
        }
        return verdict
    }

    private func judge(_ result: LoadInterval, offered: Double, done: UInt64) -> Verdict {
        let ended = Double(Swift.max(result.ended, 1))
        let failures = Double(result.failed) / ended
        if failures >= self.criteria.failures { return .failures(failures) }
        let achieved = offered > 0 ? Double(done) / offered : 1
        if achieved < self.criteria.achieved { return .achieved(achieved) }
        let retransmissions = Double(result.retransmissions) / ended
        if retransmissions >= self.criteria.retransmissions { return .retransmissions(retransmissions) }
        let latency = result.answer.value(at: 99)
        if let limit = self.criteria.latency, latency > limit { return .latency(latency) }
        return .passed
    }
}
