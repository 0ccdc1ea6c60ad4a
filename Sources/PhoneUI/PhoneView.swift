import TerminalUI

/// Draws a telephone.
public struct PhoneView {
    let model: PhoneModel

    /// A view of a telephone as it is.
    public init(_ model: PhoneModel) { self.model = model }

    /// The picture.
    public func frame() -> PhoneFrame {
        let (columns, rows) = (self.model.columns, self.model.rows)
        var frame = PhoneFrame(columns: columns, rows: rows)
        guard columns >= PhoneLayout.smallest.columns, rows >= PhoneLayout.smallest.rows else {
            let text = "too small: \(PhoneLayout.smallest.columns)x\(PhoneLayout.smallest.rows) at least"
            frame.screen.put(text, x: 0, y: 0, Theme.strong)
            return frame
        }
        let layout = PhoneLayout(columns: columns, rows: rows, pane: self.model.pane, calls: self.model.calls.count)
        self.header(layout.header, &frame)
        if let place = layout.calls { self.calls(place, &frame) }
        if let place = layout.list { self.list(place, &frame) }
        if let place = layout.quality { self.quality(place, &frame) }
        if let place = layout.detail {
            if self.model.showsConversation { self.conversation(place, &frame) } else { self.ladder(place, &frame) }
        }
        self.keys(layout.keys, &frame)
        if self.model.prompt == nil { self.notice(layout.notice, &frame) }
        self.overlay(&frame)
        if self.model.prompt != nil { self.prompt(layout.notice, &frame) }
        return frame
    }

    /// Draws the border of a pane; returns what is within.
    func pane(_ pane: PhoneModel.Pane?, _ title: String, _ place: Rectangle, _ frame: inout PhoneFrame) -> Rectangle {
        let isFocused = pane == self.model.pane && pane != nil
        frame.screen.box(
            place, title: title, isFocused ? Theme.focusedBorder : Theme.border,
            titled: isFocused ? Theme.focusedTitle : Theme.title)
        if let pane { frame.add(.pane(pane.rawValue), place) }
        return place.inner
    }

    // MARK: Above and below

    private func header(_ place: Rectangle, _ frame: inout PhoneFrame) {
        frame.screen.clear(place, Theme.bar)
        var x = place.x + frame.screen.put(" Biloxi ", x: place.x, y: place.y, Theme.barStrong)
        var right: [String] = []
        if self.model.missed > 0 { right.append("\(self.model.missed) missed") }
        if !self.model.unread.isEmpty { right.append("\(self.model.unread.count) unread") }
        right.append(self.model.now.clock)
        let end = right.joined(separator: "  ") + " "
        let edge = place.width - TextWidth.columns(of: end)
        frame.screen.put(end, x: edge, y: place.y, Theme.barStrong)
        if self.model.accounts.isEmpty {
            let text = " no account: + in Accounts, or --account"
            frame.screen.put(TextWidth.clipped(text, to: edge - x), x: x, y: place.y, Theme.bar)
        }
        for account in self.model.accounts {
            let room = edge - x - 1
            guard room > 8 else { break }
            let text = " \(Self.lamp(account.state)) \(Address.short(account.address)) \(Self.word(account.state)) "
            x += frame.screen.put(TextWidth.clipped(text, to: room), x: x, y: place.y, Theme.bar)
        }
    }

    /// What stands for the state of an account.
    static func lamp(_ state: PhoneAccount.State) -> String {
        switch state {
        case .idle: "○"
        case .registering: "◌"
        case .registered: "●"
        case .failed: "✕"
        }
    }

    static func word(_ state: PhoneAccount.State) -> String {
        switch state {
        case .idle: "off"
        case .registering: "registering"
        case .registered: "registered"
        case .failed(_, let isRetried): isRetried ? "retrying" : "failed"
        }
    }

    private func notice(_ place: Rectangle, _ frame: inout PhoneFrame) {
        guard let notice = self.model.notice else { return }
        let text = (notice.isProblem ? " ! " : " · ") + notice.text
        frame.screen.put(text, in: place, notice.isProblem ? Theme.bad : Theme.accent)
    }

