import ArgumentParser
import BiloxiKit
import Foundation
import Synchronization

/// What to do in a call, and what to expect of it.
struct CallScript: ParsableArguments {
    @Option(help: ArgumentHelp("A WAV file to play; without --for the call ends with it.", valueName: "file"))
    var play: String?

    @Option(help: ArgumentHelp("A tone to play: 440, or 440+480.", valueName: "hz"))
    var tone: String?

    @Option(help: ArgumentHelp("A WAV file for what is heard.", valueName: "file"))
    var record: String?

    @Option(help: ArgumentHelp("Keys to send: 0-9, *, #, A-D; a comma waits a second.", valueName: "keys"))
    var dtmf: String?

    @Option(
        name: .customLong("for"), help: ArgumentHelp("How long the call lasts once it is answered.", valueName: "time"))
    var length: TimeOption?

    @Option(help: ArgumentHelp("When to hold the other side.", valueName: "time"))
    var holdAt: TimeOption?

    @Option(help: ArgumentHelp("How long to hold it.", valueName: "time"))
    var holdFor = TimeOption(.seconds(2))

    @Option(help: ArgumentHelp("A WAV file that the other side hears while it is held.", valueName: "file"))
    var holdMusic: String?

    @Flag(help: "Call whom the other side transfers us to, and go on with it; otherwise that is refused.")
    var followTransfers = false

    @Flag(help: "Fail with 8 when nothing but silence is heard.")
    var expectAudio = false

    @Option(
        name: .customLong("expect-dtmf"), help: ArgumentHelp("Fail with 8 unless these keys come.", valueName: "keys"))
    var expectDTMF: String?

    @Option(
        name: .customLong("min-mos"),
        help: ArgumentHelp("Fail with 8 when it sounds worse: 1 to 4.5.", valueName: "score"))
    var minMOS: Double?

    /// The sound to play, if any.
    func sound() throws(CommandError) -> Sound? {
        if let play { return .file(play) }
        guard let tone else { return nil }
        let frequencies = tone.split(separator: "+").compactMap { Double($0) }
        switch frequencies.count {
        case 1: return .tone(frequencies[0])
        case 2: return .tone(frequencies[0], frequencies[1])
        default: throw CommandError(.usage, "--tone \(tone): write 440, or 440+480")
        }
    }

