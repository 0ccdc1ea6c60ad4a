import Testing

@testable import MediaEngine

@Suite("G.711 (ITU-T G.711)")
struct G711Tests {
    @Test("Every code stands for the sample that has it as its code", arguments: 0...255)
    func everyCode(code: Int) {
        let code = UInt8(code)
        let (mu, a) = (G711.sample(muLaw: code), G711.sample(aLaw: code))
        // µ-law has two codes for 0.
        #expect(code == 0x7F || G711.muLaw(mu) == code)
        #expect(G711.aLaw(a) == code)
    }

    @Test(
        "The values of the tables",
        arguments: [
            (0xFF, 0, 0xD5, 8), (0x80, 32_124, 0xAA, 32_256), (0x00, -32_124, 0x2A, -32_256), (0xF0, 120, 0xC5, 264),
        ])
    func values(muCode: Int, mu: Int, aCode: Int, a: Int) {
        #expect(G711.sample(muLaw: UInt8(muCode)) == Int16(mu))
        #expect(G711.sample(aLaw: UInt8(aCode)) == Int16(a))
    }

    @Test(
        "A sample is coded as the nearest value, at every level",
        arguments: [0, 1, 31, 132, 1_000, 5_000, 20_000, 32_000])
    func nearest(level: Int) {
        for sample in [Int16(level), Int16(-level)] {
            let mu = (0...255).map { Int(G711.sample(muLaw: UInt8($0))) }
            let best = mu.map { abs($0 - Int(sample)) }.min() ?? 0
            let step = Swift.max(8, level / 16)
            #expect(abs(Int(G711.sample(muLaw: G711.muLaw(sample))) - Int(sample)) <= Swift.max(best, step / 2 + 1))
            #expect(abs(Int(G711.sample(aLaw: G711.aLaw(sample))) - Int(sample)) <= step)
        }
    }

    @Test("The ends of the range do not overflow")
    func ends() {
        #expect(G711.sample(muLaw: G711.muLaw(.min)) == -32_124)
        #expect(G711.sample(aLaw: G711.aLaw(.min)) == -32_256)
        #expect(G711.sample(aLaw: G711.aLaw(.max)) == 32_256)
    }
}

@Suite("Tones and keys")
struct ToneTests {
    static func samples(_ tone: Tone, _ count: Int, rate: Int = 8_000) -> [Int16] {
        var generator = ToneGenerator(tone, sampleRate: rate)
        var samples: [Int16] = []
        generator.append(count, to: &samples)
        return samples
    }

    static func detected(_ samples: [Int16], rate: Int = 8_000) -> [KeyToneDetector.Happening] {
        var detector = KeyToneDetector(sampleRate: rate)
        var happenings: [KeyToneDetector.Happening] = []
        detector.listen(samples.span, into: &happenings)
        return happenings
    }

    static func keys(_ happenings: [KeyToneDetector.Happening]) -> String {
        String(happenings.compactMap { if case .began(let key) = $0 { key } else { nil } })
    }

    @Test("Sine and level: 1004 Hz at 0 dBm0 crosses zero 2008 times a second and peaks 3.14 dB below full")
    func level() throws {
        let samples = Self.samples(Tone([1_004], level: 0), 8_000)
        let crossings = zip(samples, samples.dropFirst()).filter { ($0 < 0) != ($1 < 0) }.count
        #expect((2_006...2_009).contains(crossings))
        let peak = try #require(samples.max())
        #expect((22_700...22_850).contains(peak))  // 32767 * 10^(-3.14/20) = 22826
        #expect(abs(Trigonometry.sine(turns: 1.0 / 12) - 0.5) < 1e-12)
        #expect(abs(Trigonometry.amplitude(decibels: -20) - 0.1) < 1e-12)
    }

    @Test("A cadence is on and off for its times, again and again; a tone that does not repeat ends")
    func cadence() {
        let busy = Self.samples(CountryTones.of("de").busy, 8_000 * 2)
        #expect(busy[0..<3_840].contains { abs($0) > 1_000 })
        #expect(busy[3_840..<7_680].allSatisfy { $0 == 0 })
        #expect(busy[7_680..<11_520].contains { abs($0) > 1_000 })
        var generator = ToneGenerator(Tone.keys("1", milliseconds: 50, pause: 50))
        var samples: [Int16] = []
        generator.append(801, to: &samples)
        #expect(generator.hasEnded)
    }

    @Test("Every country has every signal, and sounds it", arguments: CountryTones.countries)
    func countries(code: String) {
        for signal in CountryTones.Signal.allCases {
            #expect(Self.samples(CountryTones.of(code)[signal], 4_000).contains { abs($0) > 1_000 })
        }
    }

    @Test("Every key is found once, of 45 ms with 45 ms between", arguments: [8_000, 16_000])
    func everyKey(rate: Int) {
        let keys = "1234567890*#ABCD1122"
        let samples = Self.samples(Tone.keys(keys, milliseconds: 45, pause: 45), rate * 2, rate: rate)
        #expect(Self.keys(Self.detected(samples, rate: rate)) == keys)
    }

