import Containers
public import SIPMessages

/// Records the calls of one shard by what the server lets through: the INVITE that it accepts, and from then on every
/// message that leaves it, as a proxy in the path of the dialog sees them (RFC 3261 §16.6 step 4).
///
/// What is taken down is what the caller was told, whoever decided it: the shard's proxy, a device, or a timer. Events
/// and the time go in, records of ended calls come out. A call of which nothing more is heard ends with its session
/// (RFC 4028 §10) or when it has taken longer than any call may.
public struct CallRecorder: ~Copyable {
    private let inPlace = InPlace()
    /// How calls are recorded; calls that are open keep the end that was set for them.
    public var policy: CallRecordPolicy
    var calls: Slab<OpenCall>
    var legs: Slab<Leg>
    var table = KeyTable()
    var pool: OctetPool
    var wheel: TimerWheel
    /// For reading messages that leave.
    var index = MessageIndex()
    var scratch: [UInt8] = []
    var answeredCalls: [CallRecord] = []
    /// Whether a response is being passed on; if so, where it came from and by which branch.
    public var isPassing = false
    var passedFrom = SocketAddress(.loopback, 0)
    var passedBranch: [UInt8] = []
    let hashKey: SipHashKey
    /// Calls with a dialog.
    public internal(set) var answeredCount = 0
    /// Calls that were not recorded, since too many were open.
    public internal(set) var missedCount: UInt64 = 0

    /// Devices that may answer one call; the dialogs of more are not watched.
    static let legLimit: UInt8 = 8
    /// How long an answer to a BYE, or credentials after a challenge, may take: 64*T1.
    static let patience = TimeSpan.seconds(32)
    /// Octets of one URI, tag or Call-ID that are kept; a call with a longer Call-ID is not recorded.
    static let partLimit = 2048

    /// A recorder without calls.
    ///
    /// - Parameter hashKey: 128 bits that no peer can know.
    public init(policy: CallRecordPolicy, hashKey: SipHashKey, at now: MonotonicInstant) {
        self.policy = policy
        self.hashKey = hashKey
        let capacity = Swift.max(1, policy.openCalls)
        self.calls = Slab(capacity: capacity)
        self.legs = Slab(capacity: capacity * 2)
        self.pool = OctetPool(limit: 1 << 30)
        self.wheel = TimerWheel(capacity: capacity, now: now.nanoseconds / 1_000_000)
    }

    /// Whether messages must be shown to it.
    public var isWatching: Bool { self.policy.isOn || self.calls.count > 0 }
    /// Calls without an end.
    public var openCount: Int { self.calls.count }

    // MARK: Beginning

    /// An INVITE without a dialog has been accepted: its server transaction exists.
    ///
    /// - Parameters:
    ///   - octets: The request as it came from the caller.
    ///   - flow: The way it came.
    ///   - wall: Milliseconds since 1970, UTC.
    public mutating func invited(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, over flow: Flow, at now: MonotonicInstant, wall: Int64
    ) {
        guard self.policy.isOn, let seen = SeenMessage(octets, index), seen.toTag.isEmpty else {
            return
        }
        self.begin(octets, index, seen, over: flow, at: now, wall: wall)
    }

    /// An INVITE without a dialog has been refused without a transaction; a challenge is no refusal.
    public mutating func refused(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, over flow: Flow, status: UInt16,
        at now: MonotonicInstant, wall: Int64, into records: inout [CallRecord]
    ) {
        guard self.policy.isOn, status != 401, status != 407,
            let seen = SeenMessage(octets, index), seen.toTag.isEmpty,
            let slot = self.begin(octets, index, seen, over: flow, at: now, wall: wall)
        else { return }
        self.calls[slot].status = status
        self.calls[slot].state = .refused
        records.append(self.record(of: slot, .failed, at: now))
        self.setTimer(slot, at: now.advanced(by: Self.patience))
    }

