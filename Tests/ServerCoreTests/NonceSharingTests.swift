import SIPAuthentication
import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("One nonce for all requests of a client (RFC 7616 §3.3, §3.4; RFC 3261 §22.3)")
struct NonceSharingTests {
    /// A server with many shards, Bob who is its user, and Carol, at whom he calls.
    struct Office {
        let stage: Stage
        let bob: ScriptedPeer
        let carol: ScriptedPeer

        init(shards: Int) throws {
            self.stage = Stage(shards: shards)
            self.stage.server("proxy", at: Place.proxy, [Place.domain]) {
                $0.requires([.bob, AuthorisationTests.carol])
            }
            self.bob = try self.stage.bob()
            self.carol = try self.stage.peer("carol", at: "192.0.2.60", "sip:carol@biloxi.example.com")
            try self.carol.registers()
            let answer = try #require(
                AuthorisationTests.carol.answer(try self.carol.expects(401), .register, "sip:\(Place.domain)"))
            try self.carol.registersAgain { $0.add(named: "Authorization", answer) }
            try self.carol.expects(200)
        }

        static let uri = "sip:carol@biloxi.example.com"

        /// A new request of Bob's, in a call of its own, with these credentials.
        func send(_ session: inout DigestSession?) throws {
            let fields = session?.credentials(.message, Self.uri)
            try self.bob.sends(.message, to: try URI(Self.uri)) {
                if let fields { $0.add(named: "Proxy-Authorization", fields) }
            }
        }
    }

    @Test(
        "A client that was challenged once sends twenty more requests, each in a call of its own, unchallenged",
        arguments: [1, 64])
    func oneChallenge(shards: Int) throws {
        let office = try Office(shards: shards)
        var session: DigestSession?
        try office.send(&session)
        session = Account.bob.session(try office.bob.expects(407))
        let start = office.stage.flow().count
        for _ in 0..<20 {
            try office.send(&session)
            #expect(try office.carol.expects(.message).has(.proxyAuthorization) == false)
            try office.carol.sends(200)
            try office.bob.expects(200)
        }
        // Four messages for each, and no round more.
        #expect(office.stage.flow(from: start).count == 80)
        #expect(session?.nonceCount == 20)
        try office.stage.world.end()
    }

    @Test("What was used in one call is not taken in another one, wherever that is handled", arguments: [1, 64])
    func replay(shards: Int) throws {
        let office = try Office(shards: shards)
        var session: DigestSession?
        try office.send(&session)
        session = Account.bob.session(try office.bob.expects(407))
        for _ in 0..<8 {
            let value = session?.credentials(.message, Office.uri)
            let fields = try #require(value)
            try office.bob.sends(.message, to: try URI(Office.uri)) { $0.add(named: "Proxy-Authorization", fields) }
            try office.carol.expects(.message)
            try office.carol.sends(200)
            try office.bob.expects(200)
            for _ in 0..<8 {
                try office.bob.sends(.message, to: try URI(Office.uri)) { $0.add(named: "Proxy-Authorization", fields) }
                let challenge = try office.bob.expects(407)
                #expect(challenge.values(named: "Proxy-Authenticate").allSatisfy { $0.contains("stale=TRUE") })
            }
        }
        try office.carol.expectsNothing(for: .seconds(1))
        try office.stage.world.end()
    }

    @Test("A request whose credentials all come from elsewhere, and are used, ends with a challenge")
    func severalReplays() throws {
        let office = try Office(shards: 64)
        var session: DigestSession?
        var used: [String] = []
        for _ in 0..<4 {
            session = nil
            try office.send(&session)
            session = Account.bob.session(try office.bob.expects(407))
            let value = session?.credentials(.message, Office.uri)
            let fields = try #require(value)
            used.append(fields)
            try office.bob.sends(.message, to: try URI(Office.uri)) { $0.add(named: "Proxy-Authorization", fields) }
            try office.carol.expects(.message)
            try office.carol.sends(200)
            try office.bob.expects(200)
        }
        try office.bob.sends(.message, to: try URI(Office.uri)) { request in
            for fields in used { request.add(named: "Proxy-Authorization", fields) }
        }
        try office.bob.expects(407)
        try office.stage.world.end()
    }

    @Test("A nonce of the registrar is none of the proxy, and the other way round")
    func purposes() throws {
        let office = try Office(shards: 1)
        try office.bob.registers()
        var session = Account.bob.session(try office.bob.expects(401))
        try office.send(&session)
        let challenge = try office.bob.expects(407)
        #expect(challenge.values(named: "Proxy-Authenticate").allSatisfy { $0.contains("stale=TRUE") })
        session = Account.bob.session(challenge)
        let value = session?.credentials(.register, "sip:\(Place.domain)")
        let fields = try #require(value)
        try office.bob.registers { $0.add(named: "Authorization", fields) }
        #expect(
            try office.bob.expects(401).values(named: "WWW-Authenticate").allSatisfy { $0.contains("stale=TRUE") })
        try office.stage.world.end()
    }

    @Test("One user registers several addresses with one nonce (§10.3 step 4)")
    func registrar() throws {
        let names = (0..<8).map { "desk\($0)" }
        let stage = Stage(shards: 64)
        stage.server("proxy", at: Place.proxy, [Place.domain]) {
            $0.requires([.bob])
            $0.registrants[Array("bob@biloxi.example.com".utf8)] = Set(
                names.map { Array("\($0)@biloxi.example.com".utf8) })
        }
        let bob = try stage.bob()
        try bob.registers()
        var session = Account.bob.session(try bob.expects(401))
        for name in names {
            let address = NameAddress(try URI("sip:\(name)@biloxi.example.com"))
            let value = session?.credentials(.register, "sip:\(Place.domain)")
            let fields = try #require(value)
            try bob.registers {
                $0.set(.to, address)
                $0.add(named: "Authorization", fields)
            }
            try bob.expects(200)
        }
        try stage.world.end()
    }
}

