import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("Registrations (RFC 3665 §2)")
struct RegistrationFlowTests {
    /// Bob and the registrar of his domain, over TLS where the RFC has it.
    struct Office {
        let stage = Stage()
        let bob: ScriptedPeer
        static let uri = "sip:\(Place.domain)"

        init() throws {
            self.stage.server("ss2", at: Place.proxy, [Place.domain]) { $0.requires([.bob]) }
            self.bob = try self.stage.bob(over: .tls)
        }

        /// A REGISTER that is challenged, and then one that answers the challenge; its response.
        func register(
            _ contacts: [String], as account: Account = .bob, expires: UInt32? = nil, then status: StatusCode = 200
        ) throws -> SIPMessage {
            try self.bob.registers(contacts) { if let expires { $0.set(.expires, expires) } }
            let challenge = try self.bob.expects(401)
            let answer = try #require(account.answer(challenge, .register, Self.uri))
            try self.bob.registersAgain(contacts) {
                if let expires { $0.set(.expires, expires) }
                $0.add(named: "Authorization", answer)
            }
            return try self.bob.expects(status)
        }

        static let challenged = [
            "bob>ss2 REGISTER 1", "ss2>bob 401 Unauthorized REGISTER 1", "bob>ss2 REGISTER 2",
        ]
    }

    @Test("Successful new registration (§2.1)")
    func new() throws {
        let office = try Office()
        let response = try office.register(["<sip:bob@client.biloxi.example.com>"], expires: 7200)
        #expect(response.contacts == ["<sip:bob@client.biloxi.example.com>;expires=7200"])
        try office.stage.world.end()
        #expect(office.stage.flow() == Office.challenged + ["ss2>bob 200 OK REGISTER 2"])
    }

    @Test("Update of the contact list (§2.2)")
    func update() throws {
        let office = try Office()
        _ = try office.register(["<sip:bob@client.biloxi.example.com>"])
        let response = try office.register(["mailto:bob@biloxi.example.com"])
        #expect(
            response.all(.contact).compactMap { $0.uri?.description } == [
                "sip:bob@client.biloxi.example.com", "mailto:bob@biloxi.example.com",
            ])
        #expect(response.all(.contact).map(\.expires) == [3600, 3600])
        try office.stage.world.end()
    }

    @Test("Request for the current contact list (§2.3)")
    func list() throws {
        let office = try Office()
        _ = try office.register(["<sip:bob@client.biloxi.example.com>", "<mailto:bob@biloxi.example.com>"])
        let response = try office.register([])
        #expect(response.all(.contact).count == 2)
        try office.stage.world.end()
    }

    @Test("Cancellation of a registration (§2.4)")
    func cancellation() throws {
        let office = try Office()
        _ = try office.register(["<sip:bob@client.biloxi.example.com>", "<sip:bob@192.0.2.201>"])
        let response = try office.register(["*"], expires: 0)
        #expect(response.contacts.isEmpty)
        try office.stage.world.end()
    }

    @Test("Unsuccessful registration: who has another password is challenged again (§2.5)")
    func unsuccessful() throws {
        let office = try Office()
        let wrong = Account(username: "bob", domain: Place.domain, password: "guess")
        let response = try office.register(["<sip:bob@client.biloxi.example.com>"], as: wrong, then: 401)
        // §2.5 F4: another challenge, and the old nonce was not stale.
        #expect(response.values(named: "WWW-Authenticate").allSatisfy { !$0.contains("stale=TRUE") })
        try office.stage.world.end()
        #expect(office.stage.flow() == Office.challenged + ["ss2>bob 401 Unauthorized REGISTER 2"])
    }
}
