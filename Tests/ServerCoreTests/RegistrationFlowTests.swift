import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("Registrations, message by message (RFC 3665 §2)")
struct RegistrationFlowTests {
    /// Bob and the registrar of his domain, over TLS; the registrar is named as a host of the domain, as printed.
    struct Office {
        let cast: Cast
        let bob: ScriptedPeer

        init(as account: Account = .bob) throws {
            let stage = Stage()
            self.cast = Cast(stage, accounts: [account])
            stage.namedServer("ss2", "ss2.biloxi.example.com", at: Place.proxy, Place.domain) { $0.requires([.bob]) }
            self.bob = try self.cast.add(
                "bob", at: "192.0.2.201", "sips:bob@biloxi.example.com", host: "client.biloxi.example.com", over: .tls,
                by: Place.proxy)
        }

        /// An office where these flows have been played already.
        static func after(_ sections: String...) throws -> Office {
            let office = try Office()
            for section in sections { try office.cast.play(RegistrationFlowTests.flow(section)) }
            office.cast.begins()
            return office
        }
    }

    /// The flow of a section. "atlanta.example.com", the realm in it, is Alice's domain: our realms are our domains
    /// (RFC 3261 §22.1).
    private static func flow(_ section: String) throws -> PrintedFlow {
        var flow = try PrintedFlow(section)
        flow.amend(
            where: { !$0.challenges.isEmpty || !$0.credentials.isEmpty }, because: "Bob's domain is the realm",
            by: {
                if !$0.challenges.isEmpty { $0.challenges = ["www-authenticate biloxi.example.com"] }
                if !$0.credentials.isEmpty { $0.credentials = ["authorization bob biloxi.example.com"] }
            })
        return flow
    }

    @Test("Successful new registration (§2.1)")
    func new() throws {
        var flow = try Self.flow("2.1")
        Self.amendFromTag(&flow)
        let tag = flow["F2"]?.toTag
        flow.amend("F4", because: "our registrar has one tag for all requests of a call") { $0.toTag = tag }
        let office = try Office()
        office.cast.begins()
        try office.cast.play(flow)
        try office.cast.ends(as: flow)
    }

    @Test("Update of the contact list (§2.2)")
    func update() throws {
        var flow = try Self.flow("2.2")
        flow.amend(
            "F2", because: "an hour is what we grant (RFC 3261 §10.3 step 7), and what is told is what is left of it"
        ) {
            $0.contacts = [
                "sips:bob@client.biloxi.example.com;expires=3599", "mailto:bob@biloxi.example.com;expires=3600",
            ]
        }
        let office = try Office.after("2.1")
        try office.cast.play(flow)
        try office.cast.ends(as: flow)
    }

    @Test("Request for the current contact list (§2.3)")
    func list() throws {
        var flow = try Self.flow("2.3")
        flow.amend(
            "F2", because: "an hour is what we grant (RFC 3261 §10.3 step 7), and what is told is what is left of it"
        ) {
            $0.contacts = [
                "sips:bob@client.biloxi.example.com;expires=3599", "mailto:bob@biloxi.example.com;expires=3599",
            ]
        }
        let office = try Office.after("2.1", "2.2")
        try office.cast.play(flow)
        try office.cast.ends(as: flow)
    }

    @Test("Cancellation of a registration (§2.4)")
    func cancellation() throws {
        let flow = try Self.flow("2.4")
        let office = try Office.after("2.1")
        try office.cast.play(flow)
        try office.cast.ends(as: flow)
    }

    @Test("Unsuccessful registration: who has another password is challenged again (§2.5)")
    func unsuccessful() throws {
        var flow = try Self.flow("2.5")
        Self.amendFromTag(&flow)
        flow.amend("F1", because: "a client's own Via has no `received`, and Max-Forwards is mandatory: slips") {
            $0.vias = ["tls client.biloxi.example.com"]
            $0.maxForwards = "70"
        }
        let office = try Office(as: Account(username: "bob", domain: Place.domain, password: "guess"))
        office.cast.begins()
        try office.cast.play(flow)
        try office.cast.ends(as: flow)
    }

    private static func amendFromTag(_ flow: inout PrintedFlow) {
        let tag = flow["F1"]?.fromTag
        flow.amend("F3", "F4", because: "what is sent again has From as before (RFC 3261 §22.2)") { $0.fromTag = tag }
    }
}
