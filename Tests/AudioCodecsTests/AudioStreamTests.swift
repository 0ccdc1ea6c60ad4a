import MediaEngine
import RTP
import SDP
import SIPMessages
import Testing

@testable import AudioCodecs

@Suite("The audio of a call with the codecs of libraries")
struct AudioStreamTests {
    static let addresses = (
        SocketAddress(IPAddress(v4: 0x7F00_0001), 4_000), SocketAddress(IPAddress(v4: 0x7F00_0001), 5_000)
    )

    /// Two streams that have agreed on what both can do, first format first.
    static func pair(_ formats: [AudioFormat], packetTime: UInt16? = nil) throws -> (AudioStream, AudioStream) {
        let media = AudioFormat.described(formats)
        var offerer = OfferAnswer(identity: DescriptionIdentity(sessionID: 1, host: "127.0.0.1"))
        var answerer = OfferAnswer(identity: DescriptionIdentity(sessionID: 2, host: "127.0.0.1"))
        func local(_ port: UInt16) -> LocalStream {
            LocalStream(host: "127.0.0.1", port: port, formats: media, packetTime: packetTime)
        }
        let offer = try offerer.makeOffer([local(4_000)])
        _ = try answerer.receiveOffer(offer)
        let answer = try answerer.makeAnswer([local(5_000)])
        _ = try offerer.receiveAnswer(answer)
        let (left, right) = (try #require(offerer.streams.first), try #require(answerer.streams.first))
        return (
            AudioStream(seed: 0x1234_5678_9ABC_DEF0, left, formats: formats, at: .start),
            AudioStream(seed: 0xFEDC_BA98_7654_3210, right, formats: formats, at: .start)
        )
    }

    @Test(
        "A voice arrives through offer, answer, packets and playout",
        arguments: [("G722", nil), ("opus", 40), ("G729", nil), ("G723", 30), ("PCMA", 20)] as [(String, UInt16?)])
    func arrives(name: String, packetTime: UInt16?) throws {
        let formats = AudioCodecCatalogue.all.limited(to: [name]).codecs.map { AudioFormat($0) }
        var (sender, receiver) = try Self.pair(formats, packetTime: packetTime)
        let (rate, count) = (sender.sampleRate, sender.samplesPerPacket)
        #expect(sender.packetMilliseconds == Int(packetTime ?? 20))
        let sound = Voice.samples(rate, rate: rate)
        var (heard, presses): ([Int16], [KeyPressMerger.Press]) = ([], [])
        for i in 0..<(rate * 6 / 5 / count) {
            let now = MonotonicInstant(nanoseconds: Int64(i) * Int64(sender.packetMilliseconds) * 1_000_000)
            var frame = Array(sound.dropFirst(i * count).prefix(count))
            frame += [Int16](repeating: 0, count: count - frame.count)
            var packet: [UInt8] = []
            if sender.makePacket(frame.span, at: now, into: &packet) != nil {
                receiver.receive(packet.span, from: Self.addresses.0, at: now, into: &presses)
            }
            receiver.play(at: now, into: &heard, &presses)
        }
        #expect(receiver.statistics.rejected == 0)
        #expect(receiver.statistics.missed == 0)
        let speech = Array(sound.prefix(rate * 9 / 10))
        #expect(Voice.signalToNoise(speech, heard, within: (rate / 100)..<(rate / 4)) > 2.5)
        #expect(presses.isEmpty)
    }

    @Test("Keys by event, tone and INFO at once, with a tenth of the packets lost: each press once", arguments: 0..<25)
    func keys(seed: Int) throws {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let keys = Array("11299#*0")
        var (sender, receiver) = try Self.pair([AudioFormat(.pcmu)])
        var (heard, presses): ([Int16], [KeyPressMerger.Press]) = ([], [])
        // A key every 300 ms: as an event and, in what is left of the sound, as a tone; then an INFO, now and then late.
        var tones = ToneGenerator(Tone.keys(String(keys), milliseconds: 200, pause: 100))
        let requests = keys.indices.map { $0 * 300 + 220 + [0, 0, 0, 500][random(4)] }
        for tick in 0..<200 {
            let now = MonotonicInstant(nanoseconds: Int64(tick) * 20_000_000)
            if tick % 15 == 0, tick / 15 < keys.count { _ = sender.send(keys[tick / 15]) }
            var frame: [Int16] = []
            tones.append(160, to: &frame)
            var packet: [UInt8] = []
            if sender.makePacket(frame.span, at: now, into: &packet) != nil, random(10) > 0 {
                receiver.receive(packet.span, from: Self.addresses.0, at: now, into: &presses)
            }
            for (i, at) in requests.enumerated() where at / 20 == tick {
                if let press = receiver.report(keys[i], by: .info, at: now) { presses.append(press) }
            }
            receiver.play(at: now, into: &heard, &presses)
        }
        #expect(String(presses.map(\.key)) == String(keys))
    }
}
