import Containers
public import SIPMessages

/// How a request stands to the transactions that live.
public enum RequestMatch: BitwiseCopyable, Hashable, Sendable {
    /// It begins a transaction.
    case new
    /// It was a retransmission, or an ACK to a response other than 2xx: all is done.
    case absorbed
    /// It is an ACK that no transaction wants: one to a 2xx, for the transaction user.
    case unmatchedACK
}

/// Server transactions: RFC 3261 §17.2, matching by §17.2.3.
extension TransactionLayer {
    /// Finds the transaction that a request belongs to, and answers a retransmission.
    ///
    /// - Parameters:
    ///   - octets: The request.
    ///   - index: Its index, without a fault.
    ///   - via: Its topmost Via.
    public mutating func match(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, via: ViaIndex, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) -> RequestMatch {
        let isACK = index.method == .ack
        self.makeKey(octets, index, via, method: isACK ? .invite : index.method)
        let slot = isACK && !via.hasMagicCookie ? self.findAcknowledged(octets, index) : self.findServer()
        guard slot >= 0 else { return isACK ? .unmatchedACK : .new }
        let effects = self.handle(slot, isACK ? .acknowledged : .retransmission, at: now)
        if effects.contains(.deliver) { return .unmatchedACK }
        self.carryOut(effects, slot, at: now, into: &outbox)
        return .absorbed
    }

    /// The INVITE transaction that the CANCEL matched last would cancel (§9.2); `none` when there is none.
    public mutating func cancelled(
        by octets: Span<UInt8>, _ index: borrowing MessageIndex, via: ViaIndex
    ) -> TransactionID {
        self.makeKey(octets, index, via, method: .invite)
        let slot = self.findServer()
        guard slot >= 0 else { return .none }
        return TransactionID(slot: slot, generation: self.servers[slot].generation)
    }

    /// Begins a transaction with the request that was matched as new just before.
    ///
    /// An INVITE is answered with 100 at once, unless the transaction user promises to answer it itself within 200 ms; if
    /// it does not keep its word, 100 is sent then (§17.2.1). A proxy cannot promise that.
    ///
    /// - Parameters:
    ///   - flow: The way it came, by which the answer goes back.
    ///   - owner: What events will name.
    ///   - promisesAnswer: Whether the transaction user will answer an INVITE within 200 ms.
    /// - Returns: `nil` when there are too many: the transaction user answers 503 without a transaction.
    public mutating func createServer(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, via: ViaIndex, flow: Flow, owner: UInt64,
        promisesAnswer: Bool = false, at now: MonotonicInstant, into outbox: inout Outbox
    ) -> TransactionID? {
        var replyFlow = flow
        replyFlow.remote = via.replyAddress(source: flow.remote, isReliable: flow.transport.isReliable)
        self.makeKey(octets, index, via, method: index.method)
        guard let key = Self.keep(self.key, in: &self.pool) else { return nil }
        let message = index.headerOctets + index.body.count
        guard let request = self.pool.keep(octets, 0..<message) else {
            self.pool.release(key)
            return nil
        }
        let generation = self.nextGeneration()
        let isReliable = flow.transport.isReliable
        let isInvite = index.method == .invite
        let record = ServerRecord(
            machine: isInvite
                ? .invite(
                    InviteServerTransaction(
                        isReliable: isReliable, promisesAnswer: promisesAnswer, timers: self.timers, at: now))
                : .nonInvite(NonInviteServerTransaction(isReliable: isReliable, timers: self.timers, at: now)),
            generation: generation, keyHash: self.keyHash, key: key, isLegacy: !via.hasMagicCookie, request: request,
            flow: replyFlow, owner: owner, method: index.method)
        guard let slot = self.servers.insert(record) else {
            self.pool.release(key)
            self.pool.release(request)
            return nil
        }
        self.serverTable.insert(self.keyHash, slot)
        let id = TransactionID(slot: slot, generation: generation)
        // What is kept lies as it came.
        self.requestIndex.assign(index)
        (self.requestVia, self.indexedRequest) = (via, id)
        if isInvite, !promisesAnswer {
            self.sendTrying(id, octets, index, via: via, source: flow.remote, at: now, into: &outbox)
        } else {
            self.scheduleServer(slot)
        }
        return id
    }

