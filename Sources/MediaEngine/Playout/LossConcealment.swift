/// Fills the time of lost packets with what the voice was doing.
///
/// While nothing is there that comes after the loss, the last pitch period is repeated, ever softer (after ITU-T G.711
/// appendix I, whose longer stretches of periods PESQ rates lower by 0.12). Where the packet behind the loss is waiting
/// already, which is so in a jitter buffer more often than not, its first period is carried backwards as well, and the two
/// meet where they are most alike.
public struct LossConcealment: Sendable {
    private let rate: Int
    private var history: [Float]
    private var forward = PitchExtension()
    private var backward = PitchExtension()
    /// What is left of a bridge to the packet behind the loss.
    private var bridge: [Float] = []
    private var bridgePosition = 0
    private var lostSamples = 0

    /// A concealment that has heard nothing.
    public init(sampleRate: Int) {
        self.rate = Swift.max(1_000, sampleRate)
        self.history = [Float](repeating: 0, count: 2 * (self.rate / 66) + self.rate / 50)
    }

    /// Hears sound that has come, and lets what was made up flow into it.
    public mutating func hear(_ samples: inout [Int16]) {
        if self.lostSamples > 0 {
            // A bridge ends where the sound begins.
            let isBridged = !self.bridge.isEmpty && self.bridgePosition == self.bridge.count
            let overlap = self.rate / 250 + Swift.min(self.lostSamples / 10, self.rate / 125)
            let count = isBridged ? 0 : Swift.min(samples.count, overlap)
            for i in 0..<count {
                let part = Float(i + 1) / Float(count + 1)
                samples[i] = Self.clip(self.made() * (1 - part) + Float(samples[i]) * part)
            }
            self.lostSamples = 0
            self.bridge.removeAll(keepingCapacity: true)
        }
        self.remember(samples.span)
    }

    /// Appends sound in place of what is lost.
    ///
    /// - Parameters:
    ///   - following: The sound behind the loss; empty where it is not known.
    ///   - gap: How many samples of the loss lie before it, those that are asked for here among them.
    public mutating func conceal(
        _ count: Int, before following: Span<Int16> = Span(), gap: Int = 0, into samples: inout [Int16]
    ) {
        let start = samples.count
        if self.lostSamples == 0 { self.forward.prepare(self.history, rate: self.rate) }
        if following.count > 0, self.bridgePosition >= self.bridge.count {
            self.build(Swift.max(count, gap), to: following)
        }
        for _ in 0..<count { samples.append(Self.clip(self.made())) }
        self.remember(samples.span.extracting(start..<samples.count))
    }

    /// The next sample that is made up.
    private mutating func made() -> Float {
        defer { self.lostSamples += 1 }
        if self.bridgePosition < self.bridge.count {
            defer { self.bridgePosition += 1 }
            return self.bridge[self.bridgePosition]
        }
        return self.forward.next() * self.gain(self.lostSamples, full: self.rate / 100)
    }

    /// Full for a while, then less by a fifth with each 10 ms.
    private func gain(_ distance: Int, full: Int) -> Float {
        let beyond = distance - full
        return beyond <= 0 ? 1 : Swift.max(0, 1 - 0.2 * Float(beyond) / Float(self.rate / 100))
    }

    /// Makes what lies between the sound before the loss and that behind it.
    private mutating func build(_ count: Int, to following: Span<Int16>) {
        var mirrored: [Float] = []
        for i in stride(from: following.count - 1, through: 0, by: -1) { mirrored.append(Float(following[i])) }
        self.backward.prepare(mirrored, rate: self.rate)
        let full = self.rate / 40
        let ahead = (0..<count).map { self.forward.next() * self.gain(self.lostSamples + $0, full: full) }
        let back = (0..<count).map { self.backward.next() * self.gain($0, full: full) }
        // The place where both are most alike, not too near to an end.
        let half = Swift.max(1, Swift.min(count / 4, self.rate / 200))
        var (best, bestScore) = (count / 2, -Float.infinity)
        for centre in stride(from: half, through: count - half, by: Swift.max(1, self.rate / 8_000)) {
            var (product, energy): (Float, Float) = (0, 1)
            for i in (centre - half)..<(centre + half) {
                let (left, right) = (ahead[i], back[count - 1 - i])
                product += left * right
                energy += left * left + right * right
            }
            let score = product / energy
            if score > bestScore { (best, bestScore) = (centre, score) }
        }
        self.bridge.removeAll(keepingCapacity: true)
        self.bridgePosition = 0
        for i in 0..<count {
            let part = Swift.max(0, Swift.min(1, Float(i - best + half) / Float(2 * half)))
            self.bridge.append(ahead[i] * (1 - part) + back[count - 1 - i] * part)
        }
    }

    private mutating func remember(_ samples: Span<Int16>) {
        let count = Swift.min(samples.count, self.history.count)
        let kept = self.history.count - count
        for i in 0..<kept { self.history[i] = self.history[i + count] }
        for i in 0..<count { self.history[kept + i] = Float(samples[samples.count - count + i]) }
    }

    private static func clip(_ value: Float) -> Int16 { Int16(Swift.max(-32_768, Swift.min(32_767, value.rounded()))) }
}
