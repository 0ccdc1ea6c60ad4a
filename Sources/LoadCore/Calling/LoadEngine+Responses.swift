import Containers
import SIPMessages
import SIPTransactions

/// Answers to what has begun.
extension LoadEngine {
    /// Takes the response that was indexed.
    mutating func receive(response octets: Span<UInt8>, at now: MonotonicInstant, into outbox: inout Outbox) {
        switch self.transactions.match(response: octets, self.index, via: self.via, at: now, into: &outbox) {
        case .absorbed: break
        case .stray: self.interval.repeated += 1
        case .deliver(let id, let owner):
            guard let slot = self.unit(owner) else { return self.releaseLate(octets, id, at: now, into: &outbox) }
            if self.units[slot].state == .asking || self.units[slot].state == .ending,
                id == self.units[slot].transaction
            {
                self.answered(slot, octets, at: now, into: &outbox)
            } else if id == self.units[slot].invite {
                self.invited(slot, octets, at: now, into: &outbox)
            }
        }
    }

    /// REGISTER, MESSAGE, OPTIONS or BYE has an answer.
    private mutating func answered(
        _ slot: Int32, _ octets: Span<UInt8>, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        let status = self.index.statusCode
        guard status >= 200 else { return }
        if status == 401 || status == 407, self.meetChallenge(slot, octets, at: now, into: &outbox) { return }
        guard status < 300 else { return self.finish(slot, .rejected(status)) }
        if self.units[slot].state == .ending {
            if self.counts(self.units[slot].intended) {
                self.interval.ending.record(now.since(self.units[slot].byeAt).nanoseconds / 1000)
            }
        } else {
            self.noteAnswer(slot, at: now)
        }
        self.finish(slot, .succeeded(status))
    }

    /// INVITE has an answer (RFC 3261 §13.2.2).
    private mutating func invited(
        _ slot: Int32, _ octets: Span<UInt8>, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        let status = self.index.statusCode
        switch (self.units[slot].state, status) {
        case (.calling, 100..<200): self.proceeding(slot, status, at: now)
        case (.cancelling, 100..<200):
            // A CANCEL must wait for the first provisional response (§9.1); a second one is not sent.
            self.transactions.cancel(self.units[slot].invite, reason: Span(), at: now, into: &outbox)
        case (.calling, 200..<300), (.cancelling, 200..<300): self.established(slot, octets, at: now, into: &outbox)
        case (.calling, _), (.cancelling, _):
            if status == 401 || status == 407, self.units[slot].state == .calling,
                self.meetChallenge(slot, octets, at: now, into: &outbox)
            {
                return
            }
            self.finish(slot, self.units[slot].state == .calling ? .rejected(status) : self.outcome(of: slot))
        case (.up, 200..<300), (.ending, 200..<300):
            guard DialogReader.remoteTag(octets, self.index) == self.units[slot].remoteTag else {
                return self.releaseLate(octets, self.units[slot].invite, at: now, into: &outbox)
            }
            // It came again: the ACK was lost (§13.2.2.4).
            self.interval.retransmissions += 1
            if self.dialogReader.read(octets, self.index) { self.acknowledge(slot, into: &outbox) }
        case (.up, _), (.ending, _), (.asking, _): break
        }
    }

    private mutating func proceeding(_ slot: Int32, _ status: UInt16, at now: MonotonicInstant) {
        if status > 100, !self.units[slot].hasRung {
            self.units[slot].hasRung = true
            if self.counts(self.units[slot].intended) {
                self.interval.ringing.record(now.since(self.units[slot].intended).nanoseconds / 1000)
            }
        }
        guard self.units[slot].timer < 0 else { return }
        self.setTimer(slot, at: now.advanced(by: self.plan.patience))
    }

    private mutating func established(
        _ slot: Int32, _ octets: Span<UInt8>, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        self.transactions.stopTimer(&self.units[slot].timer)
        guard self.dialogReader.read(octets, self.index),
            let dialog = self.transactions.keep(self.dialogReader.octets)
        else { return self.finish(slot, .rejected(self.index.statusCode)) }
        let wasCancelled = self.units[slot].state == .cancelling
        self.units[slot].dialog = dialog
        self.units[slot].dialogText = self.dialogReader.text
        self.units[slot].remoteTag = self.dialogReader.remoteTag
        self.units[slot].attempts = 0
        self.units[slot].state = .up
        if let hop = self.dialogReader.hop, hop != self.units[slot].flow.remote {
            self.units[slot].flow.remote = hop
            self.units[slot].flow.connection = 0
        }
        self.acknowledge(slot, into: &outbox)
        if wasCancelled { return self.hangUp(slot, self.units[slot].reason, at: now, into: &outbox) }
        self.noteAnswer(slot, at: now)
        if self.plan.hold == .zero {
            self.hangUp(slot, .done, at: now, into: &outbox)
        } else {
            self.setTimer(slot, at: now.advanced(by: self.plan.hold))
        }
    }

    private mutating func noteAnswer(_ slot: Int32, at now: MonotonicInstant) {
        guard self.counts(self.units[slot].intended) else { return }
        self.interval.answer.record(now.since(self.units[slot].intended).nanoseconds / 1000)
    }

    /// How a call that was given up is counted.
    private func outcome(of slot: Int32) -> Outcome {
        self.units[slot].reason == .interrupted ? .abandoned : .timedOut
    }

