import CallRouting
import LocationService
import SIPMessages
import SIPSimulation
import ServerCore
import ServerSimulation
import Testing

@Suite("Asking gateways whether they are there (RFC 3261 §11)")
struct TrunkProbeTests {
    @Test("Each gateway gets an OPTIONS each interval; one that is silent is left out until it answers again")
    func upAndDown() throws {
        let trunk = try TrunkStage(edit: {
            $0.probeInterval = .seconds(60)
            $0.targets = [Array("sip:192.0.2.71".utf8)]
        })
        let options = try trunk.first.expects(.options)
        #expect(options.requestURI?.description == "sip:192.0.2.71")
        #expect(options.first(.maxForwards) == 70)
        try trunk.first.sends(405)
        trunk.stage.world.run(for: .seconds(1))
        // Whatever it answers, it is there.
        #expect(trunk.status?.targets.map(\.isUp) == [true])
        trunk.stage.world.partition(
            ["first"], from: trunk.stage.world.now, until: trunk.stage.world.now.advanced(by: .seconds(100)))
        trunk.stage.world.run(for: .seconds(70))
        #expect(trunk.status?.targets.map(\.isUp) == [false])
        try trunk.alice.invites(TrunkStage.number)
        #expect(try trunk.alice.expects(503).reasonPhrase == "No Gateway Of Trunk pstn Is There")
        try trunk.first.expects(.options, within: .seconds(90))
        try trunk.first.sends(200)
        trunk.stage.world.run(for: .seconds(1))
        #expect(trunk.status?.targets.map(\.isUp) == [true])
        try trunk.connect(by: trunk.first)
        try trunk.end()
    }

    @Test("A gateway that answers a probe with 503 takes no calls, as long as its Retry-After says (§21.5.4)")
    func refusing() throws {
        let trunk = try TrunkStage(edit: { $0.probeInterval = .seconds(3600) })
        try trunk.first.expects(.options)
        try trunk.first.sends(503) { $0.add(named: "Retry-After", "300") }
        try trunk.second.expects(.options)
        try trunk.second.sends(200)
        trunk.stage.world.run(for: .seconds(1))
        try trunk.alice.invites(TrunkStage.number)
        try trunk.second.expects(.invite)
        try trunk.second.sends(486)
        try trunk.alice.expects(486)
        trunk.stage.world.run(for: .seconds(300))
        try trunk.alice.invites(TrunkStage.number)
        try trunk.first.expects(.invite)
        try trunk.first.sends(486)
        try trunk.alice.expects(486)
        try trunk.end()
    }
}

@Suite("Registering at a gateway (RFC 3261 §10.2)")
struct TrunkRegistrationTests {
    static let account = Account(username: "4711", domain: "provider.example", password: "trunk secret")

    /// A server that registers at the other one, which asks for a password.
    static func stage(password: String = "trunk secret", shards: Int = 1) throws -> TrunkStage {
        try TrunkStage(
            shards: shards,
            edit: {
                $0.targets = [Array("sip:192.0.2.111".utf8)]
                $0.registration = .init(user: "4711", domain: "provider.example", password: password, expires: 600)
            })
    }

    @Test("It registers with digest, and again before that is over", arguments: [1, 64])
    func registers(shards: Int) throws {
        let trunk = try Self.stage(shards: shards)
        let provider = trunk.stage.server("provider", at: "192.0.2.111", ["provider.example"]) {
            $0.requires([Self.account])
        }
        trunk.stage.world.run(for: .seconds(3))
        #expect(trunk.status?.isRegistered == true)
        #expect(provider.aorCount == 1)
        #expect(
            trunk.stage.flow() == [
                "proxy>provider REGISTER 1", "provider>proxy 401 Unauthorized REGISTER 1", "proxy>provider REGISTER 2",
                "provider>proxy 200 OK REGISTER 2",
            ])
        // 600 s were granted; nine tenths later it is renewed. The nonce that is known is stale by then.
        trunk.stage.world.run(for: .seconds(545))
        #expect(
            trunk.stage.flow(from: 4) == [
                "proxy>provider REGISTER 3", "provider>proxy 401 Unauthorized REGISTER 3", "proxy>provider REGISTER 4",
                "provider>proxy 200 OK REGISTER 4",
            ])
        #expect(provider.aorCount == 1)
        // A call to the number comes in by the binding.
        let caller = try trunk.stage.peer(
            "caller", at: "192.0.2.90", "sip:caller@elsewhere.example", by: "192.0.2.111")
        try caller.invites("sip:4711@provider.example")
        try caller.expects(480)
        try trunk.end()
    }

    @Test("With a wrong password it does not go on and on: it waits, longer each time (RFC 5626 §4.5)")
    func wrongPassword() throws {
        let trunk = try Self.stage(password: "wrong")
        trunk.stage.server("provider", at: "192.0.2.111", ["provider.example"]) { $0.requires([Self.account]) }
        trunk.stage.world.run(for: .seconds(3600))
        #expect(trunk.status?.isRegistered == false)
        let attempts = trunk.stage.flow().filter { $0.hasPrefix("proxy>provider REGISTER") }.count
        // 30, 60, 120, 240, 480, 960, 1800 s, each between a half and the whole, two requests each time.
        #expect((12...22).contains(attempts))
        try trunk.end()
    }

    @Test("A provider that does not answer is asked again, and what it grants is taken (§10.2.4, §21.4.17)")
    func providerReturns() throws {
        let trunk = try Self.stage()
        trunk.stage.server("provider", at: "192.0.2.111", ["provider.example"]) {
            $0.requires([Self.account])
            $0.registrar.minExpires = 900
        }
        let start = trunk.stage.world.now
        trunk.stage.world.partition(["provider"], from: start, until: start.advanced(by: .seconds(20)))
        trunk.stage.world.run(for: .seconds(120))
        #expect(trunk.status?.isRegistered == true)
        #expect(trunk.stage.flow().contains { $0.contains("423") })
        try trunk.end()
    }
}

