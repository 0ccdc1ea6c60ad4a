import MediaEngine
import MediaKeying
import MediaTransport
import SDP
import SIPMessages
import Synchronization
import Testing

@Suite("The audio of a call on loopback", .timeLimit(.minutes(5)))
struct AudioEndpointTests {
    /// One side of a call.
    final class Side: Sendable {
        let endpoint: AudioEndpoint
        let events: AsyncStream<AudioEvent>

        init(_ server: MediaServer, formats: [AudioFormat] = AudioFormat.standard) {
            let (events, told) = AsyncStream<AudioEvent>.makeStream()
            self.events = events
            self.endpoint = server.makeAudio(at: .loopback, formats: formats) { told.yield($0) }
        }

        /// The keys of the next presses.
        func keys(_ count: Int) async -> String {
            var keys = ""
            for await case .pressed(let key, _) in self.events {
                keys.append(key)
                if keys.count == count { break }
            }
            return keys
        }

        /// Waits until something sounds, and returns it.
        func hear(_ count: Int) async -> [Int16] {
            let (sound, heard) = AsyncStream<[Int16]>.makeStream()
            let number = self.endpoint.addListener { samples, _ in heard.yield(samples) }
            defer { self.endpoint.removeListener(number) }
            var samples: [Int16] = []
            for await piece in sound {
                if samples.isEmpty, !piece.contains(where: { abs(Int($0)) > 1_000 }) { continue }
                samples += piece
                if samples.count >= count { break }
            }
            return samples
        }
    }

    private let server: MediaServer

    init() throws {
        var settings = MediaSettings()
        settings.ports = 20_000...29_999
        self.server = try MediaServer(settings)
    }

    /// Two sides that have agreed.
    private func call(_ formats: [AudioFormat] = AudioFormat.standard) throws -> (Side, Side) {
        let (alice, bob) = (Side(self.server, formats: formats), Side(self.server))
        try self.agree(alice, bob)
        return (alice, bob)
    }

    private func agree(_ alice: Side, _ bob: Side) throws {
        guard case .description(let offer) = alice.endpoint.offer(),
            case .description(let answer) = bob.endpoint.answer(offer)
        else { throw TestFailure() }
        #expect(alice.endpoint.start(leg: 0, answer) == nil)
        #expect(bob.endpoint.start(leg: 0, offer) == nil)
    }

    struct TestFailure: Error {}

    @Test("What one side plays the other hears", arguments: ["PCMU", "PCMA"])
    func sound(codec: String) async throws {
        let (alice, bob) = try self.call(AudioFormat.named(codec))
        _ = alice.endpoint.play(SoundSource(tone: Tone([440])))
        let heard = await bob.hear(4_000)
        // 440 Hz crosses zero 880 times a second.
        let crossings = zip(heard, heard.dropFirst()).count { ($0 < 0) != ($1 < 0) }
        #expect(abs(crossings - heard.count * 880 / 8_000) < 25)
        #expect(bob.endpoint.statistics.source?.port == alice.endpoint.port)
        #expect(alice.endpoint.statistics.codec == codec)
        self.server.stop()
    }

    /// A side whose media is protected in some way.
    private func side(_ policy: KeyingPolicy, _ ports: ClosedRange<UInt16>) throws -> (MediaServer, Side) {
        var settings = MediaSettings()
        (settings.ports, settings.keying) = (ports, policy)
        let server = try MediaServer(settings)
        return (server, Side(server))
    }