    /// Whether the server transaction lives.
    public func isLive(server id: TransactionID) -> Bool {
        !id.isNone && self.servers.isPlausible(id.slot) && self.servers[id.slot].generation == id.generation
    }

    /// The request that began it; empty once it has a final response.
    @_lifetime(borrow self)
    public func request(of id: TransactionID) -> Span<UInt8> {
        self.pool.span(self.isLive(server: id) ? self.servers[id.slot].request : .none)
    }

    /// Sees to it that `requestIndex` and `requestVia` are those of the request that began a transaction.
    ///
    /// - Returns: `false` when the request is not kept any more, since it has a final response.
    public mutating func indexRequest(of id: TransactionID) -> Bool {
        guard self.isLive(server: id), !self.servers[id.slot].request.isNone else { return false }
        if self.indexedRequest == id { return true }
        self.indexedRequest = .none
        guard
            Self.index(self.servers[id.slot].request, in: self.pool, into: &self.requestIndex, &self.requestVia)
        else { return false }
        self.indexedRequest = id
        return true
    }

    private static func index(
        _ kept: PooledOctets, in pool: borrowing OctetPool, into index: inout MessageIndex, _ via: inout ViaIndex
    ) -> Bool {
        let request = pool.span(kept)
        do {
            try index.parse(request)
            guard let field = index.value(.via) else { return false }
            _ = try ViaIndex.parse(request, in: field.range, into: &via)
            return true
        } catch { return false }
    }

    /// The way back to the client.
    public func flow(of id: TransactionID) -> Flow? { self.isLive(server: id) ? self.servers[id.slot].flow : nil }

    /// The method of the request.
    public func method(of id: TransactionID) -> Method.Code? {
        self.isLive(server: id) ? self.servers[id.slot].method : nil
    }

    /// What events name.
    public func owner(of id: TransactionID) -> UInt64? { self.isLive(server: id) ? self.servers[id.slot].owner : nil }

    /// Lets events name something else from now on.
    public mutating func setOwner(_ owner: UInt64, of id: TransactionID) {
        if self.isLive(server: id) { self.servers[id.slot].owner = owner }
    }

    /// Sends the response that was appended to the outbox since `start`.
    ///
    /// A response that the state forbids, a second final one say, is taken back. To a non-INVITE request so are a 408,
    /// whose transaction then ends in silence (RFC 4320 §4.2), every provisional response but 100, and over UDP a 100
    /// that is too early (§4.1).
    ///
    /// - Returns: whether it was sent.
    @discardableResult
    public mutating func respond(
        _ id: TransactionID, status: UInt16, from start: Int, at now: MonotonicInstant, into outbox: inout Outbox
    ) -> Bool {
        guard self.isLive(server: id) else {
            outbox.discard(from: start)
            return false
        }
        let slot = id.slot
        let isInvite = self.servers[slot].method == .invite
        if status == 408, !isInvite {
            outbox.discard(from: start)
            self.carryOut(self.handle(slot, .abandoned, at: now), slot, at: now, into: &outbox)
            return false
        }
        if !isInvite, status < 200, status != 100 {
            outbox.discard(from: start)
            return false
        }
        let event: ServerEvent =
            status < 200 ? .sentProvisional : status < 300 && isInvite ? .sentSuccess : .sentFinal
        var effects = self.handle(slot, event, at: now)
        guard effects.contains(.send) else {
            outbox.discard(from: start)
            return false
        }
        effects.remove(.send)
        self.keepResponse(slot, status: status, from: start, outbox)
        outbox.send(from: start, over: self.servers[slot].flow, by: .server(id))
        self.carryOut(effects, slot, at: now, into: &outbox)
        return true
    }

