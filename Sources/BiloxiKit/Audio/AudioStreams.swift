import MediaEngine
import MediaTransport
import Synchronization

/// A piece of sound: one channel, 16 bits.
public struct AudioFrame: Hashable, Sendable {
    /// The samples.
    public let samples: [Int16]
    /// Samples in a second.
    public let sampleRate: Int
}

/// What is heard in a call, packet by packet, silence included, until the call is over.
///
/// Who reads slower than it comes misses the oldest: up to five seconds wait.
public struct AudioInput: AsyncSequence, Sendable {
    /// What has been heard and not been told yet: at the rate that is wanted, in pieces that are long enough.
    private final class Gatherer: Sendable {
        private struct State: Sendable {
            var resampler: (from: Int, resampler: Resampler)?
            var samples: [Int16] = []
        }

        let channel: Channel<AudioFrame>
        private let state = Mutex(State())
        private let rate: Int
        private let least: Int

        init(rate: Int, least: Int) {
            (self.rate, self.least) = (rate, least)
            self.channel = Channel(limit: least == 0 ? 250 : 10)
        }

        /// Takes what is heard, on a thread of the media.
        func hear(_ heard: [Int16], at source: Int) {
            let piece: [Int16]? = self.state.withLock { state in
                if source == self.rate, self.least == 0 { return heard }
                if source == self.rate {
                    state.samples += heard
                } else {
                    var current = state.resampler?.from == source ? state.resampler?.resampler : nil
                    if current == nil { current = Resampler(from: source, to: self.rate) }
                    state.resampler = nil
                    current?.process(heard.span, into: &state.samples)
                    state.resampler = current.map { (source, $0) }
                }
                guard state.samples.count >= self.least else { return nil }
                defer { state.samples = [] }
                return state.samples
            }
            if let piece { self.channel.send(AudioFrame(samples: piece, sampleRate: self.rate)) }
        }

        /// What is left, that is too short for a piece of its own.
        func rest() -> [Int16] {
            self.state.withLock { state in
                defer { state.samples = [] }
                return state.samples
            }
        }
    }

    /// Ends the listening when nobody holds the sequence or an iterator of it any more.
    final class Tap: Sendable {
        private let gatherer: Gatherer
        private let core: CallCore
        private let number: UInt64

        init(_ call: Call, rate: Int, ofOwn isOwn: Bool, least: Int) {
            self.core = call.core
            let gatherer = Gatherer(rate: rate, least: least)
            self.gatherer = gatherer
            self.number = call.audio.addListener(toOwn: isOwn) { samples, source in gatherer.hear(samples, at: source) }
            call.core.end.whenKept { [weak gatherer] _ in gatherer?.channel.close() }
        }

        deinit {
            self.core.line.audio.removeListener(self.number)
            self.gatherer.channel.close()
        }

        func next() async -> AudioFrame? { await self.gatherer.channel.next() }

        func rest() -> [Int16] { self.gatherer.rest() }
    }

    private let tap: Tap

    /// - Parameter least: Samples that a piece has at least, for who needs no piece at once; with 0 each packet is one. Ten
    ///   such pieces wait.
    init(_ call: Call, rate: Int, ofOwn isOwn: Bool = false, least: Int = 0) {
        self.tap = Tap(call, rate: rate, ofOwn: isOwn, least: least)
    }

    /// After the end, or whenever no more is waited for: what was too short for a piece of its own.
    func rest() -> [Int16] { self.tap.rest() }

    /// Takes pieces of sound.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let tap: Tap

        /// The next piece; `nil` after the end of the call, and when the task is cancelled.
        public mutating func next() async -> AudioFrame? { await self.tap.next() }

        /// The next piece; `nil` after the end of the call, and when the task is cancelled.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(Never) -> AudioFrame? {
            await self.tap.next()
        }
    }

    /// Begins to take.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(tap: self.tap) }
}

/// Sound on its way out, written while it is played.
public struct AudioOutput: Sendable {
    private let call: Call
    private let number: UInt64

    init(_ call: Call, rate: Int) {
        self.call = call
        self.number = call.audio.play(SoundSource(streamAt: rate))
    }

    /// Writes samples. While half a second and more waits to be sent, it waits: so a writer that is faster than time does
    /// not run ahead.
    ///
    /// - Throws: `SIPError` when the call is over; `CancellationError`.
    public func write(_ samples: [Int16]) async throws {
        if let error = self.call.core.end.current { throw error }
        let room = self.call.core.room(self.number)
        guard !self.call.audio.write(samples, to: self.number) else { return }
        if await room.value() == nil { throw CancellationError() }
        if let error = self.call.core.end.current { throw error }
    }

    /// Lets it end; returns when the last sample was sent.
    ///
    /// - Throws: `SIPError` when the call is over; `CancellationError`.
    public func finish() async throws {
        self.call.audio.closeSound(self.number)
        switch await self.call.core.endOfSound(self.number).value() {
        case .success?: return
        case .failure(let error)?: throw error
        case nil: throw CancellationError()
        }
    }

    /// Drops what has not been sent: for an interruption.
    public func stop() { self.call.audio.endSound(self.number) }
}

extension Call {
    /// What is heard, at the rate that is wanted.
    public func audio(sampleRate: Int = 8_000) -> AudioInput { AudioInput(self, rate: sampleRate) }

    /// What the other side is sent, at the rate that is wanted: all that is played, mixed, or silence while it is muted.
    public func sentAudio(sampleRate: Int = 8_000) -> AudioInput { AudioInput(self, rate: sampleRate, ofOwn: true) }

    /// A stream of sound to write to, at any rate.
    public func audioOutput(sampleRate: Int = 8_000) -> AudioOutput { AudioOutput(self, rate: sampleRate) }

    /// Records what is heard into a WAV file until the call is over or the task is cancelled.
    ///
    /// - Throws: `SIPError`: `media`, when the file cannot be written.
    public func record(to path: String, sampleRate: Int = 8_000) async throws {
        // A second at a time: to wake a task and to write for each packet costs more than all else that is done with it.
        let input = AudioInput(self, rate: sampleRate, least: sampleRate)
        var file = try WAVWriter(path, rate: sampleRate)
        for await piece in input { try file.append(piece.samples) }
        try file.append(input.rest())
        try file.finish()
    }
}
