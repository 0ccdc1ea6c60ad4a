import Foundation
import LoadCore
import SIPMessages
import SignallingTransport

/// What a run has counted, second by second and altogether.
struct LoadResult {
    let title: String
    let scenario: LoadPlan.Scenario?
    let schedule: ArrivalSchedule
    /// What is said of where it came from: sockets, threads, users.
    let setting: String
    /// All seconds that are over, those of the ramp included.
    private(set) var seconds: [LoadInterval] = []
    /// What was counted after the ramp.
    private(set) var total = LoadInterval(second: -1)
    /// What was answered while things still began.
    private(set) var answeredInTime: UInt64 = 0
    /// The steps of a search, where it was one.
    var steps: [LoadStep] = []
    private(set) var isInterrupted = false
    /// How long it was counted after the ramp, without the time in which the last ones came to their end.
    private(set) var span: TimeSpan = .zero

    let threadCount: Int
    private var pending: [Int: (interval: LoadInterval, threads: Int)] = [:]
    private var elapsed: TimeSpan = .zero
    private var processorAtBegin: Double?
    private var processorAtEnd: Double?
    private var measured: (begin: TimeSpan, end: TimeSpan) = (.zero, .zero)

    init(_ plan: LoadPlan, title: String, settings: LoadHost.Settings) {
        self.title = title
        self.scenario = plan.scenario
        self.schedule = plan.schedule
        self.threadCount = settings.transport == .udp ? settings.threads : 1
        let rate = plan.schedule.rate.map { "\(Self.number($0))/s" } ?? "\(plan.concurrency) at once"
        self.setting =
            "\(rate), \(plan.users) \(plan.users == 1 ? "user" : "users"), \(self.threadCount) "
            + (self.threadCount == 1 ? "thread" : "threads")
    }

    /// Adds the seconds of the threads; returns those that all of them have told.
    mutating func add(_ intervals: [LoadInterval]) -> [LoadInterval] {
        for interval in intervals {
            if var known = self.pending[interval.second] {
                known.interval.add(interval)
                known.threads += 1
                self.pending[interval.second] = known
            } else {
                self.pending[interval.second] = (interval, 1)
            }
        }
        var complete: [LoadInterval] = []
        while let next = self.pending[self.seconds.count], next.threads >= self.threadCount {
            self.pending[self.seconds.count] = nil
            self.append(next.interval)
            complete.append(next.interval)
        }
        return complete
    }

    private mutating func append(_ interval: LoadInterval) {
        self.seconds.append(interval)
        guard interval.second >= self.schedule.firstCountedSecond else { return }
        self.total.add(interval)
        if Int64(interval.second) * 1_000_000_000 < self.schedule.length.nanoseconds {
            self.answeredInTime += interval.answer.count
        }
    }

    /// Notes how long the run has lasted, to take the processor's time at the right moments.
    mutating func noteTime(_ elapsed: TimeSpan) {
        self.elapsed = elapsed
        let processor = Self.processorSeconds
        if self.processorAtBegin == nil {
            guard elapsed >= self.ramp else { return }
            (self.processorAtBegin, self.measured.begin) = (processor, elapsed)
        }
        guard self.processorAtEnd == nil else { return }
        self.measured.end = elapsed
        if self.scenario != nil, elapsed >= self.schedule.length { self.processorAtEnd = processor }
    }

    /// Takes what is left.
    mutating func finish(isInterrupted: Bool) {
        for second in self.pending.keys.sorted() {
            if let rest = self.pending[second] { self.append(rest.interval) }
        }
        self.pending = [:]
        self.isInterrupted = isInterrupted
        self.processorAtEnd = self.processorAtEnd ?? Self.processorSeconds
        let end = self.scenario == nil ? self.elapsed : Swift.min(self.elapsed, self.schedule.length)
        self.span = Swift.max(.milliseconds(1), end - self.ramp)
    }

    /// How long it was until it was counted.
    private var ramp: TimeSpan { .seconds(Int64(self.schedule.firstCountedSecond)) }

    /// What threads of this process have computed, in seconds.
    private static var processorSeconds: Double { Double(SystemClock.processorTime().nanoseconds) / 1e9 }

    // MARK: What it says

    /// Successes in a second.
    var achieved: Double {
        Double(self.total.succeeded) / (Double(self.span.nanoseconds) / 1e9)
    }

    /// The share of one core that the generator was busy.
    var processorShare: Double {
        let time = Double((self.measured.end - self.measured.begin).nanoseconds) / 1e9
        guard time > 0.1, let begin = self.processorAtBegin, let end = self.processorAtEnd else { return 0 }
        return (end - begin) / time
    }

    /// The generator's processor time for each call, registration or message, in microseconds.
    var processorMicroseconds: Double {
        let perSecond =
            self.scenario == nil
            ? Double(self.total.answered) / (Double(self.span.nanoseconds) / 1e9) : self.achieved
        return perSecond > 0 ? self.processorShare * 1e6 / perSecond : 0
    }

    /// The error that the command ends with; `nil` where no more has failed than may.
    func error(maximum share: Double, _ target: LoadTarget) -> CommandError? {
        if self.isInterrupted { return CommandError(.interrupted) }
        let total = self.total
        guard total.ended > 0 else {
            return CommandError(.failed, "nothing came to its end: run it for longer than an answer takes")
        }
        guard total.failed > 0, Double(total.failed) > share * Double(total.ended) else { return nil }
        let refusals = total.statuses.filter { $0.key >= 300 }
        let refusal = refusals.max { ($0.value, $1.key) < ($1.value, $0.key) }
        let count = "\(total.failed) of \(total.ended) failed"
        if total.unreachable >= Swift.max(total.timedOut, refusal?.value ?? 0) {
            return CommandError(
                .unreachable,
                "\(count): nothing is at \(target.transport):\(target.address); look at the address, and whether something listens there"
            )
        }
        if total.timedOut >= refusal?.value ?? 0 {
            return CommandError(
                .timeout, "\(count): most had no answer in time; the rate may be too high for the server")
        }
        let status = refusal?.key ?? 500
        let phrase = "\(count), most with \(status) \(StatusCode(status).reasonPhrase)"
        switch status {
        case 401, 407: return CommandError(.authentication, phrase + Self.passwordAdvice)
        case 486, 600, 603: return CommandError(.busy, phrase)
        case 500..<600: return CommandError(.serverError, phrase)
        default: return CommandError(.rejected, phrase)
        }
    }

    private static let passwordAdvice =
        "; name the users with --account and the password with --password-file, in both of which %d is the user's number"

    static func number(_ value: Double) -> String {
        value == value.rounded() ? String(format: "%.0f", value) : String(format: "%.1f", value)
    }
}
