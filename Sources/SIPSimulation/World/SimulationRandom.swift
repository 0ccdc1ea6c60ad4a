public import SIPMessages

/// A seeded generator of random numbers (SplitMix64): the same seed gives the same numbers on every machine.
///
/// Whoever needs randomness in a simulation has a generator of its own, made from the seed of the world and a text that
/// says what it is for. So one more decision in one place changes none in another.
public struct SimulationRandom: RandomNumberGenerator, Hashable, Sendable {
    private var state: UInt64

    /// The generator of this seed.
    public init(seed: UInt64) { self.state = seed }

    /// The generator of this seed for one purpose; generators for different purposes are independent.
    public init(seed: UInt64, purpose: String, number: UInt64 = 0) {
        // FNV-1a, since Swift's own hash differs from run to run.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for octet in purpose.utf8 { hash = (hash ^ UInt64(octet)) &* 0x100_0000_01B3 }
        self.state = seed &* 0x9E37_79B9_7F4A_7C15 ^ hash &+ number &* 0xD1B5_4A32_D192_ED03
        _ = self.next()
    }

    /// The next number, any 64 bits.
    public mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var z = self.state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Whether something happens that has this probability, 0 to 1.
    public mutating func chance(_ probability: Double) -> Bool {
        guard probability > 0 else { return false }
        return Double(self.next() >> 11) * 0x1p-53 < probability
    }

    /// A length of time between zero and `limit`, both included.
    public mutating func span(upTo limit: TimeSpan) -> TimeSpan {
        guard limit > .zero else { return .zero }
        return TimeSpan(nanoseconds: Int64(self.next() % (UInt64(limit.nanoseconds) &+ 1)))
    }
}
