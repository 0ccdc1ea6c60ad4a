import Foundation
import SIPAuthentication
import SIPMessages
import SIPSimulation
import ServerCore
import ServerSimulation
import Testing

@Suite("Credentials at the registrar (RFC 3261 §10.3, §22, RFC 7616)")
struct CredentialTests {
    static let carol = AuthorisationTests.carol

    /// A server with Bob and Carol as users.
    static func stage(_ edit: (inout ServerSettings) -> Void = { _ in }) -> Stage {
        let stage = Stage()
        stage.server("proxy", at: Place.proxy, [Place.domain]) {
            $0.requires([.bob, Self.carol])
            edit(&$0)
        }
        return stage
    }

    /// Registers an address with another user's credentials; the last response.
    static func register(_ peer: ScriptedPeer, as account: Account, _ status: StatusCode) throws -> SIPMessage {
        try peer.registers()
        let challenge = try peer.expects(401)
        let answer = try #require(account.answer(challenge, .register, "sip:\(Place.domain)"))
        try peer.registersAgain { $0.add(named: "Authorization", answer) }
        return try peer.expects(status)
    }

    @Test("A user may register another one's address where that is permitted, and only there (§10.3 step 4)")
    func thirdParty() throws {
        let carol = Array("carol@biloxi.example.com".utf8)
        let stage = Self.stage { $0.registrants[carol] = [Array("bob@biloxi.example.com".utf8)] }
        let bob = try stage.bob()
        let desk = try stage.peer("desk", at: "192.0.2.60", "sip:carol@biloxi.example.com")
        #expect(try Self.register(bob, as: Self.carol, 200).contacts.count == 1)
        // The other way round nobody has permitted it.
        _ = try Self.register(desk, as: .bob, 403)
        try stage.world.end()
    }

    @Test("What was permitted to one user is not permitted to another")
    func thirdPartyOfOthers() throws {
        let stage = Self.stage {
            $0.registrants[Array("dave@biloxi.example.com".utf8)] = [Array("bob@biloxi.example.com".utf8)]
        }
        let bob = try stage.bob()
        _ = try Self.register(bob, as: Self.carol, 403)
        try stage.world.end()
    }

    @Test("A user may have several addresses on one device, and an address several devices")
    func severalAORs() throws {
        let stage = Stage()
        stage.server()
        let alice = try stage.alice()
        let (desk, mobile) = (try stage.bob("desk", at: "192.0.2.201"), try stage.bob("mobile", at: "192.0.2.202"))
        try desk.isRegistered()
        try mobile.isRegistered()
        let sales = NameAddress(try URI("sip:sales@biloxi.example.com"))
        try desk.registers { $0.set(.to, sales) }
        try desk.expects(200, for: .register)
        try alice.invites("sip:sales@biloxi.example.com")
        try desk.expects(.invite)
        try desk.sends(486)
        try alice.expects(486)
        try alice.invites()
        try desk.expects(.invite)
        try mobile.expects(.invite)
        try desk.sends(486)
        try mobile.sends(486)
        try alice.expects(486)
        try stage.world.end()
    }

    // MARK: Challenges

