/// Finds slots by a 64-bit hash: open addressing with linear probing, 8 octets an entry, so that a look-up touches one
/// line of memory as a rule.
///
/// The hash must be keyed, since peers choose what is hashed. An entry has the upper half of it, since the lowest bits may
/// have chosen the shard, and are the same in all of its keys; whole keys are compared by the caller, slot by slot. An entry
/// is taken out by moving back those after it, so the table needs no cleaning.
public struct KeyTable: ~Copyable {
    /// A slot with the upper half of its hash; the slot is -1 where nothing is.
    @usableFromInline
    struct Entry: BitwiseCopyable {
        @usableFromInline var hash: UInt32
        @usableFromInline var slot: Int32

        @inlinable
        init(_ hash: UInt64, _ slot: Int32) { (self.hash, self.slot) = (UInt32(hash &>> 32), slot) }

        @inlinable static var none: Entry { Entry(0, -1) }
    }

    @usableFromInline var entries: RawList<Entry>
    @usableFromInline var mask: Int
    /// How many entries there are.
    public private(set) var count = 0

    /// A table with room for about `capacity` entries before it grows.
    public init(capacity: Int = 64) {
        var size = 64
        while size * 3 / 4 < capacity { size *= 2 }
        self.entries = RawList(repeating: .none, count: size)
        self.mask = size - 1
    }

    /// Adds a slot under `hash`; several may have the same.
    public mutating func insert(_ hash: UInt64, _ slot: Int32) {
        if (self.count &+ 1) &* 4 > self.entries.count &* 3 { self.grow() }
        self.place(Entry(hash, slot))
        self.count += 1
    }

    private mutating func place(_ entry: Entry) {
        var position = Int(entry.hash) & self.mask
        while self.entries[position].slot >= 0 { position = (position &+ 1) & self.mask }
        self.entries[position] = entry
    }

    private mutating func grow() {
        var entries = RawList<Entry>(repeating: .none, count: self.entries.count * 2)
        swap(&entries, &self.entries)
        self.mask = self.entries.count - 1
        for i in 0..<entries.count where entries[i].slot >= 0 { self.place(entries[i]) }
    }

    /// The first slot under `hash` that `matches` accepts; -1 when there is none.
    @inlinable
    public func find(_ hash: UInt64, where matches: (Int32) -> Bool) -> Int32 {
        let wanted = UInt32(hash &>> 32)
        var position = Int(wanted) & self.mask
        while true {
            let entry = self.entries[position]
            if entry.slot < 0 || (entry.hash == wanted && matches(entry.slot)) { return entry.slot }
            position = (position &+ 1) & self.mask
        }
    }

    /// Takes out the entry of `slot` under `hash`; nothing happens when there is none.
    public mutating func remove(_ hash: UInt64, _ slot: Int32) {
        let wanted = UInt32(hash &>> 32)
        var hole = Int(wanted) & self.mask
        while self.entries[hole].slot != slot || self.entries[hole].hash != wanted {
            if self.entries[hole].slot < 0 { return }
            hole = (hole &+ 1) & self.mask
        }
        self.count -= 1
        // Entries after the hole move back unless that would put them before their own place.
        var next = (hole &+ 1) & self.mask
        while self.entries[next].slot >= 0 {
            let home = Int(self.entries[next].hash) & self.mask
            if (next &- home) & self.mask >= (next &- hole) & self.mask {
                self.entries[hole] = self.entries[next]
                hole = next
            }
            next = (next &+ 1) & self.mask
        }
        self.entries[hole] = .none
    }

    /// Calls `body` with every slot, in no order of meaning.
    public func forEach(_ body: (Int32) -> Void) {
        for i in 0..<self.entries.count where self.entries[i].slot >= 0 { body(self.entries[i].slot) }
    }
}
