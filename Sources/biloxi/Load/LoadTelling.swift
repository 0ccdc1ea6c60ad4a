import ArgumentParser
import Foundation
import LoadCore

/// What is told of a run, and where.
struct LoadTellingOptions: ParsableArguments {
    @Flag(help: "Print one JSON object for each second and for the result.")
    var json = false

    @Option(help: ArgumentHelp("At the end, write a page with plots (HTML).", valueName: "file"))
    var report: String?

    @Option(
        help: ArgumentHelp(
            "At the end, write the latencies as HdrHistogram percentiles, in milliseconds.", valueName: "file"))
    var histogram: String?

    /// Writes the files that are wanted.
    ///
    /// - Throws: `CommandError`.
    func write(_ result: LoadResult) throws(CommandError) {
        if let path = self.report { try Self.write(LoadPage(result).html, to: path) }
        if let path = self.histogram { try Self.write(HistogramFile.text(of: result.total.answer), to: path) }
    }

    private static func write(_ text: String, to path: String) throws(CommandError) {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw CommandError(.failed, "\(path) cannot be written: \(error.localizedDescription)")
        }
    }
}

/// The percentile distribution as the tools of HdrHistogram print and read it (`.hgrm`).
enum HistogramFile {
    /// The distribution in milliseconds.
    static func text(of histogram: LatencyHistogram) -> String {
        func milliseconds(_ value: Double) -> Double { value / 1000 }
        var text = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
        for line in histogram.percentiles() {
            text += String(
                format: "%12.3f %2.12f %10llu", milliseconds(Double(line.microseconds)), line.share, line.count)
            text += line.share < 1 ? String(format: " %14.2f\n", 1 / (1 - line.share)) : "\n"
        }
        text += String(
            format: "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", milliseconds(histogram.mean),
            milliseconds(histogram.standardDeviation))
        text += String(
            format: "#[Max     = %12.3f, Total count    = %12llu]\n", milliseconds(Double(histogram.maximum)),
            histogram.count)
        text += String(
            format: "#[Buckets = %12d, SubBuckets     = %12d]\n", LatencyHistogram.buckets,
            LatencyHistogram.subBuckets)
        return text
    }
}