    @Test(
        "Protected by either way, what one side plays the other hears, whoever calls (RFC 4568, RFC 5764)",
        arguments: [KeyingPolicy.descriptions, .handshake], [true, false])
    func protected(policy: KeyingPolicy, isMuxed: Bool) async throws {
        let (server, alice) = try self.side(policy, 32_000...32_099)
        let bob = Side(self.server)
        guard case .description(var offer) = alice.endpoint.offer() else { throw TestFailure() }
        if !isMuxed {
            // A peer that wants RTCP at a port of its own has a handshake of its own for it (RFC 5764 §4.2).
            var description = try SessionDescription(offer)
            description.media[0].removeAttributes("rtcp-mux")
            offer = description.octets
        }
        guard case .description(let answer) = bob.endpoint.answer(offer) else { throw TestFailure() }
        #expect(alice.endpoint.start(leg: 0, answer) == nil)
        _ = alice.endpoint.play(SoundSource(tone: Tone([440])))
        _ = bob.endpoint.play(SoundSource(tone: Tone([440])))
        let heard = await bob.hear(2_000)
        let crossings = zip(heard, heard.dropFirst()).count { ($0 < 0) != ($1 < 0) }
        #expect(abs(crossings - heard.count * 880 / 8_000) < 25)
        #expect(await alice.hear(800).count >= 800)
        let way = policy == .handshake ? "DTLS" : "SDES"
        #expect(alice.endpoint.statistics.protection == "\(way) AEAD_AES_256_GCM")
        #expect(bob.endpoint.statistics.protection == alice.endpoint.statistics.protection)
        // Hold and its end change neither the keys nor who has begun.
        alice.endpoint.direction = .sendonly
        try self.agree(alice, bob)
        alice.endpoint.direction = .sendrecv
        try self.agree(bob, alice)
        #expect(await bob.hear(800).count >= 800)
        server.stop()
        self.server.stop()
    }

