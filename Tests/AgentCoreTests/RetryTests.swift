import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("What a UAC does about refusals and redirections (RFC 3261 §8.1.3)")
struct RetryTests {
    /// Alice, an agent, calls Bob, a peer.
    struct Scene {
        let world = SimulatedWorld(seed: 1)
        let alice: SimulatedAgent
        let bob: ScriptedPeer
        let call: CallHandle

        init(
            _ edit: (inout CallPlan) throws -> Void = { _ in },
            configure: @escaping (inout AgentConfiguration) -> Void = { _ in }
        ) throws {
            self.alice = SimulatedAgent(configure: configure)
            let ip = try #require(IPAddress("192.0.2.101"))
            self.world.addHost("alice", listening: SimulatedListener.standard(ip), running: self.alice)
            self.bob = self.world.peer("bob", at: "192.0.2.201")
            var plan = try Stage.plan()
            try edit(&plan)
            var handle: CallHandle?
            let (alice, now) = (self.alice, self.world.now)
            self.world.perform(as: "alice") { _, outbox in handle = alice.call(plan, at: now, into: &outbox) }
            self.call = try #require(handle)
        }
    }

    @Test(
        "A body that is too large or of a type that is not taken is left out: the other side offers (§8.1.3.5)",
        arguments: [413, 415] as [StatusCode])
    func body(status: StatusCode) throws {
        let scene = try Scene()
        #expect(try scene.bob.expects(.invite).body.isEmpty == false)
        try scene.bob.sends(status)
        try scene.bob.expects(.ack)
        let second = try scene.bob.expects(.invite)
        #expect(second.body.isEmpty && second.first(.cseq)?.number == 2)
        try scene.bob.sends(200) { $0.setBody(Array("bob".utf8), type: MediaType("application", "sdp")) }
        #expect(String(decoding: try scene.bob.expects(.ack).body, as: UTF8.self) == "alice 2 to bob")
        #expect(scene.alice.establishedCount == 1)
    }

    @Test("It is tried once: the second such refusal is the end", arguments: [413, 415] as [StatusCode])
    func once(status: StatusCode) throws {
        let scene = try Scene()
        for _ in 0..<2 {
            try scene.bob.expects(.invite)
            try scene.bob.sends(status)
            try scene.bob.expects(.ack)
        }
        try scene.world.end()
        #expect(scene.alice.ends == [.rejected(status, status.reasonPhrase)])
    }

    @Test("Extensions that are not supported are left out of Require (§8.1.3.5, 420)")
    func extensions() throws {
        let scene = try Scene { $0.fields = [.init("Require", "100rel, future"), .init("Proxy-Require", "other")] }
        #expect(try scene.bob.expects(.invite).all(.require) == ["100rel", "future"])
        try scene.bob.sends(420) { $0.add(named: "Unsupported", "future, other") }
        try scene.bob.expects(.ack)
        let second = try scene.bob.expects(.invite)
        #expect(second.all(.require) == ["100rel"] && second.all(.proxyRequire).isEmpty)
        try scene.bob.sends(486)
        try scene.bob.expects(.ack)
        try scene.world.end()
    }

    @Test("A 420 about something that was not required is the end")
    func unrelated() throws {
        let scene = try Scene()
        try scene.bob.expects(.invite)
        try scene.bob.sends(420) { $0.add(named: "Unsupported", "future") }
        try scene.bob.expects(.ack)
        try scene.world.end()
        #expect(scene.alice.ends == [.rejected(420, "Bad Extension")])
    }

    @Test("A telephone number whose scheme is not taken goes as a SIP URI (§8.1.3.5, 416, §19.1.6)")
    func scheme() throws {
        let scene = try Scene {
            $0.target = try URI("tel:+1-201-555-0123")
            $0.routes = [NameAddress(try URI("sip:192.0.2.201;lr"))]
        }
        #expect(try scene.bob.expects(.invite).requestURI?.scheme == "tel")
        try scene.bob.sends(416)
        try scene.bob.expects(.ack)
        let uri = try scene.bob.expects(.invite).requestURI?.sip
        #expect(uri?.user == "+1-201-555-0123" && uri?.isPhone == true && uri?.host.name == "atlanta.example.com")
        try scene.bob.sends(486)
        try scene.bob.expects(.ack)
        try scene.world.end()
    }

