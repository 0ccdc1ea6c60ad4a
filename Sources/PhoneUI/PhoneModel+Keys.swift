import TerminalUI

extension PhoneModel {
    /// Takes what someone did at the terminal.
    mutating func handle(_ input: TerminalInput, into actions: inout [PhoneAction]) {
        switch input {
        case .pasted(let text):
            // What is pasted is text and nothing else: it presses no keys.
            if self.prompt == nil { self.prompt = PhonePrompt(.call) }
            self.prompt?.line.insert(text)
        case .mouse(let mouse): self.handle(mouse, into: &actions)
        case .key(let key): self.handle(key, into: &actions)
        }
    }

    mutating func handle(_ key: Key, into actions: inout [PhoneAction]) {
        switch key {
        case .control("l"): return actions.append(.redraw)
        case .control("z"): return actions.append(.suspend)
        default: break
        }
        if self.overlay != nil { return self.handleOverlay(key, into: &actions) }
        if self.prompt != nil { return self.handlePrompt(key, into: &actions) }
        if self.handleMovement(key, into: &actions) { return }
        guard case .character(let character) = key.code, !key.hasAlt else { return }
        guard !key.hasControl else {
            if character == "c" { self.askToQuit(into: &actions) }
            return
        }
        self.handle(character, into: &actions)
    }

    /// A letter, outside of any input.
    private mutating func handle(_ character: Character, into actions: inout [PhoneAction]) {
        if "0123456789*#".contains(character) {
            // As on any telephone: keys in a call, else the beginning of a number.
            if let current, current.isActive { return self.send(keys: String(character), in: current, into: &actions) }
            self.prompt = PhonePrompt(.call, String(character))
            return
        }
        switch character {
        case "?": self.overlay = .help(scroll: 0)
        case ":": self.prompt = PhonePrompt(.command)
        case "q": self.askToQuit(into: &actions)
        case "d": self.prompt = PhonePrompt(.call)
        case "M": self.prompt = PhonePrompt(.messageTo)
        case "s": self.swap(into: &actions)
        case "c": self.toggleConference(into: &actions)
        case "a":
            guard let call = self.current.flatMap({ $0.isIncoming ? $0 : nil }) ?? self.calls.first(where: \.isIncoming)
            else { return self.say("nobody calls at present") }
            self.answer(call, into: &actions)
        case "x", "h", "t", "T", "m", "r", "D", "i": self.handleCall(character, into: &actions)
        case "+", "-", "e", "R": self.handleList(character, into: &actions)
        case "H": self.choose(.history)
        case "K": self.choose(.contacts)
        case "G": self.choose(.messages)
        case "A": self.choose(.accounts)
        case "O": self.choose(.log)
        case "L": self.pane = self.pane == .detail ? .calls : .detail
        default: self.say("\(character) does nothing here; ? shows the keys")
        }
    }

    /// Letters that are for the selected call.
    private mutating func handleCall(_ character: Character, into actions: inout [PhoneAction]) {
        if character == "i", self.pane != .calls, self.tab == .messages { return self.open(into: &actions) }
        guard let call = self.current, !call.isOver else { return self.say("there is no call") }
        switch character {
        case "x": self.hangUp(call, into: &actions)
        case "h": self.hold(call, into: &actions)
        case "t":
            guard call.isActive else { return self.say("only a call that stands can be transferred") }
            self.prompt = PhonePrompt(.transfer(call: call.name))
        case "T": self.askToConnect(call)
        case "m": self.mute(call, into: &actions)
        case "r": self.record(call, into: &actions)
        case "D":
            guard call.isActive else { return self.say("keys can be sent when the call stands") }
            self.prompt = PhonePrompt(.digits(call: call.name))
        default: self.prompt = PhonePrompt(.message(to: call.peer))
        }
    }

    /// Letters that are for the list.
    private mutating func handleList(_ character: Character, into actions: inout [PhoneAction]) {
        switch (character, self.tab) {
        case ("+", .accounts): self.prompt = PhonePrompt(.account)
        case ("+", .history):
            // Who has called becomes a contact.
            guard self.pane == .list, let entry = self.selectedHistory else { fallthrough }
            self.prompt = PhonePrompt(
                .contactAddress(name: entry.name.isEmpty ? Address.short(entry.peer) : entry.name), entry.peer)
        case ("+", _): self.prompt = PhonePrompt(.contactName)
        case ("-", .contacts):
            guard let contact = self.selectedContact else { return }
            self.overlay = .question("Remove \(contact.name)?", .removeContact(self.selection(of: .contacts)))
        case ("-", .accounts):
            guard let account = self.selectedAccount else { return }
            self.overlay = .question(
                "Remove the account \(Address.short(account.address))?", .removeAccount(account.address))
        case ("e", .contacts):
            guard let contact = self.selectedContact else { return }
            self.prompt = PhonePrompt(.contactAddress(name: contact.name), contact.address)
        case ("R", .accounts):
            if let account = self.selectedAccount { self.toggle(account, into: &actions) }
        case ("R", _):
            for account in self.accounts where !account.state.isRegistered { self.toggle(account, into: &actions) }
        default: self.say("\(character) does nothing in this list; ? shows the keys")
        }
    }

    mutating func askToQuit(into actions: inout [PhoneAction]) {
        guard self.calls.contains(where: { !$0.isOver }) else { return actions.append(.quit) }
        self.overlay = .question("Calls go on: hang up and quit?", .quit)
    }

    // MARK: Moving

    mutating func choose(_ tab: Tab) {
        (self.tab, self.pane) = (tab, .list)
        if tab == .history { self.missed = 0 }
        self.selectedTrace = nil
        self.conversationScroll = 0
        self.readConversation()
    }