    @Test(
        "Every key is found through G.711 at levels from 0 to -25 dBm0, and not at -50", arguments: [0, -10, -25, -50])
    func levels(level: Int) {
        let keys = "159D*0#3"
        let samples = Self.samples(Tone.keys(keys, level: Double(level)), 16_000)
            .map { G711.sample(muLaw: G711.muLaw($0)) }
        #expect(Self.keys(Self.detected(samples)) == (level == -50 ? "" : keys))
    }

    @Test("What is too short, one frequency alone, a dial tone, or noise is no key (Q.24)")
    func noKeys() {
        #expect(Self.detected(Self.samples(Tone.keys("5", milliseconds: 20, pause: 100), 8_000)).isEmpty)
        #expect(Self.detected(Self.samples(Tone([697]), 8_000)).isEmpty)
        #expect(Self.detected(Self.samples(CountryTones.of("US").dial, 8_000)).isEmpty)
        #expect(Self.detected(Self.samples(Tone([740, 1_270]), 8_000)).isEmpty)
        var noise = ComfortNoise(seed: 3)
        var samples: [Int16] = []
        noise.receive([10].span)
        noise.append(80_000, to: &samples)
        #expect(Self.detected(samples).isEmpty)
    }

    @Test("A key ends when its tone does")
    func ends() {
        let happenings = Self.detected(Self.samples(Tone.keys("7", milliseconds: 500, pause: 100), 8_000))
        #expect(happenings == [.began("7"), .ended("7")])
    }

    @Test("Comfort noise has the level that its payload says (RFC 3389 §3.1)")
    func noiseLevel() {
        var noise = ComfortNoise(seed: 1)
        noise.receive([40].span)
        var samples: [Int16] = []
        noise.append(80_000, to: &samples)
        let power = samples.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(samples.count)
        // -40 dBov: 327.67 rms.
        #expect(abs(power.squareRoot() - 327.67) < 5)
    }
}

@Suite("WAV files and rates")
struct SoundFileTests {
    @Test("What is written is read as the same")
    func roundTrip() throws {
        let file = WAVFile(sampleRate: 16_000, channels: 2, samples: [0, 1, -1, .max, .min, 77])
        #expect(try WAVFile(file.octets.span) == file)
        #expect(file.octets.count == 56)
        #expect(file.mono == [0, 16_383, -16_345])
    }

    @Test("Encodings of telephony are read: µ-law and A-law, 8 bits, and chunks that are not known are passed over")
    func encodings() throws {
        func file(_ format: UInt8, bits: UInt8, data: [UInt8]) -> [UInt8] {
            Array("RIFF".utf8) + [0, 0, 0, 0] + Array("WAVEfmt ".utf8)
                + [16, 0, 0, 0, format, 0, 1, 0, 0x40, 0x1F, 0, 0, 0x40, 0x1F, 0, 0, 1, 0, bits, 0]
                + Array("LIST".utf8) + [3, 0, 0, 0, 1, 2, 3, 0] + Array("data".utf8) + [UInt8(data.count), 0, 0, 0]
                + data
        }
        #expect(try WAVFile(file(7, bits: 8, data: [0x80, 0x00]).span).samples == [32_124, -32_124])
        #expect(try WAVFile(file(6, bits: 8, data: [0xAA]).span).samples == [32_256])
        #expect(try WAVFile(file(1, bits: 8, data: [0x80, 0xFF]).span).samples == [0, 32_512])
        #expect(throws: WAVFile.Problem.encoding(format: 17, bits: 4)) {
            try WAVFile(file(17, bits: 4, data: [1]).span)
        }
    }

    @Test("A file that is cut off anywhere throws or has fewer samples, and never traps", arguments: 0..<56)
    func truncated(count: Int) throws {
        let octets = Array(WAVFile(sampleRate: 8_000, samples: [1, 2, 3, 4, 5, 6]).octets.prefix(count))
        if count < 44 {
            #expect(throws: WAVFile.Problem.self) { try WAVFile(octets.span) }
        } else {
            #expect(try WAVFile(octets.span).samples.count == (count - 44) / 2)
        }
    }

    @Test(
        "A tone keeps its frequency and level at another rate",
        arguments: [(8_000, 16_000), (16_000, 8_000), (44_100, 8_000), (8_000, 48_000), (48_000, 44_100)])
    func resamples(from: Int, to: Int) throws {
        let samples = ToneTests.samples(Tone([1_000], level: -3), from, rate: from)
        var resampler = Resampler(from: from, to: to)
        var output: [Int16] = []
        for start in stride(from: 0, to: samples.count, by: 100) {
            resampler.process(samples.span.extracting(start..<Swift.min(samples.count, start + 100)), into: &output)
        }
        #expect(abs(output.count - to) < to / 200)
        let crossings = zip(output, output.dropFirst()).filter { ($0 < 0) != ($1 < 0) }.count
        #expect((1_980...2_002).contains(crossings))
        let peak = try #require(output.dropFirst(to / 10).max())
        #expect((15_700...16_500).contains(peak))  // 32767 * 10^(-6.14/20) = 16160
    }

    @Test("What lies above the lower rate's band is taken away")
    func antiAliasing() {
        let samples = ToneTests.samples(Tone([6_000], level: -3), 16_000, rate: 16_000)
        var resampler = Resampler(from: 16_000, to: 8_000)
        var output: [Int16] = []
        resampler.process(samples.span, into: &output)
        #expect(output.dropFirst(100).allSatisfy { abs($0) < 60 })
    }
}