    // MARK: Challenges

    /// Sends the request once more with credentials (RFC 3261 §22.2); at most twice in a row, since a nonce may have become
    /// stale.
    ///
    /// - Returns: `false` when the challenge cannot be met.
    private mutating func meetChallenge(
        _ slot: Int32, _ octets: Span<UInt8>, at now: MonotonicInstant, into outbox: inout Outbox
    ) -> Bool {
        guard let credentials = self.plan.credentials, self.units[slot].attempts < 2 else { return false }
        let isProxy = self.index.statusCode == 407
        let field: HeaderID = isProxy ? .proxyAuthenticate : .wwwAuthenticate
        let isBye = self.units[slot].state == .ending
        let method = isBye ? "BYE" : Self.name(self.plan.scenario)
        let uri = isBye ? self.remoteTarget(slot) : self.plan.target.text(Int(self.units[slot].user))
        var line: [UInt8] = []
        swap(&line, &self.line)
        defer { swap(&line, &self.line) }
        line.removeAll(keepingCapacity: true)
        line.append(isProxy ? "Proxy-Authorization: " : "Authorization: ")
        var position = self.index.first(field)
        var isMet = false
        while let found = position, !isMet {
            isMet = credentials.write(
                octets, self.index.fields[found].value, method, uri, self.sender(Int(self.units[slot].user)), &line)
            position = self.index.next(field, from: found + 1)
        }
        guard isMet else { return false }
        line.append("\r\n")
        self.transactions.release(&self.units[slot].credentials)
        guard let kept = self.transactions.keep(line) else { return false }
        self.units[slot].credentials = kept
        self.units[slot].attempts += 1
        self.interval.challenges += 1
        if isBye {
            self.sendBye(slot, at: now, into: &outbox)
        } else {
            self.units[slot].cseq &+= 1
            if self.plan.scenario == .registrations {
                self.registers[self.register(slot)].number = self.units[slot].cseq
            }
            self.sendOpening(slot, at: now, into: &outbox)
        }
        return true
    }

    private static func name(_ scenario: LoadPlan.Scenario?) -> String {
        switch scenario {
        case .registrations: "REGISTER"
        case .messages: "MESSAGE"
        case .options: "OPTIONS"
        case .calls, nil: "INVITE"
        }
    }

    /// Where the registrations of the unit's user are counted.
    func register(_ slot: Int32) -> Int {
        (Int(self.units[slot].user) - self.plan.firstUser - self.share.number) / self.share.of
    }

    // MARK: The end

    /// How a unit ended.
    enum Outcome {
        case succeeded(UInt16)
        case rejected(UInt16)
        case timedOut, unreachable, abandoned
    }

    /// Counts a unit and forgets it.
    mutating func finish(_ slot: Int32, _ outcome: Outcome) {
        if self.counts(self.units[slot].intended) { self.count(outcome) }
        if case .abandoned = outcome { self.transactions.abandon(client: self.units[slot].transaction) }
        if self.plan.scenario == .registrations { self.registers[self.register(slot)].isBusy = false }
        self.transactions.stopTimer(&self.units[slot].timer)
        self.transactions.release(&self.units[slot].dialog)
        self.transactions.release(&self.units[slot].credentials)
        self.units[slot].generation = 0
        self.units.remove(slot)
    }

    private mutating func count(_ outcome: Outcome) {
        switch outcome {
        case .succeeded(let status):
            self.interval.succeeded += 1
            self.interval.statuses[status, default: 0] += 1
        case .rejected(let status):
            self.interval.rejected += 1
            self.interval.statuses[status, default: 0] += 1
        case .timedOut: self.interval.timedOut += 1
        case .unreachable: self.interval.unreachable += 1
        case .abandoned: self.interval.abandoned += 1
        }
    }

    /// A request has had no answer in time.
    mutating func timedOut(_ owner: UInt64, at now: MonotonicInstant) {
        guard let slot = self.unit(owner) else { return }
        self.finish(slot, self.units[slot].reason == .interrupted ? .abandoned : .timedOut)
    }

    /// A request could not be sent.
    mutating func unreachable(_ owner: UInt64, at now: MonotonicInstant) {
        if let slot = self.unit(owner) { self.finish(slot, .unreachable) }
    }

    // MARK: Timers

    mutating func setTimer(_ slot: Int32, at moment: MonotonicInstant) {
        self.transactions.stopTimer(&self.units[slot].timer)
        let payload = Self.payload(slot, self.units[slot].generation)
        self.units[slot].timer = self.transactions.setTimer(at: moment, payload: payload)
    }

    /// The timer of a unit has fired.
    mutating func fired(unit payload: UInt64, at now: MonotonicInstant, into outbox: inout Outbox) {
        let slot = Int32(truncatingIfNeeded: payload & 0xFFFF_FFFF)
        guard self.units.isInUse(slot), Self.payload(slot, self.units[slot].generation) == payload else { return }
        self.units[slot].timer = -1
        switch self.units[slot].state {
        case .calling: self.cancel(slot, .unanswered, at: now, into: &outbox)
        case .cancelling:
            // Neither the CANCEL nor the INVITE is answered any more (§9.1).
            self.transactions.abandon(client: self.units[slot].invite)
            self.finish(slot, self.outcome(of: slot))
        case .up: self.hangUp(slot, .done, at: now, into: &outbox)
        case .asking, .ending: break
        }
    }
}
