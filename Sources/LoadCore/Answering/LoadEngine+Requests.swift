import Containers
import SIPMessages
import SIPTransactions

/// Requests that come.
extension LoadEngine {
    /// Takes the request that was indexed.
    mutating func receive(
        request octets: Span<UInt8>, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        switch self.transactions.match(octets, self.index, via: self.via, at: now, into: &outbox) {
        case .absorbed: if self.index.method != .ack { self.interval.repeated += 1 }
        case .unmatchedACK: if let slot = self.answer(octets) { self.acknowledged(slot) }
        case .new:
            switch self.index.method {
            case .invite: self.invited(octets, over: flow, at: now, into: &outbox)
            case .cancel: self.cancelled(octets, over: flow, at: now, into: &outbox)
            case .bye: self.hungUp(octets, over: flow, at: now, into: &outbox)
            default: self.asked(octets, over: flow, at: now, into: &outbox)
            }
        }
    }

    /// The To tag of the request that was indexed, where it is one of ours.
    private func tag(_ octets: Span<UInt8>) -> UInt64? {
        guard let value = self.index.value(.to), let to = AddressIndex(firstOf: octets, in: value.range, field: .to),
            to.tag.count == 16
        else { return nil }
        return octets.hexadecimal(at: to.tag.lower)
    }

    /// The call that came and that the request belongs to.
    private func answer(_ octets: Span<UInt8>) -> Int32? {
        guard let tag = self.tag(octets), tag >> 63 == 1 else { return nil }
        let slot = Int32(truncatingIfNeeded: tag & 0xFFFF_FFFF)
        guard self.answers.isInUse(slot), Self.tag(slot, self.answers[slot].generation) == tag else { return nil }
        return slot
    }

    /// The tag of a call that came. Those of calls that we began have another first bit.
    static func tag(_ slot: Int32, _ generation: UInt32) -> UInt64 {
        1 << 63 | UInt64(generation) << 32 | UInt64(UInt32(bitPattern: slot))
    }

    /// Whether the request is within a dialog.
    private func hasTag(_ octets: Span<UInt8>) -> Bool {
        guard let value = self.index.value(.to), let to = AddressIndex(firstOf: octets, in: value.range, field: .to)
        else {
            return false
        }
        return !to.tag.isEmpty
    }

    /// Answers the request that was indexed without keeping anything but its transaction.
    private mutating func reply(
        _ octets: Span<UInt8>, _ status: UInt16, _ reason: StaticString, fields: [UInt8] = [], over flow: Flow,
        at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        guard
            let id = self.transactions.createServer(
                octets, self.index, via: self.via, flow: flow, owner: 0, promisesAnswer: true, at: now, into: &outbox)
        else { return }
        self.transactions.reply(id, status, reason, fields: fields, at: now, into: &outbox)
    }

    /// MESSAGE, OPTIONS and their like.
    private mutating func asked(
        _ octets: Span<UInt8>, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        let status = self.hasTag(octets) ? 200 : self.plan.answering.status
        self.interval.answered += 1
        self.count(status)
        guard status == 200 else {
            guard
                let id = self.transactions.createServer(
                    octets, self.index, via: self.via, flow: flow, owner: 0, at: now, into: &outbox)
            else { return }
            return self.refuse(id, status, at: now, into: &outbox)
        }
        var fields: [UInt8] = []
        switch self.index.method {
        case .options: fields.append("Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE\r\nAccept: application/sdp\r\n")
        case .register: self.index.writeFields(.contact, of: octets, into: &fields)
        default: break
        }
        self.reply(octets, 200, "OK", fields: fields, over: flow, at: now, into: &outbox)
    }

    /// Counts an answer, where nothing of our own is counted by status.
    private mutating func count(_ status: UInt16) {
        if self.plan.scenario == nil { self.interval.statuses[status, default: 0] += 1 }
    }

    private mutating func refuse(
        _ id: TransactionID, _ status: UInt16, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        let start = outbox.octets.count
        self.transactions.writeReply(
            id, status, phrase: StatusCode(status).reasonPhrase, fields: [], into: &outbox.octets)
        self.transactions.respond(id, status: status, from: start, at: now, into: &outbox)
    }

    // MARK: Calls

