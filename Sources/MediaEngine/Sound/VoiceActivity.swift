/// Tells speech from the noise between words, by how far a frame rises above the noise so far.
///
/// It errs on the side of speech: the end of a word is kept, and what becomes louder and stays so counts as speech for
/// some seconds.
public struct VoiceActivity: Sendable {
    /// How far above the noise speech is, as a ratio of powers: 6 dB.
    private static let threshold: Float = 4
    /// Below this power nothing is heard: -60 dBov.
    private static let silence: Float = 1_074

    private var floor: Float = 40_000
    private var hangover = 0
    private let hangoverFrames: Int

    /// A detector that has heard nothing.
    ///
    /// - Parameter frameMilliseconds: What a frame covers.
    public init(frameMilliseconds: Int = 20) {
        self.hangoverFrames = Swift.max(1, 240 / Swift.max(1, frameMilliseconds))
    }

    /// Whether a frame is to be sent as speech.
    public mutating func isSpeech(_ samples: Span<Int16>) -> Bool {
        guard samples.count > 0 else { return false }
        var sum: Float = 0
        for i in 0..<samples.count { sum += Float(samples[i]) * Float(samples[i]) }
        let power = sum / Float(samples.count)
        // The noise is what is lowest: followed down at once, upwards by 0.1 dB a frame.
        self.floor = power < self.floor ? 0.7 * self.floor + 0.3 * power : Swift.min(power, self.floor * 1.023)
        if power > Swift.max(Self.silence, self.floor * Self.threshold) {
            self.hangover = self.hangoverFrames
            return true
        }
        self.hangover = Swift.max(0, self.hangover - 1)
        return self.hangover > 0
    }
}
