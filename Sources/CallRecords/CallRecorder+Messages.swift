import Containers
public import SIPMessages

/// What is read of the messages that leave the server.
extension CallRecorder {
    /// A response has come, and what leaves until `isPassing` is false again is due to it.
    ///
    /// - Parameters:
    ///   - branch: The branch in its topmost Via, which is ours.
    ///   - flow: The way it came.
    public mutating func received(_ octets: Span<UInt8>, branch: OctetRange, over flow: Flow) {
        self.isPassing = true
        self.passedFrom = flow.remote
        self.passedBranch.removeAll(keepingCapacity: true)
        self.passedBranch.append(octets, Self.clipped(branch))
    }

    /// A message leaves. Requests other than BYE, and responses to other methods than INVITE, UPDATE and BYE, are of no
    /// interest.
    ///
    /// - Parameter octets: The message as it is sent.
    public mutating func sent(
        _ octets: Span<UInt8>, at now: MonotonicInstant, into records: inout [CallRecord]
    ) {
        guard self.calls.count > 0, Self.mayMatter(octets), (try? self.index.parse(octets)) != nil,
            let seen = SeenMessage(octets, self.index)
        else { return }
        let hash = SipHash13.hash(octets, seen.callID.range, key: self.hashKey)
        // From is the caller's in what the caller began, To is in what the callee did.
        var isByCaller = true
        var slot = self.find(hash, octets, seen.callID, fromTag: seen.fromTag)
        if slot < 0 {
            isByCaller = false
            slot = self.find(hash, octets, seen.callID, fromTag: seen.toTag)
        }
        guard slot >= 0 else { return }
        switch (seen.method, seen.status) {
        case (.bye, 0): self.leave(slot, octets, seen, isByCaller, at: now)
        case (.invite, 101...199):
            let isRinging = (180...183).contains(seen.status) && self.calls[slot].state == .invited
            if isRinging, self.calls[slot].rang == nil { self.calls[slot].rang = now }
        case (.invite, 200...299):
            if isByCaller, seen.branch(octets, key: self.hashKey) == self.calls[slot].invite {
                let isFirst = self.calls[slot].answered == nil
                self.answer(slot, octets, seen, at: now)
                if isFirst, self.calls[slot].answered != nil {
                    self.answeredCalls.append(self.record(of: slot, .serverRestarted, at: now))
                }
            } else {
                self.refresh(slot, octets, seen, isByCaller, at: now)
            }
        case (.update, 200...299): self.refresh(slot, octets, seen, isByCaller, at: now)
        case (.invite, 300...):
            if isByCaller, seen.branch(octets, key: self.hashKey) == self.calls[slot].invite {
                self.fail(slot, octets, seen.status, at: now, into: &records)
            }
        case (.bye, 200...): self.finishLeaving(slot, octets, seen, isByCaller, at: now, into: &records)
        default: break
        }
    }

    /// The client has cancelled an INVITE: why, if it says so (RFC 3326).
    public mutating func cancelled(_ octets: Span<UInt8>, _ index: borrowing MessageIndex) {
        guard self.calls.count > 0, let seen = SeenMessage(octets, index) else { return }
        let hash = SipHash13.hash(octets, seen.callID.range, key: self.hashKey)
        let slot = self.find(hash, octets, seen.callID, fromTag: seen.fromTag)
        guard slot >= 0, self.calls[slot].state == .invited,
            self.calls[slot].invite == seen.branch(octets, key: self.hashKey)
        else { return }
        self.calls[slot].isCancelled = true
        self.takeReason(slot, octets, index.value(.reason))
    }

    /// Whether the first octets are those of `BYE`, or of a response other than 100.
    private static func mayMatter(_ octets: Span<UInt8>) -> Bool {
        guard octets.count > 12 else { return false }
        if octets[0] == 0x42 { return octets[1] == 0x59 && octets[2] == 0x45 && octets[3] == 0x20 }
        guard octets[0] == 0x53, octets[3] == 0x2F else { return false }
        return !(octets[8] == 0x31 && octets[9] == 0x30 && octets[10] == 0x30)
    }

    // MARK: The answer

    private mutating func answer(
        _ slot: Int32, _ octets: Span<UInt8>, _ seen: SeenMessage, at now: MonotonicInstant
    ) {
        switch self.calls[slot].state {
        case .invited, .challenged:
            self.calls[slot].state = .answered
            self.calls[slot].answered = now
            self.calls[slot].status = seen.status
            self.answeredCount += 1
            self.setSession(slot, octets, at: now)
        case .answered, .leaving: break  // Again, or one more device (RFC 3261 §13.2.2.4).
        case .refused: return
        }
        guard self.leg(slot, octets, seen.toTag) == nil, self.calls[slot].legCount < Self.legLimit else { return }
        self.scratch.removeAll(keepingCapacity: true)
        let tag = self.takeDown(octets, seen.toTag)
        let target = self.takeDown(octets, Self.contact(octets, self.index))
        let start = self.scratch.count
        if self.isPassing { self.scratch += self.passedBranch }
        let branch = OctetRange(start, self.scratch.count)
        guard let parts = Self.keep(self.scratch, in: &self.pool) else { return }
        let leg = Leg(
            parts: parts, tag: tag, target: target, branch: branch, remote: self.isPassing ? self.passedFrom : nil)
        guard let number = self.legs.insert(leg) else { return self.pool.release(parts) }
        self.calls[slot].legCount += 1
        guard self.calls[slot].firstLeg >= 0 else {
            self.calls[slot].firstLeg = number
            return
        }
        var last = self.calls[slot].firstLeg
        while self.legs[last].next >= 0 { last = self.legs[last].next }
        self.legs[last].next = number
    }

