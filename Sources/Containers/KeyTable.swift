/// Finds slots by a 64-bit hash: open addressing with linear probing, 12 octets an entry.
///
/// The hash must be keyed, since peers choose what is hashed; whole keys are compared by the caller, slot by slot. An
/// entry is taken out by moving back those after it, so the table needs no cleaning.
public struct KeyTable: ~Copyable {
    @usableFromInline var hashes: RawList<UInt64>
    @usableFromInline var slots: RawList<Int32>
    @usableFromInline var mask: Int
    /// How many entries there are.
    public private(set) var count = 0

    /// A table with room for about `capacity` entries before it grows.
    public init(capacity: Int = 64) {
        var size = 64
        while size * 3 / 4 < capacity { size *= 2 }
        self.hashes = RawList(repeating: 0, count: size)
        self.slots = RawList(repeating: -1, count: size)
        self.mask = size - 1
    }

    /// Adds a slot under `hash`; several may have the same.
    public mutating func insert(_ hash: UInt64, _ slot: Int32) {
        if (self.count &+ 1) &* 4 > self.slots.count &* 3 { self.grow() }
        self.place(hash, slot)
        self.count += 1
    }

    private mutating func place(_ hash: UInt64, _ slot: Int32) {
        var position = Int(truncatingIfNeeded: hash) & self.mask
        while self.slots[position] >= 0 { position = (position &+ 1) & self.mask }
        self.hashes[position] = hash
        self.slots[position] = slot
    }

    private mutating func grow() {
        var hashes = RawList<UInt64>(repeating: 0, count: self.slots.count * 2)
        var slots = RawList<Int32>(repeating: -1, count: self.slots.count * 2)
        swap(&hashes, &self.hashes)
        swap(&slots, &self.slots)
        self.mask = self.slots.count - 1
        for i in 0..<slots.count where slots[i] >= 0 { self.place(hashes[i], slots[i]) }
    }

    /// The first slot under `hash` that `matches` accepts; -1 when there is none.
    @inlinable
    public func find(_ hash: UInt64, where matches: (Int32) -> Bool) -> Int32 {
        var position = Int(truncatingIfNeeded: hash) & self.mask
        while self.slots[position] >= 0 {
            if self.hashes[position] == hash, matches(self.slots[position]) { return self.slots[position] }
            position = (position &+ 1) & self.mask
        }
        return -1
    }

    /// Takes out the entry of `slot` under `hash`; nothing happens when there is none.
    public mutating func remove(_ hash: UInt64, _ slot: Int32) {
        var hole = Int(truncatingIfNeeded: hash) & self.mask
        while self.slots[hole] != slot || self.hashes[hole] != hash {
            if self.slots[hole] < 0 { return }
            hole = (hole &+ 1) & self.mask
        }
        self.count -= 1
        // Entries after the hole move back unless that would put them before their own place.
        var next = (hole &+ 1) & self.mask
        while self.slots[next] >= 0 {
            let home = Int(truncatingIfNeeded: self.hashes[next]) & self.mask
            if (next &- home) & self.mask >= (next &- hole) & self.mask {
                self.hashes[hole] = self.hashes[next]
                self.slots[hole] = self.slots[next]
                hole = next
            }
            next = (next &+ 1) & self.mask
        }
        self.slots[hole] = -1
    }

    /// Calls `body` with every slot, in no order of meaning.
    public func forEach(_ body: (Int32) -> Void) {
        for i in 0..<self.slots.count where self.slots[i] >= 0 { body(self.slots[i]) }
    }
}
