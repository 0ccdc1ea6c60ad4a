import SIPMessages
import Testing

@Suite("Indexing credentials (RFC 3261 §20.7, RFC 7616 §3.4, RFC 8760 §2.7)")
struct CredentialsIndexTests {
    static let example = """
        Digest username="Alice", realm="atlanta.com",\r
         nonce="84a4cc6f3082121f32b42a2187831a9e", uri="sip:ss2.biloxi.example.com",\r
         response="7587245234b3434cc3412213e5f113a5", algorithm=SHA-256, cnonce="0a4f113b", qop=auth, nc=0000000A,\r
         opaque="5ccc069c"
        """

    static func parse(_ text: String) throws -> CredentialsIndex {
        let octets = Array("Authorization: \(text)\r\n".utf8)
        return try CredentialsIndex(parsing: octets.span, in: 15..<(octets.count - 2))
    }

    /// The error's code, or `nil` when there is none.
    static func fault(_ text: String) -> SIPParseError.Code? {
        do {
            _ = try Self.parse(text)
            return nil
        } catch {
            return (error as? SIPParseError)?.code
        }
    }

    @Test("Every parameter is found where it lies, over line folds")
    func findsParts() throws {
        let octets = Array(Self.example.utf8)
        let credentials = try CredentialsIndex(parsing: octets.span, in: 0..<octets.count)
        #expect(credentials.isDigest && !credentials.isUsernameHashed)
        let ranges = [
            credentials.scheme, credentials.username, credentials.realm, credentials.nonce, credentials.uri,
            credentials.response, credentials.algorithm, credentials.cnonce, credentials.qop, credentials.nc,
            credentials.opaque,
        ]
        #expect(
            ranges.map { octets.span.string($0) } == [
                "Digest", "Alice", "atlanta.com", "84a4cc6f3082121f32b42a2187831a9e", "sip:ss2.biloxi.example.com",
                "7587245234b3434cc3412213e5f113a5", "SHA-256", "0a4f113b", "auth", "0000000A", "5ccc069c",
            ])
        #expect(credentials.nonceCount == 10)
        #expect(!credentials.extendedUsername.isPresent)
    }

    @Test("Names ignore case, white space may stand around = and commas, and unknown parameters are passed over")
    func lenient() throws {
        let credentials = try Self.parse(
            "digest  USERNAME = \"a\" ,Realm=\"r\",NONCE=\"n\",\turi=\"sip:a\" , response=\"\", x-new=1, auth-param=\"y,z\""
        )
        #expect(credentials.isDigest && credentials.username.count == 1)
        #expect(credentials.response.isPresent && credentials.response.isEmpty)
        #expect(!credentials.qop.isPresent && !credentials.algorithm.isPresent && credentials.nonceCount == 0)
    }

    @Test("Peers that quote algorithm, qop and nc are understood")
    func quotedTokens() throws {
        let credentials = try Self.parse(
            #"Digest username="a",realm="r",nonce="n",uri="u",response="",algorithm="MD5",qop="auth",nc="00000002",cnonce="c""#
        )
        #expect(credentials.nonceCount == 2 && credentials.algorithm.count == 3 && credentials.qop.count == 4)
    }

    @Test("Empty values of a UA that was not challenged yet are there, but empty (RFC 8760 §2.7)")
    func notChallenged() throws {
        let credentials = try Self.parse(
            #"Digest username="a@b",realm="b",nonce="",uri="sip:b",response="""#)
        #expect(credentials.nonce.isPresent && credentials.nonce.isEmpty)
    }

    @Test("Of another scheme only the name is read (RFC 4475 §3.3.12)")
    func otherScheme() throws {
        let credentials = try Self.parse("NoOneKnowsThisScheme opaque-data=here, , ==\"")
        #expect(!credentials.isDigest && !credentials.username.isPresent && credentials.scheme.count == 20)
    }

    @Test("A hashed or extended user name is recognised (RFC 7616 §3.4)")
    func usernames() throws {
        let rest = #"realm="r",nonce="n",uri="u",response="""#
        #expect(try Self.parse("Digest username=\"488869\", userhash=TRUE, \(rest)").isUsernameHashed)
        let extended = try Self.parse("Digest username*=UTF-8''J%C3%A4s, \(rest)")
        #expect(extended.extendedUsername.count == 15 && !extended.username.isPresent)
    }

    @Test(
        "What is malformed, incomplete or ambiguous is refused with its reason",
        arguments: [
            ("Digest", .malformed),
            ("", .tokenExpected),
            ("Digest ", .tokenExpected),
            ("Digest  ,username=\"a\"", .tokenExpected),
            (#"Digest username="a",realm="r",nonce="n",uri="u""#, .missing),
            (#"Digest realm="r",nonce="n",uri="u",response="""#, .missing),
            (#"Digest username="a",nonce="n",uri="u",response="""#, .missing),
            (#"Digest username="a",realm="r",uri="u",response="""#, .missing),
            (#"Digest username="a",realm="r",nonce="n",response="""#, .missing),
            (#"Digest username="a",username*=UTF-8''a,realm="r",nonce="n",uri="u",response="""#, .missing),
            (#"Digest username="a",realm="r",nonce="n",uri="u",response="",qop=auth,nc=00000001"#, .missing),
            (#"Digest username="a",realm="r",nonce="n",uri="u",response="",qop=auth,cnonce="c""#, .missing),
            (#"Digest username="a",realm="r",nonce="n",uri="u",response="",username="b""#, .repeatedParameter),
            (#"Digest username="a",realm="r",nonce="n",uri="u",response="",Response="""#, .repeatedParameter),
            (#"Digest username=a,realm="r",nonce="n",uri="u",response="""#, .quotedStringExpected),
            (#"Digest username="a",realm="r",nonce="n",uri=sip,response="""#, .quotedStringExpected),
            (#"Digest username="a",realm="r",nonce="n",uri="u",response="",nc=0000001"#, .malformed),
            (#"Digest username="a",realm="r",nonce="n",uri="u",response="",nc=000000001"#, .malformed),
            (#"Digest username="a",realm="r",nonce="n",uri="u",response="",nc=0000000g"#, .malformed),
            (#"Digest username="a",realm="r",nonce="n",uri="u",response="",nc="+0000001""#, .malformed),
            (#"Digest username="a",realm="r",nonce="n",uri="u",response="x"#, .unterminatedQuotedString),
            (#"Digest username="a",realm="r",nonce="n",uri="u",response="\"#, .unterminatedQuotedString),
            (#"Digest username="a" realm="r",nonce="n",uri="u",response="""#, .trailingOctets),
            (#"Digest username="a",realm="r",nonce="n",uri="u",response="","#, .tokenExpected),
            (#"Digest username,realm="r",nonce="n",uri="u",response="""#, .malformed),
            (#"Digest username=,realm="r",nonce="n",uri="u",response="""#, .tokenExpected),
        ] as [(String, SIPParseError.Code)])
    func refuses(text: String, code: SIPParseError.Code) {
        #expect(Self.fault(text) == code)
    }

    @Test("An error says where it is, counted from the start of the message")
    func errorOffset() {
        let octets = Array("Authorization: Digest username=x".utf8)
        #expect(throws: SIPParseError(.quotedStringExpected, in: .authorization, at: 31)) {
            _ = try CredentialsIndex(parsing: octets.span, in: 15..<octets.count)
        }
    }

    @Test("However octets are changed, cut or doubled, reading neither traps nor leaves them", arguments: 0..<200)
    func mutations(seed: Int) {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(truncatingIfNeeded: state >> 33) % bound
        }
        let alphabet = Array("\",=\\ \r\n\t0aZ*;\u{0}".utf8) + [0xFF]
        for _ in 0..<50 {
            var octets = Array(Self.example.utf8)
            for _ in 0...random(6) {
                let position = random(octets.count)
                switch random(4) {
                case 0: octets[position] = alphabet[random(alphabet.count)]
                case 1: octets.remove(at: position)
                case 2: octets.insert(alphabet[random(alphabet.count)], at: position)
                default: octets.removeSubrange(position..<min(octets.count, position + random(20)))
                }
                if octets.isEmpty { octets = [0x20] }
            }
            guard let index = try? CredentialsIndex(parsing: octets.span, in: 0..<octets.count) else { continue }
            let ranges = [
                index.username, index.realm, index.nonce, index.uri, index.response, index.algorithm, index.cnonce,
                index.nc, index.qop, index.opaque,
            ]
            #expect(ranges.allSatisfy { $0.lower <= $0.upper && $0.upper <= octets.count })
        }
    }
}

@Suite("Indexing challenges and Authentication-Info (RFC 7616 §3.3, §3.5)")
struct ChallengeIndexTests {
    @Test("Every parameter of a challenge is found")
    func challenge() throws {
        let text = """
            Digest realm="biloxi.example.com", qop="auth,auth-int", nonce="cb360afc54bbaea39cd96f1", opaque="",\r
             stale=TRUE, algorithm=MD5, domain="sip:a sip:b", userhash=true, charset=UTF-8
            """
        let octets = Array(text.utf8)
        let challenge = try ChallengeIndex(parsing: octets.span, in: 0..<octets.count)
        #expect(challenge.isDigest && challenge.isStale && challenge.acceptsHashedUsername)
        let ranges = [challenge.realm, challenge.qop, challenge.nonce, challenge.algorithm, challenge.domain]
        #expect(
            ranges.map { octets.span.string($0) } == [
                "biloxi.example.com", "auth,auth-int", "cb360afc54bbaea39cd96f1", "MD5", "sip:a sip:b",
            ])
        #expect(challenge.opaque.isPresent && challenge.opaque.isEmpty)
    }

    @Test(
        "A challenge without realm or nonce, or with two, is refused",
        arguments: ["Digest realm=\"r\"", "Digest nonce=\"n\"", "Digest realm=\"r\",nonce=\"n\",nonce=\"m\""])
    func refuses(text: String) {
        let octets = Array(text.utf8)
        #expect(throws: SIPParseError.self) { _ = try ChallengeIndex(parsing: octets.span, in: 0..<octets.count) }
    }

    @Test("Authentication-Info of RFC 3261 §20.6 and of RFC 7616 §3.5 is read")
    func information() throws {
        let text = #"nextnonce="47364c23432d2e131a5fb210812c", rspauth="ab", qop=auth, cnonce="c", nc=00000001"#
        let octets = Array(text.utf8)
        let info = try AuthenticationInfoIndex(parsing: octets.span, in: 0..<octets.count)
        #expect(octets.span.string(info.nextNonce) == "47364c23432d2e131a5fb210812c")
        #expect(octets.span.string(info.responseAuthentication) == "ab")
        #expect(octets.span.string(info.qop) == "auth" && octets.span.string(info.cnonce) == "c")
        #expect(info.nonceCount == 1)
    }
}
