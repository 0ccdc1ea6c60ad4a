import MediaEngine
import RTP
import SDP
import SIPMessages
import Testing

@testable import AudioCodecs

@Suite("Codecs: there and back")
struct RoundTripTests {
    /// A codec, what a packet of it holds, and how well it has to sound.
    struct Case: CustomTestStringConvertible {
        var name: String
        var codec: AudioCodec
        var milliseconds = 20
        var octets: ClosedRange<Int>
        var ticks: UInt32
        var signalToNoise: Double

        var testDescription: String { "\(self.name), \(self.milliseconds) ms" }
    }

    static let cases: [Case] = [
        Case(name: "PCMU", codec: .pcmu, octets: 160...160, ticks: 160, signalToNoise: 33),
        Case(name: "PCMA", codec: .pcma, milliseconds: 30, octets: 240...240, ticks: 240, signalToNoise: 33),
        Case(name: "L16", codec: .l16(sampleRate: 16_000), octets: 640...640, ticks: 320, signalToNoise: 90),
        Case(name: "G722", codec: .g722, octets: 160...160, ticks: 160, signalToNoise: 11),
        Case(name: "opus", codec: .opus(), octets: 3...400, ticks: 960, signalToNoise: 8),
        Case(
            name: "opus 16k", codec: .opus(sampleRate: 16_000), milliseconds: 60, octets: 3...600, ticks: 2_880,
            signalToNoise: 8),
        Case(
            name: "opus 8k", codec: .opus(sampleRate: 8_000), milliseconds: 10, octets: 3...200, ticks: 480,
            signalToNoise: 3),
        Case(name: "G729", codec: .g729(hasSilence: false), octets: 20...20, ticks: 160, signalToNoise: 5),
        Case(name: "G729 annex B", codec: .g729(), octets: 2...20, ticks: 160, signalToNoise: 4),
        Case(name: "G723", codec: .g7231, milliseconds: 30, octets: 24...24, ticks: 240, signalToNoise: 2.5),
    ]

    /// The packets that a sender makes of a sound.
    static func packets(_ sound: [Int16], _ codec: AudioCodec, milliseconds: Int, peer: MediaFormat? = nil) throws
        -> [[UInt8]]
    {
        var sender = AudioSender(
            codec.encoding, encoder: try codec.makeEncoder(for: peer, packetMilliseconds: milliseconds),
            labels: .init(payloadType: 96), packetMilliseconds: milliseconds, ssrc: 1, sequenceNumber: 65_530,
            timestamp: 0xFFFF_F000)
        var packets: [[UInt8]] = []
        for start in stride(from: 0, to: sound.count, by: 123) {
            sender.send(sound.span.extracting(start..<Swift.min(sound.count, start + 123))) { header, payload in
                var octets: [UInt8] = []
                header.append(to: &octets)
                for i in 0..<payload.count { octets.append(payload[i]) }
                packets.append(octets)
            }
        }
        return packets
    }

    @Test(
        "Through packets and the jitter buffer a voice stays what it is, at the rate of its timestamps",
        arguments: cases)
    func roundTrip(_ this: Case) throws {
        let rate = this.codec.encoding.sampleRate
        let sound = Voice.samples(2 * rate, rate: rate)
        let packets = try Self.packets(sound, this.codec, milliseconds: this.milliseconds)
        let headers = try packets.map { try RTPHeader(parsing: $0.span) }
        #expect(headers.first?.hasMarker == true)
        for (header, next) in zip(headers, headers.dropFirst()) {
            #expect(next.sequenceNumber == header.sequenceNumber &+ 1)
            // What is longer is a pause of annex B.
            #expect(next.timestamp &- header.timestamp >= this.ticks / 2)
        }
        #expect(headers.filter { this.octets.contains($0.payload.count) }.count == headers.count)
        #expect(zip(headers, headers.dropFirst()).contains { $1.timestamp &- $0.timestamp == this.ticks })

        var playout = AudioPlayout(this.codec.encoding, decoder: try this.codec.makeDecoder())
        var heard: [Int16] = []
        let first = try #require(headers.first?.timestamp)
        for (header, octets) in zip(headers, packets) {
            // Each comes when its sound has been spoken.
            let ticks = Int64(header.timestamp &- first)
            let sent = ticks * 1_000_000_000 / Int64(this.codec.encoding.clockRate)
            while heard.count < Int(sent * Int64(rate) / 1_000_000_000) {
                let now = MonotonicInstant(nanoseconds: Int64(heard.count) * 1_000_000_000 / Int64(rate))
                playout.play(rate / 100, into: &heard, at: now)
            }
            playout.insert(header, octets.span, at: MonotonicInstant(nanoseconds: sent))
        }
        #expect(playout.buffer.pattern.lost == 0)
        // Up to the first pause, after which the delay may be another one.
        let speech = Array(sound.prefix(rate * 9 / 10))
        let quality = Voice.signalToNoise(speech, heard, within: (rate / 100)..<(rate / 5))
        #expect(quality >= this.signalToNoise)
    }

    @Test("A codec's encoder and decoder without packets between")
    func plain() throws {
        for codec in AudioCodecCatalogue.all.codecs {
            let milliseconds = codec.encoding.packetMilliseconds()
            let (encoder, decoder) = (try codec.makeEncoder(), try codec.makeDecoder())
            let frame = codec.encoding.frameMilliseconds == 0 ? milliseconds : codec.encoding.frameMilliseconds
            let samples = Voice.samples(codec.encoding.sampleRate * frame / 1_000, rate: codec.encoding.sampleRate)
            var (payload, heard): ([UInt8], [Int16]) = ([7], [8])
            #expect(encoder.encode(samples.span, into: &payload) == .sound)
            #expect(payload.first == 7)
            decoder.decode(payload.span.extracting(1..<payload.count), into: &heard)
            #expect(heard.first == 8)
            #expect(heard.count == 1 + samples.count)
        }
    }

    @Test("Whatever octets come, every decoder goes on, and makes no more than 120 ms of them", arguments: 0..<40)
    func anything(seed: Int) throws {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        func random(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        for codec in [AudioCodec.opus(), .g722, .g729(), .g7231] {
            let decoder = try codec.makeDecoder()
            for _ in 0..<50 {
                let octets = (0..<random(160)).map { _ in UInt8(truncatingIfNeeded: random(256)) }
                var samples: [Int16] = []
                decoder.decode(octets.span, into: &samples)
                #expect(samples.count <= codec.encoding.sampleRate * 120 / 1_000 + 240 * octets.count)
                _ = decoder.conceal(codec.encoding.sampleRate / 50, following: octets.span, into: &samples)
                _ = decoder.rest(codec.encoding.sampleRate / 50, into: &samples)
            }
        }
    }
}
