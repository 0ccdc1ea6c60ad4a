import SIPMessages
import Testing

@testable import SIPAuthentication

/// A UAC and an authenticator that exchange what they write.
struct AuthenticationExchange {
    static let realm = "biloxi.example"
    static let uri = "sip:biloxi.example"

    var server: DigestAuthenticator
    var now: Int64 = 1_000_000_000
    var users: [String: String] = ["alice": "secret, \"or\" not?"]

    init(_ algorithms: [DigestAlgorithm], offersIntegrity: Bool = false, opaque: String? = nil) throws {
        let nonces = try #require(
            NonceIssuer(secret: [UInt8](repeating: 9, count: 32), lifetime: .seconds(60), capacity: 64))
        self.server = DigestAuthenticator(
            challenges: ChallengeWriter(
                realm: Self.realm, algorithms: algorithms, offersIntegrity: offersIntegrity, opaque: opaque),
            nonces: nonces, decoys: DecoySecrets(key: SipHashKey(1, 2)))
    }

    /// The challenges as a client reads them from the lines of a 401.
    mutating func challenge(isStale: Bool = false) throws -> [DigestChallenge] {
        var lines: [UInt8] = []
        let nonce = self.server.nonces.issue(at: self.now, binding: 7, to: NonceIssuerTests.client)
        self.server.challenges.write(.server, nonce: nonce, isStale: isStale, to: &lines)
        return try String(decoding: lines, as: UTF8.self).split(separator: "\r\n").map { line in
            let value = Array(line.utf8)
            let challenge = try DigestChallenge(parsing: value.span, in: 18..<value.count)
            return try #require(challenge)
        }
    }

    func session(_ challenges: [DigestChallenge], user: String, password: String) throws -> DigestSession {
        let challenge = try #require(DigestChallenge.topmostSupported(of: challenges))
        let secret = DigestSecret(
            username: user, realm: challenge.realm, password: password, algorithm: try #require(challenge.algorithm))
        return try #require(
            DigestSession(challenge, username: user, secret: secret, cnonce: "0a4f113b", prefersIntegrity: true))
    }

    static func request(_ session: inout DigestSession, body: String = "") throws -> LaidOutRequest {
        let octets = Array(body.utf8)
        var value: [UInt8] = []
        session.writeCredentials(method: .register, uri: Self.uri, body: octets.span, to: &value)
        return try LaidOutRequest("REGISTER", String(decoding: value, as: UTF8.self), body: body)
    }

    /// What the server makes of a request; `nil` when it does not come to a decision.
    mutating func receive(_ request: LaidOutRequest, user: String = "alice") -> DigestAuthenticator.Decision? {
        guard case .lookUp(let algorithm) = self.server.examine(request.credentials, in: request.octets.span) else {
            return nil
        }
        let secret = self.users[user].map {
            DigestSecret(username: user, realm: Self.realm, password: $0, algorithm: algorithm)
        }
        return self.server.decide(
            request.credentials, in: request.octets.span, method: request.method, body: request.body, secret: secret,
            at: self.now, binding: 7)
    }
}

@Suite("Challenge and credentials (RFC 3261 §22, RFC 7616 §3.6, RFC 8760)")
struct DigestAuthenticatorTests {
    static let password = "secret, \"or\" not?"

    @Test("With every algorithm a challenged client is accepted, request after request", arguments: DigestAlgorithm.all)
    func accepts(algorithm: DigestAlgorithm) throws {
        var exchange = try AuthenticationExchange([algorithm], offersIntegrity: true, opaque: "b3BhcXVl")
        var session = try exchange.session(exchange.challenge(), user: "alice", password: Self.password)
        for _ in 0..<3 {
            let request = try AuthenticationExchange.request(&session, body: "v=0\r\n")
            #expect(request.octets.span.string(request.credentials.qop) == "auth-int")
            #expect(request.octets.span.string(request.credentials.opaque) == "b3BhcXVl")
            #expect(exchange.receive(request) == .accepted)
        }
        #expect(session.nonceCount == 3)
    }

    @Test("The same request again is a replay, and is answered with a stale challenge, not with acceptance")
    func replay() throws {
        var exchange = try AuthenticationExchange([.sha256])
        var session = try exchange.session(exchange.challenge(), user: "alice", password: Self.password)
        let request = try AuthenticationExchange.request(&session)
        #expect(exchange.receive(request) == .accepted)
        #expect(exchange.receive(request) == .stale)
    }

