import SIPMessages
import SIPSimulation
import ServerCore
import ServerSimulation
import Testing

@Suite("Taking a registration at a gateway back (RFC 3261 §10.2.2, §10.2.4)")
struct TrunkDepartureTests {
    /// A server that has registered at a provider.
    private struct Registered {
        let trunk: TrunkStage
        let provider: SimulatedServer
        /// How many lines the flow had when it was done.
        let start: Int

        init(shards: Int = 1) throws {
            self.trunk = try TrunkRegistrationTests.stage(shards: shards)
            self.trunk.stage.world.keepsMessages = true
            self.provider = self.trunk.stage.server("provider", at: "192.0.2.111", ["provider.example"]) {
                $0.requires([
                    TrunkRegistrationTests.account,
                    Account(username: "4712", domain: "provider.example", password: "another secret"),
                ])
            }
            self.trunk.stage.world.run(for: .seconds(3))
            #expect(self.provider.aorCount == 1)
            self.start = self.trunk.stage.flow().count
        }

        func reload(_ edit: (inout [TrunkSettings]) -> Void) {
            var settings = self.trunk.server.settings
            edit(&settings.trunks)
            // It wakes the server, whose desk has something to do now.
            self.trunk.stage.world.perform(as: "proxy") { _, _ in self.trunk.server.apply(settings) }
            self.trunk.stage.world.run(for: .seconds(3))
        }

        /// The values of a field in the REGISTERs that were sent.
        func values(_ name: String) throws -> [String] {
            try self.trunk.stage.world.ladder.lines.compactMap { line in
                let text = String(decoding: line.octets, as: UTF8.self)
                guard text.hasPrefix("REGISTER") else { return nil }
                return try #require(text.split(separator: "\r\n").first { $0.hasPrefix("\(name): ") }).description
            }
        }
    }

    @Test("A trunk that is gone after a reload has its binding removed, in the same call", arguments: [1, 64])
    func removed(shards: Int) throws {
        let registered = try Registered(shards: shards)
        registered.reload { $0 = [] }
        #expect(registered.provider.aorCount == 0)
        #expect(try registered.values("Expires").last == "Expires: 0")
        #expect(Set(try registered.values("Call-ID")).count == 1)
        #expect(try registered.values("CSeq") == ["CSeq: 1 REGISTER", "CSeq: 2 REGISTER", "CSeq: 3 REGISTER"])
        #expect(
            registered.trunk.stage.flow(from: registered.start) == [
                "proxy>provider REGISTER 3", "provider>proxy 200 OK REGISTER 3",
            ])
        // And nothing is sent any more.
        registered.trunk.stage.world.run(for: .seconds(3600))
        #expect(registered.trunk.stage.flow(from: registered.start).count == 2)
        try registered.trunk.end()
    }

    @Test("Where the nonce has grown old meanwhile the challenge is answered, with the next CSeq (§22.2)")
    func challenged() throws {
        let registered = try Registered()
        registered.trunk.stage.world.run(for: .seconds(400))
        registered.reload { $0 = [] }
        #expect(registered.provider.aorCount == 0)
        #expect(
            registered.trunk.stage.flow(from: registered.start) == [
                "proxy>provider REGISTER 3", "provider>proxy 401 Unauthorized REGISTER 3", "proxy>provider REGISTER 4",
                "provider>proxy 200 OK REGISTER 4",
            ])
        try registered.trunk.end()
    }

    @Test("Another number takes the place of the old one, which is removed")
    func renumbered() throws {
        let registered = try Registered()
        registered.reload {
            $0[0].registration = .init(user: "4712", domain: "provider.example", password: "another secret")
        }
        #expect(registered.provider.aorCount == 1)
        #expect(registered.trunk.status?.isRegistered == true)
        let users = try registered.values("To").map { $0.contains("4712") }
        #expect(users.filter { $0 }.count == 2 && users.filter { !$0 }.count == 3)
        try registered.trunk.end()
    }

    @Test("Other terms of the same registration are asked for at once; the same ones change nothing")
    func otherTerms() throws {
        let registered = try Registered()
        registered.reload { $0[0].lines = 7 }
        #expect(registered.trunk.stage.flow(from: registered.start) == [])
        registered.reload { $0[0].registration?.expires = 1200 }
        #expect(try registered.values("Expires").last == "Expires: 1200")
        #expect(Set(try registered.values("Call-ID")).count == 1)
        // Under another name it is the same registration.
        let count = registered.trunk.stage.flow().count
        registered.reload { $0[0].name = "other" }
        #expect(registered.trunk.stage.flow(from: count) == [])
        #expect(registered.trunk.status?.isRegistered == true)
        #expect(registered.provider.aorCount == 1)
        try registered.trunk.end()
    }

    @Test("A server that is stopped removes its binding before it goes, and is idle then")
    func stopped() throws {
        let registered = try Registered()
        let world = registered.trunk.stage.world
        world.perform(as: "proxy") { _, outbox in
            registered.trunk.server.end(givesUp: false, at: world.now, into: &outbox)
        }
        #expect(!registered.trunk.server.isIdle)
        world.run(for: .seconds(3))
        #expect(registered.trunk.server.isIdle)
        #expect(registered.provider.aorCount == 0)
        try world.end()
    }

    @Test("A provider that does not answer keeps nobody: after 32 s it is given up (§17.1.2.2)")
    func silent() throws {
        let registered = try Registered()
        let world = registered.trunk.stage.world
        world.partition(["provider"])
        registered.reload { $0 = [] }
        #expect(!registered.trunk.server.isIdle)
        world.run(for: .seconds(40))
        #expect(registered.trunk.server.isIdle)
        try world.end()
    }
}
