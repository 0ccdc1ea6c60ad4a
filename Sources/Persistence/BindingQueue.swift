import LocationService

/// What waits to be written, in the order it came.
struct BindingQueue {
    private(set) var requests: [BindingStore.Request] = []
    /// How many changes wait, withdrawn ones not counted.
    private(set) var changeCount = 0
    /// The places of the requests that have been taken back.
    private var withdrawn: Set<Int> = []
    /// All before this place have been taken back: they are the oldest, and run out of time first.
    private var firstWaiting = 0

    /// Whether nothing waits.
    var isEmpty: Bool { self.requests.count == self.withdrawn.count }

    mutating func append(_ request: BindingStore.Request) {
        self.requests.append(request)
        self.changeCount += request.changes.count
    }

    /// Takes a request back; `false` when it does not wait (any more).
    mutating func withdraw(_ token: UInt64) -> Bool {
        var place = self.firstWaiting
        while place < self.requests.count {
            if self.requests[place].token == token, self.withdrawn.insert(place).inserted {
                self.changeCount -= self.requests[place].changes.count
                self.requests[place].changes = []
                while self.withdrawn.contains(self.firstWaiting) { self.firstWaiting += 1 }
                return true
            }
            place += 1
        }
        return false
    }

    /// Hands everything over, and takes an empty array whose memory is used again.
    mutating func take(into group: inout [BindingStore.Request]) {
        group.removeAll(keepingCapacity: true)
        swap(&self.requests, &group)
        if !self.withdrawn.isEmpty {
            group = group.enumerated().filter { !self.withdrawn.contains($0.offset) }.map(\.element)
            self.withdrawn.removeAll()
        }
        (self.changeCount, self.firstWaiting) = (0, 0)
    }
}
