import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("Calls that fork (RFC 3261 §13.2.2.4)")
struct ForkTests {
    /// Alice, whose INVITE a proxy forks to Bob and Carol.
    final class Scene {
        let world = SimulatedWorld(seed: 1)
        let alice = SimulatedAgent()
        let proxy: ScriptedPeer
        let bob: ScriptedPeer
        let carol: ScriptedPeer
        private(set) var call: CallHandle?
        private var invite: SIPMessage?

        init(offers: Bool = true) throws {
            let ip = try #require(IPAddress("192.0.2.101"))
            self.world.addHost("alice", listening: SimulatedListener.standard(ip), running: self.alice)
            self.proxy = self.world.peer("proxy", at: "192.0.2.201")
            self.bob = self.world.peer("bob", at: "192.0.2.202")
            self.carol = self.world.peer("carol", at: "192.0.2.203")
            self.world.permitsViolations(by: "proxy")
            let plan = try Stage.plan { $0.offers = offers }
            self.world.perform(as: "alice") { _, outbox in
                self.call = self.alice.call(plan, at: self.world.now, into: &outbox)
            }
            self.invite = try self.proxy.expects(.invite)
        }

        /// A response of one of the forks, as the proxy passes it on.
        func respond(_ status: StatusCode, from tag: String, at address: String, _ fields: (String, String)...) throws {
            var builder = MessageBuilder(status, to: try #require(self.invite), toTag: tag)
            builder.add(named: "Contact", "<sip:\(tag)@\(address)>")
            for field in fields { builder.add(named: field.0, field.1) }
            let isReliable = fields.contains { $0.0 == "RSeq" }
            if status.isSuccess || isReliable {
                builder.setBody(Array(tag.utf8), type: MediaType("application", "sdp"))
            }
            let alice = SocketAddress(try #require(IPAddress("192.0.2.101")), 5060)
            try self.proxy.sendsOctets(builder.octets, to: alice)
            self.world.run(for: .milliseconds(1))
        }
    }

    @Test("The first 2xx makes the call; another is acknowledged and released by BYE")
    func twoSuccesses() throws {
        let scene = try Scene()
        try scene.respond(180, from: "bob", at: "192.0.2.202")
        try scene.respond(180, from: "carol", at: "192.0.2.203")
        try scene.respond(200, from: "carol", at: "192.0.2.203")
        try scene.carol.expects(.ack)
        try scene.respond(200, from: "bob", at: "192.0.2.202")
        try scene.bob.expects(.ack)
        let release = try scene.bob.expects(.bye)
        #expect(release.first(.to)?.tag == "bob")
        try scene.bob.sends(200)
        #expect(scene.alice.establishedCount == 1)
        #expect(scene.alice.ends.isEmpty)
        #expect(scene.alice.sessions.values.first?.remote == "carol")
        // A copy of the 2xx of the fork that was released is acknowledged again, and no BYE follows.
        try scene.respond(200, from: "bob", at: "192.0.2.202")
        try scene.bob.expects(.ack)
        let call = try #require(scene.call)
        scene.world.perform(as: "alice") { _, outbox in
            scene.alice.hangUp(call, at: scene.world.now, into: &outbox)
        }
        let bye = try scene.carol.expects(.bye)
        #expect(bye.first(.to)?.tag == "carol")
        try scene.carol.sends(200)
        scene.proxy.ignores(.invite)
        try scene.world.end()
        #expect(scene.alice.ends == [.hungUp])
    }

    @Test("Each fork has its own order of reliable responses, and its own PRACKs (RFC 3262 §4)")
    func reliableForks() throws {
        let scene = try Scene()
        try scene.respond(183, from: "bob", at: "192.0.2.202", ("Require", "100rel"), ("RSeq", "7"))
        try scene.bob.expects(.prack)
        try scene.bob.sends(200)
        try scene.respond(183, from: "carol", at: "192.0.2.203", ("Require", "100rel"), ("RSeq", "100"))
        let prack = try scene.carol.expects(.prack)
        #expect(prack.first(.rack)?.responseNumber == 100)
        try scene.carol.sends(200)
        // One is missing in between: nothing is acknowledged (§4).
        try scene.respond(180, from: "bob", at: "192.0.2.202", ("Require", "100rel"), ("RSeq", "9"))
        try scene.respond(180, from: "bob", at: "192.0.2.202", ("Require", "100rel"), ("RSeq", "8"))
        let second = try scene.bob.expects(.prack)
        #expect(second.first(.rack)?.responseNumber == 8)
        try scene.bob.sends(200)
        try scene.respond(486, from: "proxy", at: "192.0.2.201")
        try scene.proxy.expects(.ack)
        scene.proxy.ignores(.invite)
        try scene.world.end()
        #expect(scene.alice.ends == [.rejected(486, "Busy Here")])
    }

    @Test("Offers of two forks at a time are answered each, however long the media takes (RFC 6337 §3.1.1)")
    func offersOfForks() throws {
        let scene = try Scene(offers: false)
        scene.alice.behaviour.describesAfter = .seconds(1)
        try scene.respond(183, from: "bob", at: "192.0.2.202", ("Require", "100rel"), ("RSeq", "1"))
        try scene.respond(183, from: "carol", at: "192.0.2.203", ("Require", "100rel"), ("RSeq", "1"))
        #expect(String(decoding: try scene.bob.expects(.prack).body, as: UTF8.self) == "alice 1 to bob")
        try scene.bob.sends(200)
        #expect(String(decoding: try scene.carol.expects(.prack).body, as: UTF8.self) == "alice 2 to carol")
        try scene.carol.sends(200)
    }

    @Test("A 2xx that comes after we hung up is acknowledged and released (RFC 3261 §15)")
    func lateSuccess() throws {
        let scene = try Scene()
        try scene.respond(180, from: "bob", at: "192.0.2.202")
        let call = try #require(scene.call)
        scene.world.perform(as: "alice") { _, outbox in
            scene.alice.hangUp(call, at: scene.world.now, into: &outbox)
        }
        try scene.proxy.expects(.cancel)
        try scene.proxy.sends(200, to: .cancel)
        try scene.respond(200, from: "bob", at: "192.0.2.202")
        try scene.bob.expects(.ack)
        try scene.bob.expects(.bye)
        try scene.bob.sends(200)
        scene.proxy.ignores(.invite)
        try scene.world.end()
        #expect(scene.alice.ends == [.hungUp])
        #expect(scene.alice.establishedCount == 0)
    }

    @Test("Early dialogs that get no 2xx are over 64*T1 after the first 2xx (RFC 5407 appendix E, figure 4)")
    func earlyDialogsEnd() throws {
        let scene = try Scene()
        func dialogCount() -> Int {
            var count = 0
            scene.world.perform(as: "alice") { _, outbox in
                count = scene.alice.does(at: scene.world.now, into: &outbox) { agent, _, _, _ in agent.dialogCount }
            }
            return count
        }
        try scene.respond(180, from: "a", at: "192.0.2.202")
        try scene.respond(180, from: "b", at: "192.0.2.203")
        try scene.respond(200, from: "a", at: "192.0.2.202")
        try scene.bob.expects(.ack)
        #expect(dialogCount() == 2)
        scene.world.run(for: .milliseconds(31_900))
        #expect(dialogCount() == 2)
        scene.world.run(for: .milliseconds(200))
        #expect(dialogCount() == 1)
        // The transaction is over: a 2xx of the other one finds nobody (RFC 6026 §7.2).
        try scene.respond(200, from: "b", at: "192.0.2.203")
        try scene.carol.expectsNothing(for: .seconds(1))
        #expect(scene.alice.ends.isEmpty)
    }

    @Test("A 2xx of a fork that has not rung is acknowledged and released (RFC 5407 appendix E, figure 6)")
    func secondSuccess() throws {
        let scene = try Scene()
        try scene.respond(180, from: "a", at: "192.0.2.202")
        try scene.respond(200, from: "a", at: "192.0.2.202")
        try scene.bob.expects(.ack)
        scene.world.run(for: .seconds(30))
        try scene.respond(200, from: "b", at: "192.0.2.203")
        #expect(try scene.carol.expects(.ack).first(.to)?.tag == "b")
        #expect(try scene.carol.expects(.bye).first(.to)?.tag == "b")
        try scene.carol.sends(200)
        #expect(scene.alice.establishedCount == 1 && scene.alice.ends.isEmpty)
    }

    @Test(
        "A reliable response of another fork is acknowledged before the 2xx; after it, it passes no more, while a 2xx does (RFC 5407 appendix E, figure 7, as RFC 6026 figure 5 has it)"
    )
    func reliableFork() throws {
        let scene = try Scene()
        try scene.respond(180, from: "a", at: "192.0.2.202")
        try scene.respond(180, from: "b", at: "192.0.2.203", ("Require", "100rel"), ("RSeq", "1"))
        try scene.carol.expects(.prack)
        try scene.carol.sends(200)
        try scene.respond(200, from: "a", at: "192.0.2.202")
        try scene.bob.expects(.ack)
        try scene.respond(180, from: "b", at: "192.0.2.203", ("Require", "100rel"), ("RSeq", "2"))
        try scene.carol.expectsNothing(for: .seconds(1))
        try scene.respond(200, from: "b", at: "192.0.2.203")
        try scene.carol.expects(.ack)
        try scene.carol.expects(.bye)
        try scene.carol.sends(200)
        #expect(scene.alice.establishedCount == 1 && scene.alice.ends.isEmpty)
    }

    @Test("More forks than are allowed are left alone")
    func tooManyForks() throws {
        let scene = try Scene()
        for number in 0..<20 { try scene.respond(180, from: "fork\(number)", at: "192.0.2.202") }
        let progress = scene.alice.events.count {
            guard case .progress = $0 else { return false }
            return true
        }
        #expect(progress == 16)
        try scene.respond(486, from: "proxy", at: "192.0.2.201")
        try scene.proxy.expects(.ack)
        scene.proxy.ignores(.invite)
        try scene.world.end()
    }
}
