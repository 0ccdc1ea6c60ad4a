import LocationService
import SIPMessages
import SIPSimulation
import SIPTransactions
import ServerCore
import ServerSimulation
import Testing

@Suite("A registrar that stores before it answers (RFC 3261 §10.3 step 8)")
struct DurableRegistrarTests {
    /// A durable server, a device of Bob, and Alice.
    struct Office {
        let stage: Stage
        let server: SimulatedServer
        let bob: ScriptedPeer
        let alice: ScriptedPeer

        init(
            seed: UInt64 = 1, shards: Int = 1, accounts: [Account] = [], _ faults: (inout ServiceFaults) -> Void
        ) throws {
            self.stage = Stage(seed: seed, shards: shards)
            faults(&self.stage.world.services.storageFaults)
            self.server = self.stage.server("proxy", at: Place.proxy, [Place.domain]) {
                $0.isDurable = true
                if !accounts.isEmpty { $0.requires(accounts) }
            }
            self.bob = try self.stage.bob()
            self.alice = try self.stage.alice()
        }

        func setFaults(_ edit: (inout ServiceFaults) -> Void) {
            var faults = ServiceFaults()
            edit(&faults)
            self.stage.world.services.storageFaults = faults
        }

        func bindings() throws -> [String] {
            try self.bob.registers([])
            return try self.bob.expects(200, for: .register).contacts.map { String($0.prefix { $0 != ";" }) }
        }

        /// Whether a call finds somebody.
        func expectsUnregistered() throws {
            try self.alice.sends(.options, to: try URI(Place.bob))
            try self.alice.expects(480)
        }

        /// Kills the server and starts another one with what was stored.
        func restart() {
            let world = self.stage.world
            world.crash("proxy")
            let stored = world.services.stored
            world.restart("proxy", running: self.server.reborn { stored[$0] != nil })
        }
    }

    @Test("The 200 waits for the commit, and so does the binding", arguments: [1, 64])
    func waits(shards: Int) throws {
        let office = try Office(shards: shards) { $0.delay = .milliseconds(300) }
        try office.bob.registers()
        try office.bob.expectsNothing(for: .milliseconds(200))
        try office.expectsUnregistered()
        try office.bob.expects(200, within: .seconds(1))
        try office.alice.sends(.options, to: try URI(Place.bob))
        try office.bob.expects(.options)
        try office.bob.sends(200)
        try office.alice.expects(200)
        try office.stage.world.end()
    }

    @Test("A removal takes effect with its commit, not before")
    func removal() throws {
        let office = try Office { $0.delay = .milliseconds(1) }
        try office.bob.isRegistered()
        office.setFaults { $0.delay = .milliseconds(400) }
        try office.bob.registers(["*"]) { $0.set(.expires, 0) }
        office.stage.world.run(for: .milliseconds(100))
        try office.alice.sends(.options, to: try URI(Place.bob))
        try office.bob.expects(.options)
        try office.bob.sends(200)
        try office.alice.expects(200)
        try office.bob.expects(200, for: .register)
        try office.expectsUnregistered()
        try office.stage.world.end()
    }

    @Test("A store that fails makes it 503 with Retry-After, and nothing has changed (§21.5.4)")
    func failure() throws {
        let office = try Office { $0.delay = .milliseconds(1) }
        try office.bob.isRegistered(["<sip:bob@192.0.2.201>"])
        office.setFaults { $0.failure = 1 }
        try office.bob.registers(["<sip:bob@192.0.2.201>;expires=0", "<sip:bob@192.0.2.202>"])
        #expect(try office.bob.expects(503).has(.retryAfter))
        #expect(try office.bindings() == ["<sip:bob@192.0.2.201>"])
        // The next try may succeed.
        office.setFaults { $0.delay = .milliseconds(1) }
        try office.bob.registers(["<sip:bob@192.0.2.202>"])
        #expect(try office.bob.expects(200).contacts.count == 2)
        try office.stage.world.end()
    }

