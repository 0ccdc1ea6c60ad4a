import Containers
public import SIPMessages

/// How a response stands to the client transactions that live.
public enum ResponseMatch: BitwiseCopyable, Hashable, Sendable {
    /// For the transaction user. After a final one to anything but INVITE, and after one other than 2xx to INVITE, the
    /// transaction user hears no more of the transaction, unless its ACK cannot be sent.
    case deliver(TransactionID, owner: UInt64)
    /// A retransmission, or the answer to a CANCEL of ours: all is done.
    case absorbed
    /// Nobody waits for it.
    case stray
}

/// Client transactions: RFC 3261 §17.1, matching by §17.1.3.
///
/// The branch holds the slot and a number that is hard to guess, so that a response finds its transaction without a table.
extension TransactionLayer {
    /// Takes a slot for a request that is about to be written.
    ///
    /// - Returns: `nil` when there are too many.
    public mutating func openClient(method: Method.Code, owner: UInt64) -> TransactionID? {
        let generation = self.nextGeneration()
        let flow = Flow(endpoint: 0, transport: .udp, remote: SocketAddress(.loopback, 0))
        let record = ClientRecord(
            generation: generation, nonce: self.random.next(), flow: flow, owner: owner, method: method)
        guard let slot = self.clients.insert(record) else { return nil }
        return TransactionID(slot: slot, generation: generation)
    }

    /// Appends the branch of the transaction's Via. `loopHash` is a proxy's own (§16.6 step 8).
    public func writeBranch(_ id: TransactionID, loopHash: UInt64, into output: inout [UInt8]) {
        output.append("z9hG4bK")
        output.append(hexadecimal: self.clients[id.slot].nonce)
        output.append(hexadecimal: UInt64(UInt32(bitPattern: id.slot)))
        output.append(0x2E)
        output.append(hexadecimal: loopHash)
    }

    /// Sends the request that was appended to the outbox since `start`, and again as its timers ask.
    ///
    /// - Parameter domain: Over TLS, the domain that the server's certificate must be for; empty where no name was looked
    ///   up.
    /// - Returns: `false` when it could not be kept; then it is not sent, and the transaction is gone.
    public mutating func sendRequest(
        _ id: TransactionID, over flow: Flow, to domain: [UInt8] = [], from start: Int, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) -> Bool {
        let slot = id.slot
        guard self.isLive(client: id),
            let request = self.pool.keep(outbox.octets.span, start..<outbox.octets.count)
        else {
            outbox.discard(from: start)
            if self.isLive(client: id) { self.removeClient(slot) }
            return false
        }
        self.clients[slot].request = request
        if !domain.isEmpty {
            guard let kept = self.pool.keep(domain.span) else {
                outbox.discard(from: start)
                self.removeClient(slot)
                return false
            }
            self.clients[slot].domain = kept
        }
        self.clients[slot].flow = flow
        let isReliable = flow.transport.isReliable
        self.clients[slot].machine =
            self.clients[slot].method == .invite
            ? .invite(InviteClientTransaction(isReliable: isReliable, timers: self.timers, at: now))
            : .nonInvite(NonInviteClientTransaction(isReliable: isReliable, timers: self.timers, at: now))
        outbox.send(from: start, over: flow, by: .client(id), to: domain.span)
        self.scheduleClient(slot)
        return true
    }

    /// Cancels an INVITE that has had a provisional response, in a transaction of its own (§9.1).
    ///
    /// - Parameter reason: The value of a Reason field (RFC 3326); empty for none.
    public mutating func cancel(
        _ id: TransactionID, reason: Span<UInt8>, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        guard self.isLive(client: id), self.clients[id.slot].method == .invite, self.clients[id.slot].companion < 0,
            let cancel = self.openClient(method: .cancel, owner: 0)
        else { return }
        let start = outbox.octets.count
        let sent = self.clients[id.slot].request
        guard Self.writeCancel(of: sent, in: self.pool, &self.scratch, into: &outbox.octets) else {
            self.removeClient(cancel.slot)
            return
        }
        if !reason.isEmpty {
            outbox.octets.append("Reason: ")
            outbox.octets.append(reason, 0..<reason.count)
            outbox.octets.append("\r\n")
        }
        outbox.octets.endHeader()
        let flow = self.clients[id.slot].flow
        var domain: [UInt8] = []
        self.pool.append(self.clients[id.slot].domain, to: &domain)
        guard self.sendRequest(cancel, over: flow, to: domain, from: start, at: now, into: &outbox) else { return }
        self.clients[id.slot].companion = cancel.slot
        self.clients[cancel.slot].companion = id.slot
    }

