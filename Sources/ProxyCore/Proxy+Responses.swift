import Containers
public import SIPMessages
public import SIPTransactions

/// Collecting responses and passing them back: RFC 3261 §16.7, with RFC 6026 §7.3.
extension Proxy {
    /// Why branches are cancelled once one has succeeded (RFC 3326 §2).
    private static let completedElsewhere = Array("SIP;cause=200;text=\"Call completed elsewhere\"".utf8)

    /// Handles a response that a client transaction delivered.
    ///
    /// - Parameters:
    ///   - via: Its topmost Via, which is ours.
    ///   - owner: What the transaction layer named with it.
    ///   - isTrusted: Whether who has sent it may assert who he is (RFC 3325 §5).
    public mutating func receive(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, via: ViaIndex, owner: UInt64, isTrusted: Bool,
        transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        let slot = Int32(truncatingIfNeeded: owner)
        guard self.branches.isInUse(slot) else { return }
        let number = self.branches[slot].context
        let status = index.statusCode
        self.branches[slot].hasResponded = true
        self.lowersCSeq = self.raisesCSeq(slot)
        transactions.stopTimer(&self.branches[slot].patience)
        self.hidesIdentity =
            !isTrusted
            || (index.wantsPrivateIdentity(octets)
                && !self.configuration.trusts(self.contexts[number].source.remote.ip))
        self.noteServer(of: slot, octets, index, at: now)
        self.noteStreamWorks(slot, at: now)
        // Some answer with our Via alone. The client needs its own, which our transaction still knows; a response that
        // comes after the final one is then not passed on (§16.7 step 3).
        self.restoredVias.removeAll(keepingCapacity: true)
        self.canPass =
            index.hasVia(below: via)
            || transactions.writeVias(of: self.contexts[number].server, into: &self.restoredVias)
        if status < 200 {
            self.receiveProvisional(octets, index, via, slot, number, &transactions, at: now, &outbox)
            return
        }
        let isFirst = !self.branches[slot].isFinal
        if status == 503, isFirst {
            // This server is overloaded: another one of the same name may not be (RFC 3263 §4.3).
            self.consider(octets, index, via, number, &transactions)
            if self.tryNextServer(slot, &transactions, at: now, into: &outbox) { return }
        }
        var isReplaced = false
        if isFirst {
            self.branches[slot].isFinal = true
            transactions.stopTimer(&self.branches[slot].timerC)
            isReplaced =
                Self.isFailureOfFlow(status) && self.tryAlternate(slot, &transactions, at: now, into: &outbox)
            self.contexts[number].pendingCount -= 1
        }
        if status < 300 {
            self.receiveSuccess(octets, index, via, number, &transactions, at: now, &outbox)
            // A 2xx to an INVITE may come again, until its client transaction ends.
            if self.contexts[number].method != .invite { self.removeBranch(slot) }
        } else if isFirst {
            self.noteAnswer(slot, octets, index)
            let isFollowed = !isReplaced && self.follow(octets, index, slot, transactions)
            if !isFollowed, !isReplaced { self.consider(octets, index, via, number, &transactions) }
            self.removeBranch(slot)
            if self.contexts[number].hasSuccession, !isFollowed {
                self.endSuccession(number, after: status, &transactions)
            }
            if status >= 600 {
                self.contexts[number].isStopped = true
                self.cancelPending(number, reason: [], &transactions, at: now, into: &outbox)
            }
            self.tryNext(number, &transactions, at: now, into: &outbox)
        } else {
            self.removeBranch(slot)  // Forsaken, and over now.
        }
        self.finishIfDone(number, &transactions, at: now, into: &outbox)
    }

    private mutating func receiveProvisional(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, _ via: ViaIndex, _ slot: Int32, _ number: Int32,
        _ transactions: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        if self.branches[slot].isCancelWanted, !self.branches[slot].isCancelled {
            let reason = self.cancelReasons[number] ?? []
            self.cancelBranch(slot, reason: reason, &transactions, at: now, into: &outbox)
        }
        guard index.statusCode > 100 else { return }
        // §16.7 step 2: 101 to 199 restart timer C.
        if !self.branches[slot].isCancelled, self.ringLimit(number) == nil {
            transactions.moveTimer(
                self.branches[slot].timerC, to: now.advanced(by: self.configuration.timerC))
        }
        guard !self.contexts[number].isAnswered else { return }
        self.pass(octets, index, via, number, &transactions, at: now, &outbox)
    }

    private mutating func receiveSuccess(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, _ via: ViaIndex, _ number: Int32,
        _ transactions: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        // Every 2xx to an INVITE is passed on at once (§16.7 step 5); to another method the first final response.
        let isFirst = !self.contexts[number].isAnswered
        guard isFirst || self.contexts[number].method == .invite else { return }
        self.contexts[number].isAnswered = true
        if isFirst { self.unansweredCount -= 1 }
        self.pass(octets, index, via, number, &transactions, at: now, &outbox)
        if let succession = self.successions[number] { self.outcomes.append(.succeeded(succession.token)) }
        if isFirst {
            self.cancelPending(number, reason: Self.completedElsewhere, &transactions, at: now, into: &outbox)
        }
    }

    private mutating func pass(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, _ via: ViaIndex, _ number: Int32,
        _ transactions: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        guard self.canPass else { return }
        let start = outbox.octets.count
        index.writeRelayed(
            octets, via: via, hidingIdentity: self.hidesIdentity, raisesCSeq: self.lowersCSeq,
            restored: self.restoredVias, into: &outbox.octets)
        transactions.respond(
            self.contexts[number].server, status: index.statusCode, from: start, at: now, into: &outbox)
    }

