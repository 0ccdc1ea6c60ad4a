import MediaEngine

/// Sound like a voice: harmonics of a gliding pitch below two formants, in syllables with pauses between.
enum Voice {
    static func samples(_ count: Int, rate: Int) -> [Int16] {
        var phase = 0.0
        return (0..<count).map { i in
            let time = Double(i) / Double(rate)
            let pitch = 120 + 30 * Self.triangle(time * 1.3)
            phase += pitch / Double(rate)
            var value = 0.0
            for harmonic in 1...24 {
                let frequency = pitch * Double(harmonic)
                guard frequency < 3_400 else { break }
                let near = Swift.min(abs(frequency - 500), abs(frequency - 1_500))
                value += Self.sine(phase * Double(harmonic)) / (1 + near * near / 40_000)
            }
            // Four syllables a second, of which each fifth is left out.
            let syllable = Int(time * 4)
            let loudness = syllable % 5 == 4 ? 0 : Swift.max(0, Self.sine(time * 2 - Double(syllable) / 2))
            return Int16(Swift.max(-32_000, Swift.min(32_000, value * loudness * 5_000)))
        }
    }

    private static func triangle(_ turns: Double) -> Double { 4 * abs(turns - turns.rounded()) - 1 }

    private static func sine(_ turns: Double) -> Double {
        var part = turns - turns.rounded()
        if part > 0.25 { part = 0.5 - part } else if part < -0.25 { part = -0.5 - part }
        let x = part * 2 * Double.pi
        let square = x * x
        return x * (1 - square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72))))
    }

    /// How far the difference of two sounds lies below the first, in dB, at the delay and gain at which that is best.
    static func signalToNoise(_ reference: [Int16], _ heard: [Int16], within delays: Range<Int>) -> Double {
        // The delay is that at which a stretch in a word fits best.
        let word = (reference.count / 3)..<(reference.count / 3 + Swift.min(2_000, reference.count / 4))
        var (delay, best) = (delays.lowerBound, -Double.infinity)
        for candidate in delays {
            let score = Self.correlation(reference, heard, candidate, word)
            if score > best { (delay, best) = (candidate, score) }
        }
        // What is left behind the best gain has the power of 1 - correlation squared.
        let correlation = Swift.max(0, Self.correlation(reference, heard, delay, 0..<reference.count))
        return Self.decibels(1 / Swift.max(1e-9, 1 - correlation * correlation))
    }

    private static func correlation(_ reference: [Int16], _ heard: [Int16], _ delay: Int, _ range: Range<Int>) -> Double
    {
        let end = Swift.min(range.upperBound, heard.count - delay)
        guard range.lowerBound < end else { return 0 }
        return reference.withUnsafeBufferPointer { reference in
            heard.withUnsafeBufferPointer { heard in
                var (product, left, right): (Float, Float, Float) = (0, 1e-9, 1e-9)
                var i = range.lowerBound
                while i < end {
                    let (a, b) = (Float(reference[i]), Float(heard[i &+ delay]))
                    product += a * b
                    left += a * a
                    right += b * b
                    i &+= 1
                }
                return Double(product) / (Double(left).squareRoot() * Double(right).squareRoot())
            }
        }
    }

    /// Ten times the logarithm to base ten.
    private static func decibels(_ ratio: Double) -> Double {
        let mantissa = ratio.significand
        let x = (mantissa - 1) / (mantissa + 1)
        var (sum, term) = (0.0, x)
        for k in stride(from: 1, to: 30, by: 2) {
            sum += 2 * term / Double(k)
            term *= x * x
        }
        return 10 * (Double(ratio.exponent) * 0.301_029_995_663_981_2 + sum * 0.434_294_481_903_251_8)
    }
}
