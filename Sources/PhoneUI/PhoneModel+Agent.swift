extension PhoneModel {
    /// Takes what happened to the telephone.
    mutating func handle(_ event: PhoneEvent.AgentEvent, into actions: inout [PhoneAction]) {
        let now = self.now
        switch event {
        case .ready(let listen):
            self.listen = listen
            self.note("listening at " + listen.joined(separator: " "))
        case .account(let address, let state): self.account(address, state)
        case .accountRemoved(let address): self.accounts.removeAll { $0.address == address }
        case .incoming(let name, let from, let displayName, let callID):
            self.incoming(name, from, displayName, callID, into: &actions)
        case .began(let name, let peer):
            // What was typed becomes the address that it means.
            guard self.call(name) == nil else { return self.change(name) { if !peer.isEmpty { $0.peer = peer } } }
            self.calls.append(PhoneCall(name, isOutgoing: true, peer: peer, .calling("calling"), at: self.now))
            self.selectedCall = name
        case .progress(let name, let text):
            self.change(name) { if case .calling = $0.state { $0.state = .calling(text) } }
        case .answered(let name):
            self.change(name) { call in
                (call.state, call.answered) = (.active, now)
            }
            if let call = self.call(name) { self.note("\(self.name(of: call)): answered") }
        case .identified(let name, let callID): self.change(name) { $0.add(callID: callID) }
        case .ended(let name, let reason, let isOrdinary): self.ended(name, reason, isOrdinary, into: &actions)
        case .heldByPeer(let name, let isHeld): self.change(name) { $0.isHeldByPeer = isHeld }
        case .key(let name, let key):
            self.change(name) { $0.receivedKeys = String(($0.receivedKeys + String(key)).suffix(20)) }
        case .message(let from, let text):
            let message = PhoneMessage(peer: from, text: text, time: self.now.stamp, state: .received)
            self.add(message, into: &actions)
            self.unread.insert(Address.key(from))
            self.say("\(self.name(of: from)): \(text)")
            actions.append(.ring)
            self.readConversation()
        case .transferRequested(let name, let transfer, let target):
            self.answer(transfer, of: name, to: Address.short(target), into: &actions)
        case .transferred(let name, let peer):
            self.change(name) { ($0.peer, $0.displayName, $0.note, $0.isHeld) = (peer, "", "", false) }
            self.say("the other side is \(self.name(of: peer)) now")
        case .noted(let name, let text): self.change(name) { if !$0.isOver { $0.note = text } }
        case .quality(let name, let quality): self.change(name) { call in Self.take(quality, &call, at: now) }
        case .traced(let trace): self.add(trace)
        case .done(let id, let result): self.done(id, result, into: &actions)
        case .failed(let id, let reason): self.failed(id, reason, into: &actions)
        case .notice(let text): self.say(text)
        }
    }

    // MARK: Accounts

    private mutating func account(_ address: String, _ state: PhoneAccount.State) {
        if let i = self.accounts.firstIndex(where: { $0.address == address }) {
            let before = self.accounts[i].state
            self.accounts[i].state = state
            if case .failed(let reason, _) = state, before != state {
                self.say("\(Address.short(address)): \(reason)", isProblem: true)
            }
            if case .registered = state, !before.isRegistered { self.note("\(Address.short(address)): registered") }
        } else {
            self.accounts.append(PhoneAccount(address, state))
        }
    }

    // MARK: Calls

    private mutating func incoming(
        _ name: String, _ from: String, _ displayName: String, _ callID: String, into actions: inout [PhoneAction]
    ) {
        guard self.calls.count(where: { !$0.isOver }) < Limit.calls else {
            actions.append(.perform([self.command("reject", .quiet, ["call": .text(name), "status": .number(486)])]))
            return
        }
        var call = PhoneCall(
            name, isOutgoing: false, peer: from, displayName: displayName, .incoming, at: self.now)
        call.add(callID: callID)
        self.calls.append(call)
        // Whoever is talking goes on with that.
        if self.current?.isActive != true { self.selectedCall = name }
        self.say("\(self.name(of: call)) calls")
        self.lastRing = self.now.uptime
        actions.append(.perform([self.command("ring", .quiet, ["call": .text(name)])]))
        actions.append(.ring)
    }

    private mutating func ended(
        _ name: String, _ reason: String, _ isOrdinary: Bool, into actions: inout [PhoneAction]
    ) {
        guard let call = self.call(name), !call.isOver else { return }
        let now = self.now
        // That it is over is what a transfer of ours is for.
        let isTransferred = isOrdinary && !call.isHungUp && call.answered != nil
        let reason = isTransferred ? call.transferTarget.map { "transferred to \($0)" } ?? reason : reason
        self.change(name) { call in
            if call.transferTarget != nil { call.note = "" }
            (call.state, call.ended) = (.over(reason), now)
            (call.isInConference, call.recording) = (false, nil)
        }
        let isMissed = !call.isOutgoing && call.answered == nil && !call.isHungUp
        let entry = PhoneHistoryEntry(
            call.isOutgoing ? .outgoing : isMissed ? .missed : .incoming, peer: call.peer,
            name: call.displayName, began: call.began.stamp, seconds: call.seconds(at: self.now),
            outcome: isMissed ? "missed" : reason, callIDs: call.callIDs)
        self.history.append(entry)
        if self.history.count > Limit.history { self.history.removeFirst() }
        // The selection stays with its entry.
        if self.pane == .list, self.tab == .history, let at = self.selections[.history], at > 0 {
            self.selections[.history] = at + 1
        }
        if isMissed { self.missed += 1 }
        actions.append(.remember(entry))
        let text = "\(self.name(of: call)): \(isMissed ? "missed call" : reason)"
        self.say(text, isProblem: !isOrdinary && !isMissed)
        self.mendSelection()
    }

    private static func take(_ quality: PhoneQuality, _ call: inout PhoneCall, at now: PhoneTime) {
        call.quality = quality
        guard let mos = quality.mos, call.lastScore != now.uptime / 1_000 else { return }
        call.lastScore = now.uptime / 1_000
        call.scores.append(mos)
        if call.scores.count > PhoneCall.scoreLimit { call.scores.removeFirst() }
    }

    private mutating func add(_ trace: PhoneTrace) {
        self.traces.append(trace)
        guard self.traces.count > Limit.traces else { return }
        self.traces.removeFirst(Limit.traces / 4)
        self.selectedTrace = nil
    }

    // MARK: Messages

    /// Shows a message; returns its number.
    @discardableResult
    mutating func add(_ message: PhoneMessage, into actions: inout [PhoneAction]) -> Int {
        self.lastMessage += 1
        self.messages.append(message)
        self.messages[self.messages.count - 1].number = self.lastMessage
        if self.messages.count > Limit.messages {
            self.messages.removeFirst()
            self.unread.formIntersection(self.messages.map { Address.key($0.peer) })
        }
        if message.state == .received { actions.append(.keep(message)) }
        return self.lastMessage
    }

    /// What has become of a message of ours.
    private mutating func settle(_ number: Int, _ state: PhoneMessage.State, into actions: inout [PhoneAction]) {
        guard let i = self.messages.lastIndex(where: { $0.number == number }) else { return }
        self.messages[i].state = state
        actions.append(.keep(self.messages[i]))
        guard case .failed(let reason) = state else { return }
        self.say("message to \(self.name(of: self.messages[i].peer)): \(reason)", isProblem: true)
    }

    /// The conversation that is looked at is read.
    mutating func readConversation() {
        guard self.showsConversation, let peer = self.selectedConversation else { return }
        self.unread.remove(Address.key(peer))
    }

    // MARK: Outcomes

    private mutating func done(_ id: String, _ result: [String], into actions: inout [PhoneAction]) {
        guard let purpose = self.purposes.removeValue(forKey: id) else { return }
        switch purpose {
        case .hold(let name): self.change(name) { $0.isHeld = true }
        case .resume(let name): self.change(name) { $0.isHeld = false }
        case .mute(let name, let isMuted): self.change(name) { $0.isMuted = isMuted }
        case .record(let name):
            if let file = self.call(name)?.recording { self.say("recorded: \(file)") }
            self.change(name) { $0.recording = nil }
        case .transfer(let name): self.change(name) { $0.note = "" }
        case .conference: self.endConference()
        case .message(let number): self.settle(number, .sent, into: &actions)
        case .keys(let name, let keys):
            self.change(name) { $0.sentKeys = String(($0.sentKeys + keys).suffix(20)) }
        case .typed(let line):
            if result.count > 1 {
                self.overlay = .text(title: line, lines: result, scroll: 0)
            } else {
                self.say("\(line): " + (result.first ?? "done"))
            }
        case .call, .answer, .register, .quiet: break
        }
    }

    private mutating func failed(_ id: String, _ reason: String, into actions: inout [PhoneAction]) {
        guard let purpose = self.purposes.removeValue(forKey: id) else { return }
        switch purpose {
        case .call(let name):
            // What has begun tells of its end itself.
            if let call = self.call(name), !call.isOver {
                self.ended(name, reason, false, into: &actions)
            }
        case .answer(let name):
            if self.call(name)?.isOver == false { self.change(name) { $0.state = .incoming } }
            self.say("answering: \(reason)", isProblem: true)
        case .hold(let name): self.problem("hold", name, reason)
        case .resume(let name): self.problem("resume", name, reason)
        case .mute(let name, _): self.problem("mute", name, reason)
        case .keys(let name, _): self.problem("keys", name, reason)
        case .transfer(let name):
            self.change(name) { ($0.note, $0.transferTarget) = ("", nil) }
            self.problem("transfer", name, reason)
        case .record(let name):
            // Who stops a recording, or hangs up, has it.
            if let file = self.call(name)?.recording { self.say("recorded: \(file) (\(reason))") }
            self.change(name) { $0.recording = nil }
        case .conference: self.endConference()
        case .register(let address): self.account(address, .failed(reason: reason, isRetried: false))
        case .message(let number): self.settle(number, .failed(reason), into: &actions)
        case .typed(let line): self.say("\(line): \(reason)", isProblem: true)
        case .quiet: self.note(reason)
        }
    }

    private mutating func problem(_ what: String, _ name: String, _ reason: String) {
        guard let call = self.call(name), !call.isOver else { return }
        self.say("\(what), \(self.name(of: call)): \(reason)", isProblem: true)
    }

    private mutating func endConference() {
        self.conference = nil
        for i in self.calls.indices { self.calls[i].isInConference = false }
    }
}

extension PhoneAccount.State {
    /// Whether the registrar has taken it.
    var isRegistered: Bool { if case .registered = self { true } else { false } }
}
