import RTP
import SIPMessages
import Testing

@testable import MediaEngine

@Suite("Playing a stream: jitter, loss, drift")
struct PlayoutTests {
    /// A network in virtual time that delays, loses and reorders by a seed.
    struct Network {
        var state: UInt64
        var lossPercent = 0
        var jitter: Int64 = 0

        init(seed: UInt64, lossPercent: Int = 0, jitter: Int64 = 0) {
            self.state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
            (self.lossPercent, self.jitter) = (lossPercent, jitter)
        }

        mutating func random(_ bound: Int64) -> Int64 {
            self.state = self.state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return bound <= 0 ? 0 : Int64(self.state >> 33) % bound
        }
    }

    struct Result {
        var samples: [Int16] = []
        var playout = AudioPlayout(.l16, sampleRate: 8_000)
    }

    /// Sends `sound` in packets of 20 ms over the network and plays it with a clock that is `drift` millionths faster.
    static func play(_ sound: [Int16], over network: Network, drift: Int64 = 0) -> Result {
        var network = network
        var result = Result()
        var arrivals: [(at: Int64, octets: [UInt8])] = []
        for i in 0..<(sound.count / 160) {
            var octets: [UInt8] = []
            RTPHeader(
                payloadType: 11, sequenceNumber: UInt16(truncatingIfNeeded: 65_500 + i),
                timestamp: UInt32(truncatingIfNeeded: 160 * i) &- 4_000, ssrc: 1
            ).append(to: &octets)
            SampleCodec.l16.encode(sound.span.extracting((160 * i)..<(160 * i + 160)), into: &octets)
            let delay = 30_000 + network.random(network.jitter * 1_000)
            if network.random(100) >= Int64(network.lossPercent) {
                arrivals.append((Int64(i) * 20_000 + delay, octets))
            }
        }
        arrivals.sort { $0.at < $1.at }
        var next = 0
        var tick: Int64 = 0
        let step = 20_000 - 20 * drift / 1_000
        while tick < Int64(sound.count / 160) * 20_000 {
            while next < arrivals.count, arrivals[next].at <= tick {
                let octets = arrivals[next].octets
                if let header = try? RTPHeader(parsing: octets.span) {
                    result.playout.insert(
                        header, octets.span, at: MonotonicInstant(nanoseconds: arrivals[next].at * 1_000))
                }
                next += 1
            }
            result.playout.play(160, into: &result.samples, at: MonotonicInstant(nanoseconds: tick * 1_000))
            tick += step
        }
        return result
    }

    static let tone = ToneTests.samples(Tone([400]), 80_000)

    /// Steps between neighbours that a clean tone of 400 Hz at -13 dBm0 cannot have: each is a click.
    static func clicks(_ samples: [Int16]) -> Int {
        let peak = 32_767 * Trigonometry.amplitude(decibels: -16.14)
        let limit = Int(peak * 2 * Double.pi * 400 / 8_000 * 2)
        return zip(samples, samples.dropFirst()).filter { abs(Int($0) - Int($1)) > limit }.count
    }

    @Test("Through an even network the sound comes out as it went in, 40 ms after the first packet")
    func clean() throws {
        let result = Self.play(Self.tone, over: Network(seed: 1))
        let start = try #require(result.samples.firstIndex { $0 != 0 })
        #expect(start / 8 >= 70 && start / 8 <= 90)
        let aligned = result.samples[(start - 1)...].prefix(8_000)
        #expect(Array(aligned) == Array(Self.tone.prefix(8_000)))
        #expect(result.playout.buffer.pattern.lost == 0)
        #expect(Self.clicks(result.samples) == 0)
    }

    @Test("With jitter of 60 ms and nothing lost, the delay grows and nearly nothing is missing", arguments: 1...20)
    func jitter(seed: UInt64) {
        let result = Self.play(Self.tone, over: Network(seed: seed, jitter: 60))
        #expect(result.playout.buffer.pattern.lost <= 15)  // of 500
        #expect(result.playout.buffer.targetTime >= .milliseconds(50))
        #expect(result.playout.buffer.targetTime <= .milliseconds(90))
        #expect(Self.clicks(Array(result.samples.dropFirst(16_000))) <= 10)
    }

