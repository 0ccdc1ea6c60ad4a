import Containers
public import SIPMessages
public import SIPTransactions

/// CANCEL, timeouts and transport errors: RFC 3261 §16.8 to §16.10, RFC 3326.
extension Proxy {
    /// Cancels the branches of a request whose client has cancelled it (§16.10).
    ///
    /// - Parameters:
    ///   - server: The INVITE's server transaction.
    ///   - reason: The value of the CANCEL's Reason field; empty for none.
    public mutating func cancel(
        _ server: TransactionID, reason: [UInt8], transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        guard let owner = transactions.owner(of: server) else { return }
        let number = Int32(truncatingIfNeeded: owner)
        guard owner <= UInt64(Int32.max), self.contexts.isInUse(number), self.contexts[number].server == server else {
            return
        }
        self.contexts[number].isStopped = true
        self.cancelPending(number, reason: reason, &transactions, at: now, into: &outbox)
        self.finishIfDone(number, &transactions, at: now, into: &outbox)
    }

    /// Cancels every branch that has no final response.
    mutating func cancelPending(
        _ number: Int32, reason: [UInt8], _ transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        guard self.contexts[number].method == .invite else { return }
        var slot = self.contexts[number].firstBranch
        while slot >= 0 {
            let next = self.branches[slot].next
            if !self.branches[slot].isFinal, !self.branches[slot].isCancelled {
                self.cancelBranch(slot, reason: reason, &transactions, at: now, into: &outbox)
            }
            slot = next
        }
    }

    /// Cancels a branch, or sees to it that it is cancelled when its first provisional response comes (§9.1).
    mutating func cancelBranch(
        _ slot: Int32, reason: [UInt8], _ transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        let client = self.branches[slot].client
        if client.isNone {
            // It still waits for the DNS: nothing has been sent.
            self.branches[slot].isCancelled = true
            return self.fail(slot, 487, "Request Terminated", &transactions, at: now, into: &outbox)
        }
        guard transactions.isProceeding(client) else {
            self.branches[slot].isCancelWanted = true
            if !reason.isEmpty { self.cancelReasons[self.branches[slot].context] = reason }
            return
        }
        self.branches[slot].isCancelled = true
        transactions.cancel(client, reason: reason.span, at: now, into: &outbox)
        // What has no final response 64*T1 after its CANCEL counts as cancelled (§9.1).
        transactions.moveTimer(
            self.branches[slot].timerC, to: now.advanced(by: transactions.timers.timeout))
    }

    /// Handles a transport error of a flow that nothing can take the place of: its user is not there until he registers
    /// again, or the address of ours is back that it left from (RFC 5626 §5.3). It counts as 430: the caller is told 480,
    /// unless another device has an answer. What is neither a user's device nor pinned to the flow has other ways.
    ///
    /// - Parameters:
    ///   - client: The transaction whose request was not sent. That of an ACK comes when its branch is over.
    ///   - owner: What the transaction layer named with it.
    public mutating func flowLost(
        _ client: TransactionID, owner: UInt64, transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        let slot = Int32(truncatingIfNeeded: owner)
        guard self.branches.isInUse(slot), self.branches[slot].client == client else { return }
        guard self.branches[slot].isBoundToFlow else {
            return self.handle(
                .clientTransportFailed(client, owner: owner), transactions: &transactions, at: now, into: &outbox)
        }
        if self.removeForsaken(slot, &transactions, at: now, into: &outbox) { return }
        self.fail(slot, 430, "Flow Failed", &transactions, at: now, into: &outbox)
    }