@Suite("Logging in at a gateway (RFC 3261 §22.3)")
struct TrunkLoginTests {
    @Test(
        "The gateway's challenge is answered by the server, and the caller hears nothing of it", arguments: [401, 407])
    func login(status: Int) throws {
        let trunk = try TrunkStage(edit: { $0.credentials = .init(user: "4711", password: "trunk secret") })
        let isProxy = status == 407
        try trunk.alice.invites(TrunkStage.number)
        let one = try trunk.first.expects(.invite)
        try trunk.first.sends(StatusCode(UInt16(status))) {
            $0.add(
                named: isProxy ? "Proxy-Authenticate" : "WWW-Authenticate",
                "Digest realm=\"provider\", nonce=\"abc\", qop=\"auth\", algorithm=SHA-256")
        }
        let two = try trunk.first.expects(.invite)
        let credentials = two.values(named: isProxy ? "Proxy-Authorization" : "Authorization")
        #expect(credentials.count == 1)
        #expect(credentials.first?.contains("username=\"4711\", realm=\"provider\", nonce=\"abc\"") == true)
        #expect(credentials.first?.contains("uri=\"sip:+555@192.0.2.71\"") == true)
        #expect(one.all(.via).first?.branch != two.all(.via).first?.branch)
        // §8.1.3.5: the same Call-ID, From tag and To, and the next CSeq.
        let number = try #require(one.first(.cseq)?.number)
        #expect(two.first(.cseq)?.number == number + 1)
        #expect(one.first(.callID) == two.first(.callID) && one.first(.from) == two.first(.from))
        #expect(!two.octets.contains(sequence: "trunk secret"))
        try trunk.first.sends(200)
        try trunk.alice.expects(200)
        try trunk.alice.sends(.ack)
        try trunk.first.expects(.ack)
        #expect(trunk.status?.linesInUse == 1)
        try trunk.end()
    }

    @Test("The caller's dialog keeps its numbers, the gateway's has one more, to its end (§12.2.1.1, §22.3)")
    func numbers() throws {
        let trunk = try TrunkStage(edit: { $0.credentials = .init(user: "4711", password: "trunk secret") })
        func numbers(_ message: SIPMessage) -> [UInt32?] {
            [message.first(.cseq)?.number, message.first(.rack)?.cseq.number]
        }
        try trunk.alice.invites(TrunkStage.number)
        #expect(numbers(try trunk.first.expects(.invite)) == [1, nil])
        try trunk.first.sends(401) { $0.add(named: "WWW-Authenticate", "Digest realm=\"provider\", nonce=\"abc\"") }
        #expect(numbers(try trunk.first.expects(.invite)) == [2, nil])
        try trunk.first.sends(183) {
            $0.add(named: "Require", "100rel")
            $0.add(named: "RSeq", "988")
        }
        #expect(numbers(try trunk.alice.expects(183)) == [1, nil])
        try trunk.alice.sends(.prack) { $0.add(named: "RAck", "988 1 INVITE") }
        #expect(numbers(try trunk.first.expects(.prack)) == [3, 2])
        try trunk.first.sends(200, to: .prack)
        #expect(numbers(try trunk.alice.expects(200)) == [2, nil])
        try trunk.first.sends(200, to: .invite)
        #expect(numbers(try trunk.alice.expects(200)) == [1, nil])
        try trunk.alice.sends(.ack)
        #expect(numbers(try trunk.first.expects(.ack)) == [2, nil])
        // What the gateway sends has numbers of its own.
        try trunk.first.sends(.info) { $0.set(.cseq, CSeq(3, .info)) }
        #expect(numbers(try trunk.alice.expects(.info)) == [3, nil])
        try trunk.alice.sends(200)
        #expect(numbers(try trunk.first.expects(200)) == [3, nil])
        try trunk.alice.sends(.bye)
        #expect(numbers(try trunk.first.expects(.bye)) == [4, nil])
        try trunk.first.sends(200)
        #expect(numbers(try trunk.alice.expects(200)) == [3, nil])
        #expect(trunk.status?.linesInUse == 0)
        try trunk.end()
    }

