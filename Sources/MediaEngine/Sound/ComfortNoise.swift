/// Noise in place of silence that is not sent (RFC 3389): of the level that the peer says, white.
public struct ComfortNoise: Sendable {
    private var state: UInt64
    private var amplitude: Float = 0
    private var last: Float = 0

    /// Noise of no level so far.
    public init(seed: UInt64) { self.state = seed | 1 }

    /// Takes a payload of comfort noise: the level in dBov below 0 in its first octet (RFC 3389 §3). Its spectrum, which
    /// may follow, is left to the ear.
    public mutating func receive(_ payload: Span<UInt8>) {
        guard payload.count > 0 else { return }
        let level = Double(payload[0] & 0x7F)
        // 0 dBov is the power of a square wave over the whole range; white noise has a third of its peak's square.
        self.amplitude = Float(32_767 * Trigonometry.amplitude(decibels: -level) * 1.732)
    }

    /// Appends samples of noise.
    public mutating func append(_ count: Int, to samples: inout [Int16]) {
        for _ in 0..<count {
            self.state = self.state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let unit = Float(Int32(truncatingIfNeeded: self.state >> 32)) / 2_147_483_648
            samples.append(Int16(Swift.max(-32_768, Swift.min(32_767, unit * self.amplitude))))
        }
    }
}
