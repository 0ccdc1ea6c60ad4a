/// Noise in place of silence that is not sent (RFC 3389): of the level and the spectrum that the peer says.
public struct ComfortNoise: Sendable {
    /// Coefficients of the spectrum that are used; those behind them may be left out (RFC 3389 §3).
    public static let maximumOrder = 12

    private var state: UInt64
    private var amplitude: Float = 0
    /// The filter through which white noise gets its spectrum: `y = x - a1 y1 - a2 y2 …`.
    private var coefficients: [Float] = []
    private var past: [Float] = []

    /// Noise of no level so far.
    public init(seed: UInt64) { self.state = seed | 1 }

    /// Takes a payload of comfort noise: the level in dBov below 0, and reflection coefficients (RFC 3389 §3).
    public mutating func receive(_ payload: Span<UInt8>) {
        guard payload.count > 0 else { return }
        let level = Double(payload[0] & 0x7F)
        // 0 dBov is the power of a square wave over the whole range; white noise has a third of its peak's square.
        var amplitude = Float(32_767 * Trigonometry.amplitude(decibels: -level) * 1.732)
        var filter: [Float] = []
        for i in 1..<Swift.max(1, Swift.min(payload.count, Self.maximumOrder + 1)) {
            // RFC 3389 §3.2; 255 is reserved.
            let reflection = Float(258 * (Int(Swift.min(254, payload[i])) - 127)) / 32_768
            filter = zip(filter, filter.reversed()).map { $0 + reflection * $1 } + [reflection]
            // The filter makes it louder by this much.
            amplitude *= (1 - reflection * reflection).squareRoot()
        }
        (self.amplitude, self.coefficients) = (amplitude, filter)
        while self.past.count < filter.count { self.past.append(0) }
        self.past.removeLast(self.past.count - filter.count)
    }

    /// Appends samples of noise.
    public mutating func append(_ count: Int, to samples: inout [Int16]) {
        for _ in 0..<count {
            self.state = self.state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            var value = Float(Int32(truncatingIfNeeded: self.state >> 32)) / 2_147_483_648 * self.amplitude
            for i in self.coefficients.indices { value -= self.coefficients[i] * self.past[i] }
            if !self.past.isEmpty {
                self.past.removeLast()
                self.past.insert(value, at: 0)
            }
            samples.append(Int16(Swift.max(-32_768, Swift.min(32_767, value))))
        }
    }
}

/// Describes noise so that the other end can make the like (RFC 3389 §3).
public enum NoiseDescription {
    /// The payload for a stretch of noise: its level, and reflection coefficients of its spectrum.
    ///
    /// - Parameter order: How many coefficients; 0 for the level alone.
    public static func payload(of samples: Span<Int16>, order: Int = 8) -> [UInt8] {
        let order = Swift.max(0, Swift.min(ComfortNoise.maximumOrder, order, samples.count / 4))
        var correlation = [Double](repeating: 0, count: order + 1)
        for lag in 0...order {
            for i in lag..<Swift.max(lag, samples.count) {
                correlation[lag] += Double(samples[i]) * Double(samples[i - lag])
            }
        }
        let power = samples.count > 0 ? correlation[0] / Double(samples.count) / (32_767 * 32_767) : 0
        var payload = [Self.level(power)]
        // Levinson and Durbin; a thousandth of white noise keeps it stable.
        var error = correlation[0] * 1.001 + 1
        var filter: [Double] = []
        for k in 1..<(order + 1) {
            var sum = correlation[k]
            for (i, coefficient) in filter.enumerated() { sum += coefficient * correlation[k - 1 - i] }
            let reflection = Swift.max(-0.99, Swift.min(0.99, -sum / error))
            filter = zip(filter, filter.reversed()).map { $0 + reflection * $1 } + [reflection]
            error *= 1 - reflection * reflection
            payload.append(UInt8(127 + (reflection * 32_768 / 258).rounded()))
        }
        return payload
    }

    /// A power, of that of a square wave over the whole range, in dBov below 0: 0-127.
    private static func level(_ power: Double) -> UInt8 {
        var (level, rest) = (UInt8(0), power)
        // 10^(-1/10) for each decibel, from half of one on.
        let step = 0.794_328_234_724_281_5
        rest /= 0.891_250_938_133_745_5
        while rest < 1, level < 127 {
            rest /= step
            level += 1
        }
        return level
    }
}
