/// How long the last packets were on their way, as far as one clock can tell: the fastest of them, and how far the slower
/// ones lie behind it.
///
/// The last 128 are kept in order of their time; a packet costs a search and a move of at most half a kilobyte.
struct DelayStatistics: Sendable {
    private static let window = 128

    /// Packets that have been noted.
    private(set) var count = 0
    private var recent = [Int32](repeating: 0, count: Self.window)
    private var sorted: [Int32] = []

    init() { self.sorted.reserveCapacity(Self.window) }

    /// The shortest time.
    var fastest: Int { Int(self.sorted.first ?? 0) }

    /// How far the slowest lie behind the fastest when 3 % of them are left out.
    var variation: Int {
        guard let last = self.sorted.indices.last else { return 0 }
        return Int(self.sorted[last * 97 / 100]) - self.fastest
    }

    mutating func note(_ transit: Int32) {
        let slot = self.count & (Self.window - 1)
        if self.count >= Self.window { self.sorted.remove(at: self.place(of: self.recent[slot])) }
        self.recent[slot] = transit
        self.sorted.insert(transit, at: self.place(of: transit))
        self.count += 1
    }

    mutating func reset() {
        self.count = 0
        self.sorted.removeAll(keepingCapacity: true)
    }

    /// The first place whose value is not smaller.
    private func place(of value: Int32) -> Int {
        var (low, high) = (0, self.sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if self.sorted[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
