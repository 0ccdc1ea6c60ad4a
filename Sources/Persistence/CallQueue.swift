import CallRecords

/// What names a call among those that are open at a time.
struct CallName: Hashable {
    let callID: [UInt8]
    let fromTag: [UInt8]

    init(_ call: CallRecord) { (self.callID, self.fromTag) = (call.callID, call.fromTag) }
}

/// What is written of calls in one transaction, in this order.
struct CallBatch {
    /// Those that have been answered.
    var answered: [CallRecord] = []
    /// Those that have been written so before, and are over.
    var closed: Set<CallName> = []
    /// Those that are over.
    var ended: [CallRecord] = []

    var isEmpty: Bool { self.answered.isEmpty && self.closed.isEmpty && self.ended.isEmpty }
}

/// Records of calls that wait to be written. Nobody waits for them, so one that cannot be written waits for the next
/// group, up to a limit.
struct CallQueue {
    private var answered: [CallName: CallRecord] = [:]
    private var closed: Set<CallName> = []
    private var ended: [CallRecord] = []
    /// Whether there is something new: what a group has failed to write does not start a group of its own.
    private(set) var hasNew = false
    let limit: Int
    /// Records that found no room.
    private(set) var lost: UInt64 = 0

    init(limit: Int) { self.limit = limit }

    /// Takes calls that go on. One beyond the limit has no record if the server breaks off before its end.
    mutating func begin(_ calls: [CallRecord]) {
        for call in calls where self.answered.count < self.limit { self.answered[CallName(call)] = call }
        self.hasNew = true
    }

    /// Takes calls that are over. One whose answer has not been written yet needs no mark of it.
    mutating func end(_ calls: [CallRecord]) {
        for call in calls {
            // Also one that finds no room is over: the next start must not take it for interrupted.
            if call.answered != nil {
                let name = CallName(call)
                if self.answered.removeValue(forKey: name) == nil { self.close(name) }
            }
            guard self.ended.count < self.limit else {
                self.lost += 1
                continue
            }
            self.ended.append(call)
        }
        self.hasNew = true
    }

    /// Notes that a call which was written as one that goes on is over. One beyond the limit the next start takes for
    /// interrupted: a disk that fails for hours must not take the memory as well.
    private mutating func close(_ name: CallName) {
        if self.closed.count < self.limit { self.closed.insert(name) }
    }

    /// Hands everything over, the oldest first.
    mutating func take() -> CallBatch {
        defer { (self.answered, self.closed, self.ended, self.hasNew) = ([:], [], [], false) }
        return CallBatch(answered: Array(self.answered.values), closed: self.closed, ended: self.ended)
    }

    /// Takes back what could not be written.
    mutating func hold(_ batch: CallBatch) {
        // What is over meanwhile was never written, and needs no mark.
        for call in batch.answered where self.closed.remove(CallName(call)) == nil {
            if self.answered.count < self.limit { self.answered[CallName(call)] = call }
        }
        for name in batch.closed { self.close(name) }
        let room = Swift.max(0, self.limit - self.ended.count)
        self.ended = batch.ended.prefix(room) + self.ended
        self.lost += UInt64(Swift.max(0, batch.ended.count - room))
    }

    /// Lets what is held be tried once more.
    mutating func retry() {
        self.hasNew = !self.answered.isEmpty || !self.closed.isEmpty || !self.ended.isEmpty
    }
}
