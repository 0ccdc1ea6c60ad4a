import Containers
public import SIPMessages
public import SIPTransactions

/// How the targets of one request take each other's place: those of a trunk, of which each does what the others do.
public struct Succession: Hashable, Sendable {
    /// The final answers after which the next target is tried; any other one is the answer. After a target that could not
    /// be reached the next is tried always.
    public var failover: [ClosedRange<UInt16>]
    /// How long a target may give no sign of life before the next is tried besides.
    public var patience: TimeSpan
    /// What outcomes name.
    public var token: UInt64

    /// A succession by these rules.
    public init(failover: [ClosedRange<UInt16>], patience: TimeSpan, token: UInt64) {
        (self.failover, self.patience, self.token) = (failover, patience, token)
    }
}

/// What became of a request with a succession, by its token, and of its targets, by their number in the block.
public enum SuccessionOutcome: Hashable, Sendable {
    /// A target gave no sign of life in time, or could not be reached.
    case silent(UInt64, target: Int)
    /// A target answered with this final status other than 2xx, and, with 503, asked to be left alone for some seconds.
    case answered(UInt64, target: Int, status: UInt16, retryAfter: UInt32?)
    /// A 2xx was passed on; there may be several.
    case succeeded(UInt64)
    /// Another final response was passed on. It is the last outcome.
    case failed(UInt64)
}

/// Targets that take each other's place.
extension Proxy {
    /// What the payload of a timer has that waits for a sign of life.
    static let patiencePayload: UInt64 = 1 << 48

    /// Whether there are outcomes to be taken.
    public var hasOutcomes: Bool { !self.outcomes.isEmpty }

    /// Takes what became of requests with a succession since the last call.
    public mutating func takeOutcomes() -> [SuccessionOutcome] {
        defer { self.outcomes = [] }
        return self.outcomes
    }

    /// Begins to wait for a sign of life on a branch that has just been opened or sent.
    mutating func awaitSign(_ slot: Int32, _ transactions: inout TransactionLayer, at now: MonotonicInstant) {
        guard let patience = self.successions[self.branches[slot].context]?.patience else { return }
        transactions.stopTimer(&self.branches[slot].patience)
        let timer = transactions.setTimer(
            at: now.advanced(by: patience), payload: Self.patiencePayload | UInt64(UInt32(bitPattern: slot)))
        self.branches[slot].patience = timer
    }

    /// There was no sign: the next target is tried besides. If this one answers yet, its answer counts as any other.
    mutating func patienceEnded(
        _ slot: Int32, _ transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        guard self.branches.isInUse(slot), self.branches[slot].patience >= 0 else { return }
        self.branches[slot].patience = -1
        guard !self.branches[slot].isFinal else { return }
        self.noteSilence(slot)
        self.tryNext(self.branches[slot].context, isBesides: true, &transactions, at: now, into: &outbox)
    }

    /// Says that the target of a branch could not be reached.
    mutating func noteSilence(_ slot: Int32) {
        guard let succession = self.successions[self.branches[slot].context] else { return }
        self.outcomes.append(.silent(succession.token, target: Int(self.branches[slot].ordinal)))
    }

    /// Says what the target of a branch has answered.
    mutating func noteAnswer(_ slot: Int32, _ octets: Span<UInt8>, _ index: borrowing MessageIndex) {
        guard let succession = self.successions[self.branches[slot].context] else { return }
        var retryAfter: UInt32?
        if index.statusCode == 503, let value = index.value(.retryAfter) {
            retryAfter = (try? RetryAfter(parsing: octets, in: value.range, field: .retryAfter))?.seconds
        }
        self.outcomes.append(
            .answered(
                succession.token, target: Int(self.branches[slot].ordinal), status: index.statusCode,
                retryAfter: retryAfter))
    }

