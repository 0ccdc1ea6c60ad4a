import SIPMessages
import Testing

@testable import SIPAuthentication

/// A request line's method and a body around credentials, as they lie in one message.
struct LaidOutRequest {
    var octets: [UInt8]
    var method: OctetRange
    var body: OctetRange
    var credentials: CredentialsIndex

    init(_ method: String, _ credentials: String, body: String = "") throws {
        var octets = Array(method.utf8)
        self.method = OctetRange(0, octets.count)
        octets.append("\r\nAuthorization: ")
        let start = octets.count
        octets.append(text: credentials)
        let value = start..<octets.count
        octets.append("\r\n\r\n")
        self.body = OctetRange(octets.count, octets.count + body.utf8.count)
        octets.append(text: body)
        self.octets = octets
        self.credentials = try CredentialsIndex(parsing: octets.span, in: value)
    }

    func isProved(by secret: DigestSecret) -> Bool {
        secret.verifies(self.credentials, in: self.octets.span, method: self.method, body: self.body)
    }
}

@Suite("Digest responses (RFC 2617 §3.2.2, RFC 7616 §3.4, RFC 8760)")
struct DigestVerificationTests {
    static let nonce7616 = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    static let cnonce7616 = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"

    @Test("The example of RFC 2617 §3.5 verifies, and with another password or method does not")
    func example2617() throws {
        let request = try LaidOutRequest(
            "GET",
            """
            Digest username="Mufasa",\r
             realm="testrealm@host.com",\r
             nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",\r
             uri="/dir/index.html",\r
             qop=auth,\r
             nc=00000001,\r
             cnonce="0a4f113b",\r
             response="6629fae49393a05397450978507c4ef1",\r
             opaque="5ccc069c403ebaf9f0171e9517f40e41"
            """)
        let right = DigestSecret(
            username: "Mufasa", realm: "testrealm@host.com", password: "Circle Of Life", algorithm: .md5)
        let wrong = DigestSecret(
            username: "Mufasa", realm: "testrealm@host.com", password: "Circle of Life", algorithm: .md5)
        #expect(request.isProved(by: right))
        #expect(!request.isProved(by: wrong))
        var other = request
        other.octets[0] = UInt8(ascii: "P")
        #expect(!other.isProved(by: right))
    }