    private func prompt(_ place: Rectangle, _ frame: inout PhoneFrame) {
        guard let prompt = self.model.prompt else { return }
        frame.screen.clear(place)
        let question = prompt.purpose == .command ? ":" : " " + prompt.question
        let x =
            place.x
            + frame.screen.put(
                TextWidth.clipped(question, to: place.width / 2), x: place.x, y: place.y, Theme.focusedTitle)
        let (text, before) =
            prompt.isSecret
            ? (String(repeating: "•", count: prompt.line.text.count), String(repeating: "•", count: prompt.line.cursor))
            : (prompt.line.text, prompt.line.beforeCursor)
        // The cursor stays in view: what is before it goes out to the left.
        let room = Swift.max(1, place.width - x - 1)
        var (shown, cursor) = (text.unicodeScalars[...], TextWidth.columns(of: before))
        while cursor >= room, let first = shown.popFirst() {
            cursor -= TextWidth.shown(first).map { TextWidth.columns(of: $0) } ?? 0
        }
        frame.screen.put(String(shown), x: x, y: place.y, width: room)
        frame.screen.cursor = Screen.Position(x: x + cursor, y: place.y)
        self.hint(prompt, place, &frame)
    }

    /// What Tab would make of what is typed, above the line.
    private func hint(_ prompt: PhonePrompt, _ place: Rectangle, _ frame: inout PhoneFrame) {
        let stem = prompt.completion?.stem ?? prompt.line.text
        let all = self.model.completions(of: stem, prompt.purpose)
        let usage = self.usage(prompt)
        guard !all.isEmpty && all != [stem] || usage != nil,
            !(stem.isEmpty && prompt.purpose == .command && all.isEmpty)
        else { return }
        let above = Rectangle(x: place.x, y: place.y - 1, width: place.width, height: 1)
        let text = usage ?? all.prefix(12).joined(separator: "  ")
        frame.screen.put(" " + text, in: above, Theme.faint)
    }

    /// How the command that is typed is written, once its name is there.
    private func usage(_ prompt: PhonePrompt) -> String? {
        guard prompt.purpose == .command, let space = prompt.line.text.firstIndex(of: " ") else { return nil }
        let name = prompt.line.text[..<space]
        return self.model.verbs.first { $0.name == name }.map { PhoneCommandLine.usage($0) + "   " + $0.help }
    }

    // MARK: Keys

    /// The keys that do something at present, as buttons.
    private var buttons: [(key: Character, text: String)] {
        var buttons: [(Character, String)] = []
        if self.model.calls.contains(where: \.isIncoming) { buttons.append(("a", "answer")) }
        if let call = self.model.current, !call.isOver {
            buttons.append(("x", call.isIncoming ? "reject" : "hang up"))
            if call.isActive {
                buttons.append(("h", call.isHeld ? "resume" : "hold"))
                if self.model.calls.contains(where: { $0.isActive && $0.isHeld && $0.name != call.name }) {
                    buttons.append(("s", "swap"))
                }
                buttons.append(("t", "transfer"))
                if self.model.partner(of: call) != nil { buttons += [("T", "connect"), ("c", "conference")] }
                buttons += [
                    ("m", call.isMuted ? "unmute" : "mute"), ("r", call.recording == nil ? "record" : "stop rec"),
                ]
            }
        }
        buttons.append(("d", "dial"))
        if self.model.pane == .list || self.model.calls.isEmpty {
            switch self.model.tab {
            case .contacts: buttons += [("+", "add"), ("-", "remove")]
            case .accounts: buttons += [("+", "add"), ("R", "register")]
            case .messages: buttons.append(("i", "write"))
            default: buttons.append(("M", "message"))
            }
        }
        return buttons + [(":", "command"), ("?", "help"), ("q", "quit")]
    }

    private func keys(_ place: Rectangle, _ frame: inout PhoneFrame) {
        var buttons = self.buttons
        // The last two are always there; what is too much in the middle goes.
        func width() -> Int { buttons.reduce(0) { $0 + TextWidth.columns(of: $1.text) + 4 } }
        while width() > place.width, buttons.count > 3 { buttons.remove(at: buttons.count - 3) }
        var x = place.x
        for (key, text) in buttons {
            let start = x
            x += frame.screen.put(" \(key) ", x: x, y: place.y, Theme.keyCap)
            x += frame.screen.put(text + " ", x: x, y: place.y, Theme.plain)
            frame.add(.key(.character(key)), Rectangle(x: start, y: place.y, width: x - start, height: 1))
        }
    }
}
