import Containers
import SIPMessages
import SIPTransactions

/// Requests within dialogs, and CANCEL.
extension LoadEngine {
    /// Hangs up a call that is up.
    mutating func hangUp(
        _ slot: Int32, _ reason: LoadUnit.Reason, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        self.transactions.stopTimer(&self.units[slot].timer)
        self.units[slot].state = .ending
        self.units[slot].reason = reason
        self.units[slot].byeAt = now
        self.sendBye(slot, at: now, into: &outbox)
    }

    mutating func sendBye(_ slot: Int32, at now: MonotonicInstant, into outbox: inout Outbox) {
        self.units[slot].cseq &+= 1
        guard let id = self.transactions.openClient(method: .bye, owner: self.owner(slot)) else {
            return self.finish(slot, .unreachable)
        }
        self.units[slot].transaction = id
        let start = outbox.octets.count
        let text = self.units[slot].dialogText
        let source = Int(self.units[slot].flow.endpoint)
        Self.writeStart("BYE ", self.transactions.pool.span(self.units[slot].dialog), text, into: &outbox.octets)
        outbox.octets.append(contentsOf: self.sources[source].viaStart)
        self.transactions.writeBranch(id, loopHash: self.run, into: &outbox.octets)
        Self.writeRest(self.transactions.pool.span(self.units[slot].dialog), text, into: &outbox.octets)
        outbox.octets.append(decimal: self.units[slot].cseq)
        outbox.octets.append(" BYE\r\n")
        self.transactions.pool.append(self.units[slot].credentials, to: &outbox.octets)
        outbox.octets.endHeader()
        let flow = self.units[slot].flow
        let domain = self.domain(of: flow)
        let isSent = self.transactions.sendRequest(
            id, over: flow, to: domain, from: start, at: now, into: &outbox)
        if !isSent { self.finish(slot, .unreachable) }
    }

    /// The domain that the certificate at the end of a flow must be for: where it is another than the server, its address.
    private func domain(of flow: Flow) -> [UInt8] { flow.remote == self.server.remote ? self.plan.domain : [] }

    /// Acknowledges the 2xx that `dialogReader` has read (RFC 3261 §13.2.2.4), with the credentials of the INVITE.
    mutating func acknowledge(_ slot: Int32, into outbox: inout Outbox) {
        let number = self.units[slot].inviteNumber
        self.acknowledge(number, over: self.units[slot].flow, self.units[slot].credentials, into: &outbox)
    }

    private mutating func acknowledge(
        _ number: UInt32, over flow: Flow, _ credentials: PooledOctets, into outbox: inout Outbox
    ) {
        let start = outbox.octets.count
        let branch = self.transactions.randomNumber()
        let dialog = self.dialogReader.octets.span
        Self.writeStart("ACK ", dialog, self.dialogReader.text, into: &outbox.octets)
        outbox.octets.append(contentsOf: self.sources[Int(flow.endpoint)].viaStart)
        outbox.octets.append("z9hG4bK")
        outbox.octets.append(hexadecimal: branch)
        Self.writeRest(dialog, self.dialogReader.text, into: &outbox.octets)
        outbox.octets.append(decimal: number)
        outbox.octets.append(" ACK\r\n")
        self.transactions.pool.append(credentials, to: &outbox.octets)
        outbox.octets.endHeader()
        outbox.send(from: start, over: flow, by: .nobody, to: self.domain(of: flow).span)
    }

    /// Acknowledges a 2xx that nobody wants any more, of another callee or of a call that was given up, and hangs up
    /// (§13.2.2.4).
    mutating func releaseLate(
        _ octets: Span<UInt8>, _ id: TransactionID, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        guard self.index.statusCode / 100 == 2, let cseq = self.index.value(.cseq),
            octets[cseq.upper - 1] == 0x45 || octets[cseq.upper - 1] == 0x65,  // INVITE
            self.dialogReader.read(octets, self.index), var flow = self.transactions.flow(ofClient: id)
        else { return }
        var number: UInt32 = 0
        for i in cseq.range {
            guard let digit = octets[i].decimalDigitValue else { break }
            number = number &* 10 &+ UInt32(digit)
        }
        if let hop = self.dialogReader.hop { flow.remote = hop }
        self.interval.forks += 1
        self.acknowledge(number, over: flow, .none, into: &outbox)
        guard let bye = self.transactions.openClient(method: .bye, owner: 0) else { return }
        let start = outbox.octets.count
        Self.writeStart("BYE ", self.dialogReader.octets.span, self.dialogReader.text, into: &outbox.octets)
        outbox.octets.append(contentsOf: self.sources[Int(flow.endpoint)].viaStart)
        self.transactions.writeBranch(bye, loopHash: self.run, into: &outbox.octets)
        Self.writeRest(self.dialogReader.octets.span, self.dialogReader.text, into: &outbox.octets)
        outbox.octets.append(decimal: number &+ 1)
        outbox.octets.append(" BYE\r\n")
        outbox.octets.endHeader()
        let domain = self.domain(of: flow)
        _ = self.transactions.sendRequest(bye, over: flow, to: domain, from: start, at: now, into: &outbox)
    }

    /// Gives up a call that has no final answer (§9.1).
    mutating func cancel(
        _ slot: Int32, _ reason: LoadUnit.Reason, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        self.units[slot].state = .cancelling
        self.units[slot].reason = reason
        self.setTimer(slot, at: now.advanced(by: self.plan.timers.timeout))
        guard self.transactions.isProceeding(self.units[slot].invite) else { return }
        let invite = self.units[slot].invite
        self.transactions.cancel(invite, reason: Span(), at: now, into: &outbox)
    }

    /// The remote target of a unit's dialog.
    func remoteTarget(_ slot: Int32) -> String {
        self.transactions.pool.span(self.units[slot].dialog).string(0..<self.units[slot].dialogText.targetEnd)
    }

    // MARK: Writing

    /// Appends the start line.
    private static func writeStart(
        _ method: StaticString, _ dialog: Span<UInt8>, _ text: DialogText, into output: inout [UInt8]
    ) {
        output.append(method)
        output.append(dialog, 0..<text.targetEnd)
        output.append(" SIP/2.0\r\n")
    }

    /// Appends what follows the branch, up to the number of CSeq.
    private static func writeRest(_ dialog: Span<UInt8>, _ text: DialogText, into output: inout [UInt8]) {
        output.append(";rport\r\nMax-Forwards: 70\r\n")
        output.append(dialog, text.targetEnd..<dialog.count)
        output.append("CSeq: ")
    }
}
