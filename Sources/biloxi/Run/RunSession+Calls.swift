import BiloxiKit
import Synchronization

/// What a session has going on: calls, transfers, accounts.
extension RunSession {
    // MARK: Calls

    /// Takes a name for a call.
    ///
    /// - Throws: `RunProblem` when there is one of that name.
    func reserve(_ name: String?, _ entry: Entry) throws(RunProblem) -> String {
        try self.state.withLock { state throws(RunProblem) in
            if let name, state.entries[name] != nil {
                throw RunProblem("there is a call \"\(name)\" already: give it another name")
            }
            var chosen = name ?? ""
            while name == nil, chosen.isEmpty || state.entries[chosen] != nil {
                state.lastCall += 1
                chosen = "call-\(state.lastCall)"
            }
            state.entries[chosen] = entry
            return chosen
        }
    }

    /// The call of a name.
    ///
    /// - Throws: `RunProblem` when there is none.
    func entry(_ name: String) throws(RunProblem) -> Entry {
        let (entry, names) = self.state.withLock { ($0.entries[name], $0.entries.keys.sorted()) }
        guard let entry else {
            throw RunProblem(
                "there is no call \"\(name)\": "
                    + (names.isEmpty ? "none goes on" : "there is \(names.joined(separator: ", "))"))
        }
        return entry
    }

    /// The call of a name that has begun: one of ours, or one whose invitation was answered or given early media.
    ///
    /// - Throws: `RunProblem` when there is none.
    func call(_ name: String) throws(RunProblem) -> Call {
        guard let call = try self.entry(name).call else { throw RunProblem("the call \"\(name)\" has not begun yet") }
        return call
    }

    /// The invitation of a name.
    ///
    /// - Throws: `RunProblem` when there is none.
    func invitation(_ name: String) throws(RunProblem) -> Invitation {
        guard let invitation = try self.entry(name).invitation else {
            throw RunProblem("\"\(name)\" is a call of ours: it cannot be answered or refused")
        }
        return invitation
    }

    func change(_ name: String, _ body: (inout Entry) -> Void) {
        self.state.withLock { state in
            guard var entry = state.entries[name] else { return }
            body(&entry)
            state.entries[name] = entry
        }
    }

    func forget(_ name: String) { self.state.withLock { _ = $0.entries.removeValue(forKey: name) } }

    /// A call of ours has begun: tells what happens in it.
    func began(_ name: String, _ call: Call) {
        self.change(name) { $0.call = call }
        let follower = Task { await self.follow(name, call.events) }
        self.change(name) { $0.follower = follower }
    }

    /// A call came: tells of it, and what happens in it until its end.
    func receive(_ invitation: Invitation) async {
        guard let name = try? self.reserve(nil, Entry(invitation: invitation)) else { return }
        var members: [String: JSONValue] = [
            "call": .string(name), "from": .string(invitation.from), "to": .string(invitation.to),
            "user": .string(invitation.user), "headers": invitation.message.fields,
        ]
        if let fromName = invitation.fromName { members["fromName"] = .string(fromName) }
        self.emit("incoming", members)
        let follower = Task { await self.follow(name, invitation.events) }
        self.change(name) { $0.follower = follower }
        await follower.value
    }

    private func follow(_ name: String, _ events: Events<CallEvent>) async {
        for await event in events {
            let report = event.report
            var members = report.members
            members["call"] = .string(name)
            switch event {
            case .answered: self.change(name) { $0.answeredAt = .now }
            case .transferRequested(let transfer):
                members["transfer"] = .string(self.add(transfer))
                if let referrer = transfer.referrer { members["referrer"] = .string(referrer) }
            case .ended:
                self.emit(report.event, members)
                let entry = self.state.withLock { $0.entries.removeValue(forKey: name) }
                guard let entry, let call = entry.call, let answeredAt = entry.answeredAt else { continue }
                var quality = call.qualityReport(length: .now - answeredAt).members
                quality["call"] = .string(name)
                self.emit("quality", quality)
                continue
            default: break
            }
            self.emit(report.event, members)
        }
        self.forget(name)
    }

    /// Ends a call in whatever state it is.
    func hangUp(_ entry: Entry) async {
        if let call = entry.call { return await call.hangUp() }
        if let invitation = entry.invitation { return invitation.reject(480) }
        if let command = entry.command { self.stop(number: command) }
    }

    /// The calls that go on.
    var calls: [JSONValue] {
        let entries = self.state.withLock { $0.entries }
        return entries.sorted { $0.key < $1.key }.map { name, entry in
            let state =
                entry.answeredAt != nil ? "answered" : entry.invitation != nil ? "incoming" : "calling"
            var members: [String: JSONValue] = ["call": .string(name), "state": .string(state)]
            if let peer = entry.call?.peer ?? entry.invitation?.from { members["peer"] = .string(peer) }
            if let call = entry.call { members["held"] = .boolean(call.isHeldByPeer) }
            return .object(members)
        }
    }

    // MARK: Transfers

    private func add(_ transfer: IncomingTransfer) -> String {
        self.state.withLock { state in
            state.lastTransfer += 1
            let name = "transfer-\(state.lastTransfer)"
            state.transfers[name] = transfer
            return name
        }
    }

    /// Takes a transfer that was asked for.
    ///
    /// - Throws: `RunProblem` when there is none of that name, or it is decided on already.
    func takeTransfer(_ name: String) throws(RunProblem) -> IncomingTransfer {
        guard let transfer = self.state.withLock({ $0.transfers.removeValue(forKey: name) }) else {
            throw RunProblem("there is no transfer \"\(name)\" to decide on")
        }
        return transfer
    }

    // MARK: Accounts

    func add(_ account: BiloxiKit.Account) { self.state.withLock { $0.accounts[account.address] = account } }

    func account(_ address: String) -> BiloxiKit.Account? { self.state.withLock { $0.accounts[address] } }

    /// The accounts that are known, and whether they are registered.
    var accounts: [JSONValue] {
        let (accounts, registered) = self.state.withLock { ($0.accounts.keys.sorted(), Set($0.registrations.keys)) }
        return accounts.map {
            .object(["account": .string($0), "registered": .boolean(registered.contains($0))])
        }
    }

    /// An account is registered: tells what becomes of that.
    func add(_ registration: Registration, _ address: String) {
        self.state.withLock { $0.registrations[address] = registration }
        Task {
            for await event in registration.events {
                var members: [String: JSONValue] = ["account": .string(address)]
                switch event {
                case .registered(let expires):
                    members["expires"] = .number(Int(expires.components.seconds))
                    self.emit("registered", members)
                case .failed(let error, let retryAfter):
                    members.merge(error.members) { $1 }
                    members["retryAfterMilliseconds"] = retryAfter.map { .number($0.milliseconds) }
                    self.emit("registrationFailed", members)
                case .removed: self.emit("unregistered", members)
                }
            }
        }
    }

    /// Takes the registration of an account.
    func takeRegistration(_ address: String) -> Registration? {
        self.state.withLock { $0.registrations.removeValue(forKey: address) }
    }
}