    /// Takes keys that move.
    ///
    /// - Returns: Whether it was one.
    private mutating func handleMovement(_ key: Key, into actions: inout [PhoneAction]) -> Bool {
        switch key.code {
        case .tab, .backTab:
            let count = Pane.allCases.count
            let next = (self.pane.rawValue + (key.code == .tab ? 1 : count - 1)) % count
            self.pane = Pane(rawValue: next) ?? .calls
            self.readConversation()
        case .up, .character("k"): self.move(by: -1)
        case .down, .character("j"): self.move(by: 1)
        case .pageUp: self.move(by: -10)
        case .pageDown: self.move(by: 10)
        case .home: self.move(by: -Screen.limit * Screen.limit)
        case .end: self.move(by: Screen.limit * Screen.limit)
        case .left where self.pane == .list, .right where self.pane == .list:
            let count = Tab.allCases.count
            let next = (self.tab.rawValue + (key.code == .right ? 1 : count - 1)) % count
            self.choose(Tab(rawValue: next) ?? .history)
        case .function(let number) where number == 1: self.overlay = .help(scroll: 0)
        case .function(let number) where (2...6).contains(number): self.choose(Tab(rawValue: number - 2) ?? .history)
        case .enter: self.open(into: &actions)
        case .escape:
            (self.selectedTrace, self.notice) = (nil, nil)
            if self.pane == .detail { self.pane = .calls }
        default: return false
        }
        return true
    }

    /// Moves the selection of the pane where someone is.
    mutating func move(by lines: Int) {
        switch self.pane {
        case .calls:
            guard !self.calls.isEmpty else { return }
            let at = self.calls.firstIndex { $0.name == self.selectedCall } ?? 0
            self.selectedCall = self.calls[Swift.max(0, Swift.min(self.calls.count - 1, at + lines))].name
            self.selectedTrace = nil
        case .list:
            self.selections[self.tab] = Swift.max(
                0, Swift.min(self.count(of: self.tab) - 1, self.selection(of: self.tab) + lines))
            self.selectedTrace = nil
            self.conversationScroll = 0
            self.readConversation()
        case .detail:
            if self.showsConversation {
                self.conversationScroll = Swift.max(0, Swift.min(10_000, self.conversationScroll - lines))
                return
            }
            let count = self.ladder.count
            guard count > 0 else { return }
            let next = (self.selectedTrace ?? count - 1) + lines
            // Behind the last one it follows what comes.
            self.selectedTrace = next >= count ? nil : Swift.max(0, next)
        }
    }

    /// Does what is meant by Enter where someone is.
    mutating func open(into actions: inout [PhoneAction]) {
        switch (self.pane, self.tab) {
        case (.calls, _):
            guard let call = self.current else {
                self.prompt = PhonePrompt(.call)
                return
            }
            if call.isIncoming { return self.answer(call, into: &actions) }
            if call.isHeld { return self.hold(call, into: &actions) }
            if call.isOver { return self.dial(call.peer, into: &actions) }
        case (.list, .history): if let entry = self.selectedHistory { self.dial(entry.peer, into: &actions) }
        case (.list, .contacts): if let contact = self.selectedContact { self.dial(contact.address, into: &actions) }
        case (.list, .messages), (.detail, .messages):
            self.prompt = self.selectedConversation.map { PhonePrompt(.message(to: $0)) } ?? PhonePrompt(.messageTo)
        case (.list, .accounts): if let account = self.selectedAccount { self.toggle(account, into: &actions) }
        case (.list, .log): break
        case (.detail, _):
            let ladder = self.ladder
            guard let last = ladder.last else { return }
            let trace = self.selectedTrace.flatMap { ladder.indices.contains($0) ? ladder[$0] : nil } ?? last
            let lines = trace.text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(String.init)
            self.overlay = .text(
                title: trace.label + (trace.isSent ? " to " : " from ") + trace.peer, lines: lines, scroll: 0)
        }
    }

    // MARK: What lies over the panes

    private mutating func handleOverlay(_ key: Key, into actions: inout [PhoneAction]) {
        if case .question(_, let answer)? = self.overlay {
            switch key.code {
            case .character("y"), .character("Y"), .enter:
                self.overlay = nil
                self.do(answer, into: &actions)
            case .character("c") where key.hasControl:
                self.overlay = nil
                if answer == .quit { actions.append(.quit) }
            case .character("n"), .character("N"), .escape, .character("q"): self.overlay = nil
            default: break
            }
            return
        }
        switch key.code {
        case .up, .character("k"): self.overlay = self.overlay?.scrolled(by: -1)
        case .down, .character("j"): self.overlay = self.overlay?.scrolled(by: 1)
        case .pageUp: self.overlay = self.overlay?.scrolled(by: -10)
        case .pageDown, .character(" "): self.overlay = self.overlay?.scrolled(by: 10)
        default: self.overlay = nil
        }
    }

    private mutating func `do`(_ answer: PhoneOverlay.Answer, into actions: inout [PhoneAction]) {
        switch answer {
        case .quit: actions.append(.quit)
        case .connect(let first, let second): self.connect(first, second, into: &actions)
        case .removeContact(let number):
            guard self.contacts.indices.contains(number) else { return }
            self.contacts.remove(at: number)
            actions.append(.save(self.contacts))
        case .removeAccount(let address):
            let state = self.accounts.first { $0.address == address }?.state
            if state?.isRegistered == true {
                actions.append(.perform([self.command("unregister", .quiet, ["account": .text(address)])]))
            }
            self.accounts.removeAll { $0.address == address }
            actions.append(.dropAccount(address: address))
        }
    }
}
