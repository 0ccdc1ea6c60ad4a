import LocationService
import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("The registrar (RFC 3261 §10.3)")
struct RegistrarTests {
    /// A server and one device of Bob.
    struct Office {
        let stage: Stage
        let bob: ScriptedPeer

        init(shards: Int = 1, edit: (inout ServerSettings) -> Void = { _ in }) throws {
            self.stage = Stage(shards: shards)
            self.stage.server("proxy", at: Place.proxy, [Place.domain], edit)
            self.bob = try self.stage.bob()
        }

        /// The bindings of Bob as the registrar lists them: contact and seconds.
        func bindings() throws -> [String] {
            try self.bob.registers([])
            return try self.bob.expects(200, for: .register).contacts
        }
    }

    @Test(
        "A Request-URI made of a contact has neither header fields nor a method (§16.6 step 2, §19.1.1 table 1)",
        arguments: [
            ("sip:bob@192.0.2.201;x=1;method=BYE;y?Subject=hi", "sip:bob@192.0.2.201;x=1;y"),
            ("sip:bob@192.0.2.201?Route=%3Csip:192.0.2.9%3E", "sip:bob@192.0.2.201"),
            ("sip:bob@192.0.2.201;METHOD=MESSAGE", "sip:bob@192.0.2.201"),
            ("sip:bob@192.0.2.201;methods=INVITE", "sip:bob@192.0.2.201;methods=INVITE"),
        ])
    func contactURI(contact: String, requestURI: String) throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered(["<\(contact)>"])
        try alice.sends(.message, to: try URI(Place.bob))
        #expect(try bob.expects(.message).requestURI?.description == requestURI)
        try bob.sends(200)
        try alice.expects(200)
        try stage.world.end()
    }

    @Test("A user who registers at the address of the server is one of its first domain")
    func address() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        let bob = try stage.peer("bob", at: "192.0.2.201", "sip:bob@\(Place.proxy)")
        try bob.isRegistered()
        for uri in [Place.bob, "sip:bob@\(Place.proxy)"] {
            try alice.sends(.message, to: try URI(uri))
            try bob.expects(.message)
            try bob.sends(200)
            try alice.expects(200)
        }
        try stage.world.end()
    }

    @Test("A binding is made and listed with what is left of it (step 8)", arguments: [1, 64])
    func register(shards: Int) throws {
        let office = try Office(shards: shards)
        try office.bob.registers(["<sip:bob@192.0.2.201>;expires=600"])
        let response = try office.bob.expects(200)
        #expect(response.contacts == ["<sip:bob@192.0.2.201>;expires=600"])
        #expect(response.toTag != nil)
        office.stage.world.run(for: .seconds(100))
        // 10 ms there and back before, 10 ms there now: just under 500 seconds are left, which is said as 500.
        #expect(try office.bindings() == ["<sip:bob@192.0.2.201>;expires=500"])
        office.stage.world.run(for: .seconds(500))
        #expect(try office.bindings().isEmpty)
        try office.stage.world.end()
    }

    @Test("The answer says what time it is, for devices without a clock (step 8)")
    func date() throws {
        let office = try Office()
        try office.bob.registers()
        // The clock of the simulation starts at the beginning of 2030.
        #expect(try office.bob.expects(200).values(named: "Date") == ["Tue, 01 Jan 2030 00:00:00 GMT"])
        office.stage.world.run(for: .seconds(100))
        try office.bob.registers()
        #expect(try office.bob.expects(200).values(named: "Date") == ["Tue, 01 Jan 2030 00:01:40 GMT"])
        try office.stage.world.end()
    }

    @Test("A domain that is not ours is not registered for (steps 1 and 5)")
    func domain() throws {
        let office = try Office()
        let stranger = NameAddress(try URI("sip:bob@elsewhere.example.org"))
        try office.bob.registers { $0.set(.to, stranger) }
        try office.bob.expects(404)
        try office.stage.world.end()
    }

    @Test("A To that is no SIP or SIPS URI is answered with 400 (RFC 4475 §3.3.4)")
    func scheme() throws {
        let office = try Office()
        let tel = NameAddress(try URI("tel:+12025550123"))
        try office.bob.registers { $0.set(.to, tel) }
        try office.bob.expects(400)
        try office.stage.world.end()
    }

    @Test("An option of Require that the registrar does not know is answered with 420 that names it (step 2)")
    func require() throws {
        let office = try Office()
        try office.bob.registers { $0.add(named: "Require", "path, frob") }
        #expect(try office.bob.expects(420).all(.unsupported).map(\.description) == ["frob"])
        try office.stage.world.end()
    }

    @Test("Who registers must be the user, or is refused (steps 3 and 4)")
    func authentication() throws {
        let office = try Office { $0.requires([.bob, AuthorisationTests.carol]) }
        try office.bob.registers()
        let challenge = try office.bob.expects(401)
        #expect(challenge.values(named: "WWW-Authenticate").allSatisfy { $0.contains("realm=\"\(Place.domain)\"") })
        // RFC 8760 §2.3: one for each algorithm, the preferred first.
        #expect(challenge.values(named: "WWW-Authenticate").map { $0.contains("SHA-256") } == [true, false])
        let uri = "sip:\(Place.domain)"
        let carol = try #require(AuthorisationTests.carol.answer(challenge, .register, uri))
        try office.bob.registersAgain { $0.add(named: "Authorization", carol) }
        try office.bob.expects(403)
        try office.bob.registers()
        let next = try office.bob.expects(401)
        let bob = try #require(Account.bob.answer(next, .register, uri))
        try office.bob.registersAgain { $0.add(named: "Authorization", bob) }
        try office.bob.expects(200)
        // The same credentials once more are a replay.
        try office.bob.registers { $0.add(named: "Authorization", bob) }
        try office.bob.expects(401)
        try office.stage.world.end()
    }

    @Test("The AOR is found without parameters, escapes and the case of the domain (step 5)")
    func canonical() throws {
        let office = try Office()
        let to = NameAddress(try URI("sip:%62ob@BILOXI.example.com;transport=tcp"))
        try office.bob.registers { $0.set(.to, to) }
        try office.bob.expects(200)
        #expect(try office.bindings().count == 1)
        try office.stage.world.end()
    }

    // MARK: Step 6: the wildcard

    @Test("Contact * with Expires 0 removes all bindings (step 6)")
    func wildcard() throws {
        let office = try Office()
        try office.bob.isRegistered(["<sip:bob@192.0.2.201>", "<sip:bob@192.0.2.202>"])
        try office.bob.registers(["*"]) { $0.set(.expires, 0) }
        #expect(try office.bob.expects(200).contacts.isEmpty)
        #expect(try office.bindings().isEmpty)
        try office.stage.world.end()
    }

    @Test(
        "Contact * with another Contact or another Expires is answered with 400 and changes nothing (step 6)",
        arguments: [
            (["*"], nil), (["*"], 60), (["*", "<sip:bob@192.0.2.202>"], 0), (["<sip:bob@192.0.2.202>", "*"], 0),
        ] as [([String], UInt32?)])
    func wrongWildcard(contacts: [String], expires: UInt32?) throws {
        let office = try Office()
        try office.bob.isRegistered()
        try office.bob.registers(contacts) { if let expires { $0.set(.expires, expires) } }
        try office.bob.expects(400)
        #expect(try office.bindings().count == 1)
        try office.stage.world.end()
    }

    @Test("Contact * in the same call with a CSeq that is not higher is refused (step 6)")
    func lateWildcard() throws {
        let office = try Office()
        try office.bob.registers(in: "one", 2, ["<sip:bob@192.0.2.201>"])
        try office.bob.expects(200)
        try office.bob.registers(in: "one", 1, ["*"], expires: 0)
        try office.bob.expects(500)
        #expect(try office.bindings().count == 1)
        try office.stage.world.end()
    }

    // MARK: Step 7: expiry and order

    @Test(
        "The parameter goes before the field, the field before the default, and the longest is granted (step 7)",
        arguments: [
            (";expires=120", 600, 120), ("", 600, 600), ("", nil, 3600), (";expires=99999999", nil, 7200),
            ("", 99_999_999, 7200), (";expires=60", nil, 60), (";expires=4294967297", nil, 7200),
        ] as [(String, UInt32?, Int)])
    func expiry(parameter: String, field: UInt32?, granted: Int) throws {
        let office = try Office()
        try office.bob.registers(["<sip:bob@192.0.2.201>\(parameter)"]) { if let field { $0.set(.expires, field) } }
        #expect(try office.bob.expects(200).contacts == ["<sip:bob@192.0.2.201>;expires=\(granted)"])
        try office.stage.world.end()
    }

    @Test("An expiry that is too short is answered with 423 that says what is granted (step 7)", arguments: [1, 59])
    func tooBrief(seconds: UInt32) throws {
        let office = try Office()
        try office.bob.registers(["<sip:bob@192.0.2.201>;expires=\(seconds)"])
        #expect(try office.bob.expects(423).first(.minExpires) == 60)
        #expect(try office.bindings().isEmpty)
        try office.stage.world.end()
    }

    @Test("An expiry of 0 removes the binding, and one that is not there is no fault (step 7)")
    func removal() throws {
        let office = try Office()
        try office.bob.isRegistered(["<sip:bob@192.0.2.201>", "<sip:bob@192.0.2.202>"])
        try office.bob.registers(["<sip:bob@192.0.2.201>;expires=0", "<sip:bob@192.0.2.209>;expires=0"])
        #expect(try office.bob.expects(200).contacts == ["<sip:bob@192.0.2.202>;expires=3600"])
        try office.stage.world.end()
    }

    @Test("Contacts are compared as URIs: case of the host and order of parameters do not count (§19.1.4)")
    func equivalence() throws {
        let office = try Office()
        try office.bob.isRegistered(["<sip:bob@Phone.example.com;a=1;transport=udp>"])
        try office.bob.registers(["<sip:bob@phone.EXAMPLE.com;transport=udp;a=1>;expires=600"])
        #expect(try office.bob.expects(200).contacts.count == 1)
        // The user part does count.
        try office.bob.registers(["<sip:BOB@phone.example.com;transport=udp;a=1>"])
        #expect(try office.bob.expects(200).contacts.count == 2)
        try office.stage.world.end()
    }

    @Test("In one call a lower CSeq is refused, and nothing changes (step 7)")
    func order() throws {
        let office = try Office()
        try office.bob.registers(in: "one", 5, ["<sip:bob@192.0.2.201>"])
        try office.bob.expects(200)
        try office.bob.registers(in: "one", 4, ["<sip:bob@192.0.2.201>;expires=0"])
        try office.bob.expects(500)
        #expect(try office.bindings().count == 1)
        // In another call any number will do.
        try office.bob.registers(["<sip:bob@192.0.2.201>;expires=0"])
        #expect(try office.bob.expects(200).contacts.isEmpty)
        try office.stage.world.end()
    }

    @Test(
        "A retransmission is answered as the request was, and changes nothing more (§8.2.7)",
        arguments: ["", "<sip:bob@192.0.2.99>;expires=60, ", "<sip:bob@192.0.2.99:5060;x=1>, "])
    func retransmission(contactBefore: String) throws {
        let office = try Office()
        let text =
            "REGISTER sip:biloxi.example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKonce\r\n"
            + "From: <sip:bob@biloxi.example.com>;tag=1\r\nTo: <sip:bob@biloxi.example.com>\r\nCall-ID: once\r\n"
            + "CSeq: 7 REGISTER\r\nContact: \(contactBefore)<sip:bob@192.0.2.99>;expires=600\r\nContent-Length: 0\r\n\r\n"
        let first = try TortureTests.sent(by: "proxy", after: Array(text.utf8), in: office.stage.world)
        // T1 later, as timer E has it.
        office.stage.world.run(for: .milliseconds(500))
        let second = try TortureTests.sent(by: "proxy", after: Array(text.utf8), in: office.stage.world)
        #expect(first.map { $0.status?.number } == [200] && second.map { $0.status?.number } == [200])
        // The same tag each time: one UAS has answered.
        #expect(first.first?.toTag == second.first?.toTag)
        #expect(first.first?.contacts == second.first?.contacts)
    }

    @Test("One fault in a request with several Contacts leaves all as they were (step 7)")
    func atomic() throws {
        let office = try Office()
        try office.bob.isRegistered(["<sip:bob@192.0.2.201>"])
        try office.bob.registers(["<sip:bob@192.0.2.201>;expires=0", "<sip:bob@192.0.2.202>;expires=1"])
        try office.bob.expects(423)
        #expect(try office.bindings() == ["<sip:bob@192.0.2.201>;expires=3600"])
        try office.stage.world.end()
    }

    @Test(
        "A Contact that cannot be understood is answered with 400 and changes nothing (step 7)",
        arguments: [
            "<sip:bob@192.0.2.202>;q=2", "<sip:bob@192.0.2.202", "<sip:bob@192.0.2.202>;+sip.instance=\"<a>\";reg-id=x",
        ])
    func malformed(contact: String) throws {
        let office = try Office()
        try office.bob.registers([contact])
        try office.bob.expects(400)
        #expect(try office.bindings().isEmpty)
        try office.stage.world.end()
    }

    @Test("A request may name 64 Contacts and not one more", arguments: [64, 65])
    func contactsOfRequest(count: Int) throws {
        let office = try Office { $0.registrar.maxContacts = 100 }
        try office.bob.registers((0..<count).map { "<sip:bob\($0)@192.0.2.201>" })
        try office.bob.expects(count == 64 ? 200 : 400)
        try office.stage.world.end()
    }

    @Test("An AOR has as many bindings as the policy says, and not one more")
    func limit() throws {
        let office = try Office { $0.registrar.maxContacts = 2 }
        try office.bob.isRegistered(["<sip:bob@192.0.2.201>", "<sip:bob@192.0.2.202>"])
        try office.bob.registers(["<sip:bob@192.0.2.203>"])
        try office.bob.expects(403)
        // One in the place of another is none more.
        try office.bob.registers(["<sip:bob@192.0.2.201>;expires=0", "<sip:bob@192.0.2.203>"])
        #expect(try office.bob.expects(200).contacts.count == 2)
        try office.stage.world.end()
    }

    @Test("A Contact or a Call-ID that would fill the memory is refused")
    func length() throws {
        let office = try Office { $0.registrar.maxBindingOctets = 200 }
        let long = String(repeating: "a", count: 200)
        try office.bob.registers(["<sip:\(long)@192.0.2.201>"])
        try office.bob.expects(400)
        #expect(try office.bindings().isEmpty)
        try office.stage.world.end()
    }

    @Test("All that the Contact says is given back, but expires (step 8)")
    func parameters() throws {
        let office = try Office()
        try office.bob.registers(["\"Bob; B\" <sip:bob@192.0.2.201;x=1>;q=0.7;methods=\"INVITE,BYE\";expires=600;y"])
        let contact = try #require(try office.bob.expects(200).all(.contact).first)
        #expect(contact.uri?.description == "sip:bob@192.0.2.201;x=1")
        #expect(contact.q?.description == "0.7")
        #expect(contact.parameters["methods"] == "INVITE,BYE" && contact.parameters.has("y"))
        #expect(contact.expires == 600)
        try office.stage.world.end()
    }

    // MARK: Path and outbound

    @Test("A Path is kept, given back and becomes the Route of calls to the binding (RFC 3327 §5.3, §5.5)")
    func path() throws {
        let office = try Office()
        let edge = try office.stage.peer("edge", at: "192.0.2.40", "sip:edge@192.0.2.40")
        let alice = try office.stage.alice()
        try office.bob.registers {
            $0.add(named: "Supported", "path")
            $0.add(named: "Path", "<sip:192.0.2.40;lr>, <sip:192.0.2.41;lr>")
        }
        #expect(
            try office.bob.expects(200).all(.path).map { $0.uri.description } == [
                "sip:192.0.2.40;lr", "sip:192.0.2.41;lr",
            ])
        try alice.invites()
        let invite = try edge.expects(.invite)
        #expect(invite.all(.route).map { $0.uri.description } == ["sip:192.0.2.40;lr", "sip:192.0.2.41;lr"])
        #expect(invite.requestURI?.sip?.host.name == "192.0.2.201")
        try edge.sends(486)
        try alice.expects(486)
        try office.stage.world.end()
    }

    @Test("A Path that a device does not know of is refused with 420 that names it (RFC 3327 §5.3)")
    func unsupportedPath() throws {
        let office = try Office()
        try office.bob.registers { $0.add(named: "Path", "<sip:192.0.2.40;lr>") }
        #expect(try office.bob.expects(420).values(named: "Unsupported") == ["path"])
        try office.stage.world.end()
    }

    @Test("Where the policy allows it, such a device registers all the same, and is not shown the Path (RFC 3327 §5.3)")
    func toleratedPath() throws {
        let stage = Stage()
        stage.server { $0.registrar.requiresPathSupport = false }
        let bob = try stage.bob()
        try bob.registers { $0.add(named: "Path", "<sip:192.0.2.40;lr>") }
        let response = try bob.expects(200)
        #expect(!response.has(.path) && response.contacts.count == 1)
        try stage.world.end()
    }

    @Test("Instance and reg-id name the binding, whatever its address has become (RFC 5626 §6)")
    func instance() throws {
        let office = try Office()
        let device = ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\""
        try office.bob.isRegistered(["<sip:bob@192.0.2.201>\(device);reg-id=1"])
        try office.bob.isRegistered(["<sip:bob@192.0.2.201;line=2>\(device);reg-id=2"])
        try office.bob.registers(["<sip:bob@192.0.2.230>\(device);reg-id=1"])
        let contacts = try office.bob.expects(200).all(.contact)
        #expect(
            Set(contacts.compactMap { $0.uri?.description })
                == ["sip:bob@192.0.2.230", "sip:bob@192.0.2.201;line=2"])
        #expect(Set(contacts.compactMap(\.regID)) == [1, 2])
        try office.stage.world.end()
    }

    @Test("Without an instance a reg-id means nothing (RFC 5626 §6)")
    func regIDOnly() throws {
        let office = try Office()
        try office.bob.isRegistered(["<sip:bob@192.0.2.201>;reg-id=1"])
        try office.bob.registers(["<sip:bob@192.0.2.202>;reg-id=1"])
        #expect(try office.bob.expects(200).contacts.count == 2)
        try office.stage.world.end()
    }

    @Test("A call to a binding goes over the flow that its REGISTER came over (RFC 5626 §5.3)")
    func flow() throws {
        let office = try Office()
        let alice = try office.stage.alice()
        // As behind a NAT: the Contact is an address that nobody here can reach.
        try office.bob.isRegistered(["<sip:bob@10.0.0.7:5060>"])
        try alice.invites()
        #expect(try office.bob.expects(.invite).requestURI?.description == "sip:bob@10.0.0.7:5060")
        try office.bob.sends(486)
        try alice.expects(486)
        try office.stage.world.end()
    }
}