    /// Ends a transaction that will never have an answer, in silence.
    public mutating func abandon(server id: TransactionID) {
        if self.isLive(server: id) { self.removeServer(id.slot) }
    }

    // MARK: Inside

    enum ServerEvent {
        case retransmission, acknowledged, sentProvisional, sentSuccess, sentFinal, abandoned, transportFailed
    }

    mutating func handle(_ slot: Int32, _ event: ServerEvent, at now: MonotonicInstant) -> TransactionEffects {
        switch self.servers[slot].machine {
        case .invite(var machine):
            let translated: InviteServerTransaction.Event =
                switch event {
                case .retransmission: .retransmission
                case .acknowledged: .acknowledged
                case .sentProvisional: .sentProvisional
                case .sentSuccess: .sentSuccess
                case .sentFinal: .sentFailure
                case .abandoned, .transportFailed: .transportFailed
                }
            let effects = machine.handle(translated, timers: self.timers, at: now)
            self.servers[slot].machine = .invite(machine)
            return effects
        case .nonInvite(var machine):
            let translated: NonInviteServerTransaction.Event =
                switch event {
                case .retransmission, .acknowledged: .retransmission
                case .sentProvisional: .sentTrying
                case .sentSuccess, .sentFinal: .sentFinal
                case .abandoned: .abandoned
                case .transportFailed: .transportFailed
                }
            let effects = machine.handle(translated, timers: self.timers, at: now)
            self.servers[slot].machine = .nonInvite(machine)
            return effects
        }
    }

    mutating func wakeServer(_ slot: Int32, at now: MonotonicInstant, into outbox: inout Outbox) -> TransactionEvent? {
        let id = TransactionID(slot: slot, generation: self.servers[slot].generation)
        let owner = self.servers[slot].owner
        let effects: TransactionEffects
        switch self.servers[slot].machine {
        case .invite(var machine):
            effects = machine.wake(timers: self.timers, at: now)
            self.servers[slot].machine = .invite(machine)
        case .nonInvite(var machine):
            effects = machine.wake(at: now)
            self.servers[slot].machine = .nonInvite(machine)
        }
        self.carryOut(effects, slot, at: now, into: &outbox)
        if effects.contains(.sendTrying) { self.reply(id, 100, "Trying", at: now, into: &outbox) }
        if effects.contains(.timedOut) { return .serverTimedOut(id, owner: owner) }
        return effects.contains(.deliver) ? .tryingDue(id, owner: owner) : nil
    }

    private mutating func carryOut(
        _ effects: TransactionEffects, _ slot: Int32, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        if effects.contains(.send), !self.servers[slot].response.isNone {
            let start = outbox.octets.count
            let response = self.pool.span(self.servers[slot].response)
            outbox.octets.append(response, 0..<response.count)
            let id = TransactionID(slot: slot, generation: self.servers[slot].generation)
            outbox.send(from: start, over: self.servers[slot].flow, by: .server(id))
        }
        if effects.contains(.terminate) { self.removeServer(slot) } else { self.scheduleServer(slot) }
    }

    private mutating func scheduleServer(_ slot: Int32) {
        let id = TransactionID(slot: slot, generation: self.servers[slot].generation)
        let (wakeAt, wait) = (self.servers[slot].wakeAt, self.servers[slot].wait)
        self.servers[slot].timer = self.schedule(
            self.servers[slot].timer, at: wakeAt, wait, of: id, TimerPayload.server)
    }

    /// Keeps what may have to be sent again, and lets go of the request once nothing more is made from it.
    private mutating func keepResponse(_ slot: Int32, status: UInt16, from start: Int, _ outbox: borrowing Outbox) {
        self.pool.release(&self.servers[slot].response)
        let isInvite = self.servers[slot].method == .invite
        if status >= 200 { self.pool.release(&self.servers[slot].request) }
        // A 2xx to an INVITE is retransmitted by the transaction user (RFC 6026 §7.1), and kept only where it may have to
        // go another way; over a stream only an INVITE can be answered again.
        let mayRepeat =
            isInvite
            ? status < 200 || status >= 300 || self.servers[slot].keepsSuccess
            : !self.servers[slot].flow.transport.isReliable
        guard mayRepeat else { return }
        self.servers[slot].response = self.pool.keep(outbox.octets.span, start..<outbox.octets.count) ?? .none
    }