    /// Does all of it in a call that stands, until the call is over, and prints what happens.
    ///
    /// - Parameters:
    ///   - echoes: Whether what is heard goes back.
    ///   - conclusion: What is done at the end, before the call is hung up.
    /// - Throws: `CommandError` when an expectation is not met; `SIPError`, `CancellationError`.
    func run(
        _ call: Call, _ output: Output, echoes: Bool = false,
        conclusion: @escaping @Sendable (Call) async throws -> Void = { _ in }
    ) async throws {
        let keys = PressedKeys()
        let start = ContinuousClock.now
        let sound = try self.sound()
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await withDiscardingTaskGroup { transfers in
                        for await event in call.events {
                            if case .digit(let digit) = event { keys.append(digit.key) }
                            if case .transferRequested(let transfer) = event {
                                transfers.addTask { await self.take(transfer, output) }
                            }
                            Self.report(event, output)
                        }
                    }
                }
                if let record { group.addTask { try await call.record(to: record) } }
                if echoes {
                    group.addTask {
                        let back = call.audioOutput()
                        try await Self.untilEnd {
                            for await frame in call.audio() { try await back.write(frame.samples) }
                        }
                    }
                }
                group.addTask {
                    try await Self.untilEnd {
                        try await self.act(in: call, sound, keys)
                        try await conclusion(call)
                    }
                    await call.hangUp()
                }
                try await group.waitForAll()
            }
        } catch {
            await call.hangUp()
            throw error
        }
        let quality = call.quality()
        Self.report(quality, length: ContinuousClock.now - start, call, output)
        try self.judge(quality, keys: keys.text, call)
    }

    /// Follows a transfer, or refuses it.
    private func take(_ transfer: IncomingTransfer, _ output: Output) async {
        guard self.followTransfers else {
            transfer.refuse()
            return output.emit(
                "transferRefused", ["target": .string(transfer.target)],
                text: "not done: --follow-transfers lets us follow")
        }
        do {
            try await transfer.follow()
        } catch {
            output.emit(
                "transferFailed", ["target": .string(transfer.target), "reason": .string("\(error)")],
                text: "the transfer to \(transfer.target) came to nothing: \(error)")
        }
    }

    /// Does something until it is done or the call is over: that the other side hangs up first is no error.
    private static func untilEnd(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as SIPError where error.code == .ended {
            return
        }
    }

    /// The script itself; returns when the call may end.
    private func act(in call: Call, _ sound: Sound?, _ keys: PressedKeys) async throws {
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Bool.self) { group in
            // Each says whether the call may end with it.
            var deeds = 0
            if let sound {
                let isEndless = self.play == nil
                if !isEndless { deeds += 1 }
                group.addTask {
                    try await call.play(sound)
                    return !isEndless
                }
            }
            if let dtmf {
                deeds += 1
                group.addTask {
                    try await Task.sleep(for: .milliseconds(500))
                    try await Self.send(dtmf, in: call)
                    return true
                }
            }
            if let holdAt {
                deeds += 1
                group.addTask {
                    try await Task.sleep(for: holdAt.duration)
                    try await call.hold(playing: self.holdMusic.map { .file($0) })
                    try await Task.sleep(for: self.holdFor.duration)
                    try await call.resume()
                    return true
                }
            }
            if let length {
                group.addTask {
                    try await Task.sleep(until: start + length.duration, clock: .continuous)
                    return false
                }
            }
            group.addTask {
                await call.ended()
                throw call.end ?? SIPError(.ended, "the call was given up")
            }
            defer { group.cancelAll() }
            let waitsForKeys = self.expectDTMF != nil && self.length == nil
            if deeds == 0, self.length == nil, !waitsForKeys {
                // Nothing to do but to listen, until the other side hangs up.
                _ = try await group.next()
                return
            }
            while let isDeed = try await group.next() {
                if !isDeed {
                    guard self.length != nil else { continue }
                    return
                }
                deeds -= 1
                if deeds == 0, self.length == nil { break }
            }
            if waitsForKeys {
                // Keys that are still to come get some seconds.
                for _ in 0..<100 where !keys.text.contains(self.expectDTMF ?? "") {
                    try await Task.sleep(for: .milliseconds(100))
                }
            }
        }
    }

    private static func send(_ keys: String, in call: Call) async throws {
        for (i, part) in keys.split(separator: ",", omittingEmptySubsequences: false).enumerated() {
            if i > 0 { try await Task.sleep(for: .seconds(1)) }
            try await call.send(digits: String(part))
        }
    }

    // MARK: Expectations

    private func judge(_ quality: CallQuality, keys: String, _ call: Call) throws(CommandError) {
        if self.expectAudio, quality.heard < .milliseconds(200) {
            let sent = "\(quality.sent) packets of ours went to \(quality.destination ?? "nowhere")"
            throw CommandError(
                .mediaExpectation,
                quality.received == 0
                    ? "no audio came from \(call.peer): not one packet; \(sent). A firewall or NAT may be between"
                    : "only silence came from \(call.peer): \(quality.received) packets from \(quality.source ?? "?")")
        }
        if let expected = self.expectDTMF, !keys.contains(expected) {
            let came = keys.isEmpty ? "none came" : "\(keys) came"
            throw CommandError(.mediaExpectation, "the keys \(expected) were expected, \(came)")
        }
        if let minimum = self.minMOS, quality.mos < minimum {
            throw CommandError(
                .mediaExpectation,
                String(
                    format: "it sounded like MOS %.2f, below %.2f: %.1f %% lost", quality.mos, minimum,
                    quality.lossPercent))
        }
    }
}

/// The keys that have come so far.
private final class PressedKeys: Sendable {
    private let keys = Mutex("")

    var text: String { self.keys.withLock { $0 } }

    func append(_ key: Character) { self.keys.withLock { $0.append(key) } }
}
