import SIPMessages

/// What will happen, by time; what is due at the same moment comes in the order in which it was added.
struct EventQueue<Event> {
    private struct Entry {
        var time: MonotonicInstant
        var number: UInt64
        var event: Event

        func isBefore(_ other: Entry) -> Bool { (self.time, self.number) < (other.time, other.number) }
    }

    /// A binary heap, the earliest entry first.
    private var heap: [Entry] = []
    private var number: UInt64 = 0

    var isEmpty: Bool { self.heap.isEmpty }
    /// When the next event is due.
    var nextTime: MonotonicInstant? { self.heap.first?.time }

    mutating func add(_ event: Event, at time: MonotonicInstant) {
        self.number += 1
        self.heap.append(Entry(time: time, number: self.number, event: event))
        var child = self.heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard self.heap[child].isBefore(self.heap[parent]) else { return }
            self.heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the next event.
    mutating func take() -> Event? {
        guard let last = self.heap.popLast() else { return nil }
        guard let first = self.heap.first else { return last.event }
        self.heap[0] = last
        var parent = 0
        while true {
            let left = 2 * parent + 1
            guard left < self.heap.count else { return first.event }
            let right = left + 1
            let child = right < self.heap.count && self.heap[right].isBefore(self.heap[left]) ? right : left
            guard self.heap[child].isBefore(self.heap[parent]) else { return first.event }
            self.heap.swapAt(child, parent)
            parent = child
        }
    }
}
