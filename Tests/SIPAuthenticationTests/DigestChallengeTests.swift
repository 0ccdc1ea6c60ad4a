import SIPMessages
import Testing

@testable import SIPAuthentication

@Suite("Challenges (RFC 7616 §3.3, RFC 8760 §2.3, §2.4)")
struct DigestChallengeTests {
    static func parse(_ text: String) throws -> DigestChallenge? {
        let octets = Array(text.utf8)
        return try DigestChallenge(parsing: octets.span, in: 0..<octets.count)
    }

    static func lines(_ writer: ChallengeWriter, _ role: ChallengeWriter.Role, isStale: Bool) -> String {
        var output: [UInt8] = []
        writer.write(role, nonce: Nonce(issued: 1, unique: 0xABC, proof: .max), isStale: isStale, to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    @Test("One line is written for each algorithm in the order configured, a repeated one once")
    func writes() {
        let writer = ChallengeWriter(
            realm: #"the "best" realm"#, algorithms: [.sha256, .md5, .sha256], offersIntegrity: true, opaque: "b3A=")
        #expect(
            Self.lines(writer, .server, isStale: false)
                == #"""
                WWW-Authenticate: Digest realm="the \"best\" realm", nonce="00000000000000010000000000000abcffffffffffffffff", algorithm=SHA-256, qop="auth,auth-int", opaque="b3A="
                WWW-Authenticate: Digest realm="the \"best\" realm", nonce="00000000000000010000000000000abcffffffffffffffff", algorithm=MD5, qop="auth,auth-int", opaque="b3A="

                """#.replacingLineEnds)
    }

    @Test("A proxy writes its own field, and says so when only the nonce was bad")
    func writesStale() {
        let writer = ChallengeWriter(realm: "a", algorithms: [.sha512256Session])
        #expect(
            Self.lines(writer, .proxy, isStale: true)
                == #"""
                Proxy-Authenticate: Digest realm="a", nonce="00000000000000010000000000000abcffffffffffffffff", algorithm=SHA-512-256-sess, qop="auth", stale=TRUE

                """#.replacingLineEnds)
    }

    @Test("The challenge of RFC 3261 §20.44 is read; without algorithm it is MD5")
    func reads() throws {
        let challenge = try #require(
            try Self.parse(
                #"Digest realm="atlanta.com", domain="sip:boxesbybob.com", qop="auth", nonce="f84f1cec41e6cbe5aea9c8e88d359", opaque="", stale=FALSE"#
            ))
        #expect(challenge.realm == "atlanta.com" && challenge.nonce == "f84f1cec41e6cbe5aea9c8e88d359")
        #expect(challenge.algorithm == .md5 && challenge.qualities == [.authentication] && challenge.opaque == "")
        #expect(!challenge.isStale && challenge.domain == ["sip:boxesbybob.com"] && challenge.isSupported)
        #expect(try Self.parse("Basic realm=\"atlanta.com\"") == nil)
    }

    @Test(
        "The options of qop are read from their list, unknown ones ignored",
        arguments: [
            (#", qop="auth, auth-int""#, [QualityOfProtection.authentication, .integrity], true),
            (#", qop="auth-int,x,AUTH,auth""#, [.integrity, .authentication], true),
            (#", qop=auth"#, [.authentication], true),
            (#", qop="x,y""#, [], false),
            (#", qop="""#, [], true),
            ("", [], true),
            (", algorithm=MD5-sess", [], false),
            (", algorithm=MD5-sess, qop=\"auth\"", [.authentication], true),
            (", algorithm=SHA-384, qop=\"auth\"", [.authentication], false),
        ])
    func options(text: String, qualities: [QualityOfProtection], isSupported: Bool) throws {
        let challenge = try #require(try Self.parse("Digest realm=\"r\", nonce=\"n\"\(text)"))
        #expect(challenge.qualities == qualities)
        #expect(challenge.isSupported == isSupported)
    }

    @Test("The topmost challenge that is supported and permitted is answered, for the realm asked for (RFC 8760 §2.4)")
    func chooses() throws {
        let challenges = try [("r", "SHA-384"), ("r", "sha-256"), ("r", "MD5"), ("s", "SHA-512-256")].map {
            try #require(try Self.parse("Digest realm=\"\($0)\", nonce=\"n\", qop=\"auth\", algorithm=\($1)"))
        }
        #expect(DigestChallenge.topmostSupported(of: challenges)?.algorithm == .sha256)
        #expect(DigestChallenge.topmostSupported(of: challenges, permitted: [.md5])?.algorithm == .md5)
        #expect(DigestChallenge.topmostSupported(of: challenges, realm: "s")?.algorithm == .sha512256)
        #expect(DigestChallenge.topmostSupported(of: challenges, realm: "t") == nil)
    }

    @Test("The credentials for the challenge of RFC 7616 §3.9.1 are those of the RFC")
    func credentials() throws {
        let challenge = try #require(
            try Self.parse(
                """
                Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, \
                nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", \
                opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
                """))
        let secret = DigestSecret(
            username: "Mufasa", realm: challenge.realm, password: "Circle of Life", algorithm: .sha256)
        var session = try #require(
            DigestSession(
                challenge, username: "Mufasa", secret: secret, cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"))
        var value: [UInt8] = []
        let body: [UInt8] = []
        session.writeCredentials(method: "GET", uri: "/dir/index.html", body: body.span, to: &value)
        #expect(
            String(decoding: value, as: UTF8.self) == """
                Digest username="Mufasa", realm="http-auth@example.org", \
                nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", uri="/dir/index.html", \
                response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", algorithm=SHA-256, \
                cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, nc=00000001, \
                opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
                """)
    }

    @Test("To a server without qop a client answers without qop, nc and cnonce (RFC 2617 §3.2.2)")
    func withoutQop() throws {
        let challenge = try #require(
            try Self.parse(#"Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093""#))
        let secret = DigestSecret(
            username: "Mufasa", realm: challenge.realm, password: "Circle Of Life", algorithm: .md5)
        var session = try #require(DigestSession(challenge, username: "Mufasa", secret: secret, cnonce: "c"))
        var value: [UInt8] = []
        let body: [UInt8] = []
        session.writeCredentials(method: "GET", uri: "/dir/index.html", body: body.span, to: &value)
        #expect(
            String(decoding: value, as: UTF8.self) == """
                Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", \
                uri="/dir/index.html", response="670fd8c2df070c60b045671b8b24ff02", algorithm=MD5
                """)
        #expect(DigestSession(challenge, username: "Mufasa", secret: secret, cnonce: "c")?.quality == nil)
    }

    @Test("Names of algorithms are read in any case and written as registered", arguments: DigestAlgorithm.all)
    func names(algorithm: DigestAlgorithm) {
        #expect(DigestAlgorithm(name: algorithm.description.lowercased()) == algorithm)
        #expect(DigestAlgorithm(rawValue: algorithm.rawValue) == algorithm)
        #expect(algorithm.isSession == algorithm.description.hasSuffix("-sess"))
        #expect(DigestAlgorithm(name: "SHA-512") == nil && DigestAlgorithm(rawValue: 3) == nil)
    }
}

extension String {
    /// The text with CRLF at the ends of its lines.
    var replacingLineEnds: String {
        self.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
    }
}
