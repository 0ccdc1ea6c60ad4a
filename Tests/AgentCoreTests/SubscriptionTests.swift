import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("Subscriptions to the state of others (RFC 6665 §4.1)")
struct SubscriptionTests {
    /// Alice, who subscribes, and Bob, a notifier by script.
    struct Scene {
        let world = SimulatedWorld(seed: 1)
        let alice: SimulatedAgent
        let bob: ScriptedPeer
        let handle: SubscriptionHandle

        init(
            _ edit: (inout SubscriptionPlan) -> Void = { _ in },
            configure: @escaping (inout AgentConfiguration) -> Void = { _ in }
        ) throws {
            let alice = SimulatedAgent(configure: { configuration in
                configuration.credentials = { _ in [("Authorization", "Digest username=\"alice\"")] }
                configure(&configuration)
            })
            self.alice = alice
            let ip = try #require(IPAddress("192.0.2.101"))
            self.world.addHost("alice", listening: SimulatedListener.standard(ip), running: self.alice)
            self.bob = self.world.peer("bob", at: "192.0.2.201")
            var plan = SubscriptionPlan(
                to: try URI("sip:bob@192.0.2.201"), event: EventType("presence"),
                from: NameAddress(try URI("sip:alice@atlanta.example.com")))
            plan.expires = 600
            edit(&plan)
            var handle: SubscriptionHandle?
            let now = self.world.now
            self.world.perform(as: "alice") { _, outbox in
                handle = alice.does(at: now, into: &outbox) { $0.subscribe(plan, transactions: &$1, at: $2, into: &$3) }
            }
            self.handle = try #require(handle)
        }

        var seconds: Int64 { self.world.now.nanoseconds / 1_000_000_000 }

        /// Bob takes the SUBSCRIBE that comes next.
        @discardableResult
        func accepts(_ expires: UInt32 = 600, status: StatusCode = 200) throws -> SIPMessage {
            let request = try self.bob.expects(.subscribe, within: .seconds(4000))
            try self.bob.sends(status) { $0.set(.expires, expires) }
            return request
        }

        /// Bob tells the state, and is answered.
        @discardableResult
        func notifies(
            _ state: SubscriptionState, _ body: String = "", event: EventType = EventType("presence"),
            answered status: StatusCode = 200
        ) throws -> SIPMessage {
            try self.bob.sends(.notify) { builder in
                builder.add(.event, event)
                builder.add(.subscriptionState, state)
                if !body.isEmpty { builder.setBody(Array(body.utf8), type: MediaType("application", "pidf+xml")) }
            }
            return try self.bob.expects(status, for: .notify)
        }

        func unsubscribe() {
            self.world.perform(as: "alice") { _, outbox in
                self.alice.does(at: self.world.now, into: &outbox) {
                    $0.unsubscribe(self.handle, transactions: &$1, at: $2, into: &$3)
                }
            }
        }

        /// What was told, by the bodies.
        var told: [String] {
            self.alice.events.compactMap { event in
                guard case .notified(self.handle, let message) = event else { return nil }
                return String(decoding: message.body, as: UTF8.self)
            }
        }

        var ends: [SubscriptionEnd] {
            self.alice.events.compactMap { event in
                guard case .subscriptionEnded(self.handle, let end) = event else { return nil }
                return end
            }
        }
    }

    @Test("It is asked for, told, refreshed in the dialog that the NOTIFY has made, and ended (§4.1.2, §4.4.1)")
    func life() throws {
        let scene = try Scene { $0.accept = [MediaType("application", "pidf+xml")] }
        let first = try scene.accepts()
        #expect(first.first(.event)?.package == "presence" && first.first(.expires) == 600)
        #expect(first.all(.accept).map(\.text) == ["application/pidf+xml"])
        #expect(first.first(.contact)?.uri != nil && first.first(.to)?.tag == nil)
        try scene.notifies(SubscriptionState("active", expires: 600), "open")
        let second = try scene.accepts()
        #expect(scene.seconds == 568)
        #expect(second.first(.callID) == first.first(.callID) && second.first(.to)?.tag != nil)
        #expect(second.first(.cseq)?.number == 2)
        try scene.notifies(SubscriptionState("active", expires: 600), "closed")
        scene.unsubscribe()
        #expect(try scene.accepts(0).first(.expires) == 0)
        try scene.notifies(SubscriptionState("terminated", reason: "timeout"))
        #expect(scene.told == ["open", "closed", ""])
        #expect(scene.ends == [.unsubscribed])
        try scene.world.end()
    }

