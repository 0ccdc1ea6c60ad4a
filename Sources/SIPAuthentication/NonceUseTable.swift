/// Which nonce counts of which nonces were used: a bounded table that forgets the nonce first used first.
///
/// A nonce that is not in here was never used, or was forgotten. Forgetting one moves `horizon` to its time of issue,
/// and a nonce not in here and issued no later is stale, so what was forgotten cannot be used again.
struct NonceUseTable: Sendable {
    private struct Entry {
        var issued: UInt64
        var unique: UInt64
        /// The counts below `highest`: bit i stands for `highest - i`.
        var seen: UInt64
        /// The highest count used.
        var highest: UInt32
    }

    /// The entries in the order of their first use, from `oldest` on, around the end.
    private var entries: [Entry]
    private var oldest = 0
    private(set) var count = 0
    /// Positions in `entries` plus one, by the hash of the nonce, with linear probing; 0 is free.
    private var slots: [UInt32]
    private let capacity: Int
    private var horizon: UInt64?

    init(capacity: Int) {
        var power = 1
        while power < capacity, power < 1 << 24 { power <<= 1 }
        self.capacity = power
        self.entries = []
        // Twice as many slots as entries keep the probes short.
        self.slots = Array(repeating: 0, count: power * 2)
    }

    /// Notes a use.
    mutating func note(_ nonce: Nonce, count nonceCount: UInt32?) -> NonceIssuer.Use {
        guard nonceCount != 0 else { return .replayed }  // The first is 1 (RFC 7616 §3.4).
        if let position = self.find(nonce) { return self.noteAgain(at: position, nonceCount) }
        if let horizon = self.horizon, nonce.issued <= horizon { return .stale }
        self.insert(nonce, nonceCount)
        return .accepted
    }

    private mutating func noteAgain(at position: Int, _ nonceCount: UInt32?) -> NonceIssuer.Use {
        guard let nonceCount else { return .replayed }
        let entry = self.entries[position]
        if nonceCount > entry.highest {
            let step = UInt64(nonceCount &- entry.highest)
            self.entries[position].seen = (step < 64 ? entry.seen &<< step : 0) | 1
            self.entries[position].highest = nonceCount
            return .accepted
        }
        let behind = UInt64(entry.highest &- nonceCount)
        guard behind < 64, entry.seen & 1 &<< behind == 0 else { return .replayed }
        self.entries[position].seen |= 1 &<< behind
        return .accepted
    }

    private mutating func insert(_ nonce: Nonce, _ nonceCount: UInt32?) {
        if self.count == self.capacity { self.forgetOldest() }
        // Without a count it may not be used again: as if every count had been seen.
        let entry = Entry(
            issued: nonce.issued, unique: nonce.unique, seen: nonceCount == nil ? .max : 1,
            highest: nonceCount ?? .max)
        let position = (self.oldest &+ self.count) & (self.capacity &- 1)
        if position < self.entries.count { self.entries[position] = entry } else { self.entries.append(entry) }
        self.count &+= 1
        var slot = self.home(nonce.unique)
        while self.slots[slot] != 0 { slot = self.next(slot) }
        self.slots[slot] = UInt32(position &+ 1)
    }

    private func find(_ nonce: Nonce) -> Int? {
        var slot = self.home(nonce.unique)
        while self.slots[slot] != 0 {
            let position = Int(self.slots[slot]) &- 1
            if self.entries[position].unique == nonce.unique, self.entries[position].issued == nonce.issued {
                return position
            }
            slot = self.next(slot)
        }
        return nil
    }

    private mutating func forgetOldest() {
        let issued = self.entries[self.oldest].issued
        self.horizon = Swift.max(self.horizon ?? issued, issued)
        var free = self.home(self.entries[self.oldest].unique)
        while Int(self.slots[free]) &- 1 != self.oldest { free = self.next(free) }
        // Moves back what was displaced, so that no probe stops at the freed slot too early.
        var slot = self.next(free)
        while self.slots[slot] != 0 {
            let home = self.home(self.entries[Int(self.slots[slot]) &- 1].unique)
            let mask = self.slots.count &- 1
            if (slot &- home) & mask >= (slot &- free) & mask {
                self.slots[free] = self.slots[slot]
                free = slot
            }
            slot = self.next(slot)
        }
        self.slots[free] = 0
        self.oldest = (self.oldest &+ 1) & (self.capacity &- 1)
        self.count &-= 1
    }

    /// The unique number of a nonce that passed the check is a keyed hash already.
    private func home(_ unique: UInt64) -> Int { Int(truncatingIfNeeded: unique) & (self.slots.count &- 1) }
    private func next(_ slot: Int) -> Int { (slot &+ 1) & (self.slots.count &- 1) }
}
