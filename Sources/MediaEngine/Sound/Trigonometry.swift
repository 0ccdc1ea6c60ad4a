// Sine, cosine and powers of ten, for which the standard library has no function.

/// Functions of a real number, exact to about 1e-12.
enum Trigonometry {
    /// The sine of an angle in turns: 1 is a full circle.
    static func sine(turns: Double) -> Double {
        var part = turns - turns.rounded()
        // Within a quarter turn of 0 the series converges fast.
        if part > 0.25 { part = 0.5 - part } else if part < -0.25 { part = -0.5 - part }
        let x = part * 2 * Double.pi
        let square = x * x
        var (sum, term) = (x, x)
        for k in 1..<10 {
            term *= -square / Double((2 * k) * (2 * k + 1))
            sum += term
        }
        return sum
    }

    /// The cosine of an angle in turns.
    static func cosine(turns: Double) -> Double { self.sine(turns: turns + 0.25) }

    /// The ratio of amplitudes of a level in dB.
    static func amplitude(decibels: Double) -> Double {
        // 10^(x/20) = 2^n * e^r.
        let exponent = decibels / 20 * 3.321_928_094_887_362
        let whole = exponent.rounded()
        let x = (exponent - whole) * 0.693_147_180_559_945_3
        var (sum, term) = (1.0, 1.0)
        for k in 1..<16 {
            term *= x / Double(k)
            sum += term
        }
        return Double(sign: .plus, exponent: Int(whole), significand: sum)
    }
}

/// A sine wave from a table of 1024 values, for sample after sample.
struct Oscillator: Sendable {
    private static let table: [Float] = (0...1_024).map { Float(Trigonometry.sine(turns: Double($0) / 1_024)) }

    private var phase: UInt32 = 0
    private let step: UInt32

    init(frequency: Double, sampleRate: Double) {
        let turns = Swift.max(0, Swift.min(0.5, frequency / sampleRate))
        self.step = UInt32(turns * 4_294_967_296)
    }

    mutating func next() -> Float {
        let index = Int(self.phase >> 22)
        let part = Float(self.phase & 0x3F_FFFF) / Float(1 << 22)
        self.phase &+= self.step
        return Self.table[index] + part * (Self.table[index + 1] - Self.table[index])
    }
}
