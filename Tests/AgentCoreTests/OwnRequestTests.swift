import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("Requests outside of calls (RFC 3261 §8.1, RFC 3428)")
struct OwnRequestTests {
    struct Scene {
        let world = SimulatedWorld(seed: 1)
        let alice: SimulatedAgent
        let bob: ScriptedPeer

        init() throws {
            self.alice = SimulatedAgent(configure: { configuration in
                configuration.credentials = { _ in [("Authorization", "Digest username=\"alice\"")] }
            })
            let ip = try #require(IPAddress("192.0.2.101"))
            self.world.addHost("alice", listening: SimulatedListener.standard(ip), running: self.alice)
            self.bob = self.world.peer("bob", at: "192.0.2.201")
        }

        func send(_ plan: RequestPlan) throws -> RequestHandle {
            var handle: RequestHandle?
            self.world.perform(as: "alice") { _, outbox in
                handle = self.alice.does(at: self.world.now, into: &outbox) {
                    $0.send(plan, transactions: &$1, at: $2, into: &$3)
                }
            }
            return try #require(handle)
        }

        func message(to uri: String = "sip:bob@192.0.2.201") throws -> RequestPlan {
            .message(
                "Watson, come here.", to: try URI(uri), from: NameAddress(try URI("sip:alice@atlanta.example.com")))
        }

        /// The status that a request had in the end.
        func status(_ handle: RequestHandle) -> StatusCode? {
            self.alice.events.compactMap { event -> StatusCode? in
                guard case .answered(handle, let response) = event else { return nil }
                return response.status
            }.last
        }
    }

    @Test("A MESSAGE has its text, and no Contact (RFC 3428 §4)")
    func message() throws {
        let scene = try Scene()
        let handle = try scene.send(try scene.message())
        let message = try scene.bob.expects(.message)
        #expect(String(decoding: message.body, as: UTF8.self) == "Watson, come here.")
        #expect(message.contentType?.isType("text", "plain") == true)
        #expect(message.all(.contact).isEmpty)
        try scene.bob.sends(200)
        scene.world.run(for: .milliseconds(10))
        #expect(scene.status(handle) == 200)
        try scene.world.end()
    }

    @Test("A challenge is answered with the next CSeq (§22.2), a redirection followed (§8.1.3.4)")
    func repeated() throws {
        let scene = try Scene()
        let carol = scene.world.peer("carol", at: "192.0.2.202")
        let handle = try scene.send(try scene.message())
        let first = try scene.bob.expects(.message)
        try scene.bob.sends(401) { $0.add(named: "WWW-Authenticate", "Digest realm=\"x\", nonce=\"1\"") }
        let second = try scene.bob.expects(.message)
        #expect(second.first(.cseq)?.number == 2 && second.has(.authorization))
        #expect(second.first(.callID) == first.first(.callID))
        try scene.bob.sends(302) { $0.add(named: "Contact", "<sip:carol@192.0.2.202>") }
        let third = try carol.expects(.message)
        #expect(third.first(.cseq)?.number == 3)
        #expect(third.first(.to)?.uri.description == "sip:bob@192.0.2.201")
        try carol.sends(202)
        scene.world.run(for: .milliseconds(10))
        #expect(scene.status(handle) == 202)
        try scene.world.end()
    }

    @Test("When nobody answers at one address the next is tried (RFC 3263 §4.3); at none it has failed")
    func failover() throws {
        let scene = try Scene()
        let second = scene.world.peer("second", at: "192.0.2.202")
        scene.alice.names["biloxi.example.com"] = SocketAddress(try #require(IPAddress("192.0.2.201")), 5060)
        scene.alice.alternatives["biloxi.example.com"] = [SocketAddress(try #require(IPAddress("192.0.2.202")), 5060)]
        scene.world.setConditions(.losing(1), from: "alice", to: "bob")
        let handle = try scene.send(try scene.message(to: "sip:bob@biloxi.example.com"))
        try second.expects(.message, within: .seconds(40))
        #expect(scene.world.now == MonotonicInstant.start.advanced(by: .seconds(32)))
        scene.world.setConditions(.losing(1), from: "second", to: "alice")
        try second.sends(200)
        scene.world.run(for: .seconds(40))
        #expect(scene.alice.events.contains(.requestFailed(handle, .timedOut)))
    }

    @Test(
        "A name that nobody knows fails at once, one of which nobody says anything after 20 s",
        arguments: [true, false])
    func unknownName(isAnswered: Bool) throws {
        let scene = try Scene()
        scene.alice.behaviour.resolvesNames = isAnswered
        let handle = try scene.send(try scene.message(to: "sip:bob@nowhere.example.com"))
        try scene.world.end()
        #expect(scene.alice.events.contains(.requestFailed(handle, .unreachable)))
        #expect(scene.world.now == MonotonicInstant.start.advanced(by: .seconds(isAnswered ? 0 : 20)))
    }

    @Test("A call to a name of which nobody says anything is over after 20 s, and nothing of it is left")
    func silentResolver() throws {
        let scene = try Scene()
        scene.alice.behaviour.resolvesNames = false
        let target = try URI("sip:bob@nowhere.example.com")
        let plan = try Stage.plan { $0.target = target }
        scene.world.perform(as: "alice") { _, outbox in
            scene.alice.call(plan, at: scene.world.now, into: &outbox)
        }
        try scene.world.end()
        #expect(scene.alice.ends == [.unreachable])
        #expect(scene.world.now == MonotonicInstant.start.advanced(by: .seconds(20)))
    }

    @Test(
        "Methods of dialogs and transactions are none of it",
        arguments: [Method.invite, .bye, .prack, .ack])
    func methods(method: Method) throws {
        let scene = try Scene()
        let uri = try URI("sip:bob@192.0.2.201")
        scene.world.perform(as: "alice") { _, outbox in
            let handle = scene.alice.does(at: scene.world.now, into: &outbox) {
                $0.send(RequestPlan(method, to: uri, from: NameAddress(uri)), transactions: &$1, at: $2, into: &$3)
            }
            #expect(handle == nil)
        }
        try scene.world.end()
    }

    @Test("A MESSAGE to us is taken once, when its type is one that we take (RFC 3428 §7)", arguments: [true, false])
    func received(isText: Bool) throws {
        let scene = try Scene()
        try scene.bob.sends(.message, to: try URI("sip:alice@192.0.2.101")) {
            $0.remove(.contact)
            $0.setBody(Array("hello".utf8), type: isText ? .plainText : MediaType("image", "png"))
        }
        if isText {
            try scene.bob.expects(200)
        } else {
            #expect(try scene.bob.expects(415).all(.accept) == [.plainText])
        }
        let taken = scene.alice.events.contains {
            guard case .message(nil, let message) = $0 else { return false }
            return String(decoding: message.body, as: UTF8.self) == "hello"
        }
        #expect(taken == isText)
        try scene.world.end()
    }
}
