public import SIPMessages

/// Who sent what to whom, when, and what became of it.
public struct Ladder: Sendable {
    /// One thing that was sent, or that someone noted.
    public struct Line: Hashable, Sendable {
        /// When it was sent.
        public let time: MonotonicInstant
        /// The number of the host that sent it.
        public let sender: Int
        /// The number of the host that it was for; `nil` when no host has that address, and for a note.
        public internal(set) var receiver: Int?
        /// `INVITE 1` or `180 Ringing INVITE 1`: method and CSeq number; or the text of a note.
        public let label: String
        /// What makes it remarkable: `100 Trying` for a report on a transfer, `Replaces` for an INVITE with that; empty
        /// as a rule.
        public let detail: String
        /// What became of it.
        public internal(set) var fate: Fate
        /// How often it arrived beyond the first time.
        public internal(set) var duplicates = 0
        /// Whether it is a note.
        public let isNote: Bool
        /// What was sent; empty unless the world keeps messages.
        public let octets: [UInt8]
    }

    /// The seed of the world.
    public let seed: UInt64
    /// The names of the hosts, by their number.
    public internal(set) var hosts: [String] = []
    /// All lines in the order of sending.
    public internal(set) var lines: [Line] = []

    init(seed: UInt64) { self.seed = seed }

    mutating func add(
        _ label: String, _ detail: String = "", from sender: Int, isNote: Bool = false, octets: [UInt8] = [],
        at time: MonotonicInstant
    ) -> Int {
        self.lines.append(
            Line(
                time: time, sender: sender, receiver: nil, label: label, detail: detail, fate: .underway,
                isNote: isNote, octets: octets))
        return self.lines.count - 1
    }

    /// The ladder in short, for comparing: one line for each thing sent, `500 alice>bob INVITE 1 lost`, with the time
    /// in milliseconds. What was sent at the same nanosecond is in the order of its text, since nothing depends on the
    /// order in which a host with shards visits them.
    public var compact: String {
        var groups: [[String]] = []
        var last: MonotonicInstant?
        for line in self.lines {
            if line.time != last { groups.append([]) }
            groups[groups.count - 1].append(self.compact(line))
            last = line.time
        }
        return groups.map { $0.sorted().joined(separator: "\n") }.joined(separator: "\n")
    }

    private func compact(_ line: Line) -> String {
        let time = Self.milliseconds(line.time)
        let sender = self.hosts[line.sender]
        if line.isNote { return "\(time) \(sender): \(line.label)" }
        let receiver = line.receiver.map { self.hosts[$0] } ?? "?"
        return "\(time) \(sender)>\(receiver) \(line.label)\(Self.suffix(line))"
    }

    /// What is worth saying of the fate of a line.
    static func suffix(_ line: Line) -> String {
        let twice = line.duplicates > 0 ? " x\(line.duplicates + 1)" : ""
        switch line.fate {
        case .underway: return " underway"
        case .delivered(let time):
            return time == line.time
                ? twice
                : " +\(Self.milliseconds(MonotonicInstant(nanoseconds: time.since(line.time).nanoseconds)))\(twice)"
        case .lost: return " lost"
        case .cutOff: return " cut off"
        case .tooLarge: return " too large"
        case .filtered: return " filtered"
        case .unreachable: return " unreachable"
        }
    }

    /// Milliseconds with as many decimals as are needed, at most three.
    static func milliseconds(_ time: MonotonicInstant) -> String {
        let micro = time.nanoseconds / 1000
        guard micro % 1000 != 0 else { return String(micro / 1000) }
        var digits = String(1000 + micro % 1000).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(micro / 1000).\(digits)"
    }
}