    private static func contact(_ octets: Span<UInt8>, _ index: borrowing MessageIndex) -> OctetRange {
        var address = AddressIndex()
        guard let value = index.value(.contact) else { return .absent }
        do {
            _ = try AddressIndex.parse(octets, in: value.range, field: .contact, into: &address)
        } catch { return .absent }
        return address.uri
    }

    /// The leg whose device has this tag.
    private func leg(_ slot: Int32, _ octets: Span<UInt8>, _ tag: OctetRange) -> Int32? {
        var leg = self.calls[slot].firstLeg
        while leg >= 0 {
            let parts = self.pool.span(self.legs[leg].parts)
            if parts.equals(self.legs[leg].tag.range, octets, Self.clipped(tag)) { return leg }
            leg = self.legs[leg].next
        }
        return nil
    }

    // MARK: The session

    /// A 2xx to a request within the dialog starts the session interval anew (RFC 4028 §7.2, §8.2).
    private mutating func refresh(
        _ slot: Int32, _ octets: Span<UInt8>, _ seen: SeenMessage, _ isByCaller: Bool, at now: MonotonicInstant
    ) {
        guard self.calls[slot].state == .answered,
            self.leg(slot, octets, isByCaller ? seen.toTag : seen.fromTag) != nil
        else { return }
        self.setSession(slot, octets, at: now)
    }

    /// Takes the session interval of the 2xx at hand; without one the session does not expire.
    private mutating func setSession(_ slot: Int32, _ octets: Span<UInt8>, at now: MonotonicInstant) {
        let longest = self.calls[slot].began.advanced(by: self.policy.longestCall)
        var end: MonotonicInstant?
        if let value = self.index.value(.sessionExpires),
            let session = try? SessionExpires(parsing: octets, in: value.range, field: .sessionExpires)
        {
            end = now.advanced(by: .seconds(Int64(session.seconds)))
        }
        self.calls[slot].sessionEnd = end
        // A call that is refreshed may last as long as it will.
        self.setTimer(slot, at: end ?? longest)
    }

    // MARK: The end

    /// The INVITE has failed.
    private mutating func fail(
        _ slot: Int32, _ octets: Span<UInt8>, _ status: UInt16, at now: MonotonicInstant,
        into records: inout [CallRecord]
    ) {
        guard self.calls[slot].state == .invited else { return }
        self.calls[slot].status = status
        if !self.calls[slot].isCancelled { self.takeReason(slot, octets, self.index.value(.reason)) }
        if status == 401 || status == 407 {
            self.calls[slot].state = .challenged
            return self.setTimer(slot, at: now.advanced(by: Self.patience))
        }
        self.end(slot, self.calls[slot].isCancelled ? .cancelled : .failed, at: now, into: &records)
    }

    /// A BYE is passed on. Its sender's session is over (RFC 3261 §15.1.1), unless it must be sent again with
    /// credentials.
    private mutating func leave(
        _ slot: Int32, _ octets: Span<UInt8>, _ seen: SeenMessage, _ isByCaller: Bool, at now: MonotonicInstant
    ) {
        guard self.calls[slot].state == .answered,
            let leg = self.leg(slot, octets, isByCaller ? seen.toTag : seen.fromTag)
        else { return }
        // Of several devices that answered, all but one are sent a BYE at once: the call goes on with the other.
        if self.calls[slot].legCount > 1 { return self.drop(leg, of: slot) }
        self.calls[slot].state = .leaving
        self.calls[slot].left = now
        self.calls[slot].isLeftByCaller = isByCaller
        self.takeReason(slot, octets, self.index.value(.reason))
        self.setTimer(slot, at: now.advanced(by: Self.patience))
    }

    private mutating func drop(_ leg: Int32, of slot: Int32) {
        let next = self.legs[leg].next
        if self.calls[slot].firstLeg == leg {
            self.calls[slot].firstLeg = next
        } else {
            var previous = self.calls[slot].firstLeg
            while self.legs[previous].next != leg { previous = self.legs[previous].next }
            self.legs[previous].next = next
        }
        self.calls[slot].legCount -= 1
        self.removeLeg(leg)
    }

    /// A BYE has its final response.
    private mutating func finishLeaving(
        _ slot: Int32, _ octets: Span<UInt8>, _ seen: SeenMessage, _ isByCaller: Bool, at now: MonotonicInstant,
        into records: inout [CallRecord]
    ) {
        let call = self.calls[slot]
        // A BYE that cannot be passed on ends the call just as well; one that we refuse does not.
        let isOver = call.state == .leaving ? call.isLeftByCaller == isByCaller : call.state == .answered
        guard isOver, self.leg(slot, octets, isByCaller ? seen.toTag : seen.fromTag) != nil else { return }
        if seen.status == 401 || seen.status == 403 || seen.status == 407 {
            self.calls[slot].state = .answered
            self.calls[slot].left = nil
            return self.setTimer(slot, at: call.sessionEnd ?? call.began.advanced(by: self.policy.longestCall))
        }
        self.end(slot, isByCaller ? .callerHungUp : .calleeHungUp, at: call.left ?? now, into: &records)
    }

    private mutating func takeReason(_ slot: Int32, _ octets: Span<UInt8>, _ value: OctetRange?) {
        guard let value else { return }
        self.pool.release(self.calls[slot].reason)
        self.calls[slot].reason = self.pool.keep(octets, Self.clipped(value)) ?? .none
    }
}