    /// - Returns: the new call; `nil` when it is none, or cannot be recorded.
    @discardableResult
    private mutating func begin(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, _ seen: SeenMessage, over flow: Flow,
        at now: MonotonicInstant, wall: Int64
    ) -> Int32? {
        let hash = SipHash13.hash(octets, seen.callID.range, key: self.hashKey)
        let branch = seen.branch(octets, key: self.hashKey)
        let known = self.find(hash, octets, seen.callID, fromTag: seen.fromTag)
        if known >= 0 {
            guard self.calls[known].invite != branch else { return nil }  // The same INVITE again.
            switch self.calls[known].state {
            case .challenged:
                // With credentials now. It is one call, which began when the caller dialled.
                self.calls[known].state = .invited
                self.calls[known].status = 0
                self.calls[known].invite = branch
                self.setTimer(known, at: now.advanced(by: self.policy.longestCall))
                return known
            case .refused: self.remove(known)
            case .invited, .answered, .leaving: return nil  // It comes through us a second time.
            }
        }
        guard self.calls.count < self.policy.openCalls, seen.callID.count <= Self.partLimit,
            let call = self.makeCall(octets, index, seen, (hash, branch), over: flow, at: now, wall: wall),
            let slot = self.calls.insert(call)
        else {
            self.missedCount &+= 1
            return nil
        }
        self.table.insert(hash, slot)
        self.setTimer(slot, at: now.advanced(by: self.policy.longestCall))
        return slot
    }

    private mutating func makeCall(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, _ seen: SeenMessage,
        _ hashes: (callID: UInt64, branch: UInt64), over flow: Flow,
        at now: MonotonicInstant, wall: Int64
    ) -> OpenCall? {
        guard let from = index.value(.from),
            let caller = try? AddressIndex(parsing: octets, in: from.range, field: .from)
        else { return nil }
        self.scratch.removeAll(keepingCapacity: true)
        let callID = self.takeDown(octets, seen.callID)
        let fromTag = self.takeDown(octets, seen.fromTag)
        let callerURI = self.takeDown(octets, caller.uri)
        let callee = self.takeDown(octets, index.requestURI)
        guard let parts = Self.keep(self.scratch, in: &self.pool) else { return nil }
        return OpenCall(
            hash: hashes.callID, invite: hashes.branch, parts: parts, callID: callID, fromTag: fromTag,
            caller: callerURI,
            callee: callee, source: flow.remote, transport: flow.transport, wall: wall, began: now)
    }

    /// Appends a part to `scratch`; returns where it lies there.
    mutating func takeDown(_ octets: Span<UInt8>, _ part: OctetRange) -> OctetRange {
        let start = self.scratch.count
        let end = Swift.min(part.upper, part.lower + Self.partLimit)
        if end > part.lower { self.scratch.append(octets, part.lower..<end) }
        return OctetRange(start, self.scratch.count)
    }

    static func keep(_ octets: [UInt8], in pool: inout OctetPool) -> PooledOctets? { pool.keep(octets.span) }

    // MARK: Time

    /// A moment before which nothing is due; `nil` when nothing is.
    public var nextWakeUp: MonotonicInstant? {
        self.wheel.nextDeadline.map { MonotonicInstant(nanoseconds: $0 * 1_000_000) }
    }

    /// Ends the calls whose time has come.
    public mutating func wake(at now: MonotonicInstant, into records: inout [CallRecord]) {
        while let payload = self.wheel.advance(to: now.nanoseconds / 1_000_000) {
            let slot = Int32(truncatingIfNeeded: payload)
            self.calls[slot].timer = -1
            let call = self.calls[slot]
            switch call.state {
            case .refused: self.remove(slot)
            case .challenged: self.end(slot, .failed, at: now, into: &records)
            case .leaving:
                self.end(
                    slot, call.isLeftByCaller ? .callerHungUp : .calleeHungUp, at: call.left ?? now, into: &records)
            case .answered:
                let isExpired = call.sessionEnd.map { $0 <= now } ?? false
                self.end(slot, isExpired ? .sessionExpired : .lost, at: now, into: &records)
            case .invited: self.end(slot, .lost, at: now, into: &records)
            }
        }
    }

    /// Hands over the records of the calls that have been answered since it did so last, as they are if nothing more is
    /// ever heard of them: `serverRestarted`, with the moment of the answer as their end.
    public mutating func takeAnswered(into records: inout [CallRecord]) {
        guard !self.answeredCalls.isEmpty else { return }
        records += self.answeredCalls
        self.answeredCalls.removeAll(keepingCapacity: true)
    }