    @Test(
        "The examples of RFC 7616 §3.9.1 verify, and no octet of the response may differ",
        arguments: [
            (DigestAlgorithm.md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (.sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ])
    func example7616(algorithm: DigestAlgorithm, response: String) throws {
        let secret = DigestSecret(
            username: "Mufasa", realm: "http-auth@example.org", password: "Circle of Life", algorithm: algorithm)
        func request(_ response: String) throws -> LaidOutRequest {
            try LaidOutRequest(
                "GET",
                """
                Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=\(algorithm), \
                nonce="\(Self.nonce7616)", nc=00000001, cnonce="\(Self.cnonce7616)", qop=auth, response="\(response)", \
                opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
                """)
        }
        #expect(try request(response).isProved(by: secret))
        for position in 0..<response.utf8.count {
            var digits = Array(response.utf8)
            digits[position] = digits[position] == 0x30 ? 0x31 : 0x30
            #expect(try !request(String(decoding: digits, as: UTF8.self)).isProved(by: secret))
        }
        #expect(try !request(String(response.dropLast())).isProved(by: secret))
        #expect(try !request(response + "0").isProved(by: secret))
        #expect(try !request("").isProved(by: secret))
    }

    @Test("The example of RFC 7616 §3.9.2 verifies with the response of erratum 4897, which has the real SHA-512/256")
    func example7616SHA512256() throws {
        let username = "J\u{E4}s\u{F8}n Doe"
        let secret = DigestSecret(
            username: username, realm: "api@example.org", password: "Secret, or not?", algorithm: .sha512256)
        let parameters = """
            realm="api@example.org", uri="/doe.json", algorithm=SHA-512-256, \
            nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", nc=00000001, \
            cnonce="NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", qop=auth, \
            response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5", \
            opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS"
            """
        let plain = try LaidOutRequest("GET", "Digest username=\"\(username)\", \(parameters)")
        #expect(plain.isProved(by: secret))
        let hashed = try LaidOutRequest(
            "GET",
            "Digest username=\"793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b\", \(parameters), userhash=true"
        )
        #expect(hashed.credentials.isUsernameHashed)
        let extended = try LaidOutRequest("GET", "Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, \(parameters)")
        #expect(!extended.credentials.username.isPresent && extended.credentials.extendedUsername.isPresent)
    }

    /// The user of RFC 2617 §3.5, a REGISTER for sip:host.com with nonce and cnonce of that section; the values were
    /// worked out with Python's hashlib by the formulas of RFC 7616 §3.4.1 to §3.4.3.
    static let matrix: [(DigestAlgorithm, String, String, String)] = [
        (.md5, "auth", "v=0\r\n", "e8845b6c10df8a275968cc73ee6f9830"),
        (.md5, "auth-int", "v=0\r\n", "8623091c33b5050d9dbfda14a90fb3b2"),
        (.md5, "auth-int", "", "7784f2a312428503d25c3d036c1cc94e"),
        (.md5Session, "auth", "", "fcddb414e3d11b3f90f729bf0ba08a9b"),
        (.md5Session, "auth-int", "v=0\r\n", "0f2dacd221814cb55123957cadc36bb0"),
        (.md5Session, "auth-int", "", "359ca2de8e2dafaa4188dcd1f108a63b"),
        (.sha256, "auth", "", "f7a6f70aa831b5413086d37aecb5c4d51e2238da9d5ac4789e59aec78eed1804"),
        (.sha256, "auth-int", "v=0\r\n", "e3a185387320b2b9a594dee9712b4ab43d25d28e8b6bbadef772aef78deb7c67"),
        (.sha256, "auth-int", "", "66bf18600c9d005f2478524aad5bbef334e117ddcf372811c7180d6e0ca45366"),
        (.sha256Session, "auth", "", "95f72247e8f0dba9315dbb9e09925afb709a3426922b8df35f98ad544bd06313"),
        (.sha256Session, "auth-int", "v=0\r\n", "21550161c249525c7953462b8139a28e32929904cebe57c323a1d0532f69eb4b"),
        (.sha512256, "auth", "", "6d387b1540cd4429ae68645b9df0a418c33036ae0abcf4889bed35c1a67df555"),
        (.sha512256, "auth-int", "v=0\r\n", "c477d3bdbeada8df3538673de95b3505032782c8707601357fc739fbf5782b4d"),
        (.sha512256Session, "auth", "", "41e54f3f8d7edd035ead32d68dfe0b177de9c30e39a444ff903b39ac944e3f92"),
        (.sha512256Session, "auth-int", "v=0\r\n", "098087f3a87ea29bf52332a7f91e463e9b5905dda8485bf25542f9a27471c572"),
    ]

    static func secret(_ algorithm: DigestAlgorithm) -> DigestSecret {
        DigestSecret(username: "Mufasa", realm: "testrealm@host.com", password: "Circle Of Life", algorithm: algorithm)
    }

    static func register(_ algorithm: DigestAlgorithm, _ rest: String, body: String = "") throws -> LaidOutRequest {
        try LaidOutRequest(
            "REGISTER",
            """
            Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", \
            uri="sip:host.com", algorithm=\(algorithm), \(rest)
            """, body: body)
    }

    @Test("Every algorithm, session variant and qop is computed as in RFC 7616 §3.4.1 to §3.4.3", arguments: matrix)
    func computes(algorithm: DigestAlgorithm, qop: String, body: String, response: String) throws {
        let rest = "qop=\(qop), nc=00000001, cnonce=\"0a4f113b\", response=\"\(response)\""
        let request = try Self.register(algorithm, rest, body: body)
        #expect(request.isProved(by: Self.secret(algorithm)))
        // With auth-int a changed body is noticed, with auth it is not (§3.4.3).
        let changed = try Self.register(algorithm, rest, body: body + "x")
        #expect(changed.isProved(by: Self.secret(algorithm)) == (qop == "auth"))
        #expect(!request.isProved(by: Self.secret(algorithm.base == .md5 ? .sha256 : .md5)))
    }

    @Test("A peer of RFC 2069, without qop, is verified (RFC 2617 §3.2.2.1); quoted tokens and upper case pass")
    func withoutQop() throws {
        let parameters = """
            Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", \
            uri="/dir/index.html"
            """
        let plain = try LaidOutRequest("GET", parameters + ", response=\"670fd8c2df070c60b045671b8b24ff02\"")
        #expect(plain.isProved(by: Self.secret(.md5)))
        let quoted = try LaidOutRequest(
            "GET", parameters + ", algorithm=\"md5\", response=\"670FD8C2DF070C60B045671B8B24FF02\"")
        #expect(quoted.isProved(by: Self.secret(.md5)))
        // RFC 3261 §22.4, item 8: session keys need a qop.
        let session = try LaidOutRequest(
            "GET", parameters + ", algorithm=MD5-sess, response=\"670fd8c2df070c60b045671b8b24ff02\"")
        #expect(!session.isProved(by: Self.secret(.md5)))
    }

    @Test("An unknown algorithm or qop proves nothing", arguments: ["algorithm=MD6", "qop=auth-conf"])
    func unknown(parameter: String) throws {
        let request = try LaidOutRequest(
            "GET",
            """
            Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", \
            uri="/dir/index.html", nc=00000001, cnonce="0a4f113b", response="670fd8c2df070c60b045671b8b24ff02", \
            \(parameter)
            """)
        #expect(!request.isProved(by: Self.secret(.md5)))
    }

    @Test("Quoting slashes are no part of what is digested (RFC 7616 §3.3, unq)")
    func unquotes() throws {
        let rest = #"qop=auth, nc=00000001, cnonce="0a\4f1\13b", response="e8845b6c10df8a275968cc73ee6f9830""#
        #expect(try Self.register(.md5, rest).isProved(by: Self.secret(.md5)))
    }

    @Test("The server's proof is the response with a method of no letters (RFC 7616 §3.5)")
    func serverProof() throws {
        let request = try LaidOutRequest(
            "GET",
            """
            Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", \
            uri="/dir/index.html", qop=auth, nc=00000001, cnonce="0a4f113b", \
            response="6629fae49393a05397450978507c4ef1"
            """)
        var value: [UInt8] = []
        let body: [UInt8] = []
        Self.secret(.md5).writeAuthenticationInfo(
            request.credentials, in: request.octets.span, responseBody: body.span, to: &value)
        #expect(
            String(decoding: value, as: UTF8.self)
                == #"qop=auth, rspauth="376602cfd2f4e8e5e78b948a85263e85", cnonce="0a4f113b", nc=00000001"#)
    }

    @Test("A secret is stored as octets and read back; it shows nowhere")
    func stores() throws {
        let secret = Self.secret(.md5)
        #expect(secret.octets.map { String($0, radix: 16) }.joined().hasPrefix("939e7578ed9e3c518a452acee763bce9"))
        let stored = try #require(DigestSecret(octets: secret.octets, algorithm: .md5))
        #expect(stored.isEqual(to: secret))
        #expect(DigestSecret(octets: secret.octets, algorithm: .sha256) == nil)
        var dumped = ""
        dump(secret, to: &dumped)
        #expect(dumped + "\(secret)" + String(reflecting: secret) == "- secret for MD5\nsecret for MD5secret for MD5")
    }
}
