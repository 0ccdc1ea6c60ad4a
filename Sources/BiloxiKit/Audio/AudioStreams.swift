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
    /// Ends the listening when nobody holds the sequence or an iterator of it any more.
    final class Tap: Sendable {
        let channel = Channel<AudioFrame>(limit: 250)
        private let core: CallCore
        private let number = Mutex<UInt64>(0)

        init(_ call: Call, rate: Int, ofOwn isOwn: Bool) {
            self.core = call.core
            let resampler = Mutex<(from: Int, resampler: Resampler)?>(nil)
            let channel = self.channel
            let number = call.audio.addListener(toOwn: isOwn) { samples, source in
                var output = samples
                if source != rate {
                    resampler.withLock { known in
                        var current = known?.from == source ? known?.resampler : nil
                        if current == nil { current = Resampler(from: source, to: rate) }
                        output.removeAll(keepingCapacity: true)
                        current?.process(samples.span, into: &output)
                        known = current.map { (source, $0) }
                    }
                }
                channel.send(AudioFrame(samples: output, sampleRate: rate))
            }
            self.number.withLock { $0 = number }
            call.core.end.whenKept { [weak channel] _ in channel?.close() }
        }

        deinit {
            self.core.line.audio.removeListener(self.number.withLock { $0 })
            self.channel.close()
        }
    }

    private let tap: Tap

    init(_ call: Call, rate: Int, ofOwn isOwn: Bool = false) { self.tap = Tap(call, rate: rate, ofOwn: isOwn) }

    /// Takes pieces of sound.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let tap: Tap

        /// The next piece; `nil` after the end of the call, and when the task is cancelled.
        public mutating func next() async -> AudioFrame? { await self.tap.channel.next() }

        /// The next piece; `nil` after the end of the call, and when the task is cancelled.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(Never) -> AudioFrame? {
            await self.tap.channel.next()
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
        var file = try WAVWriter(path, rate: sampleRate)
        for await frame in self.audio(sampleRate: sampleRate) { try file.append(frame.samples) }
        try file.finish()
    }
}
