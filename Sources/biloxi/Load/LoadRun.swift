import BiloxiKit
import Foundation
import LoadCore
import SIPMessages
import SignallingTransport
import Synchronization

/// One run: drives the host until all is over, shows how it goes, and adds up what was counted.
final class LoadRun {
    private let plan: LoadPlan
    private let settings: LoadHost.Settings
    private let title: String
    private let output: Output
    /// When a responder ends; `nil` for never.
    var limit: Duration?
    /// Whether seconds are told in JSON, and progress shown.
    var isQuiet = false

    init(_ plan: LoadPlan, _ settings: LoadHost.Settings, title: String, output: Output) {
        (self.plan, self.settings, self.title, self.output) = (plan, settings, title, output)
    }

    /// How often it is looked at.
    private static let look = Duration.milliseconds(50)

    /// Runs it. Ctrl-C ends it in an orderly way, a second one at once.
    ///
    /// - Throws: `CommandError`.
    func run() async throws(CommandError) -> LoadResult {
        let host: LoadHost
        do {
            host = try LoadHost(self.plan, self.settings)
            try host.start()
        } catch {
            throw CommandError(.unreachable, "\(error)".replacing("--listen", with: "--local"))
        }
        let interruptions = Mutex(0)
        let signals = SignalSources { _ in
            let count = interruptions.withLock { count in
                count += 1
                return count
            }
            if count == 1 { host.interrupt() }
        }
        defer { signals.cancel() }
        var result = LoadResult(self.plan, title: self.title, settings: self.settings)
        let progress = LoadProgress(self.output, isQuiet: self.isQuiet, ramp: self.plan.schedule.ramp)
        if self.plan.scenario == nil {
            let address = "\(self.settings.transport):\(host.addresses.first.map { "\($0)" } ?? "")"
            self.output.emit("ready", ["address": .string(address)], text: "ready, answering at \(address)")
        } else if !self.isQuiet {
            self.output.emit("begin", ["what": .string(self.title)], text: self.title)
        }
        let end = self.limit.map { ContinuousClock.now + $0 }
        while !host.isDone, interruptions.withLock({ $0 }) < 2 {
            try? await Task.sleep(for: Self.look)
            if let end, ContinuousClock.now >= end { break }
            result.noteTime(SystemClock.now().since(host.began))
            for second in result.add(host.takeSeconds()) { progress.show(second, underWay: host.underWay) }
        }
        host.stop()
        result.noteTime(SystemClock.now().since(host.began))
        _ = result.add(host.takeSeconds())
        progress.end()
        result.finish(isInterrupted: interruptions.withLock { $0 } > 0)
        return result
    }
}

/// Tells each second of a run: as a line that overwrites itself where a person looks, as an object in JSON.
struct LoadProgress {
    private let output: Output
    private let isShown: Bool
    private let isQuiet: Bool
    private let ramp: TimeSpan

    init(_ output: Output, isQuiet: Bool, ramp: TimeSpan) {
        (self.output, self.isQuiet, self.ramp) = (output, isQuiet, ramp)
        self.isShown = isatty(STDERR_FILENO) == 1
    }

    func show(_ second: LoadInterval, underWay: Int) {
        if self.output.isJSON, !self.isQuiet {
            self.output.emit("second", LoadResult.members(second), text: "")
        }
        guard self.isShown else { return }
        let isRamp = Int64(second.second) * 1_000_000_000 < self.ramp.nanoseconds
        var line = "\(second.second + 1) s" + (isRamp ? " (ramp)" : "")
        if second.started > 0 || second.ended > 0 {
            line += "  \(second.started)/s begun, \(second.succeeded)/s done, \(second.failed) failed"
            line += ", \(underWay) under way"
        } else {
            line += "  \(second.answered)/s answered, \(underWay) calls"
        }
        if second.answer.count > 0 {
            line += "  p50 \(Milliseconds.text(second.answer.value(at: 50)))"
            line += "  p99 \(Milliseconds.text(second.answer.value(at: 99))) ms"
        }
        if second.retransmissions > 0 { line += "  \(second.retransmissions) sent again" }
        Self.write("\r\u{1B}[K" + line)
    }

    /// Takes the line away.
    func end() { if self.isShown { Self.write("\r\u{1B}[K") } }

    private static func write(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}

/// Microseconds as people read them.
enum Milliseconds {
    static func text(_ microseconds: Int64) -> String {
        let value = Double(microseconds) / 1000
        return String(format: value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value)
    }
}
