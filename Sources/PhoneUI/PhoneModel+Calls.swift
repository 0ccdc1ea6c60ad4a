extension PhoneModel {
    // MARK: Beginning and ending

    /// Calls someone; who is talked with is held meanwhile.
    mutating func dial(_ address: String, into actions: inout [PhoneAction]) {
        let target = self.resolved(address)
        guard !target.isEmpty else { return }
        guard self.calls.count(where: { !$0.isOver }) < Limit.calls else {
            return self.say("there are \(Limit.calls) calls already: hang up one", isProblem: true)
        }
        var commands = self.holdingOthers(than: "")
        self.lastCall += 1
        let name = "line-\(self.lastCall)"
        commands.append(self.command("call", .call(name), ["uri": .text(target), "call": .text(name)]))
        self.calls.append(PhoneCall(name, isOutgoing: true, peer: target, .calling("calling"), at: self.now))
        (self.selectedCall, self.pane) = (name, .calls)
        actions.append(.perform(commands))
    }

    /// An address as someone types it: a contact by its name, or what stands there.
    func resolved(_ text: String) -> String {
        let trimmed = Self.trimmed(text)
        let contact = self.contacts.first { $0.name.lowercased() == trimmed.lowercased() }
        return contact?.address ?? trimmed
    }

    static func trimmed(_ text: String) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }

    mutating func answer(_ call: PhoneCall, into actions: inout [PhoneAction]) {
        guard call.isIncoming else { return self.say("nobody calls there: select a call that rings") }
        var commands = self.holdingOthers(than: call.name)
        commands.append(self.command("answer", .answer(call.name), ["call": .text(call.name)]))
        self.change(call.name) { $0.state = .answering }
        self.selectedCall = call.name
        actions.append(.perform(commands))
    }

    mutating func hangUp(_ call: PhoneCall, into actions: inout [PhoneAction]) {
        guard !call.isOver else { return }
        self.change(call.name) { $0.isHungUp = true }
        let name: [String: PhoneCommand.Value] = ["call": .text(call.name)]
        actions.append(.perform([self.command(call.isIncoming ? "reject" : "hangup", .quiet, name)]))
    }

    // MARK: Hold

    /// The commands that hold everybody who is talked with but one.
    private mutating func holdingOthers(than name: String) -> [PhoneCommand] {
        let others = self.calls.filter { $0.isActive && !$0.isHeld && !$0.isInConference && $0.name != name }
        return others.map { self.command("hold", .hold($0.name), ["call": .text($0.name)]) }
    }

    /// Holds the call, or goes on with it; then the others are held.
    mutating func hold(_ call: PhoneCall, into actions: inout [PhoneAction]) {
        guard call.isActive else { return self.say("only a call that stands can be held") }
        guard call.isHeld else {
            return actions.append(.perform([self.command("hold", .hold(call.name), ["call": .text(call.name)])]))
        }
        let commands = self.holdingOthers(than: call.name)
        actions.append(
            .perform(commands + [self.command("resume", .resume(call.name), ["call": .text(call.name)])]))
    }

    /// Holds who is talked with and goes on with who was held.
    mutating func swap(into actions: inout [PhoneAction]) {
        let held = self.calls.filter { $0.isActive && $0.isHeld }
        // The one that is selected, or the one that waits behind the selected one.
        guard let next = held.first(where: { $0.name == self.selectedCall }) ?? held.last else {
            return self.say("there is no held call to swap with")
        }
        self.selectedCall = next.name
        self.hold(next, into: &actions)
    }

    // MARK: Transfers

    /// Follows who transfers us, or refuses: a question would lapse within seconds, so that the one who has started the
    /// telephone has decided.
    mutating func answer(_ transfer: String, of name: String, to target: String, into actions: inout [PhoneAction]) {
        let who = self.call(name).map { self.name(of: $0) } ?? name
        var members: [String: PhoneCommand.Value] = ["transfer": .text(transfer)]
        if self.followsTransfers {
            self.change(name) { $0.note = "transferred to \(target) …" }
            self.say("\(who) transfers you to \(target)")
            members["follow"] = .flag(true)
        } else {
            self.say("\(who) wanted to transfer you to \(target): refused")
        }
        let verb = self.followsTransfers ? "acceptTransfer" : "refuseTransfer"
        actions.append(.perform([self.command(verb, .transfer(name), members)]))
    }

    mutating func transfer(_ name: String, to address: String, into actions: inout [PhoneAction]) {
        let target = self.resolved(address)
        guard !target.isEmpty else { return }
        self.change(name) { call in
            call.note = "transfer to \(Address.short(target)) …"
            call.transferTarget = Address.short(target)
        }
        let members: [String: PhoneCommand.Value] = ["call": .text(name), "to": .text(target)]
        actions.append(.perform([self.command("transfer", .transfer(name), members)]))
    }

    /// The call that the selected one can be connected with: the one that stands longest beside it.
    func partner(of call: PhoneCall) -> PhoneCall? { self.calls.first { $0.isActive && $0.name != call.name } }

    /// Connects the other sides of two calls: the one of the older call is sent to the other.
    mutating func connect(_ first: String, _ second: String, into actions: inout [PhoneAction]) {
        let other = self.call(second).map { self.name(of: $0) } ?? second
        self.change(first) { ($0.note, $0.transferTarget) = ("connecting …", other) }
        let members: [String: PhoneCommand.Value] = ["call": .text(first), "toCall": .text(second)]
        actions.append(.perform([self.command("transfer", .transfer(first), members)]))
    }

    mutating func askToConnect(_ call: PhoneCall) {
        guard call.isActive, let other = self.partner(of: call) else {
            return self.say("an attended transfer needs two calls that stand: call the second one first (d)")
        }
        let (first, second) = call.began.uptime <= other.began.uptime ? (call, other) : (other, call)
        self.overlay = .question(
            "Connect \(self.name(of: first)) with \(self.name(of: second))?", .connect(first.name, second.name))
    }

    // MARK: Conference

    /// Lets all hear each other, or ends that.
    mutating func toggleConference(into actions: inout [PhoneAction]) {
        if let conference {
            let stop = self.command("stop", .quiet, ["command": .text(conference)])
            return actions.append(.perform([stop]))
        }
        let members = self.calls.filter(\.isActive)
        guard members.count > 1 else {
            return self.say("a conference needs two calls that stand: call the second one first (d)")
        }
        var commands = members.filter(\.isHeld).map {
            self.command("resume", .resume($0.name), ["call": .text($0.name)])
        }
        let mixing = self.command("conference", .conference, ["calls": .texts(members.map(\.name))])
        commands.append(mixing)
        self.conference = mixing.id
        for member in members { self.change(member.name) { $0.isInConference = true } }
        actions.append(.perform(commands))
        self.say("conference of " + members.map { self.name(of: $0) }.joined(separator: ", "))
    }

    // MARK: Sound

    mutating func mute(_ call: PhoneCall, into actions: inout [PhoneAction]) {
        guard call.isActive else { return self.say("only a call that stands can be muted") }
        let members: [String: PhoneCommand.Value] = ["call": .text(call.name), "on": .flag(!call.isMuted)]
        actions.append(.perform([self.command("mute", .mute(call.name, !call.isMuted), members)]))
    }

    mutating func record(_ call: PhoneCall, into actions: inout [PhoneAction]) {
        if call.recording != nil {
            let running = self.purposes.first { $0.value == .record(call.name) }?.key
            if let running {
                actions.append(.perform([self.command("stop", .quiet, ["command": .text(running)])]))
            }
            return
        }
        guard call.isActive else { return self.say("only a call that stands can be recorded") }
        let stamp = self.now.stamp.filter { $0.isNumber || $0 == "T" }.prefix(15)
        let peer = Address.short(call.peer).map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        let file = self.recordings + "/\(stamp)-\(String(peer.prefix(40))).wav"
        self.change(call.name) { $0.recording = file }
        let members: [String: PhoneCommand.Value] = ["call": .text(call.name), "file": .text(file)]
        actions.append(.perform([self.command("record", .record(call.name), members)]))
    }

    mutating func send(keys: String, in call: PhoneCall, into actions: inout [PhoneAction]) {
        let members: [String: PhoneCommand.Value] = ["call": .text(call.name), "keys": .text(keys)]
        actions.append(.perform([self.command("dtmf", .keys(call.name, keys), members)]))
    }

    // MARK: Messages

    mutating func send(message text: String, to peer: String, into actions: inout [PhoneAction]) {
        guard !Self.trimmed(text).isEmpty else { return }
        let message = PhoneMessage(peer: peer, text: text, time: self.now.stamp, state: .sending)
        let number = self.add(message, into: &actions)
        self.selections[.messages] = 0
        self.conversationScroll = 0
        let members: [String: PhoneCommand.Value] = ["uri": .text(peer), "text": .text(text)]
        actions.append(.perform([self.command("message", .message(number), members)]))
    }

    // MARK: Accounts

    /// Registers an account that is known.
    public mutating func register(account address: String) -> [PhoneAction] {
        var actions: [PhoneAction] = []
        self.register(address, into: &actions)
        return actions
    }

    /// Registers an account, or removes its registration.
    mutating func toggle(_ account: PhoneAccount, into actions: inout [PhoneAction]) {
        let members: [String: PhoneCommand.Value] = ["account": .text(account.address)]
        switch account.state {
        case .registered: actions.append(.perform([self.command("unregister", .quiet, members)]))
        case .registering: break
        case .idle, .failed: self.register(account.address, into: &actions)
        }
    }

    mutating func register(_ address: String, password: String? = nil, into actions: inout [PhoneAction]) {
        var members: [String: PhoneCommand.Value] = ["account": .text(address)]
        if let password { members["password"] = .text(password) }
        if let i = self.accounts.firstIndex(where: { $0.address == address }) {
            self.accounts[i].state = .registering
        } else {
            self.accounts.append(PhoneAccount(address, .registering))
        }
        actions.append(.perform([self.command("register", .register(address), members)]))
    }
}
