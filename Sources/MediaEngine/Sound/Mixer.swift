/// Mixes the voices of a conference: each hears all others and not itself.
///
/// What is too loud together is made softer for as long as it is, quickly down and slowly up, rather than cut off.
public struct Mixer: Sendable {
    private var sum: [Int32] = []
    private var gains: [Float] = []

    /// A mixer of nobody so far.
    public init() {}

    /// Mixes one frame.
    ///
    /// - Parameters:
    ///   - voices: The samples of each participant; one with fewer than the others is silent at the end.
    ///   - heard: For each participant what it hears; what was there is replaced.
    public mutating func mix(_ voices: [[Int16]], into heard: inout [[Int16]]) {
        let count = voices.reduce(0) { Swift.max($0, $1.count) }
        self.sum.removeAll(keepingCapacity: true)
        self.sum.append(contentsOf: repeatElement(0, count: count))
        for voice in voices {
            for i in voice.indices { self.sum[i] &+= Int32(voice[i]) }
        }
        while self.gains.count < voices.count { self.gains.append(1) }
        while heard.count < voices.count { heard.append([]) }
        heard.removeLast(heard.count - voices.count)
        for (listener, own) in voices.enumerated() {
            heard[listener].removeAll(keepingCapacity: true)
            var gain = self.gains[listener]
            for i in 0..<count {
                let others = self.sum[i] &- (i < own.count ? Int32(own[i]) : 0)
                let loudness = Float(others.magnitude)
                if loudness * gain > 32_767 {
                    gain = 32_767 / loudness
                } else {
                    // Back to full within about a tenth of a second at 8 kHz.
                    gain += (1 - gain) * 0.001
                }
                heard[listener].append(Int16(Swift.max(-32_768, Swift.min(32_767, Float(others) * gain))))
            }
            self.gains[listener] = gain
        }
    }
}
