import SIPMessages

/// A table with a bound, whose entries end at their time.
///
/// When it is full, entries that have ended go, and if there are none, the quarter that would end first: so that
/// making room costs little per entry, whatever a peer makes us store.
struct ExpiringTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Entry {
        var value: Value
        var end: MonotonicInstant
        var number: UInt64
    }
    private var entries: [Key: Entry] = [:]
    private var added: UInt64 = 0
    /// The most entries.
    let capacity: Int

    init(capacity: Int) { self.capacity = Swift.max(1, capacity) }

    var count: Int { self.entries.count }

    /// The value of a key, and when it ends.
    func value(_ key: Key, at now: MonotonicInstant) -> (value: Value, end: MonotonicInstant)? {
        guard let entry = self.entries[key], entry.end > now else { return nil }
        return (entry.value, entry.end)
    }

    /// Stores a value until `end`, in place of the one that the key had.
    mutating func set(_ key: Key, to value: Value, until end: MonotonicInstant, at now: MonotonicInstant) {
        guard end > now else {
            self.entries[key] = nil
            return
        }
        if self.entries[key] == nil, self.entries.count >= self.capacity { self.makeRoom(at: now) }
        self.added += 1
        self.entries[key] = Entry(value: value, end: end, number: self.added)
    }

    mutating func remove(_ key: Key) { self.entries[key] = nil }

    private mutating func makeRoom(at now: MonotonicInstant) {
        self.entries = self.entries.filter { $0.value.end > now }
        guard self.entries.count >= self.capacity else { return }
        // Ends may be equal: then the older goes, so that runs with the same input stay the same.
        let first = self.entries.sorted { ($0.value.end, $0.value.number) < ($1.value.end, $1.value.number) }
        for (key, _) in first.prefix(Swift.max(1, self.capacity / 4)) { self.entries[key] = nil }
    }
}
