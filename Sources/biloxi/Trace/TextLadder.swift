import BiloxiKit
import Foundation

/// Messages as lines of text: ours to the right, theirs to the left.
enum TextLadder {
    /// The ladder, a line for each message.
    static func text(of messages: [TracedMessage]) -> String {
        guard let start = messages.first?.time else { return "no message came or went" }
        return messages.map { message in
            let seconds = String(format: "%8.3f", Double(message.time - start) / 1_000)
            let arrow = message.isSent ? "we ──\(message.label)──▶" : "we ◀──\(message.label)──"
            return "\(seconds)  \(arrow) \(message.transport):\(message.peer)"
        }.joined(separator: "\n")
    }

    /// A whole message as it is printed: without the secrets that it may hold.
    static func text(of message: TracedMessage) -> String {
        let head = "\(message.isSent ? "→" : "←") \(message.transport):\(message.peer)"
        let lines = message.textWithoutSecrets.replacingOccurrences(of: "\r\n", with: "\n").split(
            separator: "\n", omittingEmptySubsequences: false)
        return ([head] + lines.map { "  " + $0 }).joined(separator: "\n")
    }
}
