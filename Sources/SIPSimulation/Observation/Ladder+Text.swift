import SIPMessages

/// The ladder as a diagram: a column for each host, an arrow for each message.
///
///             ms  alice                       bob
///              0  |--INVITE 1---------------->|  +20
///            500  |--INVITE 1----------------X|  lost
///           1500  |--INVITE 1---------------->|  +20
///           1520  |<-180 Ringing INVITE 1-----|  +20
extension Ladder: CustomStringConvertible {
    /// The diagram with its seed, of the last 200 lines.
    public var description: String { self.diagram(last: 200) }

    /// The diagram of the last `count` lines.
    public func diagram(last count: Int) -> String {
        let width = self.columnWidth
        var text = "seed \(self.seed)\n"
        var header = Self.padded("ms", 10, atEnd: false) + "  "
        for host in self.hosts { header += Self.padded(host, width, atEnd: true) }
        text += Self.trimmed(header) + "\n"
        if self.lines.count > count { text += "          … \(self.lines.count - count) lines before\n" }
        for line in self.lines.suffix(count) {
            text += Self.padded(Self.milliseconds(line.time), 10, atEnd: false) + "  "
            text += self.row(line, width) + "\n"
        }
        return text
    }

    private var columnWidth: Int {
        let longest = self.lines.suffix(200).filter { !$0.isNote }.map { $0.label.count }.max() ?? 0
        return Swift.max(longest + 6, (self.hosts.map(\.count).max() ?? 0) + 2, 16)
    }

    private func row(_ line: Line, _ width: Int) -> String {
        let last = width * Swift.max(self.hosts.count - 1, 0)
        var row = [Character](repeating: " ", count: last + 1)
        for column in self.hosts.indices { row[column * width] = "|" }
        let start = line.sender * width
        if line.isNote { return Self.trimmed(String(row)) + "  \(self.hosts[line.sender]): \(line.label)" }
        let end = line.receiver.map { $0 * width } ?? (start < last ? start + width : start - width)
        guard start != end, end >= 0 else {
            return Self.trimmed(String(row))
                + "  \(self.hosts[line.sender]) to itself: \(line.label)\(Self.suffix(line))"
        }
        let isRightwards = start < end
        let (left, right) = (Swift.min(start, end) + 1, Swift.max(start, end))
        for i in left..<right { row[i] = "-" }
        var hasArrived = false
        if case .delivered = line.fate { hasArrived = true }
        let head: Character = hasArrived || line.fate == .underway ? (isRightwards ? ">" : "<") : "X"
        row[isRightwards ? right - 1 : left] = head
        for (i, character) in line.label.enumerated() where left + 2 + i < right { row[left + 2 + i] = character }
        return Self.trimmed(String(row) + " " + Self.suffix(line))
    }

    private static func padded(_ text: String, _ width: Int, atEnd: Bool) -> String {
        let padding = String(repeating: " ", count: Swift.max(0, width - text.count))
        return atEnd ? text + padding : padding + text
    }

    private static func trimmed(_ text: String) -> String {
        var text = Substring(text)
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
