import TerminalUI

extension PhoneView {
    func overlay(_ frame: inout PhoneFrame) {
        switch self.model.overlay {
        case nil: return
        case .help(let scroll): self.help(scroll, &frame)
        case .text(let title, let lines, let scroll):
            let room = Swift.max(8, self.model.columns - 8)
            let wrapped = lines.flatMap { TextWidth.wrapped($0, to: room) }
            self.sheet(title, wrapped.map { ($0, Theme.plain) }, scroll, &frame)
        case .question(let text, _): self.question(text, &frame)
        }
    }

    /// Draws lines over the middle of the screen.
    private func sheet(
        _ title: String, _ lines: [(text: String, style: Style)], _ scroll: Int, _ frame: inout PhoneFrame
    ) {
        let longest = lines.reduce(TextWidth.columns(of: title) + 4) { Swift.max($0, TextWidth.columns(of: $1.text)) }
        let width = Swift.min(self.model.columns - 2, longest + 4)
        let height = Swift.min(self.model.rows - 2, lines.count + 2)
        let place = Rectangle(
            x: (self.model.columns - width) / 2, y: (self.model.rows - height) / 2, width: width, height: height)
        frame.screen.clear(place)
        frame.screen.box(place, title: title, Theme.focusedBorder, titled: Theme.focusedTitle)
        let visible = height - 2
        let first = Swift.max(0, Swift.min(scroll, lines.count - visible))
        for (row, line) in lines.dropFirst(first).prefix(visible).enumerated() {
            frame.screen.put(line.text, x: place.x + 2, y: place.y + 1 + row, width: width - 4, line.style)
        }
        let more = first + visible < lines.count ? " ↓ more " : first > 0 ? " ↑ " : " any key closes "
        let x = place.x + width - TextWidth.columns(of: more) - 2
        frame.screen.put(more, x: Swift.max(place.x + 1, x), y: place.y + height - 1, Theme.faint)
    }

    private func question(_ text: String, _ frame: inout PhoneFrame) {
        let width = Swift.min(self.model.columns - 2, Swift.max(30, TextWidth.columns(of: text) + 6))
        let lines = TextWidth.wrapped(text, to: width - 6)
        let place = Rectangle(
            x: (self.model.columns - width) / 2, y: (self.model.rows - lines.count - 4) / 2, width: width,
            height: lines.count + 4)
        frame.screen.clear(place)
        frame.screen.box(place, Theme.focusedBorder)
        for (row, line) in lines.enumerated() {
            frame.screen.put(line, x: place.x + 3, y: place.y + 1 + row, Theme.strong)
        }
        var x = place.x + 3
        for (key, word) in [("y", "yes"), ("n", "no")] {
            let start = x
            x += frame.screen.put(" \(key) ", x: x, y: place.y + lines.count + 2, Theme.keyCap)
            x += frame.screen.put(" \(word)   ", x: x, y: place.y + lines.count + 2)
            let key = Key(.character(Character(key)))
            frame.add(.key(key), Rectangle(x: start, y: place.y + lines.count + 2, width: x - start, height: 1))
        }
    }

    /// The keys, by what they are for. An empty key begins a part.
    static let keyHelp: [(key: String, text: String)] = [
        ("", "Calls"), ("d", "dial; a number begins dialling too"), ("Enter", "answer, resume, call again"),
        ("a", "answer who calls"), ("x", "hang up, reject, give up"), ("h", "hold, resume"),
        ("s", "swap: hold this one, resume the other"), ("t", "transfer to someone (blind)"),
        ("T", "connect two calls (attended transfer)"), ("c", "conference of all calls; again ends it"),
        ("0-9*#", "send a key in the call; D sends several"), ("m", "mute"),
        ("r", "record what is heard; again ends it"),
        ("i", "write a message to the other side"), ("", "Lists"),
        ("H K G A O", "History, Contacts (K), Messages (G), Accounts, Log (O)"), ("+ - e", "add, remove, edit"),
        ("Enter", "call; write; register"), ("M", "write a message to someone"), ("R", "register, unregister"),
        ("", "Everywhere"), ("Tab", "next pane; arrows, j, k, PgUp, PgDn move"),
        ("L", "ladder; Enter shows a whole message"),
        (":", "a command, as of biloxi run; :help lists all"), ("Ctrl-Z", "stop for a while; Ctrl-L draws anew"),
        ("q", "quit; Ctrl-C too"), ("mouse", "click, double click, wheel; Shift selects text"),
    ]

    private func help(_ scroll: Int, _ frame: inout PhoneFrame) {
        let lines = Self.keyHelp.map { key, text -> (String, Style) in
            key.isEmpty ? (text, Theme.focusedTitle) : (TextWidth.fitted("  " + key, to: 13) + text, Theme.plain)
        }
        self.sheet("Keys", lines, scroll, &frame)
    }
}
