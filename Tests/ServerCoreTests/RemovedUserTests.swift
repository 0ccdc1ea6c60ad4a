import LocationService
import SIPMessages
import SIPSimulation
import ServerCore
import ServerSimulation
import Testing

@Suite("Users who are none any more")
struct RemovedUserTests {
    /// A durable server with Bob and Carol as users, and Alice, who calls.
    struct Office {
        let stage: Stage
        let server: SimulatedServer
        let bob: ScriptedPeer
        let carol: ScriptedPeer
        let alice: ScriptedPeer

        init(shards: Int = 1) throws {
            self.stage = Stage(shards: shards)
            self.server = self.stage.server("proxy", at: Place.proxy, [Place.domain]) {
                $0.requires([.bob, AuthorisationTests.carol])
                $0.isDurable = true
            }
            (self.bob, self.alice) = (try self.stage.bob(), try self.stage.alice())
            self.carol = try self.stage.peer("carol", at: "192.0.2.60", "sip:carol@biloxi.example.com")
        }

        func removeBob() {
            var settings = self.server.settings
            settings.subscribers = Account.subscribers([AuthorisationTests.carol])
            self.server.apply(settings)
        }

        func fails(_ uri: String, _ status: StatusCode = 480) throws {
            try self.alice.sends(.options, to: try URI(uri))
            try self.alice.expects(status)
        }
    }

    @Test("A removed user's devices are called no more, and another's still are", arguments: [1, 64])
    func removed(shards: Int) throws {
        let office = try Office(shards: shards)
        try DialogFlowTests.register(office.bob)
        try DialogFlowTests.register(office.carol, as: AuthorisationTests.carol)
        office.removeBob()
        try office.fails(Place.bob)
        #expect(office.server.aorCount == 1)
        try office.alice.sends(.options, to: try URI("sip:carol@biloxi.example.com"))
        try office.carol.expects(.options)
        try office.carol.sends(200)
        try office.alice.expects(200)
        // Nothing of it is left in the store.
        let world = office.stage.world
        let stored = world.services.stored
        #expect(
            office.server.journal.bindings { stored[$0] != nil }.map(\.aor) == [Array("carol@biloxi.example.com".utf8)])
        try world.end()
    }

    @Test("A registration that was being stored when its user was removed is refused, and leaves nothing")
    func pending() throws {
        let office = try Office()
        office.stage.world.services.storageFaults.delay = .milliseconds(300)
        try office.bob.registers()
        let challenge = try office.bob.expects(401)
        let answer = try #require(Account.bob.answer(challenge, .register, "sip:\(Place.domain)"))
        try office.bob.registersAgain { $0.add(named: "Authorization", answer) }
        office.stage.world.run(for: .milliseconds(100))
        office.removeBob()
        try office.bob.expects(403)
        office.stage.world.run(for: .seconds(1))
        try office.fails(Place.bob)
        #expect(office.server.aorCount == 0)
        let stored = office.stage.world.services.stored
        #expect(office.server.journal.bindings { stored[$0] != nil }.isEmpty)
        try office.stage.world.end()
    }

    @Test("With the user ends the public GRUU: 404 (RFC 5627 §5.4)")
    func publicGRUU() throws {
        let office = try Office()
        let contacts = ["<sip:bob@192.0.2.201>\(GRUUTests.device)"]
        try office.bob.registers(contacts)
        let challenge = try office.bob.expects(401)
        let answer = try #require(Account.bob.answer(challenge, .register, "sip:\(Place.domain)"))
        try office.bob.registersAgain(contacts) {
            $0.add(named: "Authorization", answer)
            $0.add(named: "Supported", "gruu")
        }
        let gruus = try #require(GRUUTests.GRUUs(try office.bob.expects(200)))
        office.removeBob()
        try office.fails(gruus.pub, 404)
        try office.fails(gruus.temp, 404)
        try office.stage.world.end()
    }
}
