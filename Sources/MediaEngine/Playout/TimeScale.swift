/// Makes sound shorter or longer by a pitch period without changing its pitch: overlap and add.
enum TimeScale {
    /// Takes a pitch period out of the samples from `start` on.
    ///
    /// - Returns: How many samples were taken out; 0 when the sound is no voice that repeats itself, and not silence.
    static func shorten(_ samples: inout [Int16], from start: Int, rate: Int) -> Int {
        guard let lag = self.lag(samples.span, start, rate) else { return 0 }
        for i in 0..<lag {
            let part = Float(i + 1) / Float(lag + 1)
            samples[start + i] = self.mix(samples[start + i], samples[start + lag + i], part)
        }
        samples.removeSubrange((start + lag)..<(start + 2 * lag))
        return lag
    }

    /// Repeats a pitch period of the samples from `start` on.
    ///
    /// - Returns: How many samples were added.
    static func lengthen(_ samples: inout [Int16], from start: Int, rate: Int) -> Int {
        guard let lag = self.lag(samples.span, start, rate) else { return 0 }
        let bridge = (0..<lag).map { i in
            self.mix(samples[start + lag + i], samples[start + i], Float(i + 1) / Float(lag + 1))
        }
        samples.insert(contentsOf: bridge, at: start + lag)
        return lag
    }

    private static func mix(_ from: Int16, _ to: Int16, _ part: Float) -> Int16 {
        Int16((Float(from) * (1 - part) + Float(to) * part).rounded())
    }

    /// The distance at which the beginning repeats itself; `nil` where it does not.
    private static func lag(_ samples: Span<Int16>, _ start: Int, _ rate: Int) -> Int? {
        let longest = Swift.min((samples.count - start) / 2, rate / 66)
        let shortest = rate / 400
        guard longest > shortest else { return nil }
        var (best, bestScore) = (longest, Float(0))
        var lag = shortest
        var loudness: Float = 0
        for i in start..<(start + longest) { loudness += Float(samples[i]) * Float(samples[i]) }
        // Silence can be cut anywhere: below -50 dBov nobody hears it.
        if loudness < Float(longest) * 10_000 { return longest }
        while lag <= longest {
            var (product, left, right): (Float, Float, Float) = (0, 1, 1)
            var i = start
            while i < start + lag {
                let (a, b) = (Float(samples[i]), Float(samples[i + lag]))
                product += a * b
                left += a * a
                right += b * b
                i += 1
            }
            let score = product / (left * right).squareRoot()
            if score > bestScore { (best, bestScore) = (lag, score) }
            lag += 1
        }
        return bestScore > 0.6 ? best : nil
    }
}
