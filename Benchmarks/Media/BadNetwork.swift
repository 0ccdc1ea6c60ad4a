import Glibc
import MediaEngine
import RTP
import SIPMessages

/// A network that loses and delays the packets of a sound file, in virtual time: what comes out is what a listener hears.
struct BadNetwork {
    let lossPercent: Int
    let jitterMilliseconds: Int64
    var random: UInt64

    init(lossPercent: Int, jitterMilliseconds: Int64, seed: UInt64) {
        (self.lossPercent, self.jitterMilliseconds) = (lossPercent, jitterMilliseconds)
        self.random = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    }

    private struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    private mutating func next(_ bound: Int64) -> Int64 {
        self.random = self.random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return bound <= 0 ? 0 : Int64(self.random >> 33) % bound
    }

    func play(_ source: String, to target: String) throws {
        var network = self
        let octets = try Self.read(source)
        let file = try WAVFile(octets.span)
        var resampler = Resampler(from: file.sampleRate, to: 8_000)
        var sound = file.mono
        if file.sampleRate != 8_000 {
            let input = sound
            sound = []
            resampler.process(input.span, into: &sound)
        }
        var arrivals: [(at: Int64, octets: [UInt8])] = []
        for i in 0..<(sound.count / 160) {
            var octets: [UInt8] = []
            RTPHeader(
                payloadType: 0, sequenceNumber: UInt16(truncatingIfNeeded: i),
                timestamp: UInt32(truncatingIfNeeded: 160 * i), ssrc: 1
            ).append(to: &octets)
            SampleCodec.pcmu.encode(sound.span.extracting((160 * i)..<(160 * i + 160)), into: &octets)
            let delay = 30_000 + network.next(self.jitterMilliseconds * 1_000)
            if network.next(100) >= Int64(self.lossPercent) { arrivals.append((Int64(i) * 20_000 + delay, octets)) }
        }
        arrivals.sort { $0.at < $1.at }
        var playout = AudioPlayout(.pcmu, sampleRate: 8_000)
        var output: [Int16] = []
        var next = 0
        for tick in 0..<Int64(sound.count / 160 + 25) {
            while next < arrivals.count, arrivals[next].at <= tick * 20_000 {
                let octets = arrivals[next].octets
                if let header = try? RTPHeader(parsing: octets.span) {
                    playout.insert(header, octets.span, at: MonotonicInstant(nanoseconds: arrivals[next].at * 1_000))
                }
                next += 1
            }
            playout.play(160, into: &output, at: MonotonicInstant(nanoseconds: tick * 20_000_000))
        }
        try Self.write(WAVFile(sampleRate: 8_000, samples: output).octets, to: target)
        let pattern = playout.buffer.pattern
        print(
            "lost \(pattern.lost) of \(pattern.expected); delay \(playout.buffer.targetTime.nanoseconds / 1_000_000) ms;",
            "stretched \(playout.addedSamples), shortened \(playout.removedSamples) samples")
    }

    private static func read(_ path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { throw Problem(description: "\(path) cannot be read") }
        defer { close(descriptor) }
        var octets: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = Glibc.read(descriptor, &buffer, buffer.count), count > 0 {
            octets.append(contentsOf: buffer.prefix(count))
        }
        return octets
    }

    private static func write(_ octets: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        guard descriptor >= 0 else { throw Problem(description: "\(path) cannot be written") }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, octets, octets.count) == octets.count else {
            throw Problem(description: "\(path) cannot be written")
        }
    }
}
