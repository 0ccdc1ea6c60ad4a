import TerminalUI

/// How things look. Nothing is told by colour alone.
enum Theme {
    static let plain = Style.plain
    static let border = Style(Color(240, basic: 7), dim: false)
    static let focusedBorder = Style(Color(75, basic: 6), bold: true)
    static let title = Style(Color(250, basic: 7))
    static let focusedTitle = Style(Color(117, basic: 6), bold: true)
    static let bar = Style(Color(255, basic: 7), on: Color(24, basic: 4), bold: false)
    static let barStrong = Style(Color(231, basic: 7), on: Color(24, basic: 4), bold: true)
    static let faint = Style(Color(245, basic: 7))
    static let strong = Style(bold: true)
    static let good = Style(Color(114, basic: 2))
    static let fair = Style(Color(179, basic: 3))
    static let bad = Style(Color(203, basic: 1), bold: true)
    static let accent = Style(Color(117, basic: 6))
    static let request = Style(Color(75, basic: 6))
    static let keyCap = Style(Color(16, basic: 0), on: Color(117, basic: 6))
    /// A line that is selected: of one look, whatever is in it.
    static func selected(_ style: Style) -> Style { Style(bold: style.isBold, reversed: true) }

    /// How good a score is: 1 to 4.5 (ITU-T G.107, annex B: from 4.03 most are satisfied, from 3.6 some are not).
    static func score(_ mos: Double) -> Style { mos >= 4.0 ? Self.good : mos >= 3.6 ? Self.fair : Self.bad }

    /// How a response looks by its class.
    static func status(_ status: Int?) -> Style {
        switch status {
        case nil: Self.request
        case .some(..<200): Self.faint
        case .some(..<300): Self.good
        case .some(..<400), .some(401), .some(407): Self.fair
        case .some: Self.bad
        }
    }
}

/// Numbers as they are shown.
enum Figures {
    /// With some places behind the point.
    static func decimal(_ value: Double, _ places: Int = 1) -> String {
        guard value.isFinite, Swift.abs(value) < 1e9 else { return "–" }
        var scale = 1
        for _ in 0..<places { scale *= 10 }
        let scaled = Int((value * Double(scale)).rounded())
        guard places > 0 else { return "\(scaled)" }
        let rest = "\(Swift.abs(scaled) % scale)"
        let zeros = String(repeating: "0", count: places - rest.count)
        return (scaled < 0 ? "-" : "") + "\(Swift.abs(scaled) / scale).\(zeros)\(rest)"
    }

    /// A bar of a length that tells a share of 0 to 1.
    static func bar(_ share: Double, columns: Int) -> String {
        let filled = Int((Swift.max(0, Swift.min(1, share)) * Double(columns)).rounded())
        return String(repeating: "█", count: filled) + String(repeating: "░", count: Swift.max(0, columns - filled))
    }

    /// Small columns, a score each.
    static func line(_ scores: some Sequence<Double>) -> String {
        let steps = Array("▁▂▃▄▅▆▇█")
        return String(scores.map { steps[Swift.max(0, Swift.min(7, Int(($0 - 1) / 3.5 * 8)))] })
    }
}