    @Test("A NOTIFY may come before the response (§4.1.2.4); 202 is as good as 200")
    func early() throws {
        let scene = try Scene()
        try scene.bob.expects(.subscribe)
        try scene.notifies(SubscriptionState("pending", expires: 60), "x")
        try scene.bob.sends(202, to: .subscribe) { $0.set(.expires, 60) }
        // Of a short time half is left when more is asked for.
        try scene.bob.expects(.subscribe, within: .seconds(100))
        #expect(scene.seconds == 30)
        try scene.bob.sends(481)
        scene.world.run(for: .seconds(1))
        #expect(scene.told == ["x"] && scene.ends.isEmpty)
    }

    @Test(
        "A refusal ends it, and is told as it came", arguments: [489, 403, 404, 480, 500, 603] as [StatusCode])
    func refused(status: StatusCode) throws {
        let scene = try Scene()
        try scene.bob.expects(.subscribe)
        try scene.bob.sends(status) { $0.add(named: "Allow-Events", "dialog") }
        try scene.world.end()
        guard case .rejected(let response)? = scene.ends.first else {
            Issue.record("\(scene.ends)")
            return
        }
        #expect(response.status == status && response.values(named: "Allow-Events") == ["dialog"])
    }

    @Test(
        "Without a NOTIFY within timer N it has failed (§4.1.2.4); without any answer, too", arguments: [true, false])
    func silent(isAnswered: Bool) throws {
        let scene = try Scene()
        if isAnswered {
            try scene.accepts()
        } else {
            try scene.bob.expects(.subscribe)
            scene.bob.ignores(.subscribe)
        }
        scene.world.run(for: .seconds(33))
        #expect(scene.ends == [.failed(.timedOut)])
    }

    @Test("A challenge is answered; a time that is too brief is made as long as is wanted (423)")
    func repeated() throws {
        let scene = try Scene { $0.expires = 60 }
        try scene.bob.expects(.subscribe)
        try scene.bob.sends(401) { $0.add(named: "WWW-Authenticate", "Digest realm=\"x\", nonce=\"1\"") }
        let second = try scene.bob.expects(.subscribe)
        #expect(second.has(.authorization) && second.first(.cseq)?.number == 2)
        try scene.bob.sends(423) { $0.add(named: "Min-Expires", "300") }
        #expect(try scene.accepts(300).first(.expires) == 300)
        try scene.notifies(SubscriptionState("active"), "open")
        // Where the NOTIFY does not say how long it lasts the response has.
        try scene.bob.expects(.subscribe, within: .seconds(400))
        #expect(scene.seconds == 268)
    }

    @Test("The next request in the dialog has the next CSeq, also after a challenge (§4.4.1)")
    func sequence() throws {
        let scene = try Scene()
        try scene.bob.expects(.subscribe)
        try scene.bob.sends(401) { $0.add(named: "WWW-Authenticate", "Digest realm=\"x\", nonce=\"1\"") }
        try scene.accepts()
        try scene.notifies(SubscriptionState("active", expires: 600))
        try scene.bob.expects(.subscribe, within: .seconds(600))
        try scene.bob.sends(401) { $0.add(named: "WWW-Authenticate", "Digest realm=\"x\", nonce=\"2\"") }
        let last = try scene.accepts()
        #expect(last.first(.cseq)?.number == 4 && last.has(.authorization))
    }