    /// Keeps a final response other than 2xx if it is the best so far, and its challenges in any case.
    private mutating func consider(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, _ via: ViaIndex, _ number: Int32,
        _ transactions: inout TransactionLayer
    ) {
        let status = index.statusCode
        let isChallenge = status == 401 || status == 407
        if isChallenge { self.keepChallenges(octets, index, number, &transactions) }
        guard self.isBetter(status, number) else { return }
        self.scratch.removeAll(keepingCapacity: true)
        let statusLine: StaticString? =
            switch status {
            case 503: "SIP/2.0 500 Server Failure Downstream\r\n"
            case 430 where !self.contexts[number].traits.contains(.isOverFlowToken):
                "SIP/2.0 480 Device Not Connected\r\n"
            default: nil
            }
        index.writeRelayed(
            octets, via: via, statusLine: statusLine,
            leavingOutChallenges: isChallenge, hidingIdentity: self.hidesIdentity, raisesCSeq: self.lowersCSeq,
            restored: self.restoredVias, into: &self.scratch)
        self.setBest(status, number, &transactions)
    }

    private func isBetter(_ status: UInt16, _ number: Int32) -> Bool {
        let best = self.contexts[number].bestStatus
        return best == 0 || ResponseContext.rank(status) < ResponseContext.rank(best)
    }

    /// Keeps what is in `scratch` as the best response.
    private mutating func setBest(_ status: UInt16, _ number: Int32, _ transactions: inout TransactionLayer) {
        var old = self.contexts[number].best
        transactions.release(&old)
        self.contexts[number].best = transactions.keep(self.scratch) ?? .none
        self.contexts[number].bestStatus = status
    }

    private mutating func keepChallenges(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, _ number: Int32,
        _ transactions: inout TransactionLayer
    ) {
        self.scratch.removeAll(keepingCapacity: true)
        var old = self.contexts[number].challenges
        transactions.pool.append(old, to: &self.scratch)
        index.writeFields(.wwwAuthenticate, of: octets, into: &self.scratch)
        index.writeFields(.proxyAuthenticate, of: octets, into: &self.scratch)
        transactions.release(&old)
        self.contexts[number].challenges = transactions.keep(self.scratch) ?? .none
    }

    /// Notes a failure of our own on a branch that was never sent, or never answered.
    mutating func noteFailure(
        _ number: Int32, _ status: UInt16, _ reason: StaticString, _ transactions: inout TransactionLayer,
        at now: MonotonicInstant
    ) {
        guard self.isBetter(status, number) else { return }
        self.scratch.removeAll(keepingCapacity: true)
        transactions.writeReply(
            self.contexts[number].server, self.contexts[number].outward(status), reason, into: &self.scratch)
        self.setBest(status, number, &transactions)
    }

    // MARK: The end

    /// Passes on the best response once every branch has one, and forgets what is over.
    mutating func finishIfDone(
        _ number: Int32, _ transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        guard self.contexts.isInUse(number) else { return }
        if self.contexts[number].pendingCount == 0, !self.contexts[number].isAnswered {
            self.contexts[number].isAnswered = true
            if let succession = self.successions[number] { self.outcomes.append(.failed(succession.token)) }
            self.unansweredCount -= 1
            self.passBest(number, &transactions, at: now, into: &outbox)
        }
        guard self.contexts[number].pendingCount == 0, self.contexts[number].branchCount == 0 else { return }
        transactions.release(&self.contexts[number].targets)
        transactions.release(&self.contexts[number].best)
        transactions.release(&self.contexts[number].challenges)
        if self.contexts[number].hasSuccession { self.successions[number] = nil }
        if !self.cancelReasons.isEmpty { self.cancelReasons[number] = nil }
        self.contexts.remove(number)
    }

    private mutating func passBest(
        _ number: Int32, _ transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        let context = self.contexts[number]
        guard !context.best.isNone else {
            transactions.reply(context.server, 480, "Temporarily Unavailable", at: now, into: &outbox)
            return
        }
        let start = outbox.octets.count
        if context.bestStatus == 401 || context.bestStatus == 407 {
            // The status line, then all challenges, then the rest of the message.
            self.scratch.removeAll(keepingCapacity: true)
            transactions.pool.append(context.best, to: &self.scratch)
            let lineEnd = (self.scratch.firstIndex(of: 0x0A) ?? self.scratch.count - 1) + 1
            outbox.octets.append(contentsOf: self.scratch[..<lineEnd])
            transactions.pool.append(context.challenges, to: &outbox.octets)
            outbox.octets.append(contentsOf: self.scratch[lineEnd...])
        } else {
            transactions.pool.append(context.best, to: &outbox.octets)
        }
        let status = context.outward(context.bestStatus)
        transactions.respond(context.server, status: status, from: start, at: now, into: &outbox)
    }

    mutating func removeBranch(_ slot: Int32) {
        let number = self.branches[slot].context
        let next = self.branches[slot].next
        if self.contexts[number].firstBranch == slot {
            self.contexts[number].firstBranch = next
        } else {
            var previous = self.contexts[number].firstBranch
            while previous >= 0, self.branches[previous].next != slot { previous = self.branches[previous].next }
            if previous >= 0 { self.branches[previous].next = next }
        }
        self.contexts[number].branchCount -= 1
        if self.branches[slot].resolution != 0 { self.resolutions[self.branches[slot].resolution] = nil }
        if self.branches[slot].hasLoggedIn { self.logins[slot] = nil }
        self.branches.remove(slot)
    }
}