@Suite("A REGISTER that comes again is no replay (RFC 3261 §8.2.7, §17.2.2)")
struct RepeatedRegisterTests {
    /// The octets of a REGISTER of Bob's with the credentials that are asked for, which was answered.
    private func request(_ stage: Stage, _ bob: ScriptedPeer) throws -> [UInt8] {
        stage.world.keepsMessages = true
        try bob.registers()
        let answer = try #require(Account.bob.answer(try bob.expects(401), .register, "sip:\(Place.domain)"))
        try bob.registersAgain { $0.add(named: "Authorization", answer) }
        try bob.expects(200)
        let line = try #require(
            stage.world.ladder.lines.last { line in
                String(decoding: line.octets, as: UTF8.self).hasPrefix("REGISTER")
            })
        return line.octets
    }

    private func answers(_ stage: Stage, from start: Int) -> [String] {
        stage.flow(from: start).filter { $0.hasPrefix("proxy>") }
    }

    @Test("Sent again since its 200 was lost, it is answered 200 again", arguments: [1, 64])
    func again(shards: Int) throws {
        let stage = Stage(shards: shards)
        stage.server("proxy", at: Place.proxy, [Place.domain]) { $0.requires([.bob]) }
        let bob = try stage.bob()
        try bob.registers()
        let answer = try #require(Account.bob.answer(try bob.expects(401), .register, "sip:\(Place.domain)"))
        let start = stage.flow().count
        stage.world.setConditions(.losing(1), from: "proxy", to: "bob")
        try bob.registersAgain { $0.add(named: "Authorization", answer) }
        stage.world.run(for: .milliseconds(100))
        stage.world.setConditions(.perfect, from: "proxy", to: "bob")
        // Timer E.
        #expect(try bob.expects(200).contacts.count == 1)
        #expect(
            stage.flow(from: start) == [
                "bob>proxy REGISTER 2", "proxy>bob 200 OK REGISTER 2 lost", "bob>proxy REGISTER 2",
                "proxy>bob 200 OK REGISTER 2",
            ])
        try stage.world.end()
    }

    @Test("From elsewhere, or later than a client would send it, it is a replay")
    func replay() throws {
        let stage = Stage()
        stage.server("proxy", at: Place.proxy, [Place.domain]) { $0.requires([.bob]) }
        let bob = try stage.bob()
        let request = try self.request(stage, bob)
        let thief = try stage.peer("thief", at: "192.0.2.66", Place.bob)
        // What it answers to a replay is no second answer of one transaction, as the observer takes it.
        for name in ["proxy", "bob"] { stage.world.permitsViolations(by: name) }
        let proxy = SocketAddress(try #require(IPAddress(Place.proxy)), 5060)
        try thief.sendsOctets(request, to: proxy)
        stage.world.run(for: .seconds(33))
        try bob.sendsOctets(request, to: proxy)
        let start = stage.flow().count
        stage.world.run(for: .seconds(1))
        #expect(stage.flow().contains("proxy>thief 401 Unauthorized REGISTER 2"), "\(stage.flow())")
        #expect(self.answers(stage, from: start) == ["proxy>bob 401 Unauthorized REGISTER 2"])
    }
}

extension DigestSession {
    /// The value of a field with credentials for the next request.
    mutating func credentials(_ method: Method, _ uri: String) -> String {
        var value: [UInt8] = []
        let body: [UInt8] = []
        self.writeCredentials(method: method, uri: uri, body: body.span, to: &value)
        return String(decoding: value, as: UTF8.self)
    }
}
