import Testing

@testable import SIPMessages

@Suite("URIs (RFC 3261 §19.1, RFC 3966, RFC 5954)")
struct URITests {
    @Test(
        "The equivalent URIs of §19.1.4",
        arguments: [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x"
            ),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=off"),
            ("sip:bob@[2001:db8::9:1]", "sip:bob@[2001:DB8:0:0::0009:01]"),
            ("sip:bob@[::ffff:192.0.2.10]", "sip:bob@[::FFFF:C000:20A]"),
            ("sips:bob@biloxi.com", "SIPS:bob@BILOXI.com"),
        ])
    func equivalent(left: String, right: String) throws {
        #expect(try URI(left).isEquivalent(to: URI(right)))
        #expect(try URI(right).isEquivalent(to: URI(left)))
    }

    @Test(
        "The URIs of §19.1.4 that differ",
        arguments: [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
            ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
            ("sip:bob@biloxi.com", "sip:bob:@biloxi.com"),
            ("sip:biloxi.com", "sip:bob@biloxi.com"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;user=phone"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;ttl=1"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;method=INVITE"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;maddr=239.255.255.1"),
            // A reserved character and its escape differ; so does an escaped percent sign.
            ("sip:a;b@biloxi.com", "sip:a%3Bb@biloxi.com"), ("sip:%2541@biloxi.com", "sip:A@biloxi.com"),
            ("sip:carol@chicago.com?a=1&a=1", "sip:carol@chicago.com?a=1&b=1"),
        ])
    func different(left: String, right: String) throws {
        #expect(try !URI(left).isEquivalent(to: URI(right)))
        #expect(try !URI(right).isEquivalent(to: URI(left)))
    }

    @Test(
        "Telephone numbers compare without visual separators (RFC 3966 §4)",
        arguments: [
            ("tel:+1-201-555-0123", "tel:+1.201.555.0123", true), ("tel:+12015550123", "TEL:+1(201)5550123", true),
            ("tel:+12015550123", "tel:12015550123", false), ("tel:7042", "tel:7042;phone-context=example.com", false),
            ("tel:7042;phone-context=example.com", "tel:7042;phone-context=EXAMPLE.com", true),
            ("tel:7042;phone-context=+1-914", "tel:7042;phone-context=+1914", true),
            ("tel:7042;phone-context=+1914;ext=1-2", "tel:7042;ext=12;phone-context=+1914", true),
            ("tel:1;a=b", "tel:1;a=c", false), ("tel:a1", "tel:A1", true),
        ])
    func telephoneNumbers(left: String, right: String, isEquivalent: Bool) throws {
        #expect(try URI(left).isEquivalent(to: URI(right)) == isEquivalent)
    }

    @Test("The parts of a URI are found, escapes are undone on demand and kept in writing (§19.1.2)")
    func parts() throws {
        let text = "sips:al%69ce:se%20cret@[2001:db8::1]:5061;transport=tcp;lr;x=%3b?Subject=a%20b&X=?"
        let uri = try SIPURI(text)
        #expect(uri.isSecure && uri.isLooseRouter)
        #expect(uri.user == "alice")
        #expect(uri.rawPassword == "se%20cret")
        #expect(uri.host.address == IPAddress("2001:db8::1"))
        #expect(uri.port == 5061)
        #expect(uri.transport == "tcp")
        #expect(uri.parameters["x"] == ";")
        #expect(uri.headers["subject"] == "a b")
        #expect(uri.headers["x"] == "?")
        #expect(uri.description == text)
    }

    @Test("What a user part may not hold is escaped (§25.1)")
    func escaping() throws {
        let uri = SIPURI(user: "a b@c:d\0ü", host: "example.com")
        #expect(uri.description == "sip:a%20b%40c%3Ad%00%C3%BC@example.com")
        #expect(try SIPURI(uri.description).user == "a b@c:d\0ü")
        #expect(SIPURI(user: "", host: "example.com").description == "sip:example.com")
    }

    @Test(
        "What breaks the grammar is refused (§25.1)",
        arguments: [
            "", "sip", "sip:", ":a", "1sip:a", "sip:@host", "sip:a@", "sip:a@b@c", "sip:a@host:", "sip:a@host:0",
            "sip:a@host:65536", "sip:a@[::1", "sip:a@[1.2.3.4]", "sip:a@2001:db8::1", "sip:a%4@host", "sip:a%zz@host",
            "sip:a@host;=x", "sip:a@host?x", "sip:a@host?x=1&", "sip:a b@host", "sip:a@ho st", "sip:a@-host",
            "sip:a@host;x=\"y\"", "tel:", "tel:+", "tel:abcxyz", "tel:+1;=", "tel:+12 34", "http:", "a b:c",
            "sip:a@host<", "mailto:a>b",
        ])
    func malformed(text: String) {
        #expect(throws: SIPParseError.self) { try URI(text) }
    }

    @Test(
        "A URI of another scheme passes unchanged", arguments: ["urn:service:sos", "Http://a/b?c;d=%zz,e", "isbn:29"])
    func otherSchemes(text: String) throws {
        let uri = try URI(text)
        #expect(uri.description == text)
        #expect(uri == .other(text))
    }

    @Test("An address of record has no parameters, port or headers (RFC 3261 §10.3)")
    func addressOfRecord() throws {
        let uri = try SIPURI("sip:al%69ce:pw@Example.com:5070;transport=tcp?Subject=x")
        #expect(uri.addressOfRecord == (try SIPURI("sip:alice@example.com")))
    }

    @Test("A semicolon too many in a URI is forgiven, and not written again")
    func extraSemicolon() throws {
        #expect(try SIPURI("sip:a@host;;lr;").description == "sip:a@host;lr")
    }
}