    @Test("A redirection may be offered to the user, who chooses (§8.1.3.4)", arguments: [true, false])
    func offered(isFollowed: Bool) throws {
        let scene = try Scene { $0.redirections = .offer }
        scene.alice.behaviour.followsOffers = isFollowed
        let carol = scene.world.peer("carol", at: "192.0.2.202")
        try scene.bob.expects(.invite)
        let contact = Contact(try URI("sip:carol@192.0.2.202"))
        try scene.bob.sends(302) { $0.add(.contact, contact) }
        try scene.bob.expects(.ack)
        #expect(scene.alice.events.contains(.redirected(scene.call, [contact])))
        if isFollowed {
            try carol.expects(.invite)
            try carol.sends(486)
            try carol.expects(.ack)
        }
        try scene.world.end()
        #expect(
            scene.alice.ends == [isFollowed ? .rejected(486, "Busy Here") : .rejected(302, "Moved Temporarily")])
    }

    @Test("A 305 that is offered and followed makes a route of the proxy that it names (RFC 3261 §21.3.4)")
    func offeredProxy() throws {
        let scene = try Scene { $0.redirections = .offer }
        let proxy = scene.world.peer("proxy", at: "192.0.2.202")
        let target = try scene.bob.expects(.invite).requestURI
        try scene.bob.sends(305) { $0.add(named: "Contact", "<sip:192.0.2.202>") }
        try scene.bob.expects(.ack)
        let invite = try proxy.expects(.invite)
        #expect(invite.requestURI == target && invite.values(named: "Route") == ["<sip:192.0.2.202;lr>"])
        try proxy.sends(302) { $0.add(named: "Contact", "<sip:carol@192.0.2.203>") }
        try proxy.expects(.ack)
        // The way was for that address alone.
        let carol = scene.world.peer("carol", at: "192.0.2.203")
        #expect(try carol.expects(.invite).values(named: "Route").isEmpty)
        try carol.sends(486)
        try carol.expects(.ack)
        try scene.world.end()
    }

    @Test("A redirection that is not wanted is the end of the call")
    func refused() throws {
        let scene = try Scene { $0.redirections = .end }
        try scene.bob.expects(.invite)
        try scene.bob.sends(302) { $0.add(named: "Contact", "<sip:carol@192.0.2.202>") }
        try scene.bob.expects(.ack)
        try scene.world.end()
        #expect(scene.alice.ends == [.rejected(302, "Moved Temporarily")])
    }

    @Test(
        "A server that says 503, or nothing, is followed by the next of the same name (RFC 3263 §4.3)",
        arguments: [true, false])
    func failover(answers: Bool) throws {
        let world = SimulatedWorld(seed: 1)
        let alice = SimulatedAgent()
        let ip = try #require(IPAddress("192.0.2.101"))
        world.addHost("alice", listening: SimulatedListener.standard(ip), running: alice)
        let first = world.peer("first", at: "192.0.2.201")
        let second = world.peer("second", at: "192.0.2.202")
        alice.names["biloxi.example.com"] = SocketAddress(try #require(IPAddress("192.0.2.201")), 5060)
        alice.alternatives["biloxi.example.com"] = [SocketAddress(try #require(IPAddress("192.0.2.202")), 5060)]
        let target = try URI("sip:bob@biloxi.example.com")
        let plan = try Stage.plan { $0.target = target }
        world.perform(as: "alice") { _, outbox in alice.call(plan, at: world.now, into: &outbox) }
        let one = try first.expects(.invite)
        if answers {
            try first.sends(503)
            try first.expects(.ack)
        } else {
            first.ignores(.invite)
        }
        let other = try second.expects(.invite, within: .seconds(40))
        #expect(other.first(.callID) == one.first(.callID))
        #expect(other.first(.via)?.branch != one.first(.via)?.branch)
        try second.sends(200) { $0.setBody(Array("x".utf8), type: MediaType("application", "sdp")) }
        try second.expects(.ack)
        #expect(alice.establishedCount == 1)
    }
}
