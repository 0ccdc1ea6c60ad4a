import Containers
public import SIPMessages
public import SIPTransactions

/// Waiting for the store: RFC 3261 §10.3 step 8 comes after the commit.
extension Registrar {
    /// The octets of `SIP/2.0 200 OK` with its line end, which a kept response begins with.
    static let statusLineOctets = 16
    /// How long the store may take: then the REGISTER is refused, and the write withdrawn.
    static let patience: TimeSpan = .seconds(9)
    /// When a 100 is due over UDP (RFC 4320 §4.1).
    static let tryingDelay: TimeSpan = .milliseconds(3500)

    /// Whether a REGISTER for the AOR `key` is the one that is being stored, come again: it is absorbed (RFC 3261 §17.2.2).
    ///
    /// To be asked before its credentials are judged, since their nonce count has been used.
    public func isBeingStored(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, aor key: Span<UInt8>, hash: UInt64
    ) -> Bool {
        guard self.isWaiting, let callID = index.value(.callID), let cseq = index.value(.cseq) else { return false }
        let slot = self.find(key, hash)
        guard slot >= 0, self.aors[slot].pending >= 0 else { return false }
        let pending = self.aors[slot].pending
        guard self.pendings[pending].cseq == octets.leadingNumber(cseq.range) ?? 0 else { return false }
        let stored = self.pool.span(self.pendings[pending].callID)
        return octets.equals(callID.range, stored, 0..<stored.count)
    }

    /// Remembers what is to be done when the changes with the newest token are committed.
    mutating func await(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, _ via: ViaIndex, _ slot: Int32,
        _ block: PooledOctets, _ circumstances: Circumstances, _ outbox: inout Outbox
    ) throws(RegisterRefusal) {
        let start = outbox.octets.count
        self.writeResponseStart(octets, index, via, circumstances, into: &outbox.octets)
        let response = self.pool.keep(outbox.octets.span, start..<outbox.octets.count)
        outbox.discard(from: start)
        let callID = self.pool.keep(octets, self.editor.request.callID.range)
        var number: Int32?
        if let response, let callID {
            number = self.pendings.insert(
                Pending(
                    aor: slot, token: self.editor.token, block: block, response: response,
                    flow: circumstances.replyFlow, cseq: self.editor.request.cseq, callID: callID,
                    deadline: circumstances.now.advanced(by: Self.patience),
                    supportsGRUU: self.editor.request.supportsGRUU))
        }
        guard let number else {
            self.pool.release(response ?? .none)
            self.pool.release(callID ?? .none)
            self.pool.release(block)
            self.editor.takeBackChanges()
            self.forgetIfEmpty(slot)
            throw RegisterRefusal(503, "Too Many Registrations At Once", retryAfter: 5)
        }
        self.aors[slot].pending = number
        self.pendingByToken[self.editor.token] = number
    }

    /// The changes with this token are stored: the bindings become visible and the 200 is sent.
    ///
    /// - Returns: whether the token was waited for.
    @discardableResult
    public mutating func committed(
        _ token: UInt64, wall: Int64, into outbox: inout Outbox
    ) -> Bool {
        guard let number = self.pendingByToken.removeValue(forKey: token) else { return false }
        let pending = self.pendings[number]
        if self.aors[pending.aor].isRemoved {
            self.refuseRemoved(number, into: &outbox)
            return true
        }
        let start = outbox.octets.count
        self.pool.append(pending.response, to: &outbox.octets)
        let gruus = pending.supportsGRUU ? self.gruus.writer(hash: self.aors[pending.aor].hash) : nil
        Self.writeContacts(
            pending.block, of: gruus, aor: self.pool.span(self.aors[pending.aor].key), in: self.pool, wall: wall,
            into: &outbox.octets)
        outbox.octets.endHeader()
        outbox.send(from: start, over: pending.flow)
        self.aors[pending.aor].pending = -1
        self.setBlock(pending.block, of: pending.aor)
        self.forget(number)
        return true
    }

    /// The changes with this token were not stored and never will be: the REGISTER is refused, nothing has changed.
    @discardableResult
    public mutating func failed(_ token: UInt64, into outbox: inout Outbox) -> Bool {
        guard let number = self.pendingByToken.removeValue(forKey: token) else { return false }
        let pending = self.pendings[number]
        let start = outbox.octets.count
        outbox.octets.append("SIP/2.0 503 Registration Could Not Be Stored\r\n")
        self.pool.append(pending.response, from: Self.statusLineOctets, to: &outbox.octets)
        outbox.octets.append("Retry-After: 10\r\n")
        outbox.octets.endHeader()
        outbox.send(from: start, over: pending.flow)
        (self.aors[pending.aor].pending, self.aors[pending.aor].isRemoved) = (-1, false)
        self.pool.release(pending.block)
        self.forgetIfEmpty(pending.aor)
        self.forget(number)
        return true
    }

    /// The user was removed while the bindings were being stored: they are to be removed from the store again.
    private mutating func refuseRemoved(_ number: Int32, into outbox: inout Outbox) {
        let pending = self.pendings[number]
        self.editor.token &+= 1
        self.noteRemovals(of: pending.block, Self.octets(self.aors[pending.aor].key, in: self.pool))
        let start = outbox.octets.count
        outbox.octets.append("SIP/2.0 403 User Was Removed\r\n")
        self.pool.append(pending.response, from: Self.statusLineOctets, to: &outbox.octets)
        outbox.octets.endHeader()
        outbox.send(from: start, over: pending.flow)
        (self.aors[pending.aor].pending, self.aors[pending.aor].isRemoved) = (-1, false)
        self.pool.release(pending.block)
        self.forgetIfEmpty(pending.aor)
        self.forget(number)
    }

    private mutating func forget(_ number: Int32) {
        self.pool.release(self.pendings[number].response)
        self.pool.release(self.pendings[number].callID)
        self.pendings.remove(number)
    }

    /// Whether REGISTERs wait for the store.
    public var isWaiting: Bool { !self.pendingByToken.isEmpty }

    /// Sends the 100s that are due, and names the REGISTERs that have waited too long: the caller withdraws their writes
    /// and then calls `failed`, or lets them go on if that is too late.
    public mutating func overdue(at now: MonotonicInstant, into outbox: inout Outbox) -> [UInt64] {
        var tokens: [UInt64] = []
        for (token, number) in self.pendingByToken {
            let pending = self.pendings[number]
            if pending.deadline <= now {
                tokens.append(token)
            } else if !pending.isTryingSent, pending.deadline <= now.advanced(by: Self.patience - Self.tryingDelay) {
                self.pendings[number].isTryingSent = true
                let start = outbox.octets.count
                outbox.octets.append("SIP/2.0 100 Trying\r\n")
                self.pool.append(pending.response, from: Self.statusLineOctets, to: &outbox.octets)
                outbox.octets.endHeader()
                outbox.send(from: start, over: pending.flow)
            }
        }
        return tokens.sorted()
    }
}
