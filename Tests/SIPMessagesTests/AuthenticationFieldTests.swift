import Testing

@testable import SIPMessages

@Suite("Challenges and credentials (RFC 3261 §22, §25.1, RFC 7616 §3)")
struct AuthenticationFieldTests {
    @Test("The challenge of RFC 3261 §20.44")
    func challenge() throws {
        let text = """
            Digest realm="atlanta.com",\r
             domain="sip:boxesbybob.com", qop="auth,auth-int",\r
             nonce="f84f1cec41e6cbe5aea9c8e88d359",\r
             opaque="", stale=FALSE, algorithm=MD5
            """
        let challenge = try Challenge(parsing: text)
        #expect(challenge.isDigest && challenge.realm == "atlanta.com" && challenge.qop == ["auth", "auth-int"])
        #expect(challenge.nonce == "f84f1cec41e6cbe5aea9c8e88d359" && challenge.opaque?.isEmpty == true)
        #expect(!challenge.isStale && challenge.algorithm == "MD5")
    }

    @Test("Several challenges may share a line: a comma before a scheme parts them (RFC 7235 §4.1)")
    func severalChallenges() throws {
        let message = try SIPMessage(
            """
            SIP/2.0 401 Unauthorized\r
            WWW-Authenticate: Digest realm="a, b", nonce="1" , algorithm=SHA-256,Digest realm="a",nonce="2"\r
            WWW-Authenticate: Negotiate, Basic realm="x"\r
            \r

            """)
        let challenges = try message.requireAll(.wwwAuthenticate)
        #expect(challenges.map(\.scheme) == ["Digest", "Digest", "Negotiate", "Basic"])
        #expect(challenges.map(\.realm) == ["a, b", "a", nil, "x"])
        #expect(challenges.map(\.algorithm) == ["SHA-256", nil, nil, nil])
    }

    @Test("What is written is quoted as RFC 7616 §3.3 and §3.4 demand, however it came")
    func quoting() throws {
        #expect(
            Challenge(realm: "a", nonce: "n", algorithm: "SHA-256", isStale: true).text
                == #"Digest realm="a", nonce="n", algorithm=SHA-256, qop="auth", stale=true"#)
        let sloppy = try Credentials(
            parsing:
                #"Digest username=bob, realm="a\"b", uri=sip:x@y, nc="00000001", qop="auth", algorithm="MD5", response="0""#
        )
        #expect(
            sloppy.text
                == #"Digest username="bob", realm="a\"b", uri="sip:x@y", nc=00000001, qop=auth, algorithm=MD5, response="0""#
        )
        #expect(sloppy.nonceCount == 1 && sloppy.uri == "sip:x@y" && sloppy.realm == "a\"b")
    }

    @Test("A token alone is that of Basic or Bearer (RFC 7617, RFC 8898)")
    func token68() throws {
        let bearer = try Credentials(parsing: "Bearer eyJ0eXAi.eyJp-_~+/==")
        #expect(bearer.token68 == "eyJ0eXAi.eyJp-_~+/==" && bearer.parameters.isEmpty)
        let unknown = try Credentials(parsing: "NoOneKnowsThisScheme opaque-data=here")
        #expect(unknown.token68 == nil && unknown.parameters["opaque-data"] == "here")
    }

    @Test(
        "Credentials that could be read in two ways are refused",
        arguments: [
            #"Digest nonce="1", nonce="2""#, #"Digest realm="a" nonce="b""#, #"Digest realm="a",, nonce="b""#,
            #"Digest realm="a"#, "Digest realm", "Digest =x", "", #"Digest realm="a","#, #"Digest,realm="a""#,
        ])
    func ambiguous(text: String) {
        #expect(throws: SIPParseError.self) { try Credentials(parsing: text, field: .authorization) }
    }

    @Test("As many parameters as allowed pass, one more does not", arguments: [(64, true), (65, false)])
    func parameterLimit(count: Int, passes: Bool) {
        let text = "Digest " + (0..<count).map { "p\($0)=1" }.joined(separator: ", ")
        #expect(((try? Credentials(parsing: text)) != nil) == passes)
    }

    @Test("Authentication-Info quotes nonces and proofs, not qop and nc (RFC 7616 §3.5)")
    func information() throws {
        var information = AuthenticationInfo()
        information.nextNonce = "n"
        information.qop = "auth"
        information.responseAuthentication = "0a"
        information.cnonce = "c"
        information.nc = "00000001"
        #expect(information.text == #"nextnonce="n", qop=auth, rspauth="0a", cnonce="c", nc=00000001"#)
    }
}
