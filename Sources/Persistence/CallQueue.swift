import CallRecords

/// Records of calls that wait to be written. Nobody waits for them, so one that cannot be written waits for the next
/// group, up to a limit.
struct CallQueue {
    private var waiting: [CallRecord] = []
    /// Those that a group has failed to write; they do not start a group of their own.
    private var held: [CallRecord] = []
    let limit: Int
    /// Records that found no room.
    private(set) var lost: UInt64 = 0

    init(limit: Int) { self.limit = limit }

    /// Whether there is something new.
    var isEmpty: Bool { self.waiting.isEmpty }
    /// How many wait.
    var count: Int { self.waiting.count + self.held.count }

    mutating func append(_ calls: [CallRecord]) {
        let room = Swift.max(0, self.limit - self.count)
        self.waiting += calls.prefix(room)
        self.lost += UInt64(Swift.max(0, calls.count - room))
    }

    /// Hands everything over, the oldest first.
    mutating func take() -> [CallRecord] {
        guard self.count > 0 else { return [] }
        let calls = self.held + self.waiting
        (self.held, self.waiting) = ([], [])
        return calls
    }

    /// Takes back what could not be written.
    mutating func hold(_ calls: [CallRecord]) {
        let room = Swift.max(0, self.limit - self.count)
        self.held = calls.prefix(room) + self.held
        self.lost += UInt64(Swift.max(0, calls.count - room))
    }

    /// Lets what is held be tried once more.
    mutating func retry() {
        self.waiting = self.take()
    }
}