    @Test("A store that never answers makes it 503 while the client still waits, and the write is taken back")
    func silence() throws {
        let office = try Office { $0.never = 1 }
        try office.bob.registers()
        // Timer F of the client ends at 32 s; the server's patience ends before.
        try office.bob.expects(503, within: .seconds(32))
        try office.expectsUnregistered()
        try office.stage.world.end()
        #expect(office.server.journal.bindings { office.stage.world.services.stored[$0] != nil }.isEmpty)
    }

    @Test(
        "100 is sent once timer E has come to T2: after 3.5 s, not before (RFC 4320 §4.1)")
    func trying() throws {
        let office = try Office { $0.delay = .seconds(6) }
        try office.bob.registers()
        try office.bob.expects(200, within: .seconds(10))
        let lines = office.stage.world.ladder.lines
        let first = try #require(lines.first { $0.label.hasPrefix("100") })
        let received = MonotonicInstant.start.advanced(by: .milliseconds(10))
        #expect(first.time.since(received) >= .milliseconds(3500))
        #expect(first.time.since(received) <= .milliseconds(3700))
        #expect(lines.filter { $0.label.hasPrefix("200") }.count == 1)
        try office.stage.world.end()
    }

    @Test("Retransmissions are absorbed while the first copy is being stored: one write, one 200")
    func retransmissions() throws {
        let office = try Office { $0.delay = .seconds(2) }
        try office.bob.registers()
        try office.bob.expects(200, within: .seconds(4))
        // Timer E: copies at 0, 0.5 and 1.5 s.
        let flow = office.stage.flow()
        #expect(flow.filter { $0 == "bob>proxy REGISTER 1" }.count == 3)
        #expect(flow.filter { $0.hasPrefix("proxy>bob") } == ["proxy>bob 200 OK REGISTER 1"])
        #expect(office.stage.world.services.stored.count == 1)
        try office.stage.world.end()
    }

    /// Sends a REGISTER with credentials, after the challenge.
    private func registersWithCredentials(_ peer: ScriptedPeer) throws {
        try peer.registers()
        let challenge = try peer.expects(401)
        let answer = try #require(Account.bob.answer(challenge, .register, "sip:\(Place.domain)"))
        try peer.registersAgain { $0.add(named: "Authorization", answer) }
    }

    @Test("A retransmission is no replay of its credentials while the first copy is being stored", arguments: [1, 64])
    func retransmissionsWithCredentials(shards: Int) throws {
        let office = try Office(shards: shards, accounts: [.bob]) { $0.delay = .seconds(2) }
        try self.registersWithCredentials(office.bob)
        try office.bob.expects(200, within: .seconds(4))
        #expect(office.stage.flow().filter { $0.hasPrefix("proxy>bob 401") }.count == 1)
        #expect(office.stage.flow().filter { $0.hasPrefix("bob>proxy REGISTER 2") }.count == 3)
        try office.stage.world.end()
    }

    @Test("A REGISTER that waits behind another one keeps what its credentials have proved", arguments: [1, 64])
    func secondWithCredentials(shards: Int) throws {
        let office = try Office(shards: shards, accounts: [.bob]) { $0.delay = .seconds(1) }
        let other = try office.stage.bob("other", at: "192.0.2.202")
        try self.registersWithCredentials(office.bob)
        try self.registersWithCredentials(other)
        try office.bob.expects(200)
        #expect(try other.expects(200).contacts.count == 2)
        #expect(office.stage.flow().filter { $0.hasPrefix("proxy>other 401") }.count == 1)
        try office.stage.world.end()
    }

    @Test("A second REGISTER of the same address waits for the first, and builds on it", arguments: [1, 64])
    func second(shards: Int) throws {
        let office = try Office(shards: shards) { $0.delay = .milliseconds(200) }
        let other = try office.stage.bob("other", at: "192.0.2.202")
        try office.bob.registers()
        try other.registers()
        try office.bob.expects(200)
        #expect(try other.expects(200).contacts.count == 2)
        try office.stage.world.end()
    }

