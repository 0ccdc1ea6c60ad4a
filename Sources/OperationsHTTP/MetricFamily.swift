/// A metric with its samples, as a scrape shows it: one name, one meaning, any number of labelled values.
public struct MetricFamily: Hashable, Sendable {
    /// What the values are.
    public enum Kind: String, Hashable, Sendable {
        /// A count since the start; it never goes down.
        case counter
        /// A level at present.
        case gauge
        /// Counts by the upper bounds of buckets, with their sum.
        case histogram
    }

    /// A value with its labels.
    public struct Sample: Hashable, Sendable {
        /// The labels, in the order in which they are written.
        public var labels: [(name: String, value: String)]
        /// The value.
        public var value: Double
        /// What follows the name of the family: `_bucket`, `_sum`, `_count`; empty but for histograms.
        public var suffix: String

        /// A value with labels.
        public init(_ value: Double, labels: [(name: String, value: String)] = [], suffix: String = "") {
            (self.value, self.labels, self.suffix) = (value, labels, suffix)
        }

        /// Whether both show the same.
        public static func == (left: Sample, right: Sample) -> Bool {
            left.value == right.value && left.suffix == right.suffix
                && left.labels.elementsEqual(right.labels) { $0 == $1 }
        }

        /// Feeds what `==` compares to the hasher.
        public func hash(into hasher: inout Hasher) {
            hasher.combine(self.value)
            hasher.combine(self.suffix)
            for label in self.labels {
                hasher.combine(label.name)
                hasher.combine(label.value)
            }
        }
    }

    /// The name: `biloxi_requests_received_total`.
    public var name: String
    /// What the values are.
    public var kind: Kind
    /// The meaning, one line.
    public var help: String
    /// The values.
    public var samples: [Sample]

    /// A metric.
    public init(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample] = []) {
        (self.name, self.kind, self.help, self.samples) = (name, kind, help, samples)
    }

    /// The samples of a histogram.
    ///
    /// - Parameters:
    ///   - bounds: The upper bounds of the buckets, rising.
    ///   - counts: How many fell in each bucket and in none before, and in the last those above all bounds.
    public static func histogram(bounds: [Double], counts: [UInt64], sum: Double) -> [Sample] {
        var samples: [Sample] = []
        var total: UInt64 = 0
        for (number, count) in counts.enumerated() {
            total += count
            let bound = number < bounds.count ? PrometheusText.number(bounds[number]) : "+Inf"
            samples.append(Sample(Double(total), labels: [("le", bound)], suffix: "_bucket"))
        }
        samples.append(Sample(sum, suffix: "_sum"))
        samples.append(Sample(Double(total), suffix: "_count"))
        return samples
    }
}

/// The text format of Prometheus, version 0.0.4.
public enum PrometheusText {
    /// The media type of the format.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// The text of these metrics.
    public static func text(_ families: [MetricFamily]) -> String {
        var text = ""
        for family in families {
            text += "# HELP \(family.name) \(Self.escaped(family.help, quotes: false))\n"
            text += "# TYPE \(family.name) \(family.kind.rawValue)\n"
            for sample in family.samples {
                let labels = sample.labels.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }
                let shown = labels.isEmpty ? "" : "{" + labels.joined(separator: ",") + "}"
                text += "\(family.name)\(sample.suffix)\(shown) \(Self.number(sample.value))\n"
            }
        }
        return text
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return String(value)
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
