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

    @Test("A name that nobody knows, and one of which nobody says anything, fail")
    func unknownName() throws {
        let scene = try Scene()
        let handle = try scene.send(try scene.message(to: "sip:bob@nowhere.example.com"))
        try scene.world.end()
        #expect(scene.alice.events.contains(.requestFailed(handle, .unreachable)))
    }

    @Test(
        "Methods of dialogs, transactions and registrations are none of it",
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

@Suite("INFO and MESSAGE within a call (RFC 6086)")
struct InformationTests {
    private static func talking(packages: [String] = []) throws -> Stage {
        let stage = try Stage(bob: SimulatedAgent(configure: { $0.infoPackages = packages }))
        stage.bob.behaviour.answersAfter = .zero
        try stage.call()
        stage.world.run(for: .seconds(1))
        return stage
    }

    private static func inform(_ stage: Stage, _ package: String?) throws -> Bool {
        let call = stage.alice.calls[0]
        var isSent = false
        stage.perform("alice") { agent, now, outbox in
            isSent = agent.does(at: now, into: &outbox) {
                $0.inform(
                    call, Array("Signal=5".utf8), type: MediaType("application", "dtmf-relay"), package: package,
                    transactions: &$1, at: $2, into: &$3)
            }
        }
        stage.world.run(for: .seconds(1))
        return isSent
    }

    private static func received(_ stage: Stage) -> [SIPMessage] {
        stage.bob.events.compactMap { event in
            guard case .information(_, let message) = event else { return nil }
            return message
        }
    }

    @Test("A body of the time before packages goes at any time (RFC 6086 §4.1)")
    func legacy() throws {
        let stage = try Self.talking()
        #expect(try Self.inform(stage, nil))
        let info = try #require(Self.received(stage).first)
        #expect(String(decoding: info.body, as: UTF8.self) == "Signal=5" && !info.has(.infoPackage))
        #expect(stage.alice.events.contains(.informationAnswered(stage.alice.calls[0], 200)))
    }

    @Test("A package goes when the other side has said that it takes it (RFC 6086 §4.2.1)")
    func package() throws {
        let stage = try Self.talking(packages: ["trickle-ice"])
        #expect(try Self.inform(stage, "trickle-ice"))
        let info = try #require(Self.received(stage).first)
        #expect(info.first(.infoPackage)?.isToken("trickle-ice") == true)
        #expect(info.first(.contentDisposition)?.type == "Info-Package")
        #expect(try Self.inform(stage, "other") == false)
        #expect(Self.received(stage).count == 1)
    }

    @Test("A MESSAGE in a call is told with it (RFC 3428 §3)")
    func message() throws {
        let stage = try Self.talking()
        let (call, theirs) = (stage.alice.calls[0], stage.bob.calls[0])
        stage.perform("alice") { agent, now, outbox in
            _ = agent.does(at: now, into: &outbox) {
                $0.message(call, Array("hello".utf8), type: .plainText, transactions: &$1, at: $2, into: &$3)
            }
        }
        stage.world.run(for: .seconds(1))
        #expect(
            stage.bob.events.contains {
                guard case .message(theirs, let message) = $0 else { return false }
                return String(decoding: message.body, as: UTF8.self) == "hello"
            })
    }

    @Test("INFO in a dialog that the other side does not know ends the call (RFC 3261 §12.2.1.2)")
    func unknownDialog() throws {
        let stage = try Self.talking()
        stage.world.crash("bob")
        stage.world.restart("bob", running: SimulatedAgent())
        #expect(try Self.inform(stage, nil))
        #expect(stage.alice.ends == [.rejected(481, "Call/Transaction Does Not Exist")])
    }
}