    /// Ends a succession after an answer that is no reason to try the next target. Branches without any sign of life are
    /// waited for no longer; should one come, it is cancelled. What rings may still be answered.
    mutating func endSuccession(_ number: Int32, after status: UInt16, _ transactions: inout TransactionLayer) {
        guard let succession = self.successions[number], !succession.failover.contains(where: { $0.contains(status) })
        else { return }
        self.contexts[number].isStopped = true
        var slot = self.contexts[number].firstBranch
        while slot >= 0 {
            let next = self.branches[slot].next
            if !self.branches[slot].isFinal, !self.branches[slot].hasResponded {
                transactions.stopTimer(&self.branches[slot].timerC)
                transactions.stopTimer(&self.branches[slot].patience)
                self.branches[slot].isFinal = true
                self.branches[slot].isCancelWanted = true
                self.contexts[number].pendingCount -= 1
                if self.branches[slot].client.isNone { self.removeBranch(slot) }
            }
            slot = next
        }
    }

    /// Forgets a branch that was waited for no longer, when its transaction has ended.
    ///
    /// - Returns: whether it was one.
    mutating func removeForsaken(
        _ slot: Int32, _ transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) -> Bool {
        guard self.branches.isInUse(slot), self.branches[slot].isFinal else { return false }
        let number = self.branches[slot].context
        self.removeBranch(slot)
        self.finishIfDone(number, &transactions, at: now, into: &outbox)
        return true
    }

    // MARK: Answering challenges (RFC 3261 §22.3)

    /// The token of the succession whose branch a challenge came on, and the URI that it was sent to; `nil` where the
    /// challenge is the client's to answer, or was answered before.
    ///
    /// - Parameter owner: What the transaction layer named with the response.
    public func challenged(
        owner: UInt64, _ transactions: borrowing TransactionLayer
    ) -> (token: UInt64, uri: [UInt8])? {
        let slot = Int32(truncatingIfNeeded: owner)
        guard self.branches.isInUse(slot), !self.branches[slot].isFinal, !self.branches[slot].hasLoggedIn,
            !self.branches[slot].isCancelWanted, !self.branches[slot].isCancelled,
            let succession = self.successions[self.branches[slot].context]
        else { return nil }
        let context = self.contexts[self.branches[slot].context]
        guard !context.isStopped, !context.isAnswered else { return nil }
        var block: [UInt8] = []
        transactions.pool.append(context.targets, to: &block)
        let target = Target(block.span, at: Int(self.branches[slot].target))
        return (succession.token, Array(block[target.uri.range]))
    }

    /// Whether the request of a branch has a CSeq above that of its client: it was sent once more, with credentials
    /// (RFC 3261 §22.3), or its dialog began so. What passes no other message of its dialog on cannot do that.
    func raisesCSeq(_ slot: Int32) -> Bool {
        guard !self.configuration.isStateless else { return false }
        return self.branches[slot].hasLoggedIn
            || self.contexts[self.branches[slot].context].traits.contains(.raisesCSeq)
    }

    /// Sends the request of a branch again, with credentials and the next CSeq, in a new transaction.
    ///
    /// - Parameters:
    ///   - fields: The lines with the credentials.
    ///   - flow: The way that the challenge came.
    /// - Returns: whether it could be sent; else the challenge is to be received as any other answer.
    public mutating func logIn(
        owner: UInt64, with fields: [UInt8], over flow: Flow, transactions: inout TransactionLayer,
        at now: MonotonicInstant, into outbox: inout Outbox
    ) -> Bool {
        let slot = Int32(truncatingIfNeeded: owner)
        guard self.branches.isInUse(slot) else { return false }
        var block: [UInt8] = []
        let context = self.contexts[self.branches[slot].context]
        transactions.pool.append(context.targets, to: &block)
        let target = Target(block.span, at: Int(self.branches[slot].target))
        self.branches[slot].hasLoggedIn = true
        self.logins[slot] = fields
        if self.send(
            slot, block, target, over: flow, maxBreadth: context.maxBreadth, &transactions, at: now, into: &outbox)
        {
            return true
        }
        (self.branches[slot].hasLoggedIn, self.logins[slot]) = (false, nil)
        return false
    }
}
