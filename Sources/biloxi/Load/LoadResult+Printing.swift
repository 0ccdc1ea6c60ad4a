import Foundation
import LoadCore
import SIPMessages

/// A result for people and for programs.
extension LoadResult {
    /// What is printed in JSON of a second.
    static func members(_ interval: LoadInterval) -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        let numbers: [(String, UInt64)] = [
            ("started", interval.started), ("succeeded", interval.succeeded), ("rejected", interval.rejected),
            ("timedOut", interval.timedOut), ("unreachable", interval.unreachable), ("abandoned", interval.abandoned),
            ("heldBack", interval.heldBack), ("endedByPeer", interval.endedByPeer), ("forks", interval.forks),
            ("challenges", interval.challenges), ("retransmissions", interval.retransmissions),
            ("repeated", interval.repeated), ("answered", interval.answered),
            ("unacknowledged", interval.unacknowledged), ("sent", interval.messagesSent),
            ("received", interval.messagesReceived),
        ]
        for (name, number) in numbers { members[name] = .number(Int(clamping: number)) }
        members["failed"] = .number(Int(clamping: interval.failed))
        members["peak"] = .number(interval.peak)
        if interval.second >= 0 {
            members["second"] = .number(interval.second)
            members["underWay"] = .number(interval.underWay)
        }
        let statuses = interval.statuses.map { ("\($0.key)", JSONValue.number(Int(clamping: $0.value))) }
        members["statuses"] = .object(Dictionary(uniqueKeysWithValues: statuses))
        for (name, histogram) in Self.histograms(interval) where histogram.count > 0 {
            members[name] = Self.members(histogram)
        }
        return members
    }

    private static func histograms(_ interval: LoadInterval) -> [(String, LatencyHistogram)] {
        [("answer", interval.answer), ("ringing", interval.ringing), ("ending", interval.ending)]
    }

    /// Latencies in microseconds.
    private static func members(_ histogram: LatencyHistogram) -> JSONValue {
        func value(_ percentile: Double) -> JSONValue { .number(Int(histogram.value(at: percentile))) }
        return .object([
            "count": .number(Int(clamping: histogram.count)), "min": .number(Int(histogram.minimum)),
            "mean": .decimal((histogram.mean * 10).rounded() / 10), "p50": value(50), "p90": value(90),
            "p95": value(95), "p99": value(99), "p999": value(99.9), "max": .number(Int(histogram.maximum)),
        ])
    }

    /// What is printed in JSON of the whole.
    var members: [String: JSONValue] {
        var members = Self.members(self.total)
        members["what"] = .string(self.title)
        members["seconds"] = .decimal(Double(self.span.nanoseconds) / 1e9)
        members["perSecond"] = .decimal((self.achieved * 10).rounded() / 10)
        if let rate = self.schedule.rate { members["rate"] = .decimal(rate) }
        members["interrupted"] = .boolean(self.isInterrupted)
        members["processor"] = .decimal((self.processorShare * 1000).rounded() / 1000)
        members["processorMicroseconds"] = .decimal((self.processorMicroseconds * 100).rounded() / 100)
        return members
    }

    /// The whole for people.
    var text: String {
        let total = self.total
        var lines: [String] = []
        if self.scenario == nil {
            lines.append("\(total.answered) answered, \(total.unacknowledged) calls never acknowledged")
        } else {
            lines.append(
                "\(total.started) begun, \(total.succeeded) succeeded (\(Self.number((self.achieved * 10).rounded() / 10))/s), "
                    + "\(total.failed) failed")
        }
        if !total.statuses.isEmpty {
            let statuses = total.statuses.sorted { $0.key < $1.key }.map {
                "\($0.key) \(StatusCode($0.key).reasonPhrase): \($0.value)"
            }
            lines.append("  answers    " + statuses.joined(separator: ", "))
        }
        let others: [(UInt64, String)] = [
            (total.timedOut, "had no answer in time"), (total.unreachable, "could not be sent"),
            (total.abandoned, "given up at the interruption"), (total.endedByPeer, "hung up by the other side"),
            (total.forks, "answers too many, hung up"), (total.challenges, "challenges"),
            (total.heldBack, "begun more than 20 ms late"),
        ]
        let told = others.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        if !told.isEmpty { lines.append("  besides    " + told.joined(separator: ", ")) }
        lines += Self.table(total)
        lines.append(
            "  messages   \(total.messagesSent) sent, \(total.messagesReceived) received, \(total.retransmissions) sent again, "
                + "\(total.repeated) came again or belonged to nothing")
        lines.append(
            "  generator  \(String(format: "%.1f", self.processorShare * 100)) % of a core, "
                + "\(String(format: "%.1f", self.processorMicroseconds)) µs each, at most \(total.peak) under way")
        if self.processorShare > 0.85 * Double(Swift.max(1, self.threadCount)) {
            lines.append("  The generator was busy all the time: what it says may be its own limit. Try --threads.")
        }
        return lines.joined(separator: "\n")
    }

    private static func table(_ interval: LoadInterval) -> [String] {
        let names = ["ringing": "to ringing", "answer": "to answer", "ending": "BYE"]
        let rows = Self.histograms(interval).filter { $0.1.count > 0 }
        guard !rows.isEmpty else { return [] }
        func line(_ cells: [String]) -> String {
            cells.map { String(repeating: " ", count: Swift.max(0, 9 - $0.count)) + $0 }.joined()
        }
        var lines = ["  latency, ms" + line(["min", "p50", "p90", "p95", "p99", "p99.9", "max"])]
        for (name, histogram) in rows {
            let title = "    " + (names[name] ?? name)
            let values = [50, 90, 95, 99, 99.9].map { histogram.value(at: $0) }
            lines.append(
                title + String(repeating: " ", count: Swift.max(0, 13 - title.count))
                    + line(([histogram.minimum] + values + [histogram.maximum]).map(Milliseconds.text)))
        }
        return lines
    }
}