    @Test("Lost packets are filled without clicks, and one loss is not two", arguments: 1...20)
    func loss(seed: UInt64) {
        let result = Self.play(Self.tone, over: Network(seed: seed, lossPercent: 10))
        let pattern = result.playout.buffer.pattern
        #expect(pattern.lost >= 20 && pattern.lost <= 80)
        #expect(pattern.lost + pattern.received >= 490)
        // A tone of 400 Hz, concealed, goes on: no 5 ms of it are silent, where not three packets in a row are lost.
        let body = Array(result.samples.dropFirst(4_000).dropLast(4_000))
        let quiet = stride(from: 0, to: body.count - 40, by: 40).filter { i in
            body[i..<(i + 40)].allSatisfy { abs($0) < 500 }
        }
        #expect(quiet.count <= 40)
        #expect(Self.clicks(body) <= Int(pattern.lost) / 4)
    }

    @Test("A clock that is 1000 ppm fast or slow is followed, and the delay stays", arguments: [-1_000, 1_000])
    func drift(drift: Int64) {
        let sound = ToneTests.samples(Tone([400]), 8_000 * 120)
        let result = Self.play(sound, over: Network(seed: 1), drift: drift)
        #expect(result.playout.buffer.pattern.lost <= 3)
        // 120 ms in two minutes.
        let moved = result.playout.addedSamples - result.playout.removedSamples
        let expected = drift > 0 ? 200...1_400 : -1_400...(-200)
        #expect(expected.contains(moved))
        #expect(Self.clicks(Array(result.samples.dropFirst(8_000))) <= 3)
    }

    @Test("A pause in timestamps is silence, not loss (RFC 3551 §4.1)")
    func silenceSuppression() throws {
        var playout = AudioPlayout(.pcmu, sampleRate: 8_000)
        var samples: [Int16] = []
        for i in 0..<20 {
            var octets: [UInt8] = []
            let timestamp = UInt32(160 * i + (i >= 10 ? 8_000 : 0))
            RTPHeader(payloadType: 0, sequenceNumber: UInt16(i), timestamp: timestamp, ssrc: 1).append(to: &octets)
            octets += [UInt8](repeating: 0x80, count: 160)
            let now = MonotonicInstant(nanoseconds: Int64(timestamp) * 125_000)
            playout.insert(try RTPHeader(parsing: octets.span), octets.span, at: now)
        }
        for tick in 0..<80 {
            playout.play(160, into: &samples, at: MonotonicInstant(nanoseconds: Int64(tick) * 20_000_000))
        }
        #expect(playout.buffer.pattern.lost == 0)
        #expect(playout.buffer.pattern.received == 20)
    }

    @Test("Whatever comes, the buffer holds what it has room for and plays on", arguments: 1...50)
    func anything(seed: UInt64) {
        var network = Network(seed: seed)
        var playout = AudioPlayout(.pcma, sampleRate: 8_000)
        var samples: [Int16] = []
        for i in 0..<2_000 {
            var octets: [UInt8] = []
            RTPHeader(
                payloadType: UInt8(network.random(128)), sequenceNumber: UInt16(network.random(65_536)),
                timestamp: UInt32(truncatingIfNeeded: network.random(1 << 31) * 2), ssrc: 1
            ).append(to: &octets)
            octets += [UInt8](repeating: 1, count: Int(network.random(600)))
            let now = MonotonicInstant(nanoseconds: Int64(i) * network.random(40_000_000))
            if let header = try? RTPHeader(parsing: octets.span) { playout.insert(header, octets.span, at: now) }
            if network.random(2) == 0 { playout.play(Int(network.random(400)), into: &samples, at: now) }
        }
        #expect(samples.count > 1_000)
    }
}

@Suite("The E-model (ITU-T G.107)")
struct CallQualityTests {
    @Test("The default network has R = 93.2 and MOS 4.41")
    func best() {
        let quality = CallQuality(lossPercent: 0, delayMilliseconds: 0)
        #expect(quality.rating == 93.2)
        #expect(abs(quality.conversationScore - 4.409) < 0.001)
    }

    @Test("Loss, delay and a low-rate encoding cost what the tables say")
    func costs() {
        // Ie-eff = 95 * 5 / (5 + 25.1) = 15.78
        #expect(abs(CallQuality(lossPercent: 5, delayMilliseconds: 0).rating - 77.42) < 0.01)
        // Id = 0.024 * 300 + 0.11 * 122.7 = 20.697
        #expect(abs(CallQuality(lossPercent: 0, delayMilliseconds: 300).rating - 72.503) < 0.001)
        #expect(CallQuality(.g729, lossPercent: 0, delayMilliseconds: 0).rating == 82.2)
        #expect(CallQuality(lossPercent: 100, delayMilliseconds: 2_000).conversationScore == 1)
        var metrics = VoIPMetrics(ssrc: 1)
        CallQuality(lossPercent: 0, delayMilliseconds: 0).fill(&metrics)
        #expect(metrics.rFactor == 93)
        #expect(metrics.conversationScore == 44)
    }
}
