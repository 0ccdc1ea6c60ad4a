import BiloxiKit
import Foundation
import Synchronization

/// The sound of the calls of a telephone: what is played to them, how loud they are, and the sound card where one is used.
final class PhoneSound: Sendable {
    /// A call that stands.
    private struct Line: Sendable {
        var tasks: [Task<Void, Never>]
        /// What the microphone gives, for the task that writes it; more than 100 ms of it do not wait.
        var microphone: AsyncStream<[Int16]>.Continuation?
        var isTalking = false
        var heard: Double?
        var sent: Double?
    }

    private let lines = Mutex<[String: Line]>([:])
    /// A WAV file that is played to each call, over and over; `nil` for silence.
    private let file: String?
    private let card: SoundCard?

    init(file: String?, card: SoundCard?) {
        (self.file, self.card) = (file, card)
        card?.start { [weak self] samples in self?.speak(samples) }
    }

    /// A call stands.
    func add(_ name: String, _ call: Call) {
        guard self.lines.withLock({ $0[name] == nil }) else { return }
        var tasks = [
            Task { for await frame in call.audio(sampleRate: SoundCard.rate) { self.hear(frame.samples, name) } },
            Task {
                for await frame in call.sentAudio() {
                    let level = Self.level(frame.samples)
                    self.lines.withLock { $0[name]?.sent = level }
                }
            },
        ]
        if let file { tasks.append(Task { try? await call.play(.file(file), loops: true) }) }
        var microphone: AsyncStream<[Int16]>.Continuation?
        if self.card != nil {
            let (pieces, continuation) = AsyncStream<[Int16]>.makeStream(bufferingPolicy: .bufferingNewest(5))
            let output = call.audioOutput(sampleRate: SoundCard.rate)
            tasks.append(Task { for await piece in pieces { try? await output.write(piece) } })
            microphone = continuation
        }
        self.lines.withLock { $0[name] = Line(tasks: tasks, microphone: microphone) }
    }

    /// A call is over.
    func remove(_ name: String) {
        let line = self.lines.withLock { $0.removeValue(forKey: name) }
        for task in line?.tasks ?? [] { task.cancel() }
        self.card?.forget(name)
    }

    /// The calls that are talked with by microphone and loudspeaker.
    func talk(with names: Set<String>) {
        self.lines.withLock { lines in
            for name in lines.keys { lines[name]?.isTalking = names.contains(name) }
        }
    }

    /// How loud a call is, in dB below the loudest.
    func levels(of name: String) -> (heard: Double?, sent: Double?) {
        self.lines.withLock { ($0[name]?.heard, $0[name]?.sent) }
    }

    func stop() {
        for name in self.lines.withLock({ Array($0.keys) }) { self.remove(name) }
        self.card?.stop()
    }

    private func hear(_ samples: [Int16], _ name: String) {
        let level = Self.level(samples)
        let isTalking = self.lines.withLock { lines in
            lines[name]?.heard = level
            return lines[name]?.isTalking ?? false
        }
        if isTalking { self.card?.play(samples, of: name) }
    }

    /// What the microphone gives.
    private func speak(_ samples: [Int16]) {
        let microphones = self.lines.withLock { $0.values.filter(\.isTalking).compactMap(\.microphone) }
        for microphone in microphones { microphone.yield(samples) }
    }

    /// The mean of a piece of sound against a square wave of full scale, in dB.
    static func level(_ samples: [Int16]) -> Double? {
        guard !samples.isEmpty else { return nil }
        let power = samples.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(samples.count)
        return power < 1 ? -96 : 10 * log10(power / (32_768 * 32_768))
    }
}