    /// Ends all calls, since the server stops.
    public mutating func endAll(at now: MonotonicInstant, into records: inout [CallRecord]) {
        var slots: [Int32] = []
        func add(_ slot: Int32) { slots.append(slot) }
        self.table.forEach(add)
        for slot in slots {
            let call = self.calls[slot]
            switch call.state {
            case .refused: self.remove(slot)
            case .leaving:
                self.end(
                    slot, call.isLeftByCaller ? .callerHungUp : .calleeHungUp, at: call.left ?? now, into: &records)
            case .challenged: self.end(slot, .failed, at: now, into: &records)
            case .invited, .answered: self.end(slot, .serverStopped, at: now, into: &records)
            }
        }
    }

    mutating func setTimer(_ slot: Int32, at moment: MonotonicInstant) {
        let deadline = moment.millisecondsRoundedUp
        if self.calls[slot].timer >= 0 {
            self.wheel.move(self.calls[slot].timer, to: deadline)
        } else {
            // There are as many timers as calls.
            self.calls[slot].timer = self.wheel.insert(deadline: deadline, payload: UInt64(slot)) ?? -1
        }
    }

    // MARK: The end

    mutating func end(
        _ slot: Int32, _ ending: CallRecord.Ending, at moment: MonotonicInstant, into records: inout [CallRecord]
    ) {
        records.append(self.record(of: slot, ending, at: moment))
        self.remove(slot)
    }

    mutating func remove(_ slot: Int32) {
        var call = self.calls[slot]
        if call.timer >= 0 { self.wheel.remove(call.timer) }
        while call.firstLeg >= 0 {
            let next = self.legs[call.firstLeg].next
            self.removeLeg(call.firstLeg)
            call.firstLeg = next
        }
        if call.state == .answered || call.state == .leaving { self.answeredCount -= 1 }
        self.pool.release(call.parts)
        self.pool.release(call.reason)
        self.table.remove(call.hash, slot)
        self.calls.remove(slot)
    }

    mutating func removeLeg(_ leg: Int32) {
        self.pool.release(self.legs[leg].parts)
        self.legs.remove(leg)
    }

    func record(of slot: Int32, _ ending: CallRecord.Ending, at end: MonotonicInstant) -> CallRecord {
        let call = self.calls[slot]
        func moment(_ instant: MonotonicInstant) -> Int64 {
            call.wall + Swift.max(0, instant.since(call.began).nanoseconds) / 1_000_000
        }
        let parts = self.pool.span(call.parts)
        var record = CallRecord(
            started: call.wall, rang: call.rang.map(moment), answered: call.answered.map(moment), ended: moment(end),
            ending: ending, status: call.status, caller: parts.octets(call.caller.range),
            callee: parts.octets(call.callee.range), callID: parts.octets(call.callID.range),
            fromTag: parts.octets(call.fromTag.range), source: call.source, transport: call.transport)
        self.pool.append(call.reason, to: &record.reason)
        if call.firstLeg >= 0 {
            let leg = self.legs[call.firstLeg]
            let octets = self.pool.span(leg.parts)
            record.toTag = octets.octets(leg.tag.range)
            record.target = octets.octets(leg.target.range)
            record.branch = octets.octets(leg.branch.range)
            record.answeredBy = leg.remote
        }
        return record
    }

    // MARK: Finding

    /// The call with this Call-ID whose caller has this tag; -1 when there is none.
    func find(_ hash: UInt64, _ octets: Span<UInt8>, _ callID: OctetRange, fromTag: OctetRange) -> Int32 {
        self.table.find(hash) { slot in
            let call = self.calls[slot]
            let parts = self.pool.span(call.parts)
            return parts.equals(call.callID.range, octets, callID.range)
                && parts.equals(call.fromTag.range, octets, Self.clipped(fromTag))
        }
    }

    /// The part of a tag that was kept.
    static func clipped(_ part: OctetRange) -> Range<Int> {
        part.lower..<Swift.min(part.upper, part.lower + Self.partLimit)
    }
}
