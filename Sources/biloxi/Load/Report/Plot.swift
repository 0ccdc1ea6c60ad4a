import Foundation

/// Lines over two axes, as a picture in a page (SVG).
struct Plot {
    /// A line, or a step line of bars.
    struct Series {
        let name: String
        var points: [(x: Double, y: Double)]
    }
    /// How a value goes to its place on an axis.
    enum Scale { case linear, logarithmic }

    let title: String
    let xLabel: String
    let yLabel: String
    var series: [Series]
    var yScale = Scale.linear
    /// Places on the x axis and what stands there; without them, round numbers.
    var xTicks: [(value: Double, text: String)]?
    /// Whether columns are drawn, from each point to the x of the next one.
    var hasColumns = false
    /// What is written beside a point.
    var pointText: (String, (x: Double, y: Double)) -> String = {
        "\($0): \(Plot.number($1.y)) at \(Plot.number($1.x))"
    }

    private static let (width, height) = (720.0, 250.0)
    private static let (left, right, top, bottom) = (58.0, 14.0, 30.0, 40.0)
    /// More points than these are thinned out, since nobody sees them.
    private static let maximumPoints = 1200
    /// Up to so many points are marked and tell their values.
    private static let markedPoints = 150

    /// The picture; `nil` where there is nothing to draw.
    var svg: String? {
        let points = self.series.flatMap(\.points)
        guard let xMinimum = points.map(\.x).min(), let xMaximum = points.map(\.x).max() else { return nil }
        let xAxis = Axis(
            from: xMinimum, to: xMaximum > xMinimum ? xMaximum : xMinimum + 1, isRounded: false, scale: .linear)
        let positive = points.map(\.y).filter { $0 > 0 }
        let yAxis =
            self.yScale == .linear
            ? Axis(from: 0, to: Swift.max(positive.max() ?? 1, 1e-9), isRounded: true, scale: .linear)
            : Axis(
                from: positive.min() ?? 0.1, to: positive.max() ?? 1, isRounded: true, scale: .logarithmic)
        func x(_ value: Double) -> Double {
            Self.left + xAxis.share(of: value) * (Self.width - Self.left - Self.right)
        }
        func y(_ value: Double) -> Double {
            Self.height - Self.bottom - yAxis.share(of: value) * (Self.height - Self.top - Self.bottom)
        }
        var parts = [
            "<svg viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" role=\"img\" aria-label=\"\(Page.escaped(self.title))\">"
        ]
        for tick in yAxis.ticks {
            let place = Self.text(y(tick))
            parts.append(
                "<line class=\"grid\" x1=\"\(Self.text(Self.left))\" x2=\"\(Self.text(Self.width - Self.right))\" y1=\"\(place)\" y2=\"\(place)\"/>"
            )
            parts.append(Self.label(Self.number(tick), Self.left - 7, y(tick) + 3.5, "end"))
        }
        for tick in self.xTicks ?? xAxis.ticks.map({ ($0, Self.number($0)) }) {
            parts.append(Self.label(tick.text, x(tick.value), Self.height - Self.bottom + 15, "middle"))
        }
        let base = Self.text(Self.height - Self.bottom)
        parts.append(
            "<line class=\"axis\" x1=\"\(Self.text(Self.left))\" x2=\"\(Self.text(Self.width - Self.right))\" y1=\"\(base)\" y2=\"\(base)\"/>"
        )
        parts.append(Self.label(self.xLabel, (Self.left + Self.width - Self.right) / 2, Self.height - 7, "middle"))
        parts.append(Self.label(self.yLabel, 4, 13, "start"))
        parts += self.legend
        for (number, series) in self.series.enumerated() {
            parts += self.hasColumns ? Self.columns(series, number, x, y) : self.line(series, number, x, y)
        }
        parts.append("</svg>")
        return parts.joined(separator: "\n")
    }

    private var legend: [String] {
        guard self.series.count > 1 else { return [] }
        var place = Self.width - Self.right
        var parts: [String] = []
        for (number, series) in self.series.enumerated().reversed() {
            parts.append(Self.label(series.name, place, 13, "end"))
            place -= Double(series.name.count) * 6.4 + 8
            parts.append(
                "<rect class=\"f\(number)\" x=\"\(Self.text(place - 8))\" y=\"6\" width=\"9\" height=\"9\" rx=\"2\"/>")
            place -= 22
        }
        return parts
    }

