import TerminalUI

extension PhoneView {
    func ladder(_ place: Rectangle, _ frame: inout PhoneFrame) {
        let messages = self.model.ladder
        let title = self.model.ladderTitle
        let inner = self.pane(.detail, title.isEmpty ? "Ladder" : "Ladder of \(title)", place, &frame)
        guard let start = messages.first?.time, inner.height > 2, inner.width > 24 else {
            frame.screen.put(" the messages of a call stand here", in: inner.row(inner.height / 2), Theme.faint)
            return
        }
        let ladder = Ladder(messages, place: inner)
        ladder.head(&frame.screen)
        let visible = inner.height - 1
        let selected = self.model.selectedTrace.map { Swift.min($0, messages.count - 1) }
        let first = Swift.max(0, Swift.min((selected ?? messages.count - 1) - visible / 2, messages.count - visible))
        for (row, number) in (first..<Swift.min(messages.count, first + visible)).enumerated() {
            let line = inner.row(row + 1)
            ladder.draw(messages[number], since: start, line, &frame.screen)
            frame.add(.trace(number), line)
            if number == selected { frame.screen.restyle(line, Theme.selected) }
        }
    }
}

/// The lines of a ladder: ours is the first, and one for each other side as far as there is room.
struct Ladder {
    private let peers: [String]
    private let place: Rectangle
    /// Columns between two lines.
    private let step: Int
    /// Where our line is.
    private let left: Int

    /// Columns before our line, for the time.
    private static let margin = 9

    init(_ messages: [PhoneTrace], place: Rectangle) {
        var peers: [String] = []
        for message in messages where !peers.contains(message.peer) { peers.append(message.peer) }
        let room = Swift.max(12, place.width - Self.margin - 2)
        let columns = Swift.max(1, Swift.min(peers.count, room / 24))
        self.peers = Array(peers.prefix(columns))
        self.place = place
        self.step = Swift.min(56, room / columns)
        self.left = place.x + Self.margin
    }

    /// The number of the line of a message's other side; those without a line share the last one.
    private func column(_ message: PhoneTrace) -> Int {
        (self.peers.firstIndex(of: message.peer) ?? self.peers.count - 1) + 1
    }

    func head(_ screen: inout Screen) {
        screen.put("us", x: self.left - 1, y: self.place.y, Theme.strong)
        for (i, peer) in self.peers.enumerated() {
            let x = self.left + (i + 1) * self.step
            let text = TextWidth.clipped(peer, to: self.step - 3)
            let width = TextWidth.columns(of: text)
            // Under its name, which stays within the pane.
            let start = Swift.min(x - width / 2, self.place.x + self.place.width - width)
            screen.put(text, x: start, y: self.place.y, Theme.strong)
        }
    }

    func draw(_ message: PhoneTrace, since start: Int64, _ row: Rectangle, _ screen: inout Screen) {
        let seconds = Figures.decimal(Double(message.time - start) / 1_000, 3)
        screen.put(TextWidth.fitted(seconds, to: Self.margin - 2, atEnd: true), x: row.x, y: row.y, Theme.faint)
        for i in 0...self.peers.count { screen.put("│", x: self.left + i * self.step, y: row.y, Theme.border) }
        let end = self.left + self.column(message) * self.step
        let (from, length) = (self.left + 1, end - self.left - 1)
        let label = TextWidth.clipped(message.label, to: length - 4)
        let spare = Swift.max(0, length - TextWidth.columns(of: label) - 1)
        let (before, after) = (
            String(repeating: "─", count: spare / 2), String(repeating: "─", count: spare - spare / 2)
        )
        let style = Theme.status(message.status)
        let text = message.isSent ? before + label + after + "▶" : "◀" + before + label + after
        screen.put(text, x: from, y: row.y, width: length, style)
    }
}
