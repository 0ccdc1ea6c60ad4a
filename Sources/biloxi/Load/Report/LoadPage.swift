import Foundation
import LoadCore
import SIPMessages

/// The page that tells of a run: its figures, how it went second by second, and how the latencies spread.
struct LoadPage {
    private let result: LoadResult

    init(_ result: LoadResult) { self.result = result }

    var html: String {
        var page = Page(title: self.result.title)
        page.add("<h1>\(Page.escaped(self.result.title))</h1>")
        let interrupted = self.result.isInterrupted ? ", interrupted" : ""
        page.add(
            "<p class=\"sub\">\(Page.escaped(self.result.setting)); \(Self.seconds(self.result.span)) counted"
                + "\(interrupted); biloxi \(Biloxi.version)</p>")
        page.add(self.figures)
        self.addSteps(to: &page)
        self.addSeconds(to: &page)
        self.addLatencies(to: &page)
        self.addTables(to: &page)
        return page.html
    }

    private static func seconds(_ span: TimeSpan) -> String {
        Plot.number(Double(span.nanoseconds) / 1e9) + " s"
    }

    // MARK: Figures

    private var figures: String {
        let total = self.result.total
        func figure(_ value: String, _ name: String, isBad: Bool = false) -> String {
            "<div\(isBad ? " class=\"bad\"" : "")><b>\(Page.escaped(value))</b><span>\(Page.escaped(name))</span></div>"
        }
        var figures: [String] = []
        if self.result.scenario == nil {
            figures.append(figure("\(total.answered)", "answered"))
        } else {
            figures += [
                figure("\(LoadResult.number((self.result.achieved * 10).rounded() / 10))/s", "succeeded"),
                figure("\(total.succeeded)", "in all"), figure("\(total.failed)", "failed", isBad: total.failed > 0),
            ]
        }
        if total.answer.count > 0 {
            for percentile in [50.0, 99, 99.9] {
                figures.append(
                    figure(
                        "\(Milliseconds.text(total.answer.value(at: percentile))) ms",
                        "p\(LoadResult.number(percentile)) to the answer"))
            }
        }
        figures += [
            figure("\(total.retransmissions)", "sent again", isBad: total.retransmissions > 0),
            figure(String(format: "%.0f %%", self.result.processorShare * 100), "of a core for the generator"),
        ]
        return "<div class=\"figures\">" + figures.joined() + "</div>"
    }

    // MARK: Plots

    private func addSteps(to page: inout Page) {
        let steps = self.result.steps.sorted { $0.rate < $1.rate }
        guard !steps.isEmpty else { return }
        func line(_ percentile: Double) -> [(x: Double, y: Double)] {
            steps.map { ($0.rate, Double($0.total.answer.value(at: percentile)) / 1000) }
        }
        page.add(
            Plot(
                title: "Latency by rate", xLabel: "offered, per second", yLabel: "ms",
                series: [.init(name: "p50", points: line(50)), .init(name: "p99", points: line(99))],
                yScale: .logarithmic))
        page.addTable(
            "Rates that were tried", ["offered", "done", "failed", "p50 ms", "p99 ms", "verdict"],
            steps.map { step in
                [
                    "\(LoadResult.number(step.rate.rounded()))/s", "\(LoadResult.number(step.achieved.rounded()))/s",
                    "\(step.total.failed)", Milliseconds.text(step.total.answer.value(at: 50)),
                    Milliseconds.text(step.total.answer.value(at: 99)), step.reason.map { "too much: \($0)" } ?? "well",
                ]
            })
    }

    private func addSeconds(to page: inout Page) {
        let seconds = self.result.seconds
        guard seconds.count > 1 else { return }
        func line(_ name: String, _ value: (LoadInterval) -> UInt64) -> Plot.Series {
            Plot.Series(name: name, points: seconds.map { (Double($0.second), Double(value($0))) })
        }
        let isResponder = self.result.scenario == nil
        page.add(
            Plot(
                title: "Each second", xLabel: "second", yLabel: "per second",
                series: isResponder
                    ? [line("answered") { $0.answered }]
                    : [line("begun") { $0.started }, line("succeeded") { $0.succeeded }, line("failed") { $0.failed }]))
        let withLatency = seconds.filter { $0.answer.count > 0 }
        page.add(
            Plot(
                title: "Latency each second", xLabel: "second", yLabel: "ms",
                series: [("p50", 50.0), ("p99", 99), ("max", 100)].map { name, percentile in
                    Plot.Series(
                        name: name,
                        points: withLatency.map {
                            (Double($0.second), Double($0.answer.value(at: percentile)) / 1000)
                        })
                }, yScale: .logarithmic),
            note: "From the moment at which each should have begun to its final answer.")
        page.add(
            Plot(
                title: "Under way", xLabel: "second", yLabel: "at once",
                series: [Plot.Series(name: "peak", points: seconds.map { (Double($0.second), Double($0.peak)) })]))
    }

    private func addLatencies(to page: inout Page) {
        let total = self.result.total
        guard total.answer.count > 1 else { return }
        let names = [("answer", total.answer), ("ringing", total.ringing), ("BYE", total.ending)]
        let series = names.filter { $0.1.count > 0 }.map { name, histogram in
            Plot.Series(
                name: name,
                points: histogram.percentiles().filter { $0.share < 1 }.map {
                    (log10(1 / (1 - $0.share)), Double($0.microseconds) / 1000)
                })
        }
        let last = Int(series.flatMap(\.points).map(\.x).max() ?? 1)
        let ticks = (0...Swift.max(1, last)).map { nines in
            (value: Double(nines), text: nines == 0 ? "0 %" : nines == 1 ? "90 %" : Self.nines(nines))
        }
        page.add(
            Plot(
                title: "Latency by percentile", xLabel: "share that is not slower", yLabel: "ms", series: series,
                xTicks: ticks, pointText: { "\($0): \(Plot.number($1.y)) ms at \(Self.share($1.x))" }))
        page.add(self.spread)
    }

    /// `99 %`, `99.9 %` …
    private static func nines(_ count: Int) -> String {
        count == 2 ? "99 %" : "99." + String(repeating: "9", count: count - 2) + " %"
    }

    private static func share(_ logarithm: Double) -> String {
        String(format: "%.4g %%", (1 - pow(10, -logarithm)) * 100)
    }

    /// How many took how long, in columns that widen with the latency.
    private var spread: Plot {
        let perDecade = 20.0
        var columns: [Int: UInt64] = [:]
        for (microseconds, count) in self.result.total.answer.recorded {
            columns[Int((log10(Double(Swift.max(1, microseconds))) * perDecade).rounded(.down)), default: 0] += count
        }
        let (first, last) = (columns.keys.min() ?? 0, columns.keys.max() ?? 0)
        var points: [(x: Double, y: Double)] = []
        for column in first...(last + 1) { points.append((Double(column), Double(columns[column] ?? 0))) }
        let decades = Int((Double(first) / perDecade).rounded(.down))...Int((Double(last + 1) / perDecade).rounded(.up))
        var ticks: [(value: Double, text: String)] = []
        for decade in decades {
            for factor in [1.0, 2, 5] {
                let place = (Double(decade) + log10(factor)) * perDecade
                guard place >= Double(first), place <= Double(last + 1) else { continue }
                ticks.append((place, Plot.number(pow(10, Double(decade)) * factor / 1000)))
            }
        }
        return Plot(
            title: "How many took how long", xLabel: "ms", yLabel: "count",
            series: [Plot.Series(name: "answer", points: points)], xTicks: ticks, hasColumns: true)
    }

    // MARK: Tables

    private func addTables(to page: inout Page) {
        let total = self.result.total
        page.addTable(
            "Answers", ["status", "count"],
            total.statuses.sorted { $0.key < $1.key }.map {
                ["\($0.key) \(StatusCode($0.key).reasonPhrase)", "\($0.value)"]
            })
        let counts: [(String, UInt64)] = [
            ("begun", total.started), ("succeeded", total.succeeded), ("refused", total.rejected),
            ("no answer in time", total.timedOut), ("could not be sent", total.unreachable),
            ("given up at the interruption", total.abandoned),
            ("begun more than 20 ms late", total.heldBack),
            ("hung up by the other side", total.endedByPeer), ("answers too many, hung up", total.forks),
            ("challenges", total.challenges), ("answered", total.answered),
            ("calls never acknowledged", total.unacknowledged), ("sent again", total.retransmissions),
            ("came again or belonged to nothing", total.repeated), ("messages sent", total.messagesSent),
            ("messages received", total.messagesReceived),
        ]
        page.addTable("Counts", ["what", "count"], counts.filter { $0.1 > 0 }.map { [$0.0, "\($0.1)"] })
    }
}
