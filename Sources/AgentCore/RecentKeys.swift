import SIPMessages

/// Keys that are remembered for a while after what they stood for is gone; of too many, the oldest is forgotten.
struct RecentKeys<Key: Hashable> {
    private var ends: [Key: MonotonicInstant] = [:]
    /// In the order in which they came, which is that of their ends.
    private var order: [Key] = []
    /// How many at the front of the order are forgotten.
    private var forgotten = 0
    private let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    /// How many are remembered, those included whose time is over but which nobody has asked for.
    var count: Int { self.ends.count }

    /// Remembers a key until a moment, which is never before those of the keys that were added earlier.
    mutating func add(_ key: Key, until end: MonotonicInstant, at now: MonotonicInstant) {
        self.forget(at: now)
        if self.ends.updateValue(end, forKey: key) == nil { self.order.append(key) }
    }

    /// Whether a key is remembered.
    func contains(_ key: Key, at now: MonotonicInstant) -> Bool { self.ends[key].map { $0 > now } ?? false }

    private mutating func forget(at now: MonotonicInstant) {
        while self.forgotten < self.order.count {
            let key = self.order[self.forgotten]
            guard self.ends.count >= self.capacity || self.ends[key].map({ $0 <= now }) ?? true else { break }
            self.ends[key] = nil
            self.forgotten += 1
        }
        // What is forgotten is cut off when it is half of all, so that a key costs the same on the average.
        guard self.forgotten > 32, self.forgotten * 2 >= self.order.count else { return }
        self.order.removeFirst(self.forgotten)
        self.forgotten = 0
    }
}
