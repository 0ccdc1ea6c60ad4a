/// Finds the tones of keys in sound (ITU-T Q.23, Q.24) by the method of Goertzel.
///
/// A key counts when two blocks of 12.75 ms in a row hold it, and ends when two in a row do not, so that one press is
/// told once: tones of 40 ms and pauses of 40 ms are found, tones below 20 ms and speech are not.
public struct KeyToneDetector: Sendable {
    /// What has happened.
    public enum Happening: Hashable, Sendable {
        /// A key has been pressed.
        case began(Character)
        /// It has been released.
        case ended(Character)
    }

    private static let blockSamples = 102
    private static let frequencies: [Float] = [697, 770, 852, 941, 1_209, 1_336, 1_477, 1_633]
    private static let keys = Array("123A456B789C*0#D")
    /// The amplitude of a tone at least: -42 dBm0.
    private static let minimumAmplitude: Float = 181

    private let blockSamples: Int
    private let coefficients: InlineArray<8, Float>
    private var first = InlineArray<8, Float>(repeating: 0)
    private var second = InlineArray<8, Float>(repeating: 0)
    private var energy: Float = 0
    private var count = 0
    private var lastHit: Character?
    private var current: Character?
    private var misses = 0

    /// A detector for sound at 8 kHz, or another rate that is told.
    public init(sampleRate: Int = 8_000) {
        var coefficients = InlineArray<8, Float>(repeating: 0)
        for (i, frequency) in Self.frequencies.enumerated() {
            coefficients[i] = Float(
                2 * Trigonometry.cosine(turns: Double(frequency) / Double(Swift.max(1, sampleRate))))
        }
        self.coefficients = coefficients
        self.blockSamples = Swift.max(1, Self.blockSamples * sampleRate / 8_000)
    }

    /// Listens to samples.
    ///
    /// - Parameter happenings: What has happened is appended.
    public mutating func listen(_ samples: Span<Int16>, into happenings: inout [Happening]) {
        var i = 0
        while i < samples.count {
            let sample = Float(samples[i])
            self.energy += sample * sample
            var k = 0
            while k < 8 {
                let next = sample + self.coefficients[k] * self.first[k] - self.second[k]
                self.second[k] = self.first[k]
                self.first[k] = next
                k &+= 1
            }
            self.count &+= 1
            if self.count == self.blockSamples { self.endBlock(into: &happenings) }
            i &+= 1
        }
    }

    private mutating func endBlock(into happenings: inout [Happening]) {
        let hit = self.key()
        self.energy = 0
        self.count = 0
        for k in 0..<8 { (self.first[k], self.second[k]) = (0, 0) }
        defer { self.lastHit = hit }
        if let current, hit != current {
            self.misses += 1
            if self.misses < 2 { return }
            happenings.append(.ended(current))
            self.current = nil
            self.misses = 0
        } else {
            self.misses = 0
        }
        if let hit, hit == self.lastHit, self.current == nil {
            self.current = hit
            happenings.append(.began(hit))
        }
    }

    /// The key of the block; `nil` where it holds none.
    private func key() -> Character? {
        func power(_ k: Int) -> Float {
            self.first[k] * self.first[k] + self.second[k] * self.second[k]
                - self.coefficients[k] * self.first[k] * self.second[k]
        }
        func strongest(_ range: Range<Int>) -> (index: Int, power: Float, next: Float) {
            var (index, best, next) = (range.lowerBound, Float(-1), Float(-1))
            for k in range {
                let value = power(k)
                if value > best { (index, best, next) = (k, value, best) } else if value > next { next = value }
            }
            return (index, best, next)
        }
        let scale = Float(self.blockSamples) / 2
        guard self.energy > 0 else { return nil }
        let (row, column) = (strongest(0..<4), strongest(4..<8))
        // Each strong enough; the column at most 5 dB above and 8 dB below the row (Q.24 has 4 and 8); far above its
        // neighbours; and both together nearly all that there is to hear, which speech is not.
        let minimum = Self.minimumAmplitude * Self.minimumAmplitude * scale * scale
        guard row.power > minimum, column.power > minimum, column.power < row.power * 3.2,
            row.power < column.power * 6.3, row.power > row.next * 6.3, column.power > column.next * 6.3,
            row.power + column.power > 0.7 * self.energy * scale
        else { return nil }
        return Self.keys[row.index * 4 + column.index - 4]
    }
}
