import TerminalUI

extension PhoneModel {
    /// Takes a key while a line is asked for.
    mutating func handlePrompt(_ key: Key, into actions: inout [PhoneAction]) {
        switch key.code {
        case .escape: self.prompt = nil
        case .character("c") where key.hasControl, .character("g") where key.hasControl: self.prompt = nil
        case .enter:
            guard let prompt = self.prompt else { return }
            self.prompt = nil
            self.enter(prompt, into: &actions)
        case .tab: self.complete(by: 1)
        case .backTab: self.complete(by: -1)
        case .up: self.recall(by: 1)
        case .down: self.recall(by: -1)
        case .backspace where self.prompt?.line.text.isEmpty == true: self.prompt = nil
        default:
            self.prompt?.completion = nil
            _ = self.prompt?.line.handle(key)
        }
    }

    private mutating func enter(_ prompt: PhonePrompt, into actions: inout [PhoneAction]) {
        let text = Self.trimmed(prompt.line.text)
        if !prompt.isSecret, !text.isEmpty, prompt.purpose == .command || prompt.takesAddress { self.remember(text) }
        switch prompt.purpose {
        case .call: self.dial(text, into: &actions)
        case .transfer(let name): self.transfer(name, to: text, into: &actions)
        case .digits(let name):
            if let call = self.call(name), call.isActive, !text.isEmpty {
                self.send(keys: text, in: call, into: &actions)
            }
        case .message(let peer):
            guard !text.isEmpty else { return }
            self.send(message: prompt.line.text, to: peer, into: &actions)
            // A conversation goes on.
            if self.tab == .messages, self.pane != .calls { self.prompt = PhonePrompt(.message(to: peer)) }
        case .messageTo:
            guard !text.isEmpty else { return }
            self.prompt = PhonePrompt(.message(to: self.resolved(text)))
        case .contactName: if !text.isEmpty { self.prompt = PhonePrompt(.contactAddress(name: text)) }
        case .contactAddress(let name):
            if !text.isEmpty { self.keep(PhoneContact(name: name, address: text), into: &actions) }
        case .account: if !text.isEmpty { self.prompt = PhonePrompt(.password(account: self.completed(text))) }
        case .password(let account):
            let password = prompt.line.text
            self.register(account, password: password, into: &actions)
            actions.append(.keepAccount(address: account, password: password))
        case .command: self.run(text, into: &actions)
        }
    }

    private func completed(_ address: String) -> String {
        address.hasPrefix("sip:") || address.hasPrefix("sips:") ? address : "sip:" + address
    }

    /// Keeps a contact, in place of one of the same name.
    mutating func keep(_ contact: PhoneContact, into actions: inout [PhoneAction]) {
        self.contacts.removeAll { $0.name.lowercased() == contact.name.lowercased() }
        guard self.contacts.count < Limit.contacts else {
            return self.say("there are \(Limit.contacts) contacts already: remove one", isProblem: true)
        }
        self.contacts.append(contact)
        self.contacts.sort { $0.name.lowercased() < $1.name.lowercased() }
        self.selections[.contacts] = self.contacts.firstIndex(of: contact)
        actions.append(.save(self.contacts))
        self.say("\(contact.name) is a contact")
    }

    // MARK: What was entered before

    private mutating func remember(_ text: String) {
        self.entered.removeAll { $0 == text }
        self.entered.append(text)
        if self.entered.count > 100 { self.entered.removeFirst() }
    }

    private mutating func recall(by steps: Int) {
        guard var prompt = self.prompt, !prompt.isSecret else { return }
        let next = Swift.max(0, Swift.min(self.entered.count, prompt.past + steps))
        guard next != prompt.past else { return }
        prompt.past = next
        prompt.line = LineEditor(next == 0 ? "" : self.entered[self.entered.count - next])
        prompt.completion = nil
        self.prompt = prompt
    }

    // MARK: Completing

    /// What may be meant by what is typed so far.
    func completions(of stem: String, _ purpose: PhonePrompt.Purpose) -> [String] {
        let start = stem.lowercased()
        switch purpose {
        case .call, .transfer, .messageTo:
            let recent = self.history.reversed().map { Address.short($0.peer) }
            var (found, seen): ([String], Set<String>) = ([], [])
            for name in self.contacts.map(\.name) + recent where name.lowercased().hasPrefix(start) {
                if seen.insert(name).inserted { found.append(name) }
            }
            return Array(found.prefix(20))
        case .command:
            guard let space = stem.lastIndex(of: " ") else {
                let names = (self.verbs.map(\.name) + PhoneCommandLine.ownVerbs.map(\.name)).sorted()
                return names.filter { $0.lowercased().hasPrefix(start) }
            }
            let (head, word) = (stem[...space], stem[stem.index(after: space)...].lowercased())
            guard !word.isEmpty else { return [] }
            return self.contacts.map(\.name).filter { $0.lowercased().hasPrefix(word) && !$0.contains(" ") }.map {
                head + $0
            }
        default: return []
        }
    }

    private mutating func complete(by step: Int) {
        guard var prompt = self.prompt else { return }
        let stem = prompt.completion?.stem ?? prompt.line.text
        let all = self.completions(of: stem, prompt.purpose)
        guard !all.isEmpty else { return }
        let number =
            prompt.completion.map { ($0.number + step + all.count) % all.count } ?? (step > 0 ? 0 : all.count - 1)
        prompt.line = LineEditor(all[number])
        prompt.completion = (number, stem)
        self.prompt = prompt
    }
}