    @Test("Who requires SRTP refuses plain media, and a secure protocol without keys is refused: 488, and why")
    func refusesUnprotected() throws {
        let (server, alice) = try self.side(.handshake, 32_100...32_199)
        defer { server.stop() }
        let bob = Side(self.server)
        guard case .description(let plain) = bob.endpoint.offer() else { throw TestFailure() }
        guard case .refused(let refusal, let body) = alice.endpoint.answer(plain) else { throw TestFailure() }
        #expect(refusal.warning == 302)
        #expect(
            refusal.phrase
                == "Incompatible transport protocol: RTP/AVP is not encrypted, and SRTP is required here")
        #expect(try SessionDescription(body).media.map(\.line.transport) == ["UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"])
        let keyless = String(decoding: plain, as: UTF8.self).replacing("RTP/AVP", with: "RTP/SAVP")
        guard case .refused(let other, _) = Side(self.server).endpoint.answer(Array(keyless.utf8)) else {
            throw TestFailure()
        }
        #expect(
            other.phrase.hasSuffix("RTP/SAVP has neither an a=crypto line nor an a=fingerprint of SHA-256 or better"))
        self.server.stop()
    }

    @Test("A peer whose certificate is not that of its description gets no media, and the call is told (RFC 5763 §5)")
    func wrongFingerprint() async throws {
        let (server, alice) = try self.side(.handshake, 32_200...32_299)
        let bob = Side(self.server)
        guard case .description(let offer) = alice.endpoint.offer(),
            case .description(let answer) = bob.endpoint.answer(offer)
        else { throw TestFailure() }
        var forged = try SessionDescription(answer)
        let zeros = Array(repeating: "00", count: 32).joined(separator: ":")
        forged.media[0].setAttribute("fingerprint", "sha-256 \(zeros)")
        #expect(alice.endpoint.start(leg: 0, forged.octets) == nil)
        for await case .unprotected(let reason) in alice.events {
            #expect(reason == "the certificate of the DTLS handshake is not that of the peer's a=fingerprint")
            break
        }
        #expect(alice.endpoint.statistics.received == 0)
        server.stop()
        self.server.stop()
    }

    @Test("What sounds in a call goes on in the one that takes its place")
    func continues() async throws {
        let (alice, bob) = try self.call()
        let (successor, carol) = try self.call()
        let number = alice.endpoint.play(SoundSource(tone: Tone([440])))
        #expect(await bob.hear(800).count >= 800)
        successor.endpoint.continueSound(of: alice.endpoint)
        #expect(await carol.hear(800).count >= 800)
        successor.endpoint.endSound(number)
        self.server.stop()
    }

    @Test("Keys arrive once each and in order, as events (RFC 4733)")
    func keys() async throws {
        let (alice, bob) = try self.call()
        #expect(alice.endpoint.send(keys: Array("12#A*")) == nil)
        #expect(await bob.keys(5) == "12#A*")
        for await event in alice.events where event == .sentKeys { break }
        self.server.stop()
    }

    @Test("A key that comes by INFO is told like one that comes as an event")
    func keyByInfo() async throws {
        let (alice, bob) = try self.call()
        _ = alice.endpoint.send(keys: ["7"])
        #expect(await bob.keys(1) == "7")
        bob.endpoint.reportKeyByInfo("8")
        #expect(await bob.keys(1) == "8")
        self.server.stop()
    }

    @Test("A sound tells its end; a stream of sound makes its writer wait and ends when it is closed")
    func ends() async throws {
        let (alice, _) = try self.call()
        let short = alice.endpoint.play(SoundSource(samples: [Int16](repeating: 9, count: 441), rate: 44_100))
        for await event in alice.events where event == .played(short) { break }
        let stream = alice.endpoint.play(SoundSource(streamAt: 16_000))
        #expect(alice.endpoint.write([Int16](repeating: 9, count: 320), to: stream))
        #expect(!alice.endpoint.write([Int16](repeating: 9, count: 8_001), to: stream))
        for await event in alice.events where event == .hasRoom(stream) { break }
        alice.endpoint.closeSound(stream)
        for await event in alice.events where event == .played(stream) { break }
        self.server.stop()
    }

    @Test("On hold nothing of the held side is heard, and after it everything (RFC 3264 §8.4)")
    func hold() async throws {
        let (alice, bob) = try self.call()
        _ = bob.endpoint.play(SoundSource(tone: Tone([440])))
        _ = await alice.hear(800)
        alice.endpoint.direction = .sendonly
        try self.agree(alice, bob)
        #expect(bob.endpoint.agreed?.isHeldByPeer == true)
        #expect(bob.endpoint.agreed?.sends == false)
        alice.endpoint.direction = .sendrecv
        try self.agree(alice, bob)
        #expect(bob.endpoint.agreed?.sends == true)
        _ = await alice.hear(800)
        self.server.stop()
    }

    @Test("Without a common encoding the offer is refused with 305 and what would be possible (RFC 3261 §21.4.26)")
    func nothingInCommon() throws {
        let (alice, bob) = (Side(self.server, formats: AudioFormat.named("L16")), Side(self.server))
        guard case .description(let offer) = alice.endpoint.offer() else { throw TestFailure() }
        guard case .refused(let refusal, let capabilities) = bob.endpoint.answer(offer) else { throw TestFailure() }
        #expect(refusal.warning == 305)
        guard case .unavailable = alice.endpoint.offer(limits: capabilities) else { throw TestFailure() }
        self.server.stop()
    }

    @Test("Each leg of a forked call has its own answer; the one that is chosen holds (RFC 3261 §13.2.2.4)")
    func forks() throws {
        let (alice, bob, carol) = (Side(self.server), Side(self.server), Side(self.server))
        guard case .description(let offer) = alice.endpoint.offer(),
            case .description(let bobs) = bob.endpoint.answer(offer),
            case .description(let carols) = carol.endpoint.answer(offer)
        else { throw TestFailure() }
        #expect(alice.endpoint.start(leg: 0, bobs) == nil)
        #expect(alice.endpoint.start(leg: 1, carols) == nil)
        #expect(alice.endpoint.agreed?.destination?.rtp.address?.port == carol.endpoint.port)
        alice.endpoint.choose(leg: 0)
        #expect(alice.endpoint.agreed?.destination?.rtp.address?.port == bob.endpoint.port)
        self.server.stop()
    }
}