    @Test(
        "After these reasons it is begun anew, with a Call-ID of its own, at the time that they say (§4.1.3)",
        arguments: [
            ("deactivated", nil, 30), ("timeout", nil, 30), ("probation", nil, 30), ("probation", 300, 300),
            ("giveup", 120, 120),
        ] as [(String, UInt32?, Int64)])
    func again(reason: String, retryAfter: UInt32?, after: Int64) throws {
        let scene = try Scene()
        let first = try scene.accepts()
        try scene.notifies(SubscriptionState("active", expires: 600), "open")
        try scene.notifies(SubscriptionState("terminated", reason: reason, retryAfter: retryAfter))
        let second = try scene.accepts()
        #expect(scene.seconds == after)
        #expect(second.first(.callID) != first.first(.callID) && second.first(.to)?.tag == nil)
        #expect(second.first(.from)?.tag != first.first(.from)?.tag)
        try scene.notifies(SubscriptionState("active", expires: 600), "open again")
        #expect(scene.told == ["open", "", "open again"] && scene.ends.isEmpty)
    }

    @Test("After these reasons it is not (§4.1.3)", arguments: ["rejected", "noresource", "invariant", nil])
    func over(reason: String?) throws {
        let scene = try Scene()
        try scene.accepts()
        try scene.notifies(SubscriptionState("active", expires: 600))
        try scene.notifies(SubscriptionState("terminated", reason: reason, retryAfter: 5))
        #expect(scene.ends == [.terminated])
        try scene.bob.expectsNothing(for: .seconds(100))
        try scene.world.end()
    }

    @Test(
        "A refresh that these statuses refuse ends the dialog, and a new one is begun (§4.1.2.2)",
        arguments: [481, 404, 489] as [StatusCode])
    func lost(status: StatusCode) throws {
        let scene = try Scene()
        let first = try scene.accepts()
        try scene.notifies(SubscriptionState("active", expires: 600))
        try scene.bob.expects(.subscribe, within: .seconds(600))
        try scene.bob.sends(status)
        let again = try scene.accepts()
        #expect(scene.seconds == 568 && again.first(.callID) != first.first(.callID))
    }

    @Test("A refresh that fails otherwise leaves it as it is until its time is over (§4.1.2.2)")
    func limping() throws {
        let scene = try Scene()
        let first = try scene.accepts()
        try scene.notifies(SubscriptionState("active", expires: 600))
        try scene.bob.expects(.subscribe, within: .seconds(600))
        try scene.bob.sends(500)
        scene.world.run(for: .seconds(20))
        try scene.notifies(SubscriptionState("active"), "still")
        #expect(scene.told == ["", "still"])
        let again = try scene.accepts()
        #expect(scene.seconds == 600 && again.first(.callID) != first.first(.callID))
    }

    @Test("A refresh that is taken and brings no NOTIFY has lost it after timer N (§4.1.2.2); a 204 promises none")
    func unnotified() throws {
        let scene = try Scene()
        try scene.accepts()
        try scene.notifies(SubscriptionState("active", expires: 600))
        try scene.accepts(status: 204)
        try scene.bob.expects(.subscribe, within: .seconds(1200))
        #expect(scene.seconds == 2 * 568)
        try scene.bob.sends(200) { $0.set(.expires, 600) }
        let again = try scene.bob.expects(.subscribe, within: .seconds(100))
        #expect(scene.seconds == 2 * 568 + 32 && again.first(.to)?.tag == nil)
    }

    @Test("Who has stood and is refused for a while is tried again with patience; Retry-After counts")
    func patience() throws {
        let scene = try Scene()
        try scene.accepts()
        try scene.notifies(SubscriptionState("active", expires: 600))
        try scene.notifies(SubscriptionState("terminated", reason: "deactivated"))
        try scene.bob.expects(.subscribe, within: .seconds(100))
        let lost = scene.seconds
        try scene.bob.sends(503) { $0.add(.retryAfter, RetryAfter(120)) }
        try scene.bob.expects(.subscribe, within: .seconds(200))
        #expect(scene.seconds == lost + 120)
        try scene.bob.sends(403)
        scene.world.run(for: .seconds(1))
        #expect(scene.ends.count == 1)
    }