    private static func keep(_ octets: [UInt8], in pool: inout OctetPool) -> PooledOctets? { pool.keep(octets.span) }

    private mutating func removeServer(_ slot: Int32) {
        self.serverTable.remove(self.servers[slot].keyHash, slot)
        self.stop(self.servers[slot].timer)
        self.pool.release(self.servers[slot].key)
        self.pool.release(self.servers[slot].request)
        self.pool.release(self.servers[slot].response)
        self.servers[slot].generation = 0
        self.servers.remove(slot)
    }

    private func findServer() -> Int32 {
        self.serverTable.find(self.keyHash) { slot in
            let kept = self.pool.span(self.servers[slot].key)
            return kept.equals(0..<kept.count, self.key.span, 0..<self.key.count)
        }
    }

    /// The INVITE transaction that an ACK without the magic cookie belongs to: its To tag is that of the response which
    /// the transaction has sent, where the INVITE had none or another (§17.2.3).
    private func findAcknowledged(_ octets: Span<UInt8>, _ index: borrowing MessageIndex) -> Int32 {
        let came = index.tag(.to, in: octets)
        return self.serverTable.find(self.keyHash) { slot in
            guard self.servers[slot].isLegacy else { return false }
            let kept = self.pool.span(self.servers[slot].key)
            guard kept.count >= self.keyStem, kept.equals(0..<self.keyStem, self.key.span, 0..<self.keyStem) else {
                return false
            }
            let response = self.pool.span(self.servers[slot].response)
            var sent = MessageIndex()
            do { try sent.parse(response) } catch { return false }
            return response.equals(sent.tag(.to, in: response).range, octets, came.range)
        }
    }

    /// Makes the key by which requests are matched: branch, sent-by and method (§17.2.3), or, for a client of RFC 2543
    /// without the magic cookie, what its rules compare. Its To tag, which an ACK has from the response, comes last and
    /// is not part of the hash.
    private mutating func makeKey(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, _ via: ViaIndex, method: Method.Code
    ) {
        self.key.removeAll(keepingCapacity: true)
        self.key.append(method.rawValue)
        if method == .other { self.key.append(octets, index.methodName.range) }
        self.key.append(0)
        if via.hasMagicCookie {
            self.key.append(octets, via.branch.range)
            self.key.append(0)
            for i in via.host.range { self.key.append(octets[i].lowercased) }
            self.key.append(UInt8(truncatingIfNeeded: via.port >> 8))
            self.key.append(UInt8(truncatingIfNeeded: via.port))
        } else {
            self.key.append(octets, index.requestURI.range)
            self.key.append(0)
            self.key.append(octets, via.whole.range)
            self.key.append(0)
            if let callID = index.value(.callID) { self.key.append(octets, callID.range) }
            self.key.append(0)
            self.key.append(octets, index.tag(.from, in: octets).range)  // Of From and To only the tag counts.
            self.key.append(0)
            if let cseq = index.value(.cseq) {
                var end = cseq.lower
                while end < cseq.upper, octets[end].isDigit { end += 1 }
                self.key.append(octets, cseq.lower..<end)
            }
            self.key.append(0)
        }
        self.keyStem = self.key.count
        self.keyHash = SipHash13.hash(self.key.span, 0..<self.keyStem, key: self.hashKey)
        if !via.hasMagicCookie { self.key.append(octets, index.tag(.to, in: octets).range) }
    }
}

extension MessageIndex {
    /// The tag of From or To; empty where there is none.
    func tag(_ id: HeaderID, in octets: Span<UInt8>) -> OctetRange {
        guard let value = self.value(id),
            let address = try? AddressIndex(parsing: octets, in: value.range, field: id)
        else { return .absent }
        return address.tag
    }
}
