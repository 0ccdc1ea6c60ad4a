/// Something that sounds: samples of any rate, a tone, or a stream that is written while it is played.
public struct SoundSource: Sendable {
    private enum Content: Sendable {
        case samples([Int16], next: Int, loops: Bool)
        case tone(Tone, ToneGenerator?)
        case stream([Int16], next: Int, isClosed: Bool)
    }

    private var content: Content
    private let rate: Int
    private var resampler: Resampler?
    private var resampledTo = 0
    private var ready: [Int16] = []
    private var piece: [Int16] = []
    private var hasRunOut = false

    /// Samples at a rate, once or again and again. Nothing is heard of no samples.
    public init(samples: [Int16], rate: Int, loops: Bool = false) {
        self.content = .samples(samples, next: 0, loops: loops && !samples.isEmpty)
        self.rate = Swift.max(1, rate)
    }

    /// A tone.
    public init(tone: Tone) {
        self.content = .tone(tone, nil)
        self.rate = 0
    }

    /// A stream at a rate; nothing has been written so far.
    public init(streamAt rate: Int) {
        self.content = .stream([], next: 0, isClosed: false)
        self.rate = Swift.max(1, rate)
    }

    /// Samples that have been written to the stream and not been played; 0 for what is no stream.
    public var queued: Int {
        guard case .stream(let samples, let next, _) = self.content else { return 0 }
        return samples.count - next
    }

    /// Writes to a stream; to what is none, nothing happens.
    public mutating func write(_ samples: some Sequence<Int16>) {
        guard case .stream(var queue, var next, let isClosed) = self.content, !isClosed else { return }
        // Not to be copied by the change.
        self.content = .stream([], next: 0, isClosed: true)
        if next > 8_192 {
            queue.removeFirst(next)
            next = 0
        }
        queue.append(contentsOf: samples)
        self.content = .stream(queue, next: next, isClosed: false)
    }

    /// Nothing more will be written to a stream: it ends with what it has.
    public mutating func close() {
        guard case .stream(let queue, let next, _) = self.content else { return }
        self.content = .stream(queue, next: next, isClosed: true)
    }

    /// Adds the next samples to a mix, at the rate of the mix. A stream that has run dry adds silence.
    ///
    /// - Returns: Whether there is more; `false` after the last sample.
    public mutating func add(to mix: inout [Int32], rate target: Int) -> Bool {
        let count = mix.count
        if case .tone(let tone, var generator) = self.content {
            // A tone is made at whatever rate is wanted.
            if generator == nil || self.resampledTo != target {
                generator = ToneGenerator(tone, sampleRate: target)
                self.resampledTo = target
            }
            self.piece.removeAll(keepingCapacity: true)
            generator?.append(count, to: &self.piece)
            for i in 0..<count { mix[i] += Int32(self.piece[i]) }
            self.content = .tone(tone, generator)
            return generator?.hasEnded == false
        }
        if self.resampledTo != target {
            self.resampler = self.rate == target ? nil : Resampler(from: self.rate, to: target)
            self.resampledTo = target
        }
        while self.ready.count < count, self.pull(count) {}
        let available = Swift.min(count, self.ready.count)
        for i in 0..<available { mix[i] += Int32(self.ready[i]) }
        self.ready.removeFirst(available)
        return !self.hasRunOut || !self.ready.isEmpty
    }

    /// Takes some samples and brings them to the rate that is wanted; `false` when there are none now.
    private mutating func pull(_ count: Int) -> Bool {
        self.piece.removeAll(keepingCapacity: true)
        switch self.content {
        case .samples(let samples, let next, let loops):
            let end = Swift.min(samples.count, next + count)
            self.piece.append(contentsOf: samples[next..<end])
            let isAtEnd = end == samples.count
            self.content = .samples(samples, next: isAtEnd && loops ? 0 : end, loops: loops)
            self.hasRunOut = isAtEnd && !loops
        case .stream(let samples, let next, let isClosed):
            let end = Swift.min(samples.count, next + count)
            self.piece.append(contentsOf: samples[next..<end])
            let isAtEnd = end == samples.count
            self.content = .stream(isAtEnd ? [] : samples, next: isAtEnd ? 0 : end, isClosed: isClosed)
            self.hasRunOut = isAtEnd && isClosed
        case .tone: break
        }
        guard !self.piece.isEmpty else { return false }
        guard var resampler else {
            self.ready.append(contentsOf: self.piece)
            return true
        }
        self.resampler = nil
        let piece = self.piece
        resampler.process(piece.span, into: &self.ready)
        self.resampler = resampler
        return true
    }
}
