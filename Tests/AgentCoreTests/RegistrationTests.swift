import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("Registrations that are kept (RFC 3261 §10.2, RFC 5626 §4.5)")
struct RegistrationTests {
    struct Scene {
        let world = SimulatedWorld(seed: 1)
        let alice = SimulatedAgent(configure: { configuration in
            configuration.credentials = { _ in [("Authorization", "Digest username=\"alice\"")] }
        })
        let registrar: ScriptedPeer
        let handle: RegistrationHandle

        init(transport: String = "", _ edit: (inout RegistrationPlan) -> Void = { _ in }) throws {
            let ip = try #require(IPAddress("192.0.2.101"))
            self.world.addHost("alice", listening: SimulatedListener.standard(ip), running: self.alice)
            self.registrar = self.world.peer("registrar", at: "192.0.2.201")
            var plan = RegistrationPlan(
                NameAddress(try URI("sip:alice@atlanta.example.com")),
                registrar: try URI("sip:192.0.2.201\(transport)"))
            edit(&plan)
            var handle: RegistrationHandle?
            let (alice, now) = (self.alice, self.world.now)
            self.world.perform(as: "alice") { _, outbox in handle = alice.register(plan, at: now, into: &outbox) }
            self.handle = try #require(handle)
        }

        /// The registrar takes what was asked, for this long.
        func grant(_ request: SIPMessage, _ expires: UInt32) throws {
            let contact = try #require(request.first(.contact))
            try self.registrar.sends(200) { builder in
                builder.remove(.contact)
                var contact = contact
                contact.parameters["expires"] = String(expires)
                builder.add(.contact, contact)
            }
        }

        var seconds: Int64 { self.world.now.nanoseconds / 1_000_000_000 }

        func unregister() {
            self.world.perform(as: "alice") { _, outbox in
                self.alice.unregister(self.handle, at: self.world.now, into: &outbox)
            }
        }
    }

    @Test("It is refreshed before it ends, with one Call-ID and rising numbers, and removed (§10.2.4, §10.2.2)")
    func refresh() throws {
        let scene = try Scene()
        let first = try scene.registrar.expects(.register)
        #expect(first.first(.contact)?.expires == 3600)
        #expect(first.first(.cseq)?.number == 1)
        try scene.grant(first, 600)
        let second = try scene.registrar.expects(.register, within: .seconds(600))
        #expect(scene.seconds == 540)
        #expect(second.first(.callID) == first.first(.callID))
        #expect(second.first(.cseq)?.number == 2)
        try scene.grant(second, 600)
        scene.world.run(for: .seconds(10))
        scene.unregister()
        let last = try scene.registrar.expects(.register)
        #expect(last.first(.contact)?.expires == 0)
        #expect(last.first(.cseq)?.number == 3)
        try scene.registrar.sends(200)
        try scene.world.end()
        #expect(scene.alice.events.last == .unregistered(scene.handle))
    }

    @Test("A time that is too brief is made as long as the registrar wants (§10.2.8)")
    func tooBrief() throws {
        let scene = try Scene { $0.expires = 60 }
        try scene.registrar.expects(.register)
        try scene.registrar.sends(423) { $0.add(named: "Min-Expires", "300") }
        let second = try scene.registrar.expects(.register)
        #expect(second.first(.contact)?.expires == 300)
        #expect(scene.seconds == 0)
    }

    @Test("A challenge is answered with credentials (§22.2); one that is wrong is not tried for ever")
    func challenge() throws {
        let scene = try Scene()
        for number in 1...3 {
            let request = try scene.registrar.expects(.register)
            #expect(request.first(.cseq)?.number == UInt32(number))
            #expect(request.has(.authorization) == (number > 1))
            try scene.registrar.sends(401) { $0.add(named: "WWW-Authenticate", "Digest realm=\"x\", nonce=\"1\"") }
        }
        try scene.world.end()
        #expect(scene.alice.events.contains(.registrationFailed(scene.handle, 401, retryAfter: nil)))
    }

    @Test("After a failure it waits 15 to 30 s, then 30 to 60 (RFC 5626 §4.5)")
    func backOff() throws {
        let scene = try Scene()
        try scene.registrar.expects(.register)
        try scene.registrar.sends(500)
        try scene.registrar.expects(.register, within: .seconds(70))
        let first = scene.seconds
        #expect((15...30).contains(first))
        try scene.registrar.sends(500)
        try scene.registrar.expects(.register, within: .seconds(70))
        #expect((30...60).contains(scene.seconds - first))
    }

    @Test("Retry-After is waited for (RFC 3261 §20.33)")
    func retryAfter() throws {
        let scene = try Scene()
        try scene.registrar.expects(.register)
        try scene.registrar.sends(503) { $0.add(.retryAfter, RetryAfter(120)) }
        try scene.registrar.expects(.register, within: .seconds(200))
        #expect(scene.seconds == 120)
    }

    @Test("A refusal for good ends it")
    func refusal() throws {
        let scene = try Scene()
        try scene.registrar.expects(.register)
        try scene.registrar.sends(403)
        try scene.world.end()
        #expect(scene.alice.events.contains(.registrationFailed(scene.handle, 403, retryAfter: nil)))
    }

    @Test("When the connection is lost it registers anew at once (RFC 5626 §4.5)")
    func flowLost() throws {
        let scene = try Scene(transport: ";transport=tcp") {
            $0.instanceID = "urn:uuid:00000000-0000-1000-8000-000A95A0E128"
            $0.regID = 1
        }
        let first = try scene.registrar.expects(.register)
        #expect(first.first(.contact)?.instanceID == "urn:uuid:00000000-0000-1000-8000-000A95A0E128")
        #expect(first.all(.supported).contains("outbound"))
        try scene.grant(first, 3600)
        scene.world.run(for: .seconds(5))
        scene.world.resetConnections(between: "alice", and: "registrar")
        try scene.registrar.expects(.register)
        #expect(scene.seconds == 5)
    }

    @Test("A first hop without Outbound says 439: the binding is an ordinary one then (RFC 5626 §4.2.1)")
    func firstHopLacksOutbound() throws {
        let scene = try Scene {
            $0.instanceID = "urn:uuid:00000000-0000-1000-8000-000A95A0E128"
            $0.regID = 1
        }
        #expect(try scene.registrar.expects(.register).first(.contact)?.regID == 1)
        try scene.registrar.sends(439)
        let second = try scene.registrar.expects(.register)
        #expect(second.first(.contact)?.regID == nil && !second.all(.supported).contains("outbound"))
        try scene.grant(second, 3600)
        scene.world.run(for: .seconds(1))
        guard case .registered(_, let grant)? = scene.alice.events.last else { return }
        #expect(grant.isOutbound == false)
    }

    @Test("When nobody says where the registrar is, it is tried again later")
    func noWay() throws {
        let scene = try Scene { $0.routes = [NameAddress(SIPURI(host: "nowhere.example.com"))] }
        scene.world.run(for: .seconds(1))
        #expect(
            scene.alice.events.contains {
                guard case .registrationFailed(_, 503, let wait) = $0 else { return false }
                return wait != nil
            })
    }

    @Test("A day of refreshes leaves one registration and nothing else")
    func day() throws {
        let scene = try Scene()
        var refreshes = 0
        while scene.seconds < 86_400 {
            try scene.grant(try scene.registrar.expects(.register, within: .seconds(3600)), 3600)
            refreshes += 1
        }
        // Every 3540 s: 25 in a day, and the first.
        #expect(refreshes == 26)
    }
}
