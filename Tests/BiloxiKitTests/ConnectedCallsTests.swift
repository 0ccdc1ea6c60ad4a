import BiloxiKit
import Testing

@Suite("Calls that are connected with others, and protected calls", .timeLimit(.minutes(5)))
struct ConnectedCallsTests {
    private static func settings(_ name: String, _ encryption: MediaEncryption = .none) -> UserAgentSettings {
        var settings = UserAgentSettings()
        settings.address = "sip:\(name)@127.0.0.1"
        settings.mediaPorts = 40_000...49_999
        settings.encryption = encryption
        return settings
    }

    typealias Handler = @Sendable (Invitation) async throws -> Void

    /// Runs three user agents: Bob and Carol serve while `body` lets Alice call them.
    private func withThree(
        bob: @escaping Handler, carol: @escaping Handler,
        _ body: (UserAgent, _ bob: String, _ carol: String) async throws -> Void
    ) async throws {
        let listener = Listener.udp("127.0.0.1", 0)
        try await withUserAgent(listener, settings: Self.settings("bob"), answering: bob) { bob in
            try await withUserAgent(listener, settings: Self.settings("carol"), answering: carol) { carol in
                try await withUserAgent(listener, settings: Self.settings("alice")) { alice in
                    let (first, second) = (try #require(bob.port("udp")), try #require(carol.port("udp")))
                    try await body(alice, "sip:bob@127.0.0.1:\(first)", "sip:carol@127.0.0.1:\(second)")
                }
            }
        }
    }

    /// Waits until a call sounds.
    private static func listen(_ call: Call) async -> Bool {
        for await frame in call.audio() where frame.samples.contains(where: { $0 > 3_000 }) { return true }
        return false
    }

    /// One who plays a tone all the time, and follows transfers.
    private static func speaker(_ moved: AsyncStream<String>.Continuation) -> Handler {
        { invitation in
            let call = try await invitation.accept()
            async let tone: Void = call.play(.tone(440))
            for await event in call.events {
                if case .transferRequested(let transfer) = event { try await transfer.follow() }
                if case .transferred(let peer) = event { moved.yield(peer) }
            }
            try? await tone
        }
    }

    @Test("Who is transferred goes on with the target, sound and all (RFC 5589 §6)")
    func blindTransfer() async throws {
        let (moves, moved) = AsyncStream<String>.makeStream()
        let (sounds, sounded) = AsyncStream<Bool>.makeStream()
        try await self.withThree(bob: Self.speaker(moved)) { invitation in
            let call = try await invitation.accept()
            sounded.yield(await Self.listen(call))
            await call.ended()
        } _: { alice, bob, carol in
            let call = try await alice.call(bob)
            #expect(await Self.listen(call))
            try await call.transfer(to: carol)
            #expect(await moves.first { _ in true } == carol)
            #expect(await sounds.first { _ in true } == true)
        }
    }

    @Test("Two calls are connected: each goes on with the other's other side (RFC 3891, RFC 5589 §7)")
    func attendedTransfer() async throws {
        let (moves, moved) = AsyncStream<String>.makeStream()
        let (sounds, sounded) = AsyncStream<Bool>.makeStream()
        try await self.withThree(bob: Self.speaker(moved)) { invitation in
            let call = try await invitation.accept()
            for await event in call.events {
                guard case .transferred(let peer) = event else { continue }
                moved.yield(peer)
                sounded.yield(await Self.listen(call))
            }
        } _: { alice, bob, carol in
            let first = try await alice.call(bob)
            let second = try await alice.call(carol)
            try await first.transfer(to: second)
            var peers: Set<String> = []
            for await peer in moves {
                peers.insert(String(peer.dropFirst(4).prefix { $0 != "@" }))
                if peers.count == 2 { break }
            }
            #expect(peers == ["bob", "carol"])
            #expect(await sounds.first { _ in true } == true)
            #expect(await second.ended()?.code == .ended)
        }
    }

    @Test("In a conference each hears the others")
    func conference() async throws {
        let (sounds, sounded) = AsyncStream<Bool>.makeStream()
        let (_, moved) = AsyncStream<String>.makeStream()
        try await self.withThree(bob: Self.speaker(moved)) { invitation in
            let call = try await invitation.accept()
            sounded.yield(await Self.listen(call))
            await call.ended()
        } _: { alice, bob, carol in
            let (first, second) = (try await alice.call(bob), try await alice.call(carol))
            let mixing = Task { await BiloxiKit.conference(first, second) }
            #expect(await sounds.first { _ in true } == true)
            await second.hangUp()
            // One alone is no conference any more.
            await mixing.value
            #expect(first.end == nil)
        }
    }

    @Test("Who is held hears the music, and what was played goes on after it (RFC 3264 §8.4)")
    func holdMusic() async throws {
        let (sounds, sounded) = AsyncStream<Bool>.makeStream()
        let (_, moved) = AsyncStream<String>.makeStream()
        try await self.withThree(bob: Self.speaker(moved)) { invitation in
            let call = try await invitation.accept()
            for await event in call.events {
                if case .heldByPeer = event { sounded.yield(await Self.listen(call)) }
                if case .resumedByPeer = event { sounded.yield(true) }
            }
        } _: { alice, _, carol in
            let call = try await alice.call(carol)
            try await call.hold(playing: .tone(440))
            #expect(await sounds.first { _ in true } == true)
            try await call.resume()
            #expect(await sounds.first { _ in true } == true)
            await #expect(throws: SIPError.self) { try await call.hold(playing: .file("/nonexistent.wav")) }
        }
    }

    @Test(
        "Who asks for SRTP gets it from who does not; the quality says which", arguments: [MediaEncryption.sdes, .dtls])
    func encrypted(way: MediaEncryption) async throws {
        let listener = Listener.udp("127.0.0.1", 0)
        let (_, moved) = AsyncStream<String>.makeStream()
        try await withUserAgent(listener, settings: Self.settings("bob"), answering: Self.speaker(moved)) { bob in
            try await withUserAgent(listener, settings: Self.settings("alice", way)) { alice in
                let port = try #require(bob.port("udp"))
                let call = try await alice.call("sip:bob@127.0.0.1:\(port)")
                #expect(await Self.listen(call))
                #expect(call.quality().encryption == "\(way == .dtls ? "DTLS" : "SDES") AEAD_AES_256_GCM")
            }
        }
    }

    @Test("Where SRTP is required a call without it is refused, and the caller is told why")
    func required() async throws {
        let listener = Listener.udp("127.0.0.1", 0)
        let (_, moved) = AsyncStream<String>.makeStream()
        let settings = Self.settings("bob", .sdes)
        try await withUserAgent(listener, settings: settings, answering: Self.speaker(moved)) { bob in
            try await withUserAgent(listener, settings: Self.settings("alice")) { alice in
                let port = try #require(bob.port("udp"))
                let error = await #expect(throws: SIPError.self) { try await alice.call("sip:bob@127.0.0.1:\(port)") }
                #expect(error?.code == .notAcceptable)
                let told = "Incompatible transport protocol: RTP/AVP is not encrypted, and SRTP is required here"
                #expect(error?.warnings == [told])
            }
        }
    }
}
