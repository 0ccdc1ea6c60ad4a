import AllocationCounter
import MediaEngine
import RTP
import SDP
import SIPMessages

/// What each operation costs by itself, without a socket.
enum OperationCosts {
    static func report() throws {
        print("operation", "ns", "allocations", separator: "\t")
        var random: UInt64 = 1
        let voice = (0..<160_000).map { i -> Int16 in
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int16(truncatingIfNeeded: (i % 100) * 80 - 4_000 + Int(random >> 56))
        }
        try self.measureEcho()
        self.measurePlayout(voice)
        var detector = KeyToneDetector()
        var keys: [KeyToneDetector.Happening] = []
        self.measure("key-detection-20ms") { i in
            detector.listen(voice.span.extracting((i % 900 * 160)..<(i % 900 * 160 + 160)), into: &keys)
            keys.removeAll(keepingCapacity: true)
        }
        var payload: [UInt8] = []
        payload.reserveCapacity(160)
        self.measure("pcmu-encode-20ms") { i in
            payload.removeAll(keepingCapacity: true)
            SampleCodec.pcmu.encode(voice.span.extracting((i % 900 * 160)..<(i % 900 * 160 + 160)), into: &payload)
        }
        var resampler = Resampler(from: 8_000, to: 48_000)
        var output: [Int16] = []
        output.reserveCapacity(2_000)
        self.measure("resample-8k-to-48k-20ms") { i in
            output.removeAll(keepingCapacity: true)
            resampler.process(voice.span.extracting((i % 900 * 160)..<(i % 900 * 160 + 160)), into: &output)
        }
        let offer = Array(
            """
            v=0\r\no=- 3724394400 3724394405 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r
            m=audio 49170 RTP/AVP 0 8 9 18 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r
            a=rtpmap:9 G722/8000\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r
            a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n
            """.utf8)
        self.measure("sdp-parse") { _ in _ = try? SessionDescription(offer) }
        let identity = DescriptionIdentity(sessionID: 1, host: "192.0.2.1")
        self.measure("sdp-answer") { _ in
            var machine = OfferAnswer(identity: identity)
            guard let description = try? SessionDescription(offer) else { return }
            _ = try? machine.receiveOffer(description)
            _ = try? machine.makeAnswer([
                LocalStream(host: "192.0.2.1", port: 4_000, formats: [MediaFormat(0, "PCMU"), MediaFormat(8, "PCMA")])
            ])
        }
    }

    private static func measureEcho() throws {
        var machine = OfferAnswer(identity: DescriptionIdentity(sessionID: 1, host: "192.0.2.1"))
        let text = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n"
        _ = try machine.receiveOffer(SessionDescription(Array(text.utf8)))
        _ = try machine.makeAnswer([LocalStream(host: "192.0.2.1", port: 4_000, formats: [MediaFormat(0, "PCMU")])])
        guard let stream = machine.streams.first else { return }
        var echo = EchoStream(seed: 1, stream, at: .start)
        let peer = SocketAddress(IPAddress(v4: 0xC000_0202), 5_000)
        var packet = [UInt8](repeating: 0, count: 172)
        self.measure("echo-packet") { i in
            var span = packet.mutableSpan
            RTPHeader(
                payloadType: 0, sequenceNumber: UInt16(truncatingIfNeeded: i),
                timestamp: UInt32(truncatingIfNeeded: 160 * i), ssrc: 7
            ).write(to: &span)
            _ = echo.receive(&span, from: peer, at: MonotonicInstant(nanoseconds: Int64(i) * 20_000_000))
        }
    }

    private static func measurePlayout(_ voice: [Int16]) {
        var payload: [UInt8] = []
        SampleCodec.pcmu.encode(voice.span.extracting(0..<160), into: &payload)
        for loss in [0, 10] {
            var playout = AudioPlayout(.pcmu, sampleRate: 8_000)
            var packet = [UInt8](repeating: 0, count: 12) + payload
            var samples: [Int16] = []
            samples.reserveCapacity(320)
            self.measure("playout-20ms-loss-\(loss)") { i in
                let now = MonotonicInstant(nanoseconds: Int64(i) * 20_000_000)
                if loss == 0 || i % loss != 0 {
                    let header = RTPHeader(
                        payloadType: 0, sequenceNumber: UInt16(truncatingIfNeeded: i),
                        timestamp: UInt32(truncatingIfNeeded: 160 * i), ssrc: 7)
                    var span = packet.mutableSpan
                    header.write(to: &span)
                    if let read = try? RTPHeader(parsing: packet.span) { playout.insert(read, packet.span, at: now) }
                }
                samples.removeAll(keepingCapacity: true)
                playout.play(160, into: &samples, at: now)
            }
        }
    }

    /// The median of nine rounds, and the allocations of one operation.
    private static func measure(_ name: String, _ body: (Int) -> Void) {
        let clock = ContinuousClock()
        var i = 0
        func run(_ times: Int) {
            for _ in 0..<times {
                body(i)
                i += 1
            }
        }
        run(1_000)
        var times = 100
        while clock.measure({ run(times) }) < .milliseconds(30) { times *= 2 }
        let before = allocation_count()
        run(times)
        let allocations = Double(allocation_count() - before) / Double(times)
        let rounds = (0..<9).map { _ in clock.measure { run(times) } }.sorted()
        let nanoseconds = Int(rounds[4] / .nanoseconds(1) / Double(times) * 10)
        print(name, Double(nanoseconds) / 10, allocations, separator: "\t")
    }
}
