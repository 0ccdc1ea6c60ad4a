/// Changes the rate of sound, any to any, stream by stream: a windowed sinc, 24 zero crossings wide, of which each phase
/// that occurs is worked out beforehand.
public struct Resampler: Sendable {
    private static let zeroCrossings = 12
    /// Phases that are kept at most; beyond them, for rates that hardly divide each other, the nearest is taken.
    private static let maximumPhases = 1_024

    /// How far a sample of the output lies from the next, in samples of the input: `down / up`.
    private let up: Int, down: Int
    private let phases: Int
    /// Samples of the input on either side that a sample of the output is made of.
    private let reach: Int
    /// The weights of one phase after the other, `2 * reach` each.
    private let weights: [Float]
    private var history: [Float]
    /// Where the next sample lies: behind this one of `history`, by `phase / up`.
    private var centre: Int
    private var phase = 0

    /// A resampler of a stream that begins now. Rates are in Hz, at least 1.
    public init(from source: Int, to target: Int) {
        let (source, target) = (Swift.max(1, source), Swift.max(1, target))
        var (divisor, rest) = (source, target)
        while rest > 0 { (divisor, rest) = (rest, divisor % rest) }
        (self.up, self.down) = (target / divisor, source / divisor)
        self.phases = Swift.min(self.up, Self.maximumPhases)
        // Below the lower of both Nyquist frequencies everything passes, above nothing.
        let scale = Swift.min(1, Double(target) / Double(source)) * 0.95
        let reach = Int((Double(Self.zeroCrossings) / scale).rounded(.up))
        self.reach = reach
        var weights: [Float] = []
        for phase in 0..<self.phases {
            let part = Double(phase) / Double(self.phases)
            for k in 0..<(2 * reach) {
                weights.append(Float(scale * Self.kernel(abs(Double(k - reach + 1) - part) * scale)))
            }
        }
        self.weights = weights
        self.history = [Float](repeating: 0, count: reach)
        self.centre = reach
    }

    /// The sinc under Blackman's window, at a distance in zero crossings.
    private static func kernel(_ x: Double) -> Double {
        guard x > 0 else { return 1 }
        guard x < Double(Self.zeroCrossings) else { return 0 }
        let part = x / Double(Self.zeroCrossings) / 2
        let window = 0.42 + 0.5 * Trigonometry.cosine(turns: part) + 0.08 * Trigonometry.cosine(turns: 2 * part)
        return Trigonometry.sine(turns: x / 2) / (Double.pi * x) * window
    }

    /// Takes samples and appends those that follow from them. The sound comes out later than it went in, by the reach of
    /// the filter (1.6 ms from 8 kHz).
    public mutating func process(_ samples: Span<Int16>, into output: inout [Int16]) {
        for i in samples.indices { self.history.append(Float(samples[i])) }
        var (centre, phase) = (self.centre, self.phase)
        let (up, down, reach, phases) = (self.up, self.down, self.reach, self.phases)
        self.history.withUnsafeBufferPointer { history in
            self.weights.withUnsafeBufferPointer { weights in
                while centre + reach < history.count {
                    let row = (up == phases ? phase : phase * phases / up) * 2 * reach
                    let first = centre - reach + 1
                    // Four sums, which the processor makes at a time.
                    var sums = SIMD4<Float>()
                    var k = 0
                    while k + 3 < 2 * reach {
                        let values = SIMD4(
                            history[first + k], history[first + k + 1], history[first + k + 2], history[first + k + 3])
                        let factors = SIMD4(
                            weights[row + k], weights[row + k + 1], weights[row + k + 2], weights[row + k + 3])
                        sums += values * factors
                        k += 4
                    }
                    var sum = sums.sum()
                    while k < 2 * reach {
                        sum += history[first + k] * weights[row + k]
                        k += 1
                    }
                    output.append(Int16(Swift.max(-32_768, Swift.min(32_767, sum.rounded()))))
                    phase += down
                    centre += phase / up
                    phase %= up
                }
            }
        }
        // What lies before the next sample's reach is done with.
        let done = Swift.max(0, Swift.min(self.history.count, centre - reach))
        self.history.removeFirst(done)
        (self.centre, self.phase) = (centre - done, phase)
    }
}