    private mutating func invited(
        _ octets: Span<UInt8>, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        if let slot = self.answer(octets) {
            // A change of the session: answered with the same description again.
            guard
                let id = self.transactions.createServer(
                    octets, self.index, via: self.via, flow: flow, owner: 0, promisesAnswer: true, at: now,
                    into: &outbox)
            else { return }
            self.answers[slot].transaction = id
            return self.accept(slot, at: now, into: &outbox)
        }
        if self.hasTag(octets) {
            return self.reply(octets, 481, "Call/Transaction Does Not Exist", over: flow, at: now, into: &outbox)
        }
        let answering = self.plan.answering
        guard answering.takesCalls else {
            return self.reply(octets, 480, "Temporarily Unavailable", over: flow, at: now, into: &outbox)
        }
        let call = AnsweredCall(generation: self.nextGeneration(), began: now, flow: flow)
        guard let slot = self.answers.insert(call) else {
            self.interval.answered += 1
            self.count(503)
            return self.reply(octets, 503, "Too many calls", over: flow, at: now, into: &outbox)
        }
        let isSoon = Swift.min(answering.ringAfter, answering.answerAfter) < self.plan.timers.promise
        guard
            let id = self.transactions.createServer(
                octets, self.index, via: self.via, flow: flow, owner: Self.tag(slot, call.generation),
                promisesAnswer: isSoon, at: now, into: &outbox)
        else { return self.forget(slot) }
        self.answers[slot].transaction = id
        self.proceed(slot, at: now, into: &outbox)
    }

    /// Rings and answers as the times ask.
    private mutating func proceed(_ slot: Int32, at now: MonotonicInstant, into outbox: inout Outbox) {
        let answering = self.plan.answering
        let began = self.answers[slot].began
        let answersAt = began.advanced(by: answering.answerAfter)
        let ringsAt = began.advanced(by: answering.ringAfter)
        if !self.answers[slot].hasRung, ringsAt <= now, ringsAt <= answersAt {
            self.answers[slot].hasRung = true
            let start = outbox.octets.count
            if self.writeAnswer(slot, 180, "Ringing", into: &outbox.octets) {
                outbox.octets.endHeader()
                self.transactions.respond(
                    self.answers[slot].transaction, status: 180, from: start, at: now, into: &outbox)
            }
        }
        guard answersAt <= now else {
            let next = self.answers[slot].hasRung || answersAt < ringsAt ? answersAt : ringsAt
            return self.setTimer(answer: slot, at: next)
        }
        self.interval.answered += 1
        self.count(answering.status)
        guard answering.status / 100 == 2 else {
            self.refuse(self.answers[slot].transaction, answering.status, at: now, into: &outbox)
            return self.forget(slot)
        }
        self.accept(slot, at: now, into: &outbox)
    }

    /// Sends 200, and keeps it until its ACK comes (RFC 3261 §13.3.1.4).
    private mutating func accept(_ slot: Int32, at now: MonotonicInstant, into outbox: inout Outbox) {
        let start = outbox.octets.count
        let id = self.answers[slot].transaction
        guard self.writeAnswer(slot, 200, "OK", into: &outbox.octets) else { return self.forget(slot) }
        let source = self.sources[Int(self.answers[slot].flow.endpoint)]
        Self.writeDescription(source, to: &outbox.octets)
        let end = outbox.octets.count
        self.answers[slot].flow = self.transactions.flow(of: id) ?? self.answers[slot].flow
        guard self.transactions.respond(id, status: 200, from: start, at: now, into: &outbox) else {
            return self.forget(slot)
        }
        self.transactions.release(&self.answers[slot].response)
        self.answers[slot].response = self.transactions.keep(outbox.octets.span, start..<end) ?? .none
        self.answers[slot].state = .answered
        self.answers[slot].interval = self.plan.timers.t1
        self.answers[slot].giveUpAt = now.advanced(by: self.plan.timers.timeout)
        self.setTimer(answer: slot, at: now.advanced(by: self.plan.timers.t1))
    }