    @Test(
        "A NOTIFY that is not of the subscription is refused (§4.1.3)",
        arguments: [("presence;id=7", 481), ("dialog", 489)] as [(String, StatusCode)])
    func foreign(event: String, status: StatusCode) throws {
        let scene = try Scene()
        try scene.accepts()
        let type = try EventType(parsing: event, field: .event)
        let response = try scene.notifies(SubscriptionState("active"), "x", event: type, answered: status)
        if status == 489 { #expect(response.values(named: "Allow-Events") == ["presence"]) }
        try scene.bob.sends(.notify) { $0.add(.event, EventType("presence")) }
        try scene.bob.expects(400, for: .notify)
        #expect(scene.told.isEmpty)
    }

    @Test("State of a type that was not asked for is refused with 415")
    func foreignType() throws {
        let scene = try Scene { $0.accept = [MediaType("text", "plain")] }
        try scene.accepts()
        let response = try scene.notifies(SubscriptionState("active"), "<presence/>", answered: 415)
        #expect(response.all(.accept).map(\.text) == ["text/plain"])
    }

    @Test("Of a SUBSCRIBE that was forked the first notifier counts; others are told 481 (§4.1.4, §5.4.9)")
    func forked() throws {
        let scene = try Scene()
        let request = try scene.accepts()
        try scene.notifies(SubscriptionState("active", expires: 600), "bob")
        let carol = scene.world.peer("carol", at: "192.0.2.202")
        let target = try #require(request.first(.contact)?.uri)
        try carol.sends(.notify, to: target) { builder in
            builder.set(.callID, request.first(.callID) ?? CallID("x"))
            builder.set(.to, request.first(.from) ?? NameAddress(target))
            builder.add(.event, EventType("presence"))
            builder.add(.subscriptionState, SubscriptionState("active"))
        }
        try carol.expects(481, for: .notify)
        #expect(scene.told == ["bob"])
    }

    @Test(
        "With 0 the state is told once, also by who does not say that it is over (§4.4.3)",
        arguments: [
            SubscriptionState("terminated", reason: "timeout"), SubscriptionState("active", expires: 0),
            SubscriptionState("active"), SubscriptionState("pending"),
        ])
    func poll(state: SubscriptionState) throws {
        let scene = try Scene { $0.expires = 0 }
        #expect(try scene.accepts(0).first(.expires) == 0)
        try scene.notifies(state, "open")
        scene.world.run(for: .seconds(1))
        #expect(scene.told == ["open"] && scene.ends == [.terminated])
        try scene.bob.expectsNothing(for: .seconds(100))
        try scene.world.end()
    }

    @Test("Given up before the first NOTIFY nothing is left; the NOTIFY that comes is told 481, which ends it (§4.2.2)")
    func givenUp() throws {
        let scene = try Scene()
        try scene.accepts()
        scene.unsubscribe()
        #expect(scene.ends == [.unsubscribed])
        try scene.notifies(SubscriptionState("active", expires: 600), answered: 481)
        try scene.world.end()
    }

    @Test("A farewell that nobody answers ends after timer N")
    func farewell() throws {
        let scene = try Scene()
        try scene.accepts()
        try scene.notifies(SubscriptionState("active", expires: 600))
        scene.unsubscribe()
        try scene.bob.expects(.subscribe)
        scene.bob.ignores(.subscribe)
        scene.world.run(for: .seconds(33))
        #expect(scene.ends == [.unsubscribed])
    }

    @Test("Beyond the bound there is none")
    func bound() throws {
        let scene = try Scene(configure: { $0.maximumSubscriptions = 1 })
        let plan = SubscriptionPlan(
            to: try URI("sip:bob@192.0.2.201"), event: EventType("presence"),
            from: NameAddress(try URI("sip:alice@atlanta.example.com")))
        var second: SubscriptionHandle?
        scene.world.perform(as: "alice") { _, outbox in
            second = scene.alice.does(at: scene.world.now, into: &outbox) {
                $0.subscribe(plan, transactions: &$1, at: $2, into: &$3)
            }
        }
        #expect(second == nil)
    }
}
