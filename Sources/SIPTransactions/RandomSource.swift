public import SIPMessages

/// Numbers that nobody without the seed can predict, for branches, tags and Call-IDs: SipHash-2-4 of a counter.
///
/// A production driver seeds it from the system's random source; a test from its seed, and gets the same run again.
public struct RandomSource: Sendable {
    private let key: SipHashKey
    private var counter: UInt64 = 0

    /// A source with a 128-bit seed.
    public init(seed: SipHashKey) { self.key = seed }

    /// The next number, any 64 bits.
    public mutating func next() -> UInt64 {
        self.counter &+= 1
        var hasher = SipHash24(key: self.key)
        hasher.combine(self.counter)
        return hasher.finish()
    }
}