    /// Appends an answer to the INVITE of a call up to its Contact; returns whether the INVITE was there.
    private mutating func writeAnswer(
        _ slot: Int32, _ status: UInt16, _ reason: StaticString, into output: inout [UInt8]
    ) -> Bool {
        let id = self.answers[slot].transaction
        guard self.transactions.indexRequest(of: id), let flow = self.transactions.flow(of: id) else { return false }
        let request = self.transactions.request(of: id)
        self.transactions.requestIndex.writeResponse(
            status, reason, to: request, via: self.transactions.requestVia, source: flow.remote,
            toTag: Self.tag(slot, self.answers[slot].generation), into: &output)
        self.transactions.requestIndex.writeFields(.recordRoute, of: request, into: &output)
        output.append("Contact: <sip:load")
        output.append(contentsOf: self.sources[Int(flow.endpoint)].contactEnd)
        output.append("\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE\r\n")
        return true
    }

    private mutating func acknowledged(_ slot: Int32) {
        guard self.answers[slot].state == .answered else { return }
        self.answers[slot].state = .up
        self.transactions.stopTimer(&self.answers[slot].timer)
        self.transactions.release(&self.answers[slot].response)
    }

    private mutating func cancelled(
        _ octets: Span<UInt8>, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        let invite = self.transactions.cancelled(by: octets, self.index, via: self.via)
        guard !invite.isNone else {
            return self.reply(octets, 481, "Call/Transaction Does Not Exist", over: flow, at: now, into: &outbox)
        }
        self.reply(octets, 200, "OK", over: flow, at: now, into: &outbox)
        guard let owner = self.transactions.owner(of: invite), owner != 0 else { return }
        let slot = Int32(truncatingIfNeeded: owner & 0xFFFF_FFFF)
        guard self.answers.isInUse(slot), Self.tag(slot, self.answers[slot].generation) == owner,
            self.answers[slot].state == .waiting
        else { return }
        self.interval.answered += 1
        self.count(487)
        self.transactions.reply(invite, 487, "Request Terminated", at: now, into: &outbox)
        self.forget(slot)
    }

    private mutating func hungUp(
        _ octets: Span<UInt8>, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        if let slot = self.answer(octets) {
            self.reply(octets, 200, "OK", over: flow, at: now, into: &outbox)
            return self.forget(slot)
        }
        guard let tag = self.tag(octets), tag >> 63 == 0, let slot = self.unit(tag) else {
            return self.reply(octets, 481, "Call/Transaction Does Not Exist", over: flow, at: now, into: &outbox)
        }
        self.reply(octets, 200, "OK", over: flow, at: now, into: &outbox)
        // Where our BYE is on its way too, its answer ends the call.
        guard self.units[slot].state == .up else { return }
        self.interval.endedByPeer += 1
        self.finish(slot, .succeeded(200))
    }

    /// Forgets a call that came.
    private mutating func forget(_ slot: Int32) {
        self.transactions.stopTimer(&self.answers[slot].timer)
        self.transactions.release(&self.answers[slot].response)
        self.answers[slot].generation = 0
        self.answers.remove(slot)
    }

    // MARK: Timers

    private mutating func setTimer(answer slot: Int32, at moment: MonotonicInstant) {
        self.transactions.stopTimer(&self.answers[slot].timer)
        let payload = Self.answerMark | Self.payload(slot, self.answers[slot].generation)
        self.answers[slot].timer = self.transactions.setTimer(at: moment, payload: payload)
    }

    /// The timer of a call that came has fired.
    mutating func fired(answer payload: UInt64, at now: MonotonicInstant, into outbox: inout Outbox) {
        let slot = Int32(truncatingIfNeeded: payload & 0xFFFF_FFFF)
        guard self.answers.isInUse(slot),
            Self.answerMark | Self.payload(slot, self.answers[slot].generation) == payload
        else { return }
        self.answers[slot].timer = -1
        switch self.answers[slot].state {
        case .waiting: self.proceed(slot, at: now, into: &outbox)
        case .answered:
            guard now < self.answers[slot].giveUpAt else {
                self.interval.unacknowledged += 1
                return self.forget(slot)
            }
            self.interval.retransmissions += 1
            let start = outbox.octets.count
            self.transactions.pool.append(self.answers[slot].response, to: &outbox.octets)
            outbox.send(from: start, over: self.answers[slot].flow)
            self.answers[slot].interval = Swift.min(self.answers[slot].interval * 2, self.plan.timers.t2)
            let next = now.advanced(by: self.answers[slot].interval)
            self.setTimer(answer: slot, at: Swift.min(next, self.answers[slot].giveUpAt))
        case .up: break
        }
    }
}
