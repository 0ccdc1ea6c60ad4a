import Foundation
import SIPMessages
import SIPSimulation
import Testing

/// A message of a document.
struct PrintedMessage {
    /// `F7`.
    let number: String
    /// What it says, with what the tests amend.
    var facts: MessageFacts
    /// The number of the message that it repeats.
    let repeats: String?
}

/// A message flow of a document, message by message, and what differs in ours on purpose.
struct PrintedFlow {
    /// The messages in their order.
    private(set) var messages: [PrintedMessage] = []
    private var amendments: [String: [String]] = [:]
    private var mistakes: [String] = []

    /// Reads the flow of a section.
    ///
    /// In the file, `# 3.2 TITLE` begins a section, `> F7 ss2 bob` a message with who sends it to whom, and `= F4` is the
    /// message F4 again.
    init(_ section: String, of document: String = "rfc3665") throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Examples/\(document).txt")
        let text = try String(contentsOf: file, encoding: .utf8)
        let start = try #require(text.firstRange(of: "# \(section) "))
        let end = text[start.upperBound...].firstRange(of: "\n# ")?.lowerBound ?? text.endIndex
        for part in text[start.upperBound..<end].split(separator: "\n> ").dropFirst() {
            let lines = part.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
            let words = lines[0].split(separator: " ").map(String.init)
            let body = String(lines[1])
            guard body.hasPrefix("= ") else {
                let facts = MessageFacts(MessageText(Self.ended(body)), from: words[1], to: words[2])
                self.messages.append(PrintedMessage(number: words[0], facts: facts, repeats: nil))
                continue
            }
            let repeated = String(body.dropFirst(2).prefix { $0 != "\n" })
            let facts = try #require(self.messages.first { $0.number == repeated }).facts
            self.messages.append(PrintedMessage(number: words[0], facts: facts, repeats: repeated))
        }
    }

    /// The text of a message with one line end at its end.
    private static func ended(_ text: String) -> String {
        var text = text
        while text.last == "\n" { text.removeLast() }
        return text + "\n"
    }

    /// What a message says.
    subscript(number: String) -> MessageFacts? { self.messages.first { $0.number == number }?.facts }

    /// Changes what the document says where ours differs on purpose; an amendment that changes nothing is a mistake.
    mutating func amend(_ numbers: String..., because reason: String, _ edit: (inout MessageFacts) -> Void) {
        for number in numbers {
            guard let position = self.messages.firstIndex(where: { $0.number == number }) else {
                self.mistakes.append("\(number) is no message of this flow")
                continue
            }
            let before = self.messages[position].facts
            edit(&self.messages[position].facts)
            let after = self.messages[position].facts
            let isSame =
                zip(before.lines, after.lines).allSatisfy { $0.value == $1.value }
                && before.branches == after.branches && before.callID == after.callID
                && before.fromTag == after.fromTag && before.toTag == after.toTag
            if isSame { self.mistakes.append("\(number) needs no amendment: \(reason)") }
            self.amendments[number, default: []].append(reason)
        }
    }

    /// Changes what the document says in all messages where a condition holds.
    mutating func amend(
        where condition: (MessageFacts) -> Bool, because reason: String, by edit: (inout MessageFacts) -> Void
    ) {
        let numbers = self.messages.filter { condition($0.facts) }.map(\.number)
        if numbers.isEmpty { self.mistakes.append("nothing needs the amendment: \(reason)") }
        for number in numbers { self.amend(number, because: reason, edit) }
    }

    /// Moves a message before another: 100 Trying, which our proxy sends at once, and the INVITE when the DNS has answered
    /// (RFC 3261 §17.2.1 leaves 200 ms).
    mutating func move(_ number: String, before other: String) {
        guard let from = self.messages.firstIndex(where: { $0.number == number }),
            let to = self.messages.firstIndex(where: { $0.number == other }), to < from
        else { return self.mistakes.append("\(number) does not stand after \(other)") }
        self.messages.insert(self.messages.remove(at: from), at: to)
    }

    /// Whether an INVITE with this number is accepted: only then has its ACK a branch of its own.
    func acceptsInvite(numbered number: String) -> Bool {
        self.messages.contains { $0.facts.cseq == "\(number) INVITE" && $0.facts.start.hasPrefix("2") }
    }

    // MARK: Comparing

    /// A message that was sent.
    private struct Sent {
        let facts: MessageFacts
        let octets: [UInt8]
        let time: MonotonicInstant
    }

    /// What in a ladder is not as printed, from line `start` on; empty when each message was sent as printed, in the
    /// order printed, and nothing else. What one moment brings forth has no order.
    func differences(from ladder: Ladder, start: Int) -> [String] {
        var differences = self.mistakes
        var sent = ladder.lines[start...].filter { !$0.isNote }.map { line in
            let receiver = line.receiver.map { ladder.hosts[$0] } ?? "?"
            let text = MessageText(String(decoding: line.octets, as: UTF8.self))
            let facts = MessageFacts(text, from: ladder.hosts[line.sender], to: receiver)
            return Sent(facts: facts, octets: line.octets, time: line.time)
        }
        var names = NameTable()
        var found: [String: Sent] = [:]
        var last = (number: "", time: MonotonicInstant.start)
        for message in self.messages {
            let number = message.number
            guard let position = sent.firstIndex(where: { Self.isSameStep($0.facts, message.facts) }) else {
                differences.append("\(number) \(Self.summary(message.facts)) was not sent")
                continue
            }
            let match = sent.remove(at: position)
            found[number] = match
            if match.time < last.time { differences.append("\(number) was sent before \(last.number)") }
            last = (number, match.time)
            if let repeated = message.repeats, found[repeated]?.octets != match.octets {
                differences.append("\(number) is no copy of \(repeated)")
            }
            for (printed, ours) in zip(message.facts.lines, match.facts.lines) where printed.value != ours.value {
                let reasons = (self.amendments[number] ?? []).map { " (amended: \($0))" }.joined()
                differences.append(
                    "\(number) \(printed.name): printed \"\(printed.value)\", sent \"\(ours.value)\"\(reasons)")
            }
            differences += names.compare(
                message, match.facts, isAnswered: self.acceptsInvite(numbered: message.facts.number))
        }
        return differences + sent.map { "not printed: \(Self.summary($0.facts))" }
    }

    private static func isSameStep(_ a: MessageFacts, _ b: MessageFacts) -> Bool {
        a.way == b.way && a.cseq == b.cseq && a.isRequest == b.isRequest && (a.isRequest || a.start == b.start)
    }

    private static func summary(_ facts: MessageFacts) -> String { "\(facts.way) \(facts.start) \(facts.cseq)" }
}

