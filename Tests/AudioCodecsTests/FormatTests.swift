import MediaEngine
import SDP
import Testing

@testable import AudioCodecs

@Suite("Codecs in descriptions")
struct FormatTests {
    /// Two seconds of a voice and two of nothing, sent frame by frame.
    static func frames(_ codec: AudioCodec, for peer: MediaFormat) throws -> [(EncodedFrame, Int)] {
        let encoder = try codec.makeEncoder(for: peer)
        let rate = codec.encoding.sampleRate
        let count = rate * Swift.max(10, codec.encoding.frameMilliseconds) / 1_000
        let sound = Voice.samples(2 * rate, rate: rate) + [Int16](repeating: 0, count: 2 * rate)
        return stride(from: 0, to: sound.count, by: count).map { start in
            var payload: [UInt8] = []
            let fate = encoder.encode(sound.span.extracting(start..<(start + count)), into: &payload)
            return (fate, payload.count)
        }
    }

    @Test("G.729 describes silence unless annexb=no is said (RFC 4856 §2.1.9)")
    func annexB() throws {
        let spoken = try Self.frames(.g729(), for: MediaFormat(18, "G729"))
        #expect(spoken.contains { $0.0 == .silence && $0.1 == 2 })
        #expect(spoken.contains { $0.0 == .nothing && $0.1 == 0 })
        let refused = try Self.frames(.g729(), for: MediaFormat(18, "G729", parameters: "annexb=no"))
        #expect(refused.allSatisfy { $0.0 == .sound && $0.1 == 10 })
        let unable = try Self.frames(.g729(hasSilence: false), for: MediaFormat(18, "G729"))
        #expect(unable.allSatisfy { $0.0 == .sound })
    }

    @Test("A frame of silence ends its packet, and the next one begins 10 ms later (RFC 3551 §4.5.6)")
    func silenceEndsPacket() throws {
        let sound = Voice.samples(16_000, rate: 8_000) + [Int16](repeating: 0, count: 16_000)
        let packets = try RoundTripTests.packets(sound, .g729(), milliseconds: 20)
        let octets = Set(packets.map { $0.count - 12 })
        #expect(octets.isSubset(of: [20, 12, 10, 2]))
        #expect(octets.contains(12) || octets.contains(2))
        #expect(packets.count < 180)
    }

    @Test("Opus sends nothing in silence when the peer says usedtx=1, and stays below maxaveragebitrate (RFC 7587 §7)")
    func opus() throws {
        let plain = try Self.frames(.opus(), for: MediaFormat(111, "opus", 48_000, channels: 2))
        #expect(plain.allSatisfy { $0.0 == .sound })
        let saving = MediaFormat(111, "opus", 48_000, channels: 2, parameters: "usedtx=1;maxaveragebitrate=8000")
        let saved = try Self.frames(.opus(), for: saving)
        #expect(saved.suffix(100).contains { $0.0 == .nothing })
        // 8 kbit/s are 1000 octets a second.
        #expect(saved.prefix(200).reduce(0) { $0 + $1.1 } < 2_600)
        let constant = MediaFormat(111, "opus", 48_000, channels: 2, parameters: "cbr=1")
        #expect(Set(try Self.frames(.opus(), for: constant).map(\.1)).count == 1)
    }

    @Test("A lost packet of Opus comes back out of the one behind it (RFC 7587 §4, useinbandfec)")
    func recovery() throws {
        let codec = AudioCodec.opus(sampleRate: 16_000)
        let encoder = try codec.makeEncoder()
        encoder.heard(lossPercent: 30)
        let sound = Voice.samples(32_000, rate: 16_000)
        let payloads = stride(from: 0, to: sound.count, by: 320).map { start in
            var payload: [UInt8] = []
            _ = encoder.encode(sound.span.extracting(start..<(start + 320)), into: &payload)
            return payload
        }
        func heard(hasFollowing: Bool) throws -> [Int16] {
            let decoder = try codec.makeDecoder()
            var samples: [Int16] = []
            for (i, payload) in payloads.enumerated() {
                guard i % 5 == 3 else {
                    decoder.decode(payload.span, into: &samples)
                    continue
                }
                let following = hasFollowing ? payloads[i + 1] : []
                _ = decoder.conceal(320, following: following.span, into: &samples)
            }
            return samples
        }
        let recovered = Voice.signalToNoise(sound, try heard(hasFollowing: true), within: 0..<320)
        let concealed = Voice.signalToNoise(sound, try heard(hasFollowing: false), within: 0..<320)
        #expect(recovered > concealed + 1)
    }

    @Test(
        "A packet covers what the peer wants, as far as the encoding can",
        arguments: [
            ("opus", 30, 20), ("opus", 100, 60), ("opus", nil, 20), ("G723", 20, 30), ("G723", 60, 60),
            ("G729", 5, 10), ("G729", 100, 100), ("PCMU", 25, 20), ("G722", nil, 20),
        ] as [(String, UInt16?, Int)])
    func packetTimes(name: String, wanted: UInt16?, covered: Int) throws {
        let codec = try #require(AudioCodecCatalogue.all.limited(to: [name]).codecs.first)
        #expect(codec.encoding.packetMilliseconds(wanted: wanted) == covered)
    }

    @Test("The catalogue offers each codec once, comfort noise, and events at each clock rate (RFC 4733 §2.1)")
    func catalogue() {
        let formats = AudioFormat.described(AudioCodecCatalogue.all.audioFormats)
        #expect(Set(formats.map(\.payloadType)).count == formats.count)
        #expect(formats.first?.description == "111 opus/48000/2; useinbandfec=1")
        #expect(formats.contains { $0.description == "9 G722/8000" })
        #expect(formats.contains { $0.description == "18 G729/8000; annexb=no" })
        #expect(formats.contains { $0.description == "4 G723/8000; annexa=no" })
        #expect(formats.contains { $0.description == "13 CN/8000" })
        #expect(Set(formats.filter(\.isTelephoneEvent).map(\.map.clockRate)) == [48_000, 16_000, 8_000])
        #expect(AudioCodecCatalogue.all.codec(for: MediaFormat(99, "OPUS", 48_000, channels: 2)) != nil)
        #expect(AudioCodecCatalogue.all.codec(for: MediaFormat(99, "opus", 48_000)) == nil)
        #expect(AudioCodecCatalogue.builtIn.limited(to: ["pcma", "G729"]).codecs.map(\.encoding.name) == ["PCMA"])
    }
}
