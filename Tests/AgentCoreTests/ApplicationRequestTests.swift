import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("Requests of the application outside of calls (RFC 3261 §8.1, §11, RFC 3428)")
struct ApplicationRequestTests {
    private func plan(_ method: SIPMessages.Method, _ edit: (inout RequestPlan) -> Void = { _ in }) throws
        -> RequestPlan
    {
        var plan = RequestPlan(
            method, to: try URI("sip:bob@192.0.2.201"), from: NameAddress(try URI("sip:alice@atlanta.example.com")))
        edit(&plan)
        return plan
    }

    private func send(_ plan: RequestPlan, on stage: Stage) throws -> RequestHandle {
        var handle: RequestHandle?
        stage.perform("alice") { agent, now, outbox in handle = agent.request(plan, at: now, into: &outbox) }
        return try #require(handle)
    }

    private func responses(_ agent: SimulatedAgent, to handle: RequestHandle) -> [StatusCode?] {
        agent.events.compactMap { event in
            guard case .response(handle, let message) = event else { return nil }
            return message.status
        }
    }

    @Test("A MESSAGE reaches who takes messages, and is answered with 200 (RFC 3428 §7)")
    func message() throws {
        let stage = try Stage(bob: SimulatedAgent { $0.takesMessages = true })
        let handle = try self.send(
            self.plan(.message) {
                $0.body = Array("Watson, come here.".utf8)
                $0.contentType = MediaType("text", "plain")
            }, on: stage)
        try stage.world.end()
        #expect(self.responses(stage.alice, to: handle) == [200])
        let messages = stage.bob.events.compactMap { event -> SIPMessage? in
            guard case .message(let message) = event else { return nil }
            return message
        }
        #expect(messages.map(\.body) == [Array("Watson, come here.".utf8)])
        #expect(messages.first?.first(.cseq) == CSeq(1, .message))
        #expect(messages.first?.has(.contact) == false)  // RFC 3428 §4: it makes no dialog.
    }

    @Test("Who takes no messages answers 405 with the methods that it takes (RFC 3261 §8.2.1)")
    func messageNotAllowed() throws {
        let stage = try Stage()
        let handle = try self.send(self.plan(.message) { $0.body = Array("x".utf8) }, on: stage)
        try stage.world.end()
        #expect(self.responses(stage.alice, to: handle) == [405])
    }

    @Test("OPTIONS says what we can do, and brings what the other side can (§11.1)")
    func options() throws {
        let stage = try Stage()
        let handle = try self.send(self.plan(.options) { $0.contactUser = "alice" }, on: stage)
        try stage.world.end()
        #expect(self.responses(stage.alice, to: handle) == [200])
        #expect(stage.flow.count == 2)
    }

    @Test("A field of one's own takes the place of ours; Via, Contact and Content-Length stay ours")
    func fields() throws {
        let world = SimulatedWorld(seed: 1)
        let alice = SimulatedAgent()
        let ip = try #require(IPAddress("192.0.2.101"))
        world.addHost("alice", listening: SimulatedListener.standard(ip), running: alice)
        let bob = world.peer("bob", at: "192.0.2.201")
        let plan = try self.plan("PUBLISH") {
            $0.fields = [.init("Call-ID", "mine"), .init("Max-Forwards", "7"), .init("Event", "presence")]
        }
        world.perform(as: "alice") { _, outbox in alice.request(plan, at: world.now, into: &outbox) }
        let request = try bob.expects("PUBLISH")
        #expect(request.first(.callID) == CallID("mine"))
        #expect(request.all(.callID).count == 1)
        #expect(request.first(.maxForwards) == 7)
        #expect(request.all(.via).count == 1)
    }

    @Test("Without an answer it ends at 64*T1 (§17.1.2.2), and nothing is left")
    func noAnswer() throws {
        let stage = try Stage(conditions: .losing(1))
        let handle = try self.send(self.plan(.options), on: stage)
        try stage.world.end()
        #expect(stage.alice.events.contains(.unanswered(handle, .timedOut)))
        #expect(stage.world.now.nanoseconds / 1_000_000_000 == 32)
    }

    @Test("A challenge is answered once with the next CSeq (§22.2); a second refusal is told")
    func challenge() throws {
        let world = SimulatedWorld(seed: 1)
        let alice = SimulatedAgent(configure: { configuration in
            configuration.credentials = { challenged in
                challenged.attempts == 0 ? [("Proxy-Authorization", "Digest username=\"alice\"")] : nil
            }
        })
        let ip = try #require(IPAddress("192.0.2.101"))
        world.addHost("alice", listening: SimulatedListener.standard(ip), running: alice)
        let proxy = world.peer("proxy", at: "192.0.2.201")
        let plan = try self.plan(.message)
        world.perform(as: "alice") { _, outbox in alice.request(plan, at: world.now, into: &outbox) }
        for number in 1...2 {
            let request = try proxy.expects(.message)
            #expect(request.first(.cseq)?.number == UInt32(number))
            #expect(request.has(.proxyAuthorization) == (number == 2))
            try proxy.sends(407) { $0.add(named: "Proxy-Authenticate", "Digest realm=\"x\", nonce=\"1\"") }
        }
        try world.end()
        let statuses = alice.events.compactMap { event -> StatusCode? in
            guard case .response(_, let message) = event else { return nil }
            return message.status
        }
        #expect(statuses == [407])
    }

    @Test("INVITE, ACK and CANCEL are those of calls", arguments: ["INVITE", "ACK", "CANCEL"])
    func notForCalls(method: String) throws {
        let stage = try Stage()
        var handle: RequestHandle?
        let plan = try self.plan(SIPMessages.Method(method))
        stage.perform("alice") { agent, now, outbox in handle = agent.request(plan, at: now, into: &outbox) }
        #expect(handle == nil)
    }

    @Test("Of a refused INVITE the whole response is told, before the end of the call (§8.1.3)")
    func refusedCall() throws {
        let busy = SimulatedAgent(
            {
                var behaviour = SimulatedAgent.Behaviour()
                behaviour.rejects = 486
                return behaviour
            }())
        let stage = try Stage(bob: busy)
        let call = try stage.call()
        try stage.world.end()
        let place = try #require(
            stage.alice.events.firstIndex { event in
                guard case .refused(.call(call), let response) = event else { return false }
                return response.status == 486 && response.first(.to)?.tag != nil
            })
        let end = try #require(stage.alice.events.firstIndex(of: .ended(call, .rejected(486, "Busy Here"))))
        #expect(place < end)
    }
}