/// Which of our tags, Call-IDs and branches stands for which printed one: one for one.
private struct NameTable {
    private var ours: [String: String] = [:]
    private var printed: [String: String] = [:]

    mutating func compare(_ message: PrintedMessage, _ sent: MessageFacts, isAnswered: Bool) -> [String] {
        let facts = message.facts
        var differences = self.pair("Call-ID", "", facts.callID, sent.callID)
        for (printed, sent) in [(facts.fromTag, sent.fromTag), (facts.toTag, sent.toTag)] {
            if let printed, let sent { differences += self.pair("tag", facts.callID, printed, sent) }
        }
        // CANCEL and the ACK to a failure have the branch of the INVITE (RFC 3261 §9.1, §17.1.1.3).
        let isOfInvite = facts.method == "CANCEL" || (facts.method == "ACK" && !isAnswered)
        let transaction = "\(facts.number) \(isOfInvite ? "INVITE" : facts.method) "
        if facts.branches.count == sent.branches.count {
            for (position, branch) in facts.branches.enumerated() {
                let scope = transaction + (facts.vias[position].split(separator: " ").dropFirst().first ?? "")
                differences += self.pair("branch", scope, branch, sent.branches[position])
            }
        }
        return differences.map { "\(message.number) \($0)" }
    }

    private mutating func pair(_ kind: String, _ scope: String, _ printed: String, _ sent: String) -> [String] {
        let (forwards, backwards) = ("\(kind) \(scope) \(printed)", "\(kind) \(scope) \(sent)")
        let (known, other) = (self.ours[forwards], self.printed[backwards])
        (self.ours[forwards], self.printed[backwards]) = (known ?? sent, other ?? printed)
        if let known, known != sent { return ["\(kind) \(printed) was \(known) before, and is \(sent) now"] }
        if let other, other != printed { return ["\(kind) \(sent) stands for \(other) and for \(printed)"] }
        return []
    }
}