    private func line(
        _ series: Series, _ number: Int, _ x: (Double) -> Double, _ y: (Double) -> Double
    ) -> [String] {
        let shown = self.yScale == .logarithmic ? series.points.filter { $0.y > 0 } : series.points
        let stride = Swift.max(1, shown.count / Self.maximumPoints)
        let points = shown.enumerated().filter { $0.offset % stride == 0 || $0.offset == shown.count - 1 }.map(
            \.element)
        let path = points.map { "\(Self.text(x($0.x))),\(Self.text(y($0.y)))" }.joined(separator: " ")
        var parts = ["<polyline class=\"l\(number)\" points=\"\(path)\"/>"]
        guard points.count <= Self.markedPoints else { return parts }
        for point in points {
            let text = Page.escaped(self.pointText(series.name, point))
            parts.append(
                "<circle class=\"f\(number)\" cx=\"\(Self.text(x(point.x)))\" cy=\"\(Self.text(y(point.y)))\" r=\"2.2\"><title>\(text)</title></circle>"
            )
        }
        return parts
    }

    private static func columns(
        _ series: Series, _ number: Int, _ x: (Double) -> Double, _ y: (Double) -> Double
    ) -> [String] {
        zip(series.points, series.points.dropFirst()).compactMap { point, next in
            guard point.y > 0 else { return nil }
            let width = Swift.max(1, x(next.x) - x(point.x) - 1)
            return
                "<rect class=\"f\(number)\" x=\"\(Self.text(x(point.x)))\" y=\"\(Self.text(y(point.y)))\" width=\"\(Self.text(width))\" height=\"\(Self.text(y(0) - y(point.y)))\"><title>\(Self.number(point.y))</title></rect>"
        }
    }

    private static func label(_ text: String, _ x: Double, _ y: Double, _ anchor: String) -> String {
        "<text x=\"\(Self.text(x))\" y=\"\(Self.text(y))\" text-anchor=\"\(anchor)\">\(Page.escaped(text))</text>"
    }

    private static func text(_ value: Double) -> String { String(format: "%.1f", value) }

    /// A number with as many digits as it needs: `0.25`, `12`, `2,500`, `1.2 M`.
    static func number(_ value: Double) -> String {
        let size = abs(value)
        if size >= 1e6 { return Self.trimmed(value / 1e6, 2) + " M" }
        if size >= 10_000 { return Self.trimmed(value / 1e3, 1) + " k" }
        return Self.trimmed(value, size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3)
    }

    private static func trimmed(_ value: Double, _ digits: Int) -> String {
        var text = String(format: "%.\(digits)f", value)
        if text.contains(".") {
            while text.hasSuffix("0") { text.removeLast() }
            if text.hasSuffix(".") { text.removeLast() }
        }
        return text
    }
}

/// One axis: where values lie on it, and which of them are written.
struct Axis {
    private let begin: Double
    private let end: Double
    private let scale: Plot.Scale
    let ticks: [Double]

    init(from minimum: Double, to maximum: Double, isRounded: Bool, scale: Plot.Scale) {
        self.scale = scale
        if scale == .logarithmic {
            let first = log10(Swift.max(minimum, 1e-6)).rounded(.down)
            let last = Swift.max(log10(Swift.max(maximum, 1e-6)).rounded(.up), first + 1)
            (self.begin, self.end) = (first, last)
            self.ticks = stride(from: first, through: last, by: 1).map { pow(10, $0) }
            return
        }
        let step = Self.step(for: maximum - minimum)
        let last = isRounded ? (maximum / step).rounded(.up) * step : maximum
        (self.begin, self.end) = (minimum, last)
        let first = (minimum / step).rounded(.up) * step
        self.ticks = stride(from: first, through: last + step * 0.001, by: step).map { $0 }
    }

    /// 1, 2 or 5 times a power of ten, so that there are about six.
    private static func step(for range: Double) -> Double {
        let raw = Swift.max(range, 1e-12) / 6
        let power = pow(10, log10(raw).rounded(.down))
        let factor = raw / power
        return power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10)
    }

    /// The share of the axis, 0 to 1, at which a value lies.
    func share(of value: Double) -> Double {
        let place = self.scale == .logarithmic ? log10(Swift.max(value, 1e-6)) : value
        return Swift.min(Swift.max((place - self.begin) / (self.end - self.begin), 0), 1)
    }
}
