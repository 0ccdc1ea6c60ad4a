/// How long something took, counted in buckets whose bounds double: 0.5 ms to 4 s.
public struct LatencyHistogram: Hashable, Sendable {
    /// The upper bounds of the buckets, in seconds; one more bucket is without bound.
    public static let bounds: [Double] = [
        0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1, 2, 4,
    ]
    /// How many were in each bucket, and not in one before.
    public private(set) var counts = [UInt64](repeating: 0, count: Self.bounds.count + 1)
    /// All of them together, in seconds.
    public private(set) var sum = 0.0

    /// A histogram of nothing.
    public init() {}

    /// How many were counted.
    public var count: UInt64 { self.counts.reduce(0, +) }

    /// Counts one.
    public mutating func add(_ duration: Duration) {
        let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
        self.counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
        self.sum += seconds
    }
}
