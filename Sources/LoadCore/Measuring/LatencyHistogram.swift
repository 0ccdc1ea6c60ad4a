/// How often each latency has occurred, with three significant digits from a microsecond to an hour: the layout of
/// HdrHistogram (Gil Tene), so that its tools read what is made of it.
///
/// Up to 2047 µs every microsecond has a counter of its own; from there on each doubling has 1024 of them. The counters
/// grow as far as the largest latency needs; recording allocates nothing otherwise.
public struct LatencyHistogram: Hashable, Sendable {
    /// The counters of one doubling.
    static let halfBucket = 1024
    /// The counters of the first bucket.
    public static let subBuckets = 2048
    /// How many buckets reach an hour.
    public static let buckets = 22
    /// The longest latency that is told from longer ones: an hour, in microseconds.
    public static let highest: Int64 = 3_600_000_000

    private var counts: [UInt64] = []
    /// How many were recorded.
    public private(set) var count: UInt64 = 0
    private var largest: Int64 = 0
    private var smallest: Int64 = .max

    /// An empty histogram.
    public init() {}

    /// Records one latency in microseconds; one below 0 counts as 0, one above an hour as an hour.
    public mutating func record(_ microseconds: Int64) {
        let value = Swift.min(Swift.max(microseconds, 0), Self.highest)
        let index = Self.index(of: value)
        if index >= self.counts.count { self.grow(to: index) }
        self.counts[index] &+= 1
        self.count &+= 1
        self.largest = Swift.max(self.largest, value)
        self.smallest = Swift.min(self.smallest, value)
    }

    private mutating func grow(to index: Int) {
        let room = (index / Self.halfBucket + 1) * Self.halfBucket
        self.counts.append(contentsOf: repeatElement(0, count: room - self.counts.count))
    }

    /// Adds what another histogram has recorded.
    public mutating func add(_ other: LatencyHistogram) {
        guard other.count > 0 else { return }
        if other.counts.count > self.counts.count { self.grow(to: other.counts.count - 1) }
        for i in other.counts.indices { self.counts[i] &+= other.counts[i] }
        self.count &+= other.count
        self.largest = Swift.max(self.largest, other.largest)
        self.smallest = Swift.min(self.smallest, other.smallest)
    }

    // MARK: The layout

    /// The counter of a latency.
    static func index(of value: Int64) -> Int {
        let bucket = Swift.max(0, 53 &- value.leadingZeroBitCount)
        return bucket &* Self.halfBucket &+ Int(truncatingIfNeeded: value &>> Int64(bucket))
    }

    /// The bucket of a counter, and the number that counts within it.
    private static func place(of index: Int) -> (bucket: Int, sub: Int) {
        index < Self.subBuckets
            ? (0, index) : (index / Self.halfBucket - 1, index % Self.halfBucket + Self.halfBucket)
    }

    /// The smallest latency that a counter counts.
    static func lowest(of index: Int) -> Int64 {
        let (bucket, sub) = Self.place(of: index)
        return Int64(sub) << Int64(bucket)
    }

    /// The largest latency that a counter counts.
    static func highest(of index: Int) -> Int64 {
        Self.lowest(of: index) + (Int64(1) << Int64(Self.place(of: index).bucket)) - 1
    }

    /// The one in the middle, which stands for all of them.
    private static func middle(of index: Int) -> Int64 {
        Self.lowest(of: index) + (Int64(1) << Int64(Self.place(of: index).bucket)) / 2
    }

    // MARK: What it says

    /// The shortest latency, in microseconds; 0 where there is none.
    public var minimum: Int64 { self.count == 0 ? 0 : self.smallest }
    /// The longest latency, in microseconds, exactly.
    public var maximum: Int64 { self.largest }

    /// The mean, in microseconds; 0 where there is none.
    public var mean: Double {
        guard self.count > 0 else { return 0 }
        var sum = 0.0
        for (index, count) in self.counts.enumerated() where count > 0 {
            sum += Double(Self.middle(of: index)) * Double(count)
        }
        return sum / Double(self.count)
    }

    /// The standard deviation, in microseconds.
    public var standardDeviation: Double {
        guard self.count > 0 else { return 0 }
        let mean = self.mean
        var sum = 0.0
        for (index, count) in self.counts.enumerated() where count > 0 {
            let difference = Double(Self.middle(of: index)) - mean
            sum += difference * difference * Double(count)
        }
        return (sum / Double(self.count)).squareRoot()
    }

    /// The latency in microseconds that `percentile` per cent, 0 to 100, do not exceed; 0 where there is none.
    public func value(at percentile: Double) -> Int64 {
        guard self.count > 0 else { return 0 }
        let share = Swift.min(Swift.max(percentile, 0), 100) / 100
        // 99.9 % of 1000 are 999, though the product is a little more.
        let wanted = Swift.max(1, UInt64(Swift.max(0, share * Double(self.count) - 1e-6).rounded(.up)))
        var seen: UInt64 = 0
        for (index, count) in self.counts.enumerated() where count > 0 {
            seen &+= count
            if seen >= wanted { return Swift.min(Self.highest(of: index), self.largest) }
        }
        return self.largest
    }

    /// What was counted, the shortest latency first: the longest latency that a counter stands for, in microseconds, and how
    /// many it has counted.
    public var recorded: [(microseconds: Int64, count: UInt64)] {
        self.counts.enumerated().filter { $0.element > 0 }.map { (Self.highest(of: $0.offset), $0.element) }
    }

    /// One line of a percentile distribution.
    public struct Percentile: Hashable, Sendable {
        /// The latency, in microseconds.
        public var microseconds: Int64
        /// The share of all latencies, 0 to 1, that the line stands for.
        public var share: Double
        /// How many do not exceed the latency.
        public var count: UInt64
    }

    /// The distribution in steps that halve with the distance that is left to 1, as HdrHistogram prints it.
    ///
    /// - Parameter ticks: Steps to each halving.
    public func percentiles(ticks: Int = 5) -> [Percentile] {
        guard self.count > 0 else { return [] }
        var lines: [Percentile] = []
        var seen: UInt64 = 0
        var level = 0.0
        for (index, count) in self.counts.enumerated() where count > 0 {
            seen &+= count
            let share = Double(seen) / Double(self.count)
            let value = Swift.min(Self.highest(of: index), self.largest)
            while level <= share, level < 1 {
                lines.append(Percentile(microseconds: value, share: level, count: seen))
                // How often the distance to 1 has been halved decides how small the next step is.
                var halvings = 1.0
                var distance = 1 - level
                while distance <= 0.5, halvings < 50 {
                    distance *= 2
                    halvings += 1
                }
                let steps = Double(ticks) * Self.power(of: halvings)
                level += 1 / steps
                if 1 - level < 1 / (2 * Double(self.count)) { level = 1 }
            }
        }
        lines.append(Percentile(microseconds: self.largest, share: 1, count: self.count))
        return lines
    }

    private static func power(of exponent: Double) -> Double {
        Double(sign: .plus, exponent: Int(exponent), significand: 1)
    }
}