    /// Handles what the transaction layer reports of time and network.
    public mutating func handle(
        _ event: TransactionEvent, transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        switch event {
        case .clientTimedOut(_, let owner):
            if self.removeForsaken(Int32(truncatingIfNeeded: owner), &transactions, at: now, into: &outbox) { return }
            self.fail(Int32(truncatingIfNeeded: owner), 408, "Request Timeout", &transactions, at: now, into: &outbox)
        case .clientTransportFailed(let client, let owner):
            // §16.9: a transport error counts as 503. One of an ACK comes when the branch is over, and its number may be
            // another one's.
            let slot = Int32(truncatingIfNeeded: owner)
            guard self.branches.isInUse(slot), self.branches[slot].client == client else { return }
            if self.removeForsaken(slot, &transactions, at: now, into: &outbox) { return }
            if self.fallBack(slot, &transactions, at: now, into: &outbox) { return }
            guard !self.branches[slot].isCancelWanted else {
                return self.fail(slot, 487, "Request Terminated", &transactions, at: now, into: &outbox)
            }
            guard !self.branches[slot].isPinned else {
                // An error of the network is one of the flow, also over UDP (RFC 5626 §7).
                return self.fail(slot, 430, "Flow Failed", &transactions, at: now, into: &outbox)
            }
            self.fail(slot, 503, "Next Hop Cannot Be Reached", &transactions, at: now, into: &outbox)
        case .clientEnded(_, let owner):
            let slot = Int32(truncatingIfNeeded: owner)
            guard self.branches.isInUse(slot), self.branches[slot].isFinal else { return }
            let number = self.branches[slot].context
            self.removeBranch(slot)
            self.finishIfDone(number, &transactions, at: now, into: &outbox)
        case .timer(let payload) where payload & Self.patiencePayload != 0:
            self.patienceEnded(Int32(truncatingIfNeeded: payload & 0xFFFF_FFFF), &transactions, at: now, into: &outbox)
        case .timer(let payload):
            self.timerCFired(Int32(truncatingIfNeeded: payload), &transactions, at: now, into: &outbox)
        case .tryingDue(let server, _):
            transactions.reply(server, 100, "Trying", at: now, into: &outbox)
        case .serverTimedOut:
            break  // No ACK came (§17.2.1): there is nobody left to tell.
        case .serverTransportFailed:
            break  // A proxy drops a response that it cannot forward (§16.9).
        }
    }

    /// Timer C (§16.8), or the end of waiting for a cancelled branch.
    private mutating func timerCFired(
        _ slot: Int32, _ transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        guard self.branches.isInUse(slot), !self.branches[slot].isFinal else { return }
        self.branches[slot].timerC = -1
        guard !self.branches[slot].isCancelled, transactions.isProceeding(self.branches[slot].client) else {
            transactions.abandon(client: self.branches[slot].client)
            return self.fail(slot, 408, "Request Timeout", &transactions, at: now, into: &outbox)
        }
        let timer = transactions.setTimer(
            at: now.advanced(by: transactions.timers.timeout), payload: UInt64(slot))
        self.branches[slot].timerC = timer
        self.cancelBranch(slot, reason: [], &transactions, at: now, into: &outbox)
    }

    /// A branch ends without a response.
    mutating func fail(
        _ slot: Int32, _ status: UInt16, _ reason: StaticString, _ transactions: inout TransactionLayer,
        at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        guard self.branches.isInUse(slot), !self.branches[slot].isFinal else { return }
        let number = self.branches[slot].context
        let isFailure = status == 408 || status == 503
        if isFailure, self.tryNextServer(slot, &transactions, at: now, into: &outbox) { return }
        transactions.stopTimer(&self.branches[slot].timerC)
        transactions.stopTimer(&self.branches[slot].patience)
        if status != 487 { self.noteSilence(slot) }
        self.branches[slot].isFinal = true
        let isReplaced =
            (isFailure || Self.isFailureOfFlow(status))
            && self.tryAlternate(slot, &transactions, at: now, into: &outbox)
        self.contexts[number].pendingCount -= 1
        if !isReplaced { self.noteFailure(number, status, reason, &transactions, at: now) }
        self.removeBranch(slot)
        self.tryNext(number, &transactions, at: now, into: &outbox)
        self.finishIfDone(number, &transactions, at: now, into: &outbox)
    }
}
