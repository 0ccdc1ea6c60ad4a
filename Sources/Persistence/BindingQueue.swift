import LocationService

/// What waits to be written, in the order it came.
struct BindingQueue {
    /// The changes of one request, written together or not at all.
    struct Item {
        var token: UInt64
        var changes: [BindingChange]
        var isWithdrawn = false
    }

    private(set) var items: [Item] = []
    /// How many changes wait, withdrawn ones not counted.
    private(set) var changeCount = 0
    /// The items before this index have been withdrawn: they are the oldest, and run out of time first.
    private var firstWaiting = 0

    /// Whether nothing waits.
    var isEmpty: Bool { self.items.isEmpty }

    mutating func append(_ item: Item) {
        self.items.append(item)
        self.changeCount += item.changes.count
    }

    /// Takes an item back; `false` when it does not wait (any more).
    mutating func withdraw(_ token: UInt64) -> Bool {
        var index = self.firstWaiting
        while index < self.items.count {
            if self.items[index].token == token, !self.items[index].isWithdrawn {
                self.changeCount -= self.items[index].changes.count
                self.items[index].isWithdrawn = true
                self.items[index].changes = []
                while self.firstWaiting < self.items.count, self.items[self.firstWaiting].isWithdrawn {
                    self.firstWaiting += 1
                }
                return true
            }
            index += 1
        }
        return false
    }

    /// Hands everything over, and takes an empty array whose memory is used again.
    mutating func take(into group: inout [Item]) {
        group.removeAll(keepingCapacity: true)
        swap(&self.items, &group)
        (self.changeCount, self.firstWaiting) = (0, 0)
    }
}