    @Test("A refusal after the login, and a CANCEL, have the numbers of each side too", arguments: [false, true])
    func refused(isCancelled: Bool) throws {
        let trunk = try TrunkStage(edit: { $0.credentials = .init(user: "4711", password: "trunk secret") })
        try trunk.alice.invites(TrunkStage.number) { $0.set(.cseq, CSeq(7, .invite)) }
        try trunk.first.expects(.invite)
        try trunk.first.sends(401) { $0.add(named: "WWW-Authenticate", "Digest realm=\"provider\", nonce=\"abc\"") }
        try trunk.first.expects(.invite)
        if isCancelled {
            try trunk.first.sends(180)
            try trunk.alice.expects(180)
            try trunk.alice.sends(.cancel)
            #expect(try trunk.first.expects(.cancel).first(.cseq)?.number == 8)
            try trunk.first.sends(200, to: .cancel)
        }
        try trunk.first.sends(487, to: .invite)
        #expect(try trunk.alice.expects(487).first(.cseq)?.number == 7)
        try trunk.end()
    }

    @Test("Challenged a second time, the credentials are wrong: the next gateway is not asked, and the caller told")
    func wrongCredentials() throws {
        let trunk = try TrunkStage(edit: { $0.credentials = .init(user: "4711", password: "wrong") })
        try trunk.alice.invites(TrunkStage.number)
        for _ in 0..<2 {
            try trunk.first.expects(.invite)
            try trunk.first.sends(407) {
                $0.add(named: "Proxy-Authenticate", "Digest realm=\"provider\", nonce=\"abc\"")
            }
        }
        try trunk.alice.expects(407)
        #expect(trunk.status?.linesInUse == 0)
        try trunk.end()
    }

    @Test("Without credentials of the trunk a challenge is the caller's to answer (§22.3)")
    func noCredentials() throws {
        let trunk = try TrunkStage()
        try trunk.alice.invites(TrunkStage.number)
        try trunk.first.expects(.invite)
        try trunk.first.sends(407) { $0.add(named: "Proxy-Authenticate", "Digest realm=\"provider\", nonce=\"abc\"") }
        try trunk.alice.expects(407)
        try trunk.end()
    }
}

@Suite("Calls that come by a trunk")
struct TrunkInboundTests {
    @Test("They go where the trunk's own plan says, else to the user of that name, without a password")
    func inbound() throws {
        let stage = Stage()
        stage.server("proxy", at: Place.proxy, [Place.domain]) {
            $0.requires([.bob])
            $0.inbound = .trusted
            var trunk = TrunkSettings("pstn", targets: ["sip:192.0.2.71"])
            trunk.allow = [AddressBlock("192.0.2.71")].compactMap { $0 }
            trunk.inbound = DialPlan([DialPlanFlowTests.route("+49301*", .user("bob"))])
            $0.trunks = [trunk]
            $0.trusted = trunk.allow
            $0.plan = DialPlan([DialPlanFlowTests.route("*1", .refuse(404, "Not The Plan Of All"))])
        }
        let bob = try stage.bob()
        try bob.registers()
        let challenge = try bob.expects(401)
        let answer = try #require(Account.bob.answer(challenge, .register, "sip:\(Place.domain)"))
        try bob.registersAgain { $0.add(named: "Authorization", answer) }
        try bob.expects(200)
        let gateway = try stage.peer("gateway", at: "192.0.2.71", "sip:+49170@192.0.2.71")
        for number in ["+493011", "bob"] {
            try gateway.invites("sip:\(number)@192.0.2.222")
            try bob.expects(.invite)
            try bob.sends(486)
            try gateway.expects(486)
        }
        // The same from elsewhere is refused.
        let alice = try stage.alice()
        try alice.invites("sip:bob@192.0.2.222")
        try alice.expects(403)
        // And neither goes to elsewhere.
        try gateway.invites("sip:victim@198.51.100.1")
        try gateway.expects(403)
        try stage.world.end()
    }
}

extension [UInt8] {
    func contains(sequence text: String) -> Bool {
        let octets = Array(text.utf8)
        return self.indices.contains { self[$0...].starts(with: octets) }
    }
}
