import AudioCodecs
import Glibc  // Rounding, which MediaEngine uses, lies in its library of mathematics.
import MediaEngine
import MediaKeying
import RTP
import SIPMessages
import SRTP

/// Measures what 20 ms of a channel cost: codecs, SRTP, mixing, resampling, the jitter buffer.
///
///     biloxi-codecbench [NAME]      nanoseconds for 20 ms, and the channels that a core holds
@main
struct CodecBenchmark {
    static func main() throws {
        let only = CommandLine.arguments.dropFirst().first
        print("operation", "ns for 20 ms", "channels a core", separator: "\t")
        for codec in AudioCodecCatalogue.all.codecs where codec.encoding.name != "L16" {
            try Self.measure(codec, only)
        }
        try Self.measureSRTP(only)
        Self.measureMixing(only)
        for (from, to) in [(8_000, 16_000), (8_000, 48_000), (48_000, 8_000), (44_100, 8_000)] {
            var resampler = Resampler(from: from, to: to)
            let sound = Self.voice(from / 50)
            var output: [Int16] = []
            Self.measure("resample \(from) to \(to)", only) {
                output.removeAll(keepingCapacity: true)
                resampler.process(sound.span, into: &output)
            }
        }
        Self.measurePlayout(only)
    }

    /// Something like speech: a sawtooth with noise.
    private static func voice(_ count: Int) -> [Int16] {
        var random: UInt64 = 1
        return (0..<count).map { i in
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int16(truncatingIfNeeded: (i % 80) * 100 - 4_000 + Int(random >> 54))
        }
    }

    private static func measure(_ codec: AudioCodec, _ only: String?) throws {
        let (encoder, decoder) = (try codec.makeEncoder(), try codec.makeDecoder())
        let milliseconds =
            codec.encoding.frameMilliseconds == 0 ? 20 : codec.encoding.frameMilliseconds
        let sound = Self.voice(codec.encoding.sampleRate * milliseconds / 1_000)
        var (payload, output): ([UInt8], [Int16]) = ([], [])
        _ = encoder.encode(sound.span, into: &payload)
        let kept = payload
        Self.measure("\(codec.encoding.name) encode", milliseconds: milliseconds, only) {
            payload.removeAll(keepingCapacity: true)
            _ = encoder.encode(sound.span, into: &payload)
        }
        Self.measure("\(codec.encoding.name) decode", milliseconds: milliseconds, only) {
            output.removeAll(keepingCapacity: true)
            decoder.decode(kept.span, into: &output)
        }
    }

    private static func measureSRTP(_ only: String?) throws {
        for suite in [SRTPSuite.aes128CMSHA1Tag80, .aeadAES128GCM, .aeadAES256GCM] {
            let key = SRTPMasterKey((0..<UInt8(suite.keyOctets + suite.saltOctets)).map { $0 })
            let (sender, receiver) = (
                try SRTPSession(SRTPAgreement(suite, local: key, remote: key)),
                try SRTPSession(SRTPAgreement(suite, local: key, remote: key))
            )
            var packet: [UInt8] = []
            packet.reserveCapacity(256)
            var number: UInt16 = 0
            // A packet there and back: what one direction of each of two calls costs.
            Self.measure("\(suite.rawValue) protect and unprotect", only) {
                packet.removeAll(keepingCapacity: true)
                RTPHeader(payloadType: 0, sequenceNumber: number, timestamp: 0, ssrc: 1).append(to: &packet)
                packet.append(contentsOf: repeatElement(0x55, count: 160))
                number &+= 1
                try? sender.protect(&packet)
                try? receiver.unprotect(&packet)
            }
        }
    }

    private static func measureMixing(_ only: String?) {
        for participants in [3, 32] {
            var mixer = Mixer()
            let voices = [[Int16]](repeating: Self.voice(160), count: participants)
            var heard: [[Int16]] = []
            Self.measure("mixing, each of \(participants)", parts: participants, only) {
                mixer.mix(voices, into: &heard)
            }
        }
    }

    private static func measurePlayout(_ only: String?) {
        for loss in [0, 10] {
            var playout = AudioPlayout(.pcmu, sampleRate: 8_000)
            var (payload, samples): ([UInt8], [Int16]) = ([], [])
            SampleCodec.pcmu.encode(Self.voice(160).span, into: &payload)
            var packet = [UInt8](repeating: 0, count: 12) + payload
            var i = 0
            Self.measure("jitter buffer and playout, loss \(loss) %", only) {
                let now = MonotonicInstant(nanoseconds: Int64(i) * 20_000_000)
                if loss == 0 || i % loss != 0 {
                    var span = packet.mutableSpan
                    RTPHeader(
                        payloadType: 0, sequenceNumber: UInt16(truncatingIfNeeded: i),
                        timestamp: UInt32(truncatingIfNeeded: 160 * i), ssrc: 7
                    ).write(to: &span)
                    if let read = try? RTPHeader(parsing: packet.span) { playout.insert(read, packet.span, at: now) }
                }
                samples.removeAll(keepingCapacity: true)
                playout.play(160, into: &samples, at: now)
                i += 1
            }
        }
    }

    /// The least of seven rounds.
    private static func measure(
        _ name: String, milliseconds: Int = 20, parts: Int = 1, _ only: String?, _ body: () -> Void
    ) {
        guard only.map({ name.hasPrefix($0) }) ?? true else { return }
        let clock = ContinuousClock()
        func run(_ times: Int) { for _ in 0..<times { body() } }
        var times = 10
        while clock.measure({ run(times) }) < .milliseconds(20) { times *= 2 }
        let best = (0..<7).map { _ in clock.measure { run(times) } }.min() ?? .zero
        let each = best / .nanoseconds(1) / Double(times) / Double(parts) * 20 / Double(milliseconds)
        print(name, Int(each), Int(20_000_000 / each), separator: "\t")
    }
}
