/// Fills the time of lost packets with what the voice was doing: its last pitch period again and again, ever softer (after
/// ITU-T G.711 appendix I, whose longer stretches of periods PESQ rates lower by 0.12).
public struct LossConcealment: Sendable {
    private let rate: Int
    private let shortestPitch: Int, longestPitch: Int
    private var history: [Float]
    private var template: [Float] = []
    private var position = 0
    private var lostSamples = 0
    private var pitch = 0

    /// A concealment that has heard nothing.
    public init(sampleRate: Int) {
        self.rate = Swift.max(1_000, sampleRate)
        (self.shortestPitch, self.longestPitch) = (self.rate / 200, self.rate / 66)
        self.history = [Float](repeating: 0, count: 2 * self.longestPitch + self.rate / 50)
        self.template.reserveCapacity(self.longestPitch)
    }

    /// Hears sound that has come, and lets what was made up flow into it.
    public mutating func hear(_ samples: inout [Int16]) {
        if self.lostSamples > 0 {
            let count = Swift.min(samples.count, self.rate / 250 + Swift.min(self.lostSamples / 10, self.rate / 125))
            for i in 0..<count {
                let part = Float(i + 1) / Float(count + 1)
                samples[i] = Self.clip(self.made() * (1 - part) + Float(samples[i]) * part)
            }
            self.lostSamples = 0
        }
        self.remember(samples.span)
    }

    /// Appends sound in place of what is lost.
    public mutating func conceal(_ count: Int, into samples: inout [Int16]) {
        let start = samples.count
        for _ in 0..<count {
            if self.lostSamples == 0 {
                self.pitch = self.findPitch()
                self.fillTemplate()
            }
            samples.append(Self.clip(self.made()))
            self.lostSamples += 1
        }
        self.remember(samples.span.extracting(start..<samples.count))
    }

    /// The next sample that is made up.
    private mutating func made() -> Float {
        guard !self.template.isEmpty else { return 0 }
        let value = self.template[self.position]
        self.position = self.position + 1 == self.template.count ? 0 : self.position + 1
        return value * self.gain
    }

    /// Full for 10 ms, then less by a fifth with each 10 ms: nothing after 60 ms.
    private var gain: Float {
        let step = self.rate / 100
        guard self.lostSamples > step else { return 1 }
        return Swift.max(0, 1 - 0.2 * Float(self.lostSamples - step) / Float(step))
    }

    private mutating func remember(_ samples: Span<Int16>) {
        let count = Swift.min(samples.count, self.history.count)
        let kept = self.history.count - count
        for i in 0..<kept { self.history[i] = self.history[i + count] }
        for i in 0..<count { self.history[kept + i] = Float(samples[samples.count - count + i]) }
    }

    /// The distance at which the last 10 ms are most like what was before them.
    private func findPitch() -> Int {
        let window = self.rate / 100
        let end = self.history.count
        var (best, bestScore) = (self.longestPitch, -Float.infinity)
        var lag = self.shortestPitch
        while lag <= self.longestPitch {
            var (product, energy): (Float, Float) = (0, 1)
            var i = end - window
            while i < end {
                let before = self.history[i - lag]
                product += self.history[i] * before
                energy += before * before
                i += 1
            }
            let score = product > 0 ? product * product / energy : 0
            if score > bestScore { (best, bestScore) = (lag, score) }
            lag += 1
        }
        return best
    }

    /// Takes the last pitch period, its end made to flow into its beginning over a quarter of it.
    private mutating func fillTemplate() {
        let end = self.history.count
        self.template.removeAll(keepingCapacity: true)
        for i in 0..<self.pitch { self.template.append(self.history[end - self.pitch + i]) }
        let overlap = self.pitch / 4
        for i in 0..<overlap {
            let part = Float(i + 1) / Float(overlap + 1)
            let place = self.pitch - overlap + i
            let before = self.history[end - self.pitch - overlap + i]
            self.template[place] = self.template[place] * (1 - part) + before * part
        }
        self.position = 0
    }

    private static func clip(_ value: Float) -> Int16 { Int16(Swift.max(-32_768, Swift.min(32_767, value.rounded()))) }
}
