import Foundation
import LoadCore
import SIPMessages
import SignallingTransport

/// A step of a search for the highest rate.
struct LoadStep {
    let rate: Double
    let total: LoadInterval
    let achieved: Double
    let verdict: KneeSearch.Verdict

    /// Why it failed; `nil` where it passed.
    var reason: String? {
        func percent(_ share: Double) -> String { String(format: "%.2f %%", share * 100) }
        return switch self.verdict {
        case .passed: nil
        case .failures(let share): "\(percent(share)) failed"
        case .achieved(let share): "\(percent(share)) of it was done"
        case .retransmissions(let share): "\(percent(share)) was sent again"
        case .latency(let microseconds): "p99 was \(Milliseconds.text(microseconds)) ms"
        }
    }

    var members: [String: JSONValue] {
        var members: [String: JSONValue] = [
            "rate": .decimal(self.rate), "passed": .boolean(self.reason == nil),
            "perSecond": .decimal(self.achieved), "failed": .number(Int(clamping: self.total.failed)),
            "p50": .number(Int(self.total.answer.value(at: 50))), "p99": .number(Int(self.total.answer.value(at: 99))),
        ]
        if let reason { members["reason"] = .string(reason) }
        return members
    }
}

/// Looks for the highest rate that a server bears, by a run for each rate that is tried.
struct LoadSearch {
    let plan: LoadPlan
    let settings: LoadHost.Settings
    let amount: LoadAmountOptions
    let output: Output
    let title: String

    /// The rate to begin with, where none is given.
    private static let firstRate = 100.0

    /// - Returns: The run at the highest rate that passed, or at the last one that did not, with all steps.
    /// - Throws: `CommandError`.
    func run() async throws(CommandError) -> LoadResult {
        var criteria = KneeSearch.Criteria()
        criteria.latency = self.amount.maxLatency.map { $0.span.nanoseconds / 1000 }
        var search = KneeSearch(from: self.amount.rate?.perSecond ?? Self.firstRate, criteria: criteria)
        self.output.emit("begin", ["what": .string(self.title)], text: "\(self.title): looking for the highest rate")
        var steps: [LoadStep] = []
        var best: LoadResult?
        var last: LoadResult?
        while let rate = search.next {
            var plan = self.plan
            // A second of each rate is for getting there.
            plan.schedule = ArrivalSchedule(rate: rate, ramp: .seconds(1), duration: self.amount.step.span)
            let run = LoadRun(plan, self.settings, title: self.title, output: self.output)
            run.isQuiet = true
            let result = try await run.run()
            last = result
            if result.isInterrupted { break }
            let offered = rate * Double(self.amount.step.span.nanoseconds) / 1e9
            let verdict = search.note(result.total, offered: offered, done: result.answeredInTime)
            let step = LoadStep(rate: rate, total: result.total, achieved: result.achieved, verdict: verdict)
            steps.append(step)
            if verdict == .passed { best = result }
            let outcome = step.reason.map { "too much: \($0)" } ?? "well"
            self.output.emit(
                "step", step.members,
                text:
                    "\(LoadResult.number(rate.rounded()))/s: \(outcome), p50 \(Milliseconds.text(result.total.answer.value(at: 50)))"
                    + " p99 \(Milliseconds.text(result.total.answer.value(at: 99))) ms, generator "
                    + String(format: "%.0f %%", result.processorShare * 100))
        }
        guard var result = best ?? last else { throw CommandError(.failed, "no rate was tried") }
        result.steps = steps
        let found = search.best.map { "\(LoadResult.number($0.rounded()))/s" }
        self.output.emit(
            "result", result.members.merging(["best": search.best.map { .decimal($0) } ?? .null]) { $1 },
            text: (found.map { "the highest rate that the server bore: \($0)" } ?? "no rate was borne") + "\n"
                + result.text)
        return result
    }
}