    @Test("Where integrity is offered, the challenge says auth-int, and credentials with it are taken (RFC 7616 §3.4)")
    func integrity() throws {
        let stage = Self.stage { $0.offersIntegrity = true }
        let bob = try stage.bob()
        try bob.registers()
        let challenge = try bob.expects(401)
        let fields = challenge.values(named: "WWW-Authenticate")
        #expect(!fields.isEmpty && fields.allSatisfy { $0.contains("auth-int") })
        let answer = try #require(
            Account.bob.answer(challenge, .register, "sip:\(Place.domain)", integrity: true))
        #expect(answer.contains("qop=auth-int"))
        try bob.registersAgain { $0.add(named: "Authorization", answer) }
        try bob.expects(200)
        try stage.world.end()
    }

    @Test("With auth-int a body that was changed on its way is noticed (RFC 7616 §3.4.3)")
    func changedBody() throws {
        let stage = Self.stage { $0.offersIntegrity = true }
        let bob = try stage.bob()
        try bob.registers()
        let challenge = try bob.expects(401)
        let answer = try #require(
            Account.bob.answer(challenge, .register, "sip:\(Place.domain)", integrity: true))
        try bob.registersAgain {
            $0.add(named: "Authorization", answer)
            $0.setBody(Array("changed".utf8), type: nil)
        }
        try bob.expects(401)
        try stage.world.end()
    }

    @Test("Without it the challenge offers auth alone")
    func noIntegrity() throws {
        let stage = Self.stage()
        let bob = try stage.bob()
        try bob.registers()
        #expect(try bob.expects(401).values(named: "WWW-Authenticate").allSatisfy { !$0.contains("auth-int") })
        try stage.world.end()
    }

    @Test(
        "Credentials that were used once are not taken again: another challenge, and it says stale (RFC 7616 §3.3, §5.12)"
    )
    func replay() throws {
        let stage = Self.stage()
        let bob = try stage.bob()
        try bob.registers()
        let challenge = try bob.expects(401)
        let answer = try #require(Account.bob.answer(challenge, .register, "sip:\(Place.domain)"))
        try bob.registersAgain { $0.add(named: "Authorization", answer) }
        try bob.expects(200)
        try bob.registers { $0.add(named: "Authorization", answer) }
        let second = try bob.expects(401)
        #expect(second.values(named: "WWW-Authenticate").allSatisfy { $0.contains("stale=TRUE") })
        try stage.world.end()
    }

    @Test("A nonce that has grown too old is stale, and not wrong (RFC 7616 §3.3)")
    func oldNonce() throws {
        let stage = Self.stage()
        let bob = try stage.bob()
        try bob.registers()
        let challenge = try bob.expects(401)
        let answer = try #require(Account.bob.answer(challenge, .register, "sip:\(Place.domain)"))
        stage.world.run(for: .seconds(301))
        try bob.registersAgain { $0.add(named: "Authorization", answer) }
        let second = try bob.expects(401)
        #expect(second.values(named: "WWW-Authenticate").allSatisfy { $0.contains("stale=TRUE") })
        try stage.world.end()
    }

    @Test("Other challenges hold from a reload on, and an answer to an old one is stale")
    func reloaded() throws {
        let stage = Stage()
        let server = stage.server("proxy", at: Place.proxy, [Place.domain]) { $0.requires([.bob]) }
        let bob = try stage.bob()
        try bob.registers()
        let old = try #require(Account.bob.answer(try bob.expects(401), .register, "sip:\(Place.domain)"))
        var settings = server.settings
        (settings.offersIntegrity, settings.domains) = (true, [Array("new.example.com".utf8)] + settings.domains)
        server.apply(settings)
        try bob.registersAgain { $0.add(named: "Authorization", old) }
        let challenge = try bob.expects(401)
        let fields = challenge.values(named: "WWW-Authenticate")
        #expect(fields.allSatisfy { $0.contains("stale=TRUE") && $0.contains("auth-int") })
        let answer = try #require(Account.bob.answer(challenge, .register, "sip:\(Place.domain)"))
        try bob.registersAgain { $0.add(named: "Authorization", answer) }
        try bob.expects(200)
        try stage.world.end()
    }

    // MARK: Nobody learns who is a user

    /// A response without what differs from one request to the next.
    static func shape(_ response: SIPMessage) -> [String] {
        response.description.split(separator: "\r\n").map { line in
            var line = String(line)
            for name in ["nonce=\"", "branch=", "tag=", "Call-ID: "] {
                guard let start = line.range(of: name)?.upperBound else { continue }
                let end = line[start...].firstIndex { $0 == "\"" || $0 == ";" } ?? line.endIndex
                line.replaceSubrange(start..<end, with: "")
            }
            line = line.replacingOccurrences(of: "192.0.2.209", with: "192.0.2.201")
            return line.replacingOccurrences(of: "nobody", with: "USER").replacingOccurrences(of: "bob", with: "USER")
        }
    }

    @Test("A user and a name that is none are challenged alike, and refused alike (RFC 3261 §26.3.2.4)")
    func register() throws {
        let stage = Self.stage()
        let bob = try stage.peer("known", at: "192.0.2.201", Place.bob)
        let nobody = try stage.peer("other", at: "192.0.2.209", "sip:nobody@biloxi.example.com")
        var shapes: [[[String]]] = []
        for (peer, name) in [(bob, "bob"), (nobody, "nobody")] {
            try peer.registers(["<sip:USER@192.0.2.201>"])
            let challenge = try peer.expects(401)
            let guess = Account(username: name, domain: Place.domain, password: "guess")
            let answer = try #require(guess.answer(challenge, .register, "sip:\(Place.domain)"))
            try peer.registersAgain(["<sip:USER@192.0.2.201>"]) { $0.add(named: "Authorization", answer) }
            shapes.append([Self.shape(challenge), Self.shape(try peer.expects(401))])
        }
        #expect(shapes[0] == shapes[1])
        try stage.world.end()
    }

    @Test("A caller cannot tell a user without a device from a name that is none")
    func call() throws {
        let stage = Self.stage()
        let alice = try stage.alice()
        var shapes: [[String]] = []
        for name in ["bob", "nobody"] {
            try alice.sends(.options, to: try URI("sip:\(name)@biloxi.example.com"))
            shapes.append(Self.shape(try alice.expects(480)))
        }
        #expect(shapes[0] == shapes[1])
        try stage.world.end()
    }
}