    @Test("A right response under an old or foreign nonce is stale; a wrong one is rejected whatever its nonce")
    func stale() throws {
        var exchange = try AuthenticationExchange([.md5])
        var session = try exchange.session(exchange.challenge(), user: "alice", password: Self.password)
        var wrong = try exchange.session(exchange.challenge(), user: "alice", password: "guess")
        var challenge = session.challenge
        challenge.nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093"
        var foreign = try exchange.session([challenge], user: "alice", password: Self.password)
        #expect(try exchange.receive(AuthenticationExchange.request(&foreign)) == .stale)
        #expect(try exchange.receive(AuthenticationExchange.request(&wrong)) == .rejected)
        exchange.now += 61_000_000_000
        #expect(try exchange.receive(AuthenticationExchange.request(&session)) == .stale)
        #expect(try exchange.receive(AuthenticationExchange.request(&wrong)) == .rejected)
    }

    @Test("A rejected request uses up no nonce count")
    func wrongResponseCountsNothing() throws {
        var exchange = try AuthenticationExchange([.md5])
        let challenges = try exchange.challenge()
        var attacker = try exchange.session(challenges, user: "alice", password: "guess")
        var session = try exchange.session(challenges, user: "alice", password: Self.password)
        #expect(try exchange.receive(AuthenticationExchange.request(&attacker)) == .rejected)
        #expect(exchange.server.nonces.rememberedUses == 0)
        #expect(try exchange.receive(AuthenticationExchange.request(&session)) == .accepted)
    }

