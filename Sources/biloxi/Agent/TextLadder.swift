import BiloxiKit
import Foundation
import Synchronization

/// Draws the messages of a command as a ladder: a line for each, ours to the right, theirs to the left.
final class TextLadder: Sendable {
    private let messages = Mutex<[TracedMessage]>([])
    private static let limit = 10_000

    func add(_ message: TracedMessage) {
        self.messages.withLock { if $0.count < Self.limit { $0.append(message) } }
    }

    /// The ladder, a line for each message.
    var text: String {
        let messages = self.messages.withLock { $0 }
        guard let start = messages.first?.time else { return "no message came or went" }
        return messages.map { message in
            let seconds = String(format: "%8.3f", Double(message.time - start) / 1_000)
            let label = Self.label(of: message)
            let arrow = message.isSent ? "we ──\(label)──▶" : "we ◀──\(label)──"
            return "\(seconds)  \(arrow) \(message.transport):\(message.peer)"
        }.joined(separator: "\n")
    }

    /// `INVITE`, or `180 Ringing (INVITE)`.
    static func label(of message: TracedMessage) -> String {
        // By scalars: CR LF is one character.
        let lines = message.text.unicodeScalars.split(whereSeparator: { $0 == "\r" || $0 == "\n" }).map { String($0) }
        guard let first = lines.first else { return "(empty)" }
        guard first.hasPrefix("SIP/2.0 ") else { return first.split(separator: " ").first.map(String.init) ?? first }
        let cseq = lines.first { $0.lowercased().hasPrefix("cseq:") }
        let method = cseq?.split(separator: " ").last.map { " (\($0))" } ?? ""
        return String(first.dropFirst(8)) + method
    }

    /// A message as it is printed: without the secrets that it may hold.
    static func text(of message: TracedMessage) -> String {
        let head = "\(message.isSent ? "→" : "←") \(message.transport):\(message.peer)"
        let lines = message.text.replacingOccurrences(of: "\r\n", with: "\n").split(
            separator: "\n", omittingEmptySubsequences: false)
        let shown = lines.map { line in
            let lower = line.lowercased()
            let isSecret = lower.hasPrefix("authorization:") || lower.hasPrefix("proxy-authorization:")
            // The tag and the suite of a key may be seen (RFC 4568 §4).
            if lower.hasPrefix("a=crypto:") {
                return "  " + line.split(separator: " ").prefix(2).joined(separator: " ") + " (left out)"
            }
            return "  " + (isSecret ? line.prefix { $0 != ":" } + ": (left out)" : line)
        }
        return ([head] + shown).joined(separator: "\n")
    }
}
