/// Goes on with a voice where it breaks off: its last pitch period again and again.
struct PitchExtension: Sendable {
    private var template: [Float] = []
    private var position = 0

    /// The length of the period in samples; 0 while there is none.
    var period: Int { self.template.count }

    /// Takes the last period of what was heard.
    ///
    /// - Parameters:
    ///   - history: What was heard, the newest last.
    ///   - rate: Samples in a second.
    mutating func prepare(_ history: [Float], rate: Int) {
        let end = history.count
        self.template.removeAll(keepingCapacity: true)
        self.position = 0
        let window = Swift.min(rate / 100, end / 3)
        let period = Self.period(history, window: window, shortest: rate / 200, longest: rate / 66)
        guard period > 0 else { return }
        self.template.append(contentsOf: history[(end - period)...])
        // Its end is made to flow into its beginning over a quarter of it.
        let overlap = Swift.min(period / 4, end - period)
        for i in 0..<overlap {
            let part = Float(i + 1) / Float(overlap + 1)
            let place = period - overlap + i
            self.template[place] = self.template[place] * (1 - part) + history[end - period - overlap + i] * part
        }
    }

    /// The next sample; 0 where there is no period.
    mutating func next() -> Float {
        guard !self.template.isEmpty else { return 0 }
        let value = self.template[self.position]
        self.position = self.position + 1 == self.template.count ? 0 : self.position + 1
        return value
    }

    /// The distance at which the end is most like what was before it; the longest that fits where nothing is.
    private static func period(_ history: [Float], window: Int, shortest: Int, longest: Int) -> Int {
        let end = history.count
        let longest = Swift.min(longest, end - window)
        guard window > 0, longest > shortest else { return Swift.max(0, Swift.min(longest, end)) }
        var (best, bestScore) = (longest, -Float.infinity)
        history.withUnsafeBufferPointer { history in
            for lag in shortest...longest {
                var (product, energy): (Float, Float) = (0, 1)
                var i = end - window
                while i < end {
                    let before = history[i &- lag]
                    product += history[i] * before
                    energy += before * before
                    i &+= 1
                }
                let score = product > 0 ? product * product / energy : 0
                if score > bestScore { (best, bestScore) = (lag, score) }
            }
        }
        return best
    }
}
