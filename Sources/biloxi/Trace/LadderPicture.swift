import BiloxiKit
import Foundation

/// The ladder of a command as a picture: a line down for each side, an arrow across for each message. The whole message is
/// shown by pointing at its arrow.
struct LadderPicture {
    /// How far lines and arrows are apart, in pixels.
    private static let (column, row, top, left, bottom) = (300, 34, 84, 150, 30)

    private let messages: [TracedMessage]
    /// The other sides in the order in which they appear.
    private let peers: [String]

    init(_ messages: [TracedMessage]) {
        self.messages = messages
        var peers: [String] = []
        for message in messages where !peers.contains(Self.name(of: message)) { peers.append(Self.name(of: message)) }
        self.peers = peers
    }

    private static func name(of message: TracedMessage) -> String { "\(message.transport):\(message.peer)" }

    /// The document.
    var svg: String {
        let width = Self.left + Swift.max(1, self.peers.count) * Self.column + 150
        let height = Self.top + Swift.max(1, self.messages.count) * Self.row + Self.bottom
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\""
                + " viewBox=\"0 0 \(width) \(height)\" font-family=\"Helvetica, Arial, sans-serif\">",
            "<rect width=\"\(width)\" height=\"\(height)\" fill=\"#ffffff\"/>",
        ]
        let bottom = height - Self.bottom / 2
        for (i, name) in (["biloxi"] + self.peers).enumerated() {
            let x = Self.left + i * Self.column
            lines.append(
                "<line x1=\"\(x)\" y1=\"52\" x2=\"\(x)\" y2=\"\(bottom)\" stroke=\"#9aa5b1\" stroke-width=\"1.5\"/>")
            lines.append(
                "<rect x=\"\(x - 105)\" y=\"18\" width=\"210\" height=\"34\" rx=\"5\" fill=\"#f1f4f8\" stroke=\"#52606d\"/>"
            )
            lines.append(Self.text(name, x: x, y: 40, size: 14, color: "#1f2933", weight: "bold"))
        }
        let start = self.messages.first?.time ?? 0
        for (i, message) in self.messages.enumerated() {
            lines += self.arrow(message, y: Self.top + i * Self.row + 16, milliseconds: message.time - start)
        }
        if self.messages.isEmpty {
            lines.append(
                Self.text("no message came or went", x: width / 2, y: Self.top + 16, size: 14, color: "#52606d"))
        }
        return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
    }

    private func arrow(_ message: TracedMessage, y: Int, milliseconds: Int64) -> [String] {
        let number = self.peers.firstIndex(of: Self.name(of: message)) ?? 0
        let (ours, theirs) = (Self.left, Self.left + (number + 1) * Self.column)
        let (from, to) = message.isSent ? (ours, theirs) : (theirs, ours)
        let color = Self.color(of: message.status)
        let head =
            to > from
            ? "\(to),\(y) \(to - 10),\(y - 5) \(to - 10),\(y + 5)"
            : "\(to),\(y) \(to + 10),\(y - 5) \(to + 10),\(y + 5)"
        let dashes = message.status == nil ? "" : " stroke-dasharray=\"6 3\""
        // The label stands beside the first other side, however far the arrow goes.
        let middle = theirs - Self.column / 2
        return [
            "<g><title>\(Self.escaped(message.textWithoutSecrets))</title>",
            "<line x1=\"\(from)\" y1=\"\(y)\" x2=\"\(to > from ? to - 9 : to + 9)\" y2=\"\(y)\" stroke=\"\(color)\""
                + " stroke-width=\"1.8\"\(dashes)/>",
            "<polygon points=\"\(head)\" fill=\"\(color)\"/>",
            Self.text(Self.shortened(message.label), x: middle, y: y - 6, size: 13, color: color),
            Self.text(
                String(format: "%.3f s", Double(milliseconds) / 1_000), x: ours - 14, y: y + 4, size: 11,
                color: "#7b8794", anchor: "end"), "</g>",
        ]
    }

    /// Requests blue; responses by their class: grey, green, orange for what may be done about it, red.
    private static func color(of status: Int?) -> String {
        switch status {
        case nil: "#1d4f91"
        case .some(..<200): "#616e7c"
        case .some(..<300): "#1b7a3d"
        case .some(..<400), .some(401), .some(407): "#b35c00"
        case .some: "#b3261e"
        }
    }

    private static func text(
        _ text: String, x: Int, y: Int, size: Int, color: String, weight: String = "normal", anchor: String = "middle"
    ) -> String {
        "<text x=\"\(x)\" y=\"\(y)\" font-size=\"\(size)\" font-weight=\"\(weight)\" fill=\"\(color)\""
            + " text-anchor=\"\(anchor)\">\(Self.escaped(text))</text>"
    }

    private static func shortened(_ text: String) -> String { text.count > 38 ? text.prefix(37) + "…" : text }

    /// As text of XML: what has no place there becomes a replacement character.
    static func escaped(_ text: String) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;".unicodeScalars
            case "<": escaped += "&lt;".unicodeScalars
            case ">": escaped += "&gt;".unicodeScalars
            case "\"": escaped += "&quot;".unicodeScalars
            case "\n", "\t": escaped.append(scalar)
            case "\r": continue
            case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF:
                escaped.append("\u{FFFD}")
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }
}
