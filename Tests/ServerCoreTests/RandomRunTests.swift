import SIPMessages
import SIPSimulation
import ServerCore
import ServerSimulation
import Testing

@Suite("Calls through two proxies over a network that fails")
struct RandomRunTests {
    /// Alice, her proxy, Bob's proxy and Bob; the proxies find each other by name.
    struct Trapezoid {
        let stage: Stage
        let alice: ScriptedPeer
        let bob: ScriptedPeer
        let second: SimulatedServer

        init(seed: UInt64, shards: Int, isDurable: Bool = false) throws {
            self.stage = Stage(seed: seed, shards: shards)
            self.stage.server("ss1", at: "192.0.2.111", ["atlanta.example.com"])
            self.second = self.stage.server("ss2", at: Place.proxy, [Place.domain]) { $0.isDurable = isDurable }
            self.alice = try self.stage.peer(
                "alice", at: "192.0.2.101", "sip:alice@atlanta.example.com", by: "192.0.2.111")
            self.bob = try self.stage.bob()
            self.stage.world.services.dns.remove(Place.domain)
            self.stage.world.services.dns.add(Place.domain, .address(try #require(IPAddress(Place.proxy))))
            try self.bob.isRegistered()
            self.stage.world.runToEnd()
            self.stage.world.network.conditions = .poor
        }

        /// Runs a call whose script holds whatever the network does: a step whose message is lost for good ends it.
        ///
        /// - Returns: whether the call came about.
        @discardableResult
        func call() -> Bool {
            do {
                try self.alice.invites()
                try self.bob.expects(.invite)
                try self.bob.sends(200)
                try self.alice.expects(200)
                try self.alice.sends(.ack)
                try self.bob.expects(.ack)
                try self.alice.sends(.bye)
                try self.bob.expects(.bye)
                try self.bob.sends(200)
                try self.alice.expects(200)
                return true
            } catch {
                // A request that nobody answered in 64*T1: what matters is that nothing is left of it.
                self.bob.ignores(.invite)
                self.bob.ignores(.bye)
                return false
            }
        }
    }

    @Test("Retransmission carries nearly every call through a network that loses a fifth (§17.1)")
    func calls() throws {
        let done = try (0..<100).filter { try Trapezoid(seed: $0, shards: 1).call() }.count
        #expect(done >= 95)
    }

    @Test("Nothing is left of a call, and no rule of the wire was broken", arguments: 0..<300)
    func call(seed: UInt64) throws {
        let trapezoid = try Trapezoid(seed: seed, shards: 1)
        trapezoid.call()
        try trapezoid.endWithServersOnly()
    }

    @Test("Many shards do what one does", arguments: 0..<60)
    func shards(seed: UInt64) throws {
        let ladders = try [1, 64].map { shards in
            let trapezoid = try Trapezoid(seed: seed, shards: shards)
            trapezoid.call()
            trapezoid.stage.world.runToEnd()
            return trapezoid.stage.world.ladder.compact
        }
        #expect(ladders[0] == ladders[1])
    }

    @Test("A call that is cancelled leaves nothing either", arguments: 0..<200)
    func cancelled(seed: UInt64) throws {
        let trapezoid = try Trapezoid(seed: seed, shards: 1)
        let (alice, bob) = (trapezoid.alice, trapezoid.bob)
        do {
            try alice.invites()
            try bob.expects(.invite)
            try bob.sends(180)
            try alice.expects(180)
            try alice.sends(.cancel)
            try bob.expects(.cancel)
            try bob.sends(200, to: .cancel)
            try bob.sends(487, to: .invite)
            try alice.expects(487)
        } catch {
            bob.ignores(.invite)
        }
        try trapezoid.endWithServersOnly()
    }

    @Test("A proxy that crashes in a call and comes back leaves nothing, and knows Bob again", arguments: 0..<200)
    func restart(seed: UInt64) throws {
        let trapezoid = try Trapezoid(seed: seed, shards: 4, isDurable: true)
        let world = trapezoid.stage.world
        var random = SimulationRandom(seed: seed, purpose: "restart")
        let crashAt = world.now.advanced(by: random.span(upTo: .seconds(3)))
        world.at(crashAt) { world.crash("ss2") }
        world.at(crashAt.advanced(by: random.span(upTo: .seconds(10)))) {
            let stored = world.services.stored
            world.restart("ss2", running: trapezoid.second.reborn { stored[$0] != nil })
        }
        trapezoid.call()
        world.run(for: .seconds(60))
        trapezoid.bob.ignores(.invite)
        trapezoid.bob.ignores(.bye)
        try trapezoid.endWithServersOnly()
        #expect(!world.ladder.lines.contains { $0.label.hasPrefix("480") })
    }

    @Test("A DNS that is late, wrong or silent leaves nothing waiting", arguments: 0..<200)
    func names(seed: UInt64) throws {
        let trapezoid = try Trapezoid(seed: seed, shards: 1)
        trapezoid.stage.world.services.dnsFaults = .poor
        trapezoid.call()
        try trapezoid.endWithServersOnly()
    }
}

extension RandomRunTests.Trapezoid {
    /// Runs to the end; no rule may be broken, and nothing may be left in a server. A peer whose script has broken off
    /// may have messages that it did not expect.
    func endWithServersOnly() throws {
        let world = self.stage.world
        world.runToEnd()
        for name in ["ss1", "ss2"] {
            world.perform(as: name) { node, _ in
                let audit = node.audit()
                #expect(audit.isClean, "\(name): \(audit)\n\(world.ladder)")
            }
        }
        try world.verify()
    }
}