    @Test("An unknown user is rejected like a wrong password, even with the decoy's own response")
    func unknownUser() throws {
        var exchange = try AuthenticationExchange([.sha256])
        let challenges = try exchange.challenge()
        var session = try exchange.session(challenges, user: "mallory", password: "x")
        let request = try AuthenticationExchange.request(&session)
        #expect(exchange.receive(request, user: "mallory") == .rejected)
        let decoys = DecoySecrets(key: SipHashKey(1, 2))
        let decoy = decoys.secret(
            .sha256, in: request.octets.span, username: request.credentials.username, realm: request.credentials.realm)
        var lucky = try #require(
            DigestSession(challenges[0], username: "mallory", secret: decoy, cnonce: "0a4f113b"))
        let guessed = try AuthenticationExchange.request(&lucky)
        #expect(guessed.isProved(by: decoy))
        #expect(exchange.receive(guessed, user: "mallory") == .rejected)
    }

    @Test("A decoy is the same for the same name, another for another name, realm, algorithm or key")
    func decoys() {
        let octets = Array("alicebob".utf8)
        func decoy(
            _ algorithm: DigestAlgorithm, _ username: OctetRange, _ realm: OctetRange, key: UInt64 = 1
        ) -> [UInt8] {
            DecoySecrets(key: SipHashKey(key, 2)).secret(
                algorithm, in: octets.span, username: username, realm: realm
            ).octets
        }
        let alice = OctetRange(0, 5)
        let bob = OctetRange(5, 8)
        #expect(decoy(.md5, alice, bob) == decoy(.md5, alice, bob))
        #expect(decoy(.md5, alice, bob).count == 16 && decoy(.sha256, alice, bob).count == 32)
        let others = [
            decoy(.sha256, alice, bob), decoy(.sha256, bob, alice), decoy(.sha256, alice, alice),
            decoy(.sha256, OctetRange(0, 4), OctetRange(4, 8)), decoy(.sha256, alice, bob, key: 3),
        ]
        #expect(Set(others).count == others.count)
    }

    @Test(
        "Credentials of another realm are not ours; without plain name, response or offered algorithm: challenge",
        arguments: [
            (#"username="alice", realm="elsewhere", response="00""#, DigestAuthenticator.Examination.ignore),
            (#"username="alice", realm="Biloxi.example", response="00""#, .ignore),
            (#"username="alice", realm="biloxi.example", response="""#, .challenge),
            (#"username="00", userhash=true, realm="biloxi.example", response="00""#, .challenge),
            (#"username*=UTF-8''a, realm="biloxi.example", response="00""#, .challenge),
            (#"username="alice", realm="biloxi.example", response="00", algorithm=MD5"#, .challenge),
            (#"username="alice", realm="biloxi.example", response="00""#, .challenge),
            (#"username="alice", realm="biloxi.example", response="00", algorithm=SHA-256-sess"#, .challenge),
            (#"username="alice", realm="biloxi.example", response="00", algorithm=SHA-384"#, .challenge),
            (#"username="alice", realm="biloxi.example", response="00", algorithm=SHA-256"#, .lookUp(.sha256)),
        ])
    func examines(parameters: String, examination: DigestAuthenticator.Examination) throws {
        let exchange = try AuthenticationExchange([.sha256])
        let request = try LaidOutRequest("REGISTER", "Digest nonce=\"\", uri=\"sip:a\", \(parameters)")
        #expect(exchange.server.examine(request.credentials, in: request.octets.span) == examination)
    }

    @Test("Basic credentials are passed over (RFC 3261 §22.4)")
    func basic() throws {
        let exchange = try AuthenticationExchange([.sha256])
        let request = try LaidOutRequest("REGISTER", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
        #expect(exchange.server.examine(request.credentials, in: request.octets.span) == .ignore)
    }

    @Test(
        "A client proves the server by Authentication-Info and takes its next nonce (RFC 7616 §3.5)",
        arguments: [false, true])
    func mutualAuthentication(integrity: Bool) throws {
        var exchange = try AuthenticationExchange([.sha512256Session], offersIntegrity: integrity)
        var session = try exchange.session(exchange.challenge(), user: "alice", password: Self.password)
        let request = try AuthenticationExchange.request(&session, body: "v=0\r\n")
        let secret = DigestSecret(
            username: "alice", realm: AuthenticationExchange.realm, password: Self.password, algorithm: .sha512256)
        let impostor = DigestSecret(
            username: "alice", realm: AuthenticationExchange.realm, password: "guess", algorithm: .sha512256)
        let body = Array("v=1\r\n".utf8)
        let next = exchange.server.nonces.issue(at: exchange.now, binding: 7, to: NonceIssuerTests.client)
        func answer(_ secret: DigestSecret, body: [UInt8]) throws -> DigestSession.ServerProof {
            var octets: [UInt8] = []
            secret.writeAuthenticationInfo(
                request.credentials, in: request.octets.span, responseBody: body.span, nextNonce: next, to: &octets)
            let info = try AuthenticationInfoIndex(parsing: octets.span, in: 0..<octets.count)
            let start = octets.count
            octets += Array("v=1\r\n".utf8)
            return session.receive(
                info, in: octets.span, body: OctetRange(start, octets.count), uri: AuthenticationExchange.uri)
        }
        #expect(try answer(impostor, body: body) == .wrong)
        #expect(try answer(secret, body: Array("v=2\r\n".utf8)) == (integrity ? .wrong : .proved))
        #expect(try answer(secret, body: body) == .proved)
        #expect(session.nonceCount == 0)
        #expect(try exchange.receive(AuthenticationExchange.request(&session)) == .accepted)
    }

    @Test(
        "However an accepted request is changed, no change traps and none of response, nonce, uri or count is accepted",
        arguments: 0..<100)
    func mutations(seed: Int) throws {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(truncatingIfNeeded: state >> 33) % bound
        }
        let algorithm = DigestAlgorithm.all[seed % DigestAlgorithm.all.count]
        var exchange = try AuthenticationExchange([algorithm], offersIntegrity: true)
        var session = try exchange.session(exchange.challenge(), user: "alice", password: Self.password)
        let request = try AuthenticationExchange.request(&session, body: "v=0\r\n")
        let alphabet = Array("\",=\\ \r\n0aZ*;\u{0}".utf8) + [0xFF]
        for _ in 0..<50 {
            var changed = request
            let start = request.credentials.scheme.lower
            var end = request.body.lower - 4
            for _ in 0...random(4) {
                let position = start + random(end - start)
                switch random(3) {
                case 0:
                    changed.octets[position] = alphabet[random(alphabet.count)]
                case 1:
                    changed.octets.remove(at: position)
                    end -= 1
                default:
                    changed.octets.insert(alphabet[random(alphabet.count)], at: position)
                    end += 1
                }
            }
            guard let credentials = try? CredentialsIndex(parsing: changed.octets.span, in: start..<end) else {
                continue
            }
            changed.credentials = credentials
            changed.body = OctetRange(end + 4, changed.octets.count)
            let decision = exchange.receive(changed)
            // White space, quoting slashes, letter case and what the response does not cover may change.
            let same = [
                (\CredentialsIndex.response, true), (\.nonce, true), (\.uri, false), (\.nc, false), (\.cnonce, false),
            ].allSatisfy { part, ignoresCase in
                let before = request.octets.span.unquoted(request.credentials[keyPath: part])
                let after = changed.octets.span.unquoted(credentials[keyPath: part])
                return ignoresCase ? before.lowercased() == after.lowercased() : before == after
            }
            if !same { #expect(decision != .accepted) }
        }
        #expect([.accepted, .stale].contains(exchange.receive(request)))
    }
}
