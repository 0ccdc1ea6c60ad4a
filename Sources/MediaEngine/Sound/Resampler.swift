/// Changes the rate of sound, any to any, stream by stream: a windowed sinc, 24 zero crossings wide, with linear steps
/// between 256 of its phases.
public struct Resampler: Sendable {
    private static let zeroCrossings = 12
    private static let phases = 256

    private let step: Double
    private let kernel: [Float]
    private let reach: Int
    private let scale: Double
    private var history: [Float]
    /// Where the next sample lies, counted in samples of `history`.
    private var position: Double

    /// A resampler of a stream that begins now. Rates are in Hz, at least 1.
    public init(from source: Int, to target: Int) {
        let (source, target) = (Double(Swift.max(1, source)), Double(Swift.max(1, target)))
        self.step = source / target
        // Below the lower of both Nyquist frequencies everything passes, above nothing.
        self.scale = Swift.min(1, target / source) * 0.95
        self.reach = Int((Double(Self.zeroCrossings) / self.scale).rounded(.up))
        let count = Self.zeroCrossings * Self.phases
        self.kernel = (0...(count + 1)).map { i in
            guard i > 0 else { return 1 }
            guard i <= count else { return 0 }
            let x = Double(i) / Double(Self.phases)
            let sinc = Trigonometry.sine(turns: x / 2) / (Double.pi * x)
            let part = x / Double(Self.zeroCrossings) / 2
            // Blackman's window, its middle at 0.
            let window =
                0.42 + 0.5 * Trigonometry.cosine(turns: part) + 0.08 * Trigonometry.cosine(turns: 2 * part)
            return Float(sinc * window)
        }
        self.history = [Float](repeating: 0, count: self.reach)
        self.position = Double(self.reach)
    }

    /// Takes samples and appends those that follow from them. The sound comes out later than it went in, by the reach of
    /// the filter (1.6 ms from 8 kHz).
    public mutating func process(_ samples: Span<Int16>, into output: inout [Int16]) {
        for i in samples.indices { self.history.append(Float(samples[i])) }
        while Int(self.position) + self.reach < self.history.count {
            output.append(self.sample())
            self.position += self.step
        }
        let done = Swift.max(0, Int(self.position) - self.reach)
        if done > 0 {
            self.history.removeFirst(Swift.min(done, self.history.count))
            self.position -= Double(done)
        }
    }

    private func sample() -> Int16 {
        let centre = Int(self.position)
        var sum: Float = 0
        for i in Swift.max(0, centre - self.reach + 1)...(centre + self.reach) {
            let distance = abs(Double(i) - self.position) * self.scale * Double(Self.phases)
            let index = Int(distance)
            guard index < self.kernel.count - 1 else { continue }
            let part = Float(distance - Double(index))
            sum += self.history[i] * (self.kernel[index] + part * (self.kernel[index + 1] - self.kernel[index]))
        }
        return Int16(Swift.max(-32_768, Swift.min(32_767, (sum * Float(self.scale)).rounded())))
    }
}