    @Test("A second REGISTER goes on when the first one fails")
    func secondAfterFailure() throws {
        let office = try Office {
            $0.failure = 1
            $0.delay = .milliseconds(200)
        }
        let other = try office.stage.bob("other", at: "192.0.2.202")
        try office.bob.registers()
        try other.registers()
        office.stage.world.run(for: .milliseconds(50))
        office.setFaults { $0.delay = .milliseconds(200) }
        try office.bob.expects(503)
        #expect(try other.expects(200).contacts.count == 1)
        try office.stage.world.end()
    }

    @Test("A late answer of the store to a REGISTER that was given up changes nothing")
    func late() throws {
        let office = try Office { $0.delay = .seconds(20) }
        try office.bob.registers()
        try office.bob.expects(503, within: .seconds(12))
        office.stage.world.run(for: .seconds(30))
        try office.expectsUnregistered()
        try office.stage.world.end()
    }

    @Test("What was acknowledged is there after a crash, over the flow that it came over", arguments: [1, 64])
    func crash(shards: Int) throws {
        let office = try Office(shards: shards) { $0.delay = .milliseconds(5) }
        // An address that only the flow leads to.
        try office.bob.isRegistered(["<sip:bob@10.0.0.7>;q=0.5;expires=600"])
        office.stage.world.run(for: .seconds(60))
        office.restart()
        try office.alice.sends(.options, to: try URI(Place.bob))
        #expect(try office.bob.expects(.options).requestURI?.description == "sip:bob@10.0.0.7")
        try office.bob.sends(200)
        try office.alice.expects(200)
        office.stage.world.run(for: .seconds(560))
        try office.expectsUnregistered()
        try office.stage.world.end()
    }

    @Test("What was not acknowledged may be lost in a crash, and the client's next copy makes it good")
    func crashBeforeCommit() throws {
        let office = try Office { $0.delay = .seconds(1) }
        try office.bob.registers()
        office.stage.world.run(for: .milliseconds(300))
        office.restart()
        try office.bob.expects(200)
        #expect(try office.bindings() == ["<sip:bob@192.0.2.201:5060>"])
        try office.stage.world.end()
    }

    @Test("After a crash the CSeq order still holds: an old REGISTER does not undo a new one (§10.3 step 7)")
    func orderOverCrash() throws {
        let office = try Office { $0.delay = .milliseconds(5) }
        try office.bob.registers(in: "one", 5, ["<sip:bob@192.0.2.201>"])
        try office.bob.expects(200)
        office.restart()
        try office.bob.registers(in: "one", 4, ["<sip:bob@192.0.2.201>;expires=0"])
        try office.bob.expects(500)
        #expect(try office.bindings().count == 1)
        try office.stage.world.end()
    }

    @Test("Whatever storage and network do, what was acknowledged last is what a crash leaves", arguments: 0..<200)
    func random(seed: UInt64) throws {
        let office = try Office(seed: seed) {
            $0.jitter = .seconds(4)
            $0.twice = 0.2
        }
        let world = office.stage.world
        world.permitsViolations(by: "proxy")  // Its answers are stateless: what is left of an expiry goes down.
        world.setConditions(.poor, between: "bob", and: "proxy")
        var acknowledged: Set<String> = []
        for number in UInt32(1)...4 {
            let contact = "<sip:bob@192.0.2.201;n=\(number)>"
            try office.bob.registers(in: "one", number, [contact])
            // Lost altogether, or answered; what was refused or lost is not known to be there.
            if let response = try? office.bob.expects(200, within: .seconds(33)) {
                acknowledged = Set(response.contacts.map { String($0.prefix { $0 != ">" }) + ">" })
            }
            world.run(for: .seconds(40))
        }
        world.network.conditions = .perfect
        world.setConditions(.perfect, between: "bob", and: "proxy")
        office.restart()
        try office.bob.registers([])
        let left = try office.bob.expects(200).contacts.map { String($0.prefix { $0 != ">" }) + ">" }
        #expect(acknowledged.isSubset(of: Set(left)), "seed \(seed)\n\(world.ladder)")
        try world.end()
    }
}