    /// Finds the transaction that a response belongs to, acknowledges what the transaction must, and says whether the
    /// transaction user wants the response.
    public mutating func match(
        response octets: Span<UInt8>, _ index: borrowing MessageIndex, via: ViaIndex, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) -> ResponseMatch {
        guard let method = Self.method(ofCSeq: index, octets), var slot = self.slot(ofBranch: via.branch, octets) else {
            return .stray
        }
        // A CANCEL has the branch of its INVITE, so only the method tells their responses apart (§17.1.3).
        let isCancel = method == .cancel
        if isCancel { slot = self.clients[slot].companion }
        guard slot >= 0, self.clients[slot].method == method else { return .stray }
        let id = TransactionID(slot: slot, generation: self.clients[slot].generation)
        let owner = self.clients[slot].owner
        let effects = self.handle(slot, index.statusCode, at: now)
        if effects.contains(.sendACK) { self.sendACK(slot, octets, index, into: &outbox) }
        if effects.contains(.terminate) {
            self.removeClient(slot)
        } else {
            // Once a 2xx is there nothing is made from the INVITE any more: its ACK is the transaction user's.
            if index.statusCode / 100 == 2 { self.pool.release(&self.clients[slot].request) }
            self.scheduleClient(slot)
        }
        return effects.contains(.deliver) && !isCancel ? .deliver(id, owner: owner) : .absorbed
    }

    /// Whether the client transaction lives.
    public func isLive(client id: TransactionID) -> Bool {
        !id.isNone && self.clients.isPlausible(id.slot) && self.clients[id.slot].generation == id.generation
    }

    /// Whether an INVITE has had a provisional and no final response, so that it can be cancelled now.
    public func isProceeding(_ id: TransactionID) -> Bool {
        guard self.isLive(client: id), case .invite(let machine) = self.clients[id.slot].machine else { return false }
        return machine.state == .proceeding
    }

    /// The request as it was sent.
    @_lifetime(borrow self)
    public func sentRequest(_ id: TransactionID) -> Span<UInt8> {
        self.pool.span(self.isLive(client: id) ? self.clients[id.slot].request : .none)
    }

    /// The way the request went.
    public func flow(ofClient id: TransactionID) -> Flow? {
        self.isLive(client: id) ? self.clients[id.slot].flow : nil
    }

    /// Ends a transaction whose answer nobody wants.
    public mutating func abandon(client id: TransactionID) {
        if self.isLive(client: id) { self.removeClient(id.slot) }
    }

    // MARK: Inside

    /// The method in a response's CSeq; `nil` when there is none.
    private static func method(ofCSeq index: borrowing MessageIndex, _ octets: Span<UInt8>) -> Method.Code? {
        guard let cseq = index.value(.cseq) else { return nil }
        var start = cseq.upper
        while start > cseq.lower, octets[start &- 1].isToken { start &-= 1 }
        return start == cseq.upper ? nil : Method.Code(octets, start..<cseq.upper)
    }

    /// Whom a client transaction belongs to, by its branch; `nil` where there is none.
    public func owner(ofBranch branch: OctetRange, _ octets: Span<UInt8>) -> UInt64? {
        self.slot(ofBranch: branch, octets).map { self.clients[$0].owner }
    }

    /// The slot that a branch of ours names, when its number is right.
    private func slot(ofBranch branch: OctetRange, _ octets: Span<UInt8>) -> Int32? {
        guard branch.count == 7 + 16 + 16 + 1 + 16 else { return nil }
        guard let nonce = octets.hexadecimal(at: branch.lower + 7),
            let number = octets.hexadecimal(at: branch.lower + 23), number < UInt64(Int32.max)
        else { return nil }
        let slot = Int32(number)
        guard self.clients.isPlausible(slot), self.clients[slot].generation != 0, self.clients[slot].nonce == nonce
        else { return nil }
        return slot
    }

