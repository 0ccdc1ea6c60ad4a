import Testing

@testable import SIPMessages

@Suite("Multipart bodies and fragments (RFC 2046 §5.1, RFC 5621, RFC 3420)")
struct BodyTests {
    private func split(_ body: String, boundary: String = "b") throws(SIPParseError) -> Multipart {
        try Multipart(
            parsing: Array(body.utf8), type: MediaType("multipart", "mixed", parameters: ["boundary": boundary]))
    }

    @Test("The example of RFC 2046 §5.1.1: preamble and epilogue are ignored, a last line end is the delimiter's")
    func example() throws {
        let multipart = try self.split(
            """
            This is the preamble.  It is to be ignored.\r
            --simple boundary\r
            \r
            This is implicitly typed plain US-ASCII text.\r
            It does NOT end with a linebreak.\r
            --simple boundary \t\r
            Content-type: text/plain; charset=us-ascii\r
            \r
            This is explicitly typed plain US-ASCII text.\r
            It DOES end with a linebreak.\r
            \r
            --simple boundary--\r
            This is the epilogue.  It is also to be ignored.\r

            """, boundary: "simple boundary")
        #expect(multipart.parts.count == 2)
        #expect(multipart.parts[0].type == .plainText)
        #expect(String(decoding: multipart.parts[0].body, as: UTF8.self).hasSuffix("with a linebreak."))
        #expect(multipart.parts[1].type.parameters["charset"] == "us-ascii")
        #expect(String(decoding: multipart.parts[1].body, as: UTF8.self).hasSuffix("linebreak.\r\n"))
    }

    @Test(
        "What is no multipart body is refused",
        arguments: [
            "", "--b\r\n\r\na", "--b--", "--b--\r\n", "\r\n--bb\r\n\r\nx\r\n--bb--", "--b\r\nno colon\r\n\r\n\r\n--b--",
            "x--b\r\n\r\na\r\n--b--",
        ])
    func malformed(body: String) {
        #expect(throws: SIPParseError.self) { try self.split(body) }
    }

    @Test("Bodies nest as deep as allowed, and no deeper (RFC 5621 §3.2)")
    func nesting() throws {
        var (body, type) = (Array("x".utf8), MediaType.plainText)
        for level in 1...5 {
            (body, type) = Multipart([try BodyPart(body, type: type)]).write(boundary: "level\(level)")
        }
        var multipart = try Multipart(parsing: body, type: type, limits: .init(depth: 4))
        for _ in 2...4 { multipart = try #require(try multipart.nested(in: multipart.parts[0])) }
        let innermost = multipart
        let error = #expect(throws: SIPParseError.self) { try innermost.nested(in: innermost.parts[0]) }
        #expect(error?.code == .tooDeep)
    }

    @Test("As many parts as allowed pass, one more does not", arguments: [(3, true), (2, false)])
    func partLimit(limit: Int, passes: Bool) throws {
        let part = try BodyPart(Array("x".utf8), type: .plainText)
        let (body, type) = Multipart([part, part, part]).write(boundary: "b")
        let read = try? Multipart(parsing: body, type: type, limits: .init(parts: limit))
        #expect((read != nil) == passes)
    }

    @Test("What is written reads back equal, also where a part holds the boundary", arguments: 0..<200 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var generator = Generator(seed: seed)
        let parts = try (0...generator.number(0...3)).map { _ in
            let body = generator.pick(["", "\r\n", "\r\n--b", "--b--", "--b", "text", generator.anyText()])
            return try BodyPart(
                Array(body.utf8), type: MediaType("text", "plain"), disposition: .render, id: ContentID("a@b"))
        }
        let (body, type) = Multipart(parts).write(boundary: "b")
        #expect(try Multipart(parsing: body, type: type).parts == parts)
        #expect(parts[0].first(.contentID) == ContentID("a@b"))
    }

    @Test(
        "A fragment is a status line, with or without its line end (RFC 3420 §2)",
        arguments: ["SIP/2.0 180 Ringing\r\n", "SIP/2.0 180 Ringing", "SIP/2.0 180 Ringing\r\n\r\n"])
    func statusLine(text: String) throws {
        let fragment = try SIPFragment(parsing: Array(text.utf8))
        #expect(fragment.status == 180)
        #expect(fragment.reasonPhrase == "Ringing")
        #expect(fragment.body.isEmpty)
    }

    @Test("The valid fragments of RFC 3420 §2.1")
    func fragments() throws {
        let request = try SIPFragment(parsing: Array("INVITE sip:alice@atlanta.com SIP/2.0\r\n".utf8))
        #expect(request.method == .invite && request.status == nil)
        let fields = try SIPFragment(
            parsing: Array("From: Alice <sip:alice@atlanta.com>\r\nContact: <sip:alice@pc33.atlanta.com>\r\n".utf8))
        #expect(!fields.index.hasStartLine && fields.method == nil)
        #expect(fields.first(.from)?.displayName == "Alice")
        let body = try SIPFragment(parsing: Array("Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nok".utf8))
        #expect(body.body == Array("ok".utf8))
        #expect(body.first(.contentType) == .plainText)
    }

    @Test("What is no part of a message is refused", arguments: ["", "\r\n", "no colon\r\n", "SIP/2.0 99 x", "\u{1}"])
    func malformedFragments(text: String) {
        #expect(throws: SIPParseError.self) { try SIPFragment(parsing: Array(text.utf8)) }
    }

    @Test("A fragment is made of a status or of a message")
    func makesFragments() throws {
        #expect(SIPFragment(503).description == "SIP/2.0 503 Service Unavailable\r\n")
        #expect(SIPFragment(200).status == 200)
        let message = try SIPMessage(MessageBuilderTests.invite)
        let fragment = try SIPFragment(message, fields: [.from, .callID])
        #expect(fragment.method == .invite)
        #expect(fragment.index.fields.map(\.id) == [.from, .callID])
        #expect(try SIPFragment(parsing: fragment.octets) == fragment)
    }
}
