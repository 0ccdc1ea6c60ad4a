import TerminalUI

extension PhoneView {
    func list(_ place: Rectangle, _ frame: inout PhoneFrame) {
        let inner = self.pane(.list, "", place, &frame)
        self.tabs(place, &frame)
        let count = self.model.count(of: self.model.tab)
        guard count > 0 else {
            let text =
                switch self.model.tab {
                case .history: " no calls yet"
                case .contacts: " no contacts: + adds one"
                case .messages: " no messages: M writes one"
                case .accounts: " no account: + adds one"
                case .log: " nothing has happened"
                }
            frame.screen.put(text, in: inner.row(inner.height / 2), Theme.faint)
            return
        }
        let selected = self.model.selection(of: self.model.tab)
        let lines = self.model.tab == .accounts ? 2 : 1
        let visible = Swift.max(1, inner.height / lines)
        let first = Swift.max(0, Swift.min(selected - visible / 2, count - visible))
        for (row, number) in (first..<Swift.min(count, first + visible)).enumerated() {
            let place = Rectangle(x: inner.x, y: inner.y + row * lines, width: inner.width, height: lines)
            self.row(number, place, &frame)
            frame.add(.row(number), place)
            guard number == selected, self.model.tab != .log else { continue }
            frame.screen.put("▶", x: place.x, y: place.y, Theme.accent)
            if self.model.pane == .list { frame.screen.restyle(place.row(0), Theme.selected) }
        }
    }

    /// The names of the lists, in the upper border; the first letters only where there is no room.
    private func tabs(_ place: Rectangle, _ frame: inout PhoneFrame) {
        let names = PhoneModel.Tab.allCases.map { tab in
            (
                tab,
                tab == .messages && !self.model.unread.isEmpty ? "\(tab.title) \(self.model.unread.count)" : tab.title
            )
        }
        let isShort = names.reduce(2) { $0 + $1.1.count + 2 } > place.width
        var x = place.x + 1
        for (tab, title) in names {
            let isChosen = tab == self.model.tab
            let text = isShort && !isChosen ? String(title.prefix(3)) : title
            let style =
                isChosen ? (self.model.pane == .list ? Theme.focusedTitle.reversed : Theme.title.reversed) : Theme.faint
            let width = frame.screen.put(" \(text) ", x: x, y: place.y, width: place.x + place.width - 1 - x, style)
            frame.add(.tab(tab.rawValue), Rectangle(x: x, y: place.y, width: width, height: 1))
            x += width
        }
    }

    private func row(_ number: Int, _ place: Rectangle, _ frame: inout PhoneFrame) {
        switch self.model.tab {
        case .history: self.history(self.model.history[self.model.history.count - 1 - number], place, &frame)
        case .contacts:
            let contact = self.model.contacts[number]
            self.columns("  " + contact.name, Address.short(contact.address), place, Theme.plain, &frame)
        case .messages:
            let peer = self.model.conversations[number]
            let isUnread = self.model.unread.contains(Address.key(peer))
            let last = self.model.messages.last { Address.key($0.peer) == Address.key(peer) }?.text ?? ""
            let name = "  " + (isUnread ? "● " : "") + self.model.name(of: peer)
            self.columns(name, last, place, isUnread ? Theme.strong : Theme.plain, &frame)
        case .accounts: self.account(self.model.accounts[number], place, &frame)
        case .log:
            let line = self.model.log[self.model.log.count - 1 - number]
            frame.screen.put("\(line.time)  \(line.text)", in: place, Theme.plain)
        }
    }

    /// A name, and what belongs to it in the rest of the line.
    private func columns(
        _ left: String, _ right: String, _ place: Rectangle, _ style: Style, _ frame: inout PhoneFrame
    ) {
        let width = Swift.min(Swift.max(TextWidth.columns(of: left), place.width * 2 / 5), place.width * 3 / 5)
        frame.screen.put(TextWidth.fitted(left, to: width), x: place.x, y: place.y, style)
        let rest = Rectangle(x: place.x + width + 1, y: place.y, width: place.width - width - 1, height: 1)
        frame.screen.put(right, in: rest, Theme.faint)
    }

    private func history(_ entry: PhoneHistoryEntry, _ place: Rectangle, _ frame: inout PhoneFrame) {
        let (sign, style): (String, Style) =
            switch entry.direction {
            case .outgoing: ("↗", Theme.plain)
            case .incoming: ("↘", Theme.plain)
            case .missed: ("!", Theme.bad)
            }
        let time = PhoneTime.shown(entry.began, now: self.model.now)
        let end = entry.seconds > 0 ? PhoneTime.length(seconds: entry.seconds) : entry.outcome
        let name = "  \(sign) " + self.model.name(of: entry.peer, saying: entry.name)
        let right = "\(TextWidth.clipped(end, to: Swift.max(6, place.width / 3))) \(time)"
        let width = TextWidth.columns(of: right)
        frame.screen.put(TextWidth.fitted(name, to: place.width - width - 1), x: place.x, y: place.y, style)
        frame.screen.put(right, x: place.x + place.width - width, y: place.y, Theme.faint)
    }

    private func account(_ account: PhoneAccount, _ place: Rectangle, _ frame: inout PhoneFrame) {
        let (detail, style): (String, Style) =
            switch account.state {
            case .idle: ("not registered: Enter registers", Theme.faint)
            case .registering: ("asking the registrar", Theme.fair)
            case .registered(let seconds): ("registered, for \(seconds) s at a time", Theme.good)
            case .failed(let reason, let isRetried): (reason + (isRetried ? ", trying again" : ""), Theme.bad)
            }
        frame.screen.put(
            "  \(Self.lamp(account.state)) \(Address.short(account.address))", in: place.row(0), Theme.strong)
        frame.screen.put("    " + detail, in: place.row(1), style)
    }

    // MARK: Conversation

    func conversation(_ place: Rectangle, _ frame: inout PhoneFrame) {
        guard let peer = self.model.selectedConversation else {
            let inner = self.pane(.detail, "Messages", place, &frame)
            frame.screen.put(" M writes a message", in: inner.row(inner.height / 2), Theme.faint)
            return
        }
        let inner = self.pane(.detail, "With \(self.model.name(of: peer))", place, &frame)
        let key = Address.key(peer)
        var lines: [(time: String, text: String, style: Style)] = []
        for message in self.model.messages where Address.key(message.peer) == key {
            let who = message.isOurs ? "me" : self.model.name(of: peer)
            let time = PhoneTime.shown(message.time, now: self.model.now)
            var (text, style) = ("\(who): \(message.text)", message.isOurs ? Theme.accent : Theme.plain)
            switch message.state {
            case .sending: text += " …"
            case .failed(let reason): (text, style) = (text + " — not sent: \(reason)", Theme.bad)
            case .received, .sent: break
            }
            for (i, line) in TextWidth.wrapped(text, to: Swift.max(8, inner.width - 12)).enumerated() {
                lines.append((i == 0 ? time : "", line, style))
            }
        }
        let last = Swift.max(Swift.min(inner.height, lines.count), lines.count - self.model.conversationScroll)
        for (row, line) in lines[Swift.max(0, last - inner.height)..<last].enumerated() {
            frame.screen.put(
                TextWidth.fitted(line.time, to: 11, atEnd: true), x: inner.x, y: inner.y + row, Theme.faint)
            frame.screen.put(line.text, x: inner.x + 12, y: inner.y + row, width: inner.width - 12, line.style)
        }
    }
}
