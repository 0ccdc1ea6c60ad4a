import CPortAudio
import Foundation
import Synchronization

/// Microphone and loudspeaker of this machine, by PortAudio, whose library is opened when they are wanted.
final class SoundCard: Sendable {
    /// Samples in a second, and in each piece that is read or written: 20 ms.
    static let rate = 16_000, piece = 320
    /// Samples of a call that wait for the loudspeaker at most, 200 ms, and before it begins to be heard, 60 ms: the sound
    /// card takes pieces when it likes, not when they come.
    private static let longestWait = 3_200, lead = 960

    /// What waits to be heard of a call, and whether it is being heard.
    private struct Waiting: Sendable {
        var samples: [Int16] = []
        var isPlaying = false
    }

    private struct State: Sendable {
        var waiting: [String: Waiting] = [:]
        var isStopped = false
        var threads = 2
    }

    /// The streams of PortAudio, which may be used by a thread each at the same time; set once, closed by the last thread.
    private struct Streams: @unchecked Sendable {
        let input: UnsafeMutableRawPointer?, output: UnsafeMutableRawPointer?
    }

    private let state = Mutex(State())
    private let streams: Streams

    /// Opens both.
    ///
    /// - Throws: `CommandError` when there is no such library, or no sound card.
    init() throws(CommandError) {
        var (input, output): (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) = (nil, nil)
        if let problem = cpa_open(Double(Self.rate), UInt(Self.piece), &input, &output) {
            throw CommandError(
                .failed,
                "--sound-card: \(String(cString: problem)); without it --play FILE is what others hear, and r records")
        }
        self.streams = Streams(input: input, output: output)
    }

    /// Lets what the microphone gives be told, piece by piece.
    func start(_ told: @escaping @Sendable ([Int16]) -> Void) {
        self.run("microphone") { card in
            var samples = [Int16](repeating: 0, count: Self.piece)
            guard cpa_read(card.streams.input, &samples, UInt(Self.piece)) == 0 else { return false }
            told(samples)
            return true
        }
        self.run("loudspeaker") { card in
            cpa_write(card.streams.output, card.next(), UInt(Self.piece)) == 0
        }
    }

    /// Lets something of a call be heard.
    func play(_ samples: [Int16], of name: String) {
        self.state.withLock { state in
            var waiting = state.waiting.removeValue(forKey: name) ?? Waiting()
            waiting.samples += samples
            let excess = waiting.samples.count - Self.longestWait
            if excess > 0 { waiting.samples.removeFirst(excess) }
            if waiting.samples.count >= Self.lead { waiting.isPlaying = true }
            state.waiting[name] = waiting
        }
    }

    /// A call has ended: what is left of its sound, less than is waited for, is heard no more.
    func forget(_ name: String) {
        self.state.withLock { if $0.waiting[name]?.isPlaying != true { $0.waiting[name] = nil } }
    }

    func stop() { self.state.withLock { $0.isStopped = true } }

    /// The next piece for the loudspeaker: all calls mixed.
    private func next() -> [Int16] {
        self.state.withLock { state in
            var mix = [Int32](repeating: 0, count: Self.piece)
            for (name, waiting) in state.waiting where waiting.isPlaying {
                for (i, sample) in waiting.samples.prefix(Self.piece).enumerated() { mix[i] += Int32(sample) }
                // What has run dry gathers its lead anew.
                state.waiting[name] =
                    waiting.samples.count > Self.piece
                    ? Waiting(samples: Array(waiting.samples.dropFirst(Self.piece)), isPlaying: true) : nil
            }
            return mix.map { Int16(clamping: $0) }
        }
    }

    /// Does something again and again on a thread of its own, until it is stopped or the sound card has gone.
    private func run(_ name: String, _ step: @escaping @Sendable (SoundCard) -> Bool) {
        let thread = Thread {
            while !self.state.withLock({ $0.isStopped }), step(self) {}
            let isLast = self.state.withLock { state in
                state.threads -= 1
                return state.threads == 0
            }
            if isLast { cpa_close(self.streams.input, self.streams.output) }
        }
        thread.name = name
        thread.start()
    }
}
