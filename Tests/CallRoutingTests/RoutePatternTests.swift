import CallRouting
import SIPMessages
import Testing

@Suite("Patterns of the dial plan")
struct RoutePatternTests {
    @Test(
        "A pattern matches the whole subject, and says what its wildcards stood for",
        arguments: [
            ("9???", "9123", ["123"]), ("9???", "91234", nil), ("9???", "8123", nil), ("echo", "echo", []),
            ("echo", "Echo", nil), ("echo", "echoes", nil),
            ("0049*", "004930123", ["30123"]), ("0049*", "0049", [""]), ("*7*", "37178", ["3", "178"]), ("*", "", [""]),
            ("a*b?c", "axbbxc", ["xb", "x"]), ("*a*a*b", String(repeating: "a", count: 5000), nil),
            ("[2-9]??", "911", ["911"]), ("[2-9]??", "111", nil), ("[!0]*", "0123", nil),
            ("[!0]*", "123", ["1", "23"]),
            ("[+0]*", "+49", ["+", "49"]), ("[a-c-]", "-", ["-"]), ("1{00-49}", "149", ["49"]),
            ("1{00-49}", "150", nil), ("1{00-49}", "1a0", nil), ("{200-299}*", "2501", ["250", "1"]),
            ("\\*98", "*98", []), ("\\*98", "198", nil), ("ü", "ü", []), ("[!a]?", "ü", ["ü"]),
        ] as [(String, String, [String]?)])
    func matches(pattern: String, subject: String, captures: [String]?) throws {
        #expect(try #require(RoutePattern(pattern)).match(subject) == captures)
    }

    @Test(
        "What is no pattern is none",
        arguments: ["", "[", "[]", "[!]", "[9-2]", "[ü]", "{1-22}", "{9-1}", "{1}", "{a-b}", "\\", "?*?*?*?*?*"])
    func refuses(pattern: String) {
        #expect(RoutePattern(pattern) == nil)
    }

    @Test(
        "A pattern that begins with a scheme is for the whole URI, whose scheme and host compare in any case (§19.1.4)",
        arguments: [
            ("sip:*@Example.COM", "sip:Bob@EXAMPLE.com", true), ("SIP:bob@example.com", "sip:Bob@example.com", false),
            ("sip:*@example.com", "sips:bob@example.com", false), ("tel:+49*", "tel:+49-30-(12).3", true),
            ("sip:*@example.com", "sip:bob@example.com:5080", false),
            ("sip:*@example.com:5080", "sip:bob@example.com:5080;transport=tcp", true), ("*", "tel:112", true),
            ("112", "tel:112;phone-context=+49", true), ("sip:*", "tel:112", false),
        ])
    func wholeURIs(pattern: String, uri: String, isMatch: Bool) throws {
        let dialled = try DialledAddress(uri)
        let pattern = try #require(RoutePattern(pattern))
        #expect((pattern.match(pattern.isForURI ? dialled.uri : dialled.user) != nil) == isMatch)
    }

    @Test("Escapes in a user part are undone before it is compared (§19.1.4)")
    func escapes() throws {
        let dialled = try DialledAddress("sip:%65cho%40@h.example")
        #expect(dialled.user == Array("echo@".utf8))
        #expect(dialled.uri == Array("sip:echo@@h.example".utf8))
    }
}

extension DialledAddress {
    init(_ text: String, isLocal: Bool = true) throws {
        let octets = Array(text.utf8)
        self.init(try URIIndex(parsing: octets.span, in: 0..<octets.count), octets.span, isLocal: isLocal)
    }
}
