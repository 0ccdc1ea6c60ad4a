import BiloxiKit
import Testing

@Suite("Calls between two user agents on loopback", .timeLimit(.minutes(5)))
struct CallTests {
    private func settings(_ name: String) -> UserAgentSettings {
        var settings = UserAgentSettings()
        settings.address = "sip:\(name)@127.0.0.1"
        settings.mediaPorts = 30_000...39_999
        return settings
    }

    /// Runs two user agents: Bob serves with `handler` while `body` lets Alice call him.
    private func withTwo<Value: Sendable>(
        _ transport: String = "udp", _ handler: @escaping @Sendable (Invitation) async throws -> Void,
        _ body: (UserAgent, _ bob: String) async throws -> Value
    ) async throws -> Value {
        let listener = { () -> Listener in
            switch transport {
            case "tcp": .tcp("127.0.0.1", 0)
            case "tls": .tls("127.0.0.1", 0)
            default: .udp("127.0.0.1", 0)
            }
        }()
        var (alice, bob) = (self.settings("alice"), self.settings("bob"))
        (alice.verifiesServers, bob.verifiesServers) = (false, false)
        return try await withUserAgent(listener, settings: bob, answering: handler) { bob in
            try await withUserAgent(listener, settings: alice) { alice in
                let port = try #require(bob.port(transport))
                let suffix = transport == "udp" ? "" : ";transport=\(transport)"
                return try await body(alice, "sip:bob@127.0.0.1:\(port)\(suffix)")
            }
        }
    }

    @Test(
        "A call is answered, sounds in both directions, keys arrive once, and it ends",
        arguments: ["udp", "tcp", "tls"])
    func call(transport: String) async throws {
        let keys = Keys()
        try await self.withTwo(transport) { invitation in
            #expect(invitation.user == "bob")
            #expect(invitation.from == "sip:alice@127.0.0.1")
            invitation.ring()
            let call = try await invitation.accept()
            async let tone: Void = call.play(.tone(440))
            await keys.set(try await call.collect(4))
            try? await tone
            await call.ended()
        } _: { alice, bob in
            let call = try await alice.call(bob, ringFor: .seconds(20))
            var loud = 0
            for await frame in call.audio(sampleRate: 16_000) {
                #expect(frame.sampleRate == 16_000)
                if frame.samples.contains(where: { $0 > 3_000 }) { loud += 1 }
                if loud == 10 { break }
            }
            try await call.send(digits: "42 #1")
            await call.hangUp()
            #expect(await call.ended()?.code == .ended)
            #expect(call.quality().received > 0)
            await #expect(throws: SIPError.self) { try await call.play(.tone(440)) }
        }
        // The hash ends the input.
        #expect(await keys.value() == "42")
    }

    /// What one side tells the test.
    actor Keys {
        private var keys: String?
        private var waiters: [CheckedContinuation<String, Never>] = []
        func set(_ keys: String) {
            self.keys = keys
            for waiter in self.waiters { waiter.resume(returning: keys) }
            self.waiters = []
        }
        func value() async -> String {
            if let keys { return keys }
            return await withCheckedContinuation { self.waiters.append($0) }
        }
    }

    @Test("A refusal throws its status and reason; a handler that returns refuses with 480")
    func refusals() async throws {
        try await self.withTwo { invitation in
            if invitation.values(of: "X-Do") == ["busy"] { invitation.reject(486) }
        } _: { alice, bob in
            let busy = await #expect(throws: SIPError.self) {
                try await alice.call(bob, fields: [("X-Do", "busy")])
            }
            #expect(busy?.code == .busy && busy?.status == 486 && busy?.reason == "Busy Here")
            #expect(busy?.callID != nil)
            let nobody = await #expect(throws: SIPError.self) { try await alice.call(bob) }
            #expect(nobody?.code == .unavailable && nobody?.status == 480)
        }
    }

    @Test("Nothing in common: 488 with what the other side takes (RFC 3261 §21.4.26)")
    func notAcceptable() async throws {
        var wide = self.settings("alice")
        wide.codecs = ["L16/16000"]
        let handler: @Sendable (Invitation) async throws -> Void = { _ = try await $0.accept() }
        try await withUserAgent([.udp("127.0.0.1", 0)], settings: self.settings("bob"), answering: handler) { bob in
            try await withUserAgent(.udp("127.0.0.1", 0), settings: wide) { alice in
                let port = try #require(bob.port("udp"))
                let error = await #expect(throws: SIPError.self) { try await alice.call("sip:bob@127.0.0.1:\(port)") }
                #expect(error?.code == .notAcceptable && error?.status == 488)
                #expect(error?.codecs == ["PCMU", "PCMA", "opus", "G722"])
            }
        }
    }

    @Test("A call that rings too long is cancelled on both sides")
    func ringsTooLong() async throws {
        let ended = Keys()
        try await self.withTwo { invitation in
            invitation.ring()
            let error = await #expect(throws: SIPError.self) {
                for await event in invitation.events { if case .ended(let error) = event { throw error } }
            }
            await ended.set(error?.code.name ?? "")
        } _: { alice, bob in
            let error = await #expect(throws: SIPError.self) { try await alice.call(bob, ringFor: .milliseconds(200)) }
            #expect(error?.code == .timeout)
            #expect(await ended.value() == "cancelled")
        }
    }

    @Test("Hold and resume: the other side is told, and hears again")
    func hold() async throws {
        let told = Keys()
        try await self.withTwo { invitation in
            let call = try await invitation.accept()
            var turns = ""
            for await event in call.events {
                if event == .heldByPeer { turns += "held " }
                if event == .resumedByPeer { turns += "resumed" }
            }
            await told.set(turns)
        } _: { alice, bob in
            let call = try await alice.call(bob)
            try await call.hold()
            try await call.resume()
            await call.hangUp()
        }
        #expect(await told.value() == "held resumed")
    }

    @Test("At the end of the scope calls are hung up")
    func scope() async throws {
        let ended = Keys()
        try await self.withTwo { invitation in
            let call = try await invitation.accept()
            await ended.set(await call.ended()?.code.name ?? "")
        } _: { alice, bob in
            _ = try await alice.call(bob)
        }
        #expect(await ended.value() == "ended")
    }

    @Test("Messages arrive, and any request may be sent")
    func messages() async throws {
        try await withUserAgent(.udp("127.0.0.1", 0), settings: self.settings("bob")) { bob in
            try await withUserAgent(.udp("127.0.0.1", 0), settings: self.settings("alice")) { alice in
                let address = "sip:bob@127.0.0.1:\(try #require(bob.port("udp")))"
                #expect(try await alice.message(address, "Watson, come here.").status == 200)
                for await message in bob.messages {
                    #expect(message.text == "Watson, come here.")
                    #expect(message.from == "sip:alice@127.0.0.1")
                    break
                }
                let options = try await alice.request("OPTIONS", address)
                #expect(options.status == 200)
                #expect(options.values(of: "allow").first?.contains("INVITE") == true)
                #expect(try await alice.request("PUBLISH", address).status == 405)
                await #expect(throws: SIPError.self) { try await alice.request("INVITE", address) }
            }
        }
    }

    @Test("Where nobody listens the call fails at once, and says so")
    func unreachable() async throws {
        try await withUserAgent(.udp("127.0.0.1", 0), settings: self.settings("alice")) { alice in
            let error = await #expect(throws: SIPError.self) { try await alice.call("sip:bob@127.0.0.1:9") }
            #expect(error?.code == .unreachable)
            let invalid = await #expect(throws: SIPError.self) { try await alice.call("sip:bob@") }
            #expect(invalid?.code == .invalid)
        }
    }
}