    private mutating func handle(_ slot: Int32, _ status: UInt16, at now: MonotonicInstant) -> TransactionEffects {
        switch self.clients[slot].machine {
        case .opened: return []
        case .invite(var machine):
            let event: InviteClientTransaction.Event =
                status < 200 ? .provisional : status < 300 ? .success : .failure
            let effects = machine.handle(event, timers: self.timers, at: now)
            self.clients[slot].machine = .invite(machine)
            return effects
        case .nonInvite(var machine):
            let effects = machine.handle(status < 200 ? .provisional : .final, timers: self.timers, at: now)
            self.clients[slot].machine = .nonInvite(machine)
            return effects
        }
    }

    mutating func wakeClient(_ slot: Int32, at now: MonotonicInstant, into outbox: inout Outbox) -> TransactionEvent? {
        let id = TransactionID(slot: slot, generation: self.clients[slot].generation)
        let owner = self.clients[slot].owner
        let isCancel = self.clients[slot].method == .cancel
        var wasAccepted = false
        let effects: TransactionEffects
        switch self.clients[slot].machine {
        case .opened: return nil
        case .invite(var machine):
            wasAccepted = machine.state == .accepted
            effects = machine.wake(at: now)
            self.clients[slot].machine = .invite(machine)
        case .nonInvite(var machine):
            effects = machine.wake(timers: self.timers, at: now)
            self.clients[slot].machine = .nonInvite(machine)
        }
        if effects.contains(.send) {
            let start = outbox.octets.count
            let request = self.pool.span(self.clients[slot].request)
            outbox.octets.append(request, 0..<request.count)
            outbox.send(from: start, over: self.clients[slot].flow, by: .client(id))
        }
        if effects.contains(.terminate) { self.removeClient(slot) } else { self.scheduleClient(slot) }
        if wasAccepted, effects.contains(.terminate) { return .clientEnded(id, owner: owner) }
        return effects.contains(.timedOut) && !isCancel ? .clientTimedOut(id, owner: owner) : nil
    }

    private mutating func scheduleClient(_ slot: Int32) {
        let id = TransactionID(slot: slot, generation: self.clients[slot].generation)
        let (wakeAt, wait) = (self.clients[slot].wakeAt, self.clients[slot].wait)
        self.clients[slot].timer = self.schedule(
            self.clients[slot].timer, at: wakeAt, wait, of: id, TimerPayload.client)
    }

    private mutating func sendACK(
        _ slot: Int32, _ response: Span<UInt8>, _ responseIndex: borrowing MessageIndex, into outbox: inout Outbox
    ) {
        guard let to = responseIndex.value(.to) else { return }
        let start = outbox.octets.count
        let sent = self.clients[slot].request
        Self.writeACK(of: sent, in: self.pool, &self.scratch, to: response, to, into: &outbox.octets)
        guard outbox.octets.count > start else { return }
        let id = TransactionID(slot: slot, generation: self.clients[slot].generation)
        let domain = self.pool.span(self.clients[slot].domain)
        outbox.send(from: start, over: self.clients[slot].flow, by: .client(id), to: domain)
    }

    private static func writeCancel(
        of sent: PooledOctets, in pool: borrowing OctetPool, _ index: inout MessageIndex, into output: inout [UInt8]
    ) -> Bool {
        let request = pool.span(sent)
        do { try index.parse(request) } catch { return false }
        guard let to = index.value(.to) else { return false }
        index.writeFollowUp("CANCEL", of: request, to: request, to, into: &output)
        return true
    }

    private static func writeACK(
        of sent: PooledOctets, in pool: borrowing OctetPool, _ index: inout MessageIndex, to response: Span<UInt8>,
        _ to: OctetRange, into output: inout [UInt8]
    ) {
        let request = pool.span(sent)
        do { try index.parse(request) } catch { return }
        index.writeFollowUp("ACK", of: request, to: response, to, into: &output)
        output.endHeader()
    }

    mutating func removeClient(_ slot: Int32) {
        let companion = self.clients[slot].companion
        if companion >= 0 {
            self.clients[companion].companion = -1
            // Without its INVITE the answer to a CANCEL finds no way here, nor does anybody need it.
            if self.clients[companion].method == .cancel { self.removeClient(companion) }
        }
        self.stop(self.clients[slot].timer)
        self.pool.release(self.clients[slot].request)
        self.pool.release(self.clients[slot].domain)
        self.clients[slot].generation = 0
        self.clients.remove(slot)
    }
}
