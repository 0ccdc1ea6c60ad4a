import Testing

@testable import SIPMessages

@Suite("Composing messages (RFC 3261 §7, §8.1, §8.2.6)")
struct MessageBuilderTests {
    static let invite = """
        INVITE sip:bob@biloxi.example.com SIP/2.0\r
        v: SIP/2.0/UDP proxy.example.com;branch=z9hG4bKp, SIP/2.0/TCP pc33.example.com;branch=z9hG4bKa\r
        Via: SIP/2.0/UDP last.example.com\r
        Max-Forwards: 70\r
        t: "Bob, the \\"other\\"" <sip:bob@biloxi.example.com>\r
        From: Alice <sip:alice@atlanta.example.com>;tag=1928301774\r
        Call-ID: a84b4c76e66710\r
        CSeq: 314159 INVITE\r
        Timestamp: 54.25\r
        X-Two: a\r
        x-two: b,\r
         c\r
        Content-Length: 0\r
        \r

        """

    @Test("A response copies Via, From, To, Call-ID and CSeq, and To gets a tag (§8.2.6.2)")
    func response() throws {
        let request = try SIPMessage(Self.invite)
        let response = try MessageBuilder(180, to: request, toTag: "314").message()
        try response.validate()
        #expect(response.status == 180)
        #expect(response.reasonPhrase == "Ringing")
        #expect(response.all(.via) == request.all(.via))
        #expect(response.all(.via).map(\.host) == ["proxy.example.com", "pc33.example.com", "last.example.com"])
        #expect(response.first(.from) == request.first(.from))
        #expect(response.first(.callID) == request.first(.callID))
        #expect(response.first(.cseq) == request.first(.cseq))
        #expect(response.first(.to)?.tag == "314")
        #expect(response.first(.to)?.displayName == "Bob, the \"other\"")
        #expect(!response.has(.timestamp) && !response.has(.maxForwards))
    }

    @Test("A 100 has no new tag, and the Timestamp of the request (§8.2.6.1, §8.2.6.2)")
    func trying() throws {
        let response = try MessageBuilder(100, to: try SIPMessage(Self.invite), toTag: "314").message()
        #expect(response.first(.to)?.tag == nil)
        #expect(response.first(.timestamp)?.time == "54.25")
    }

    @Test("The tag of a To within a dialog stays (§8.2.6.2)")
    func tagStays() throws {
        let request = try SIPMessage(Self.invite.replacing("example.com>\r\nFrom", with: "example.com>;tag=1\r\nFrom"))
        let response = try MessageBuilder(200, to: request, toTag: "314").message()
        #expect(response.first(.to)?.tag == "1")
    }

    @Test("The 400 to a request that repeats From, To, Call-ID and CSeq has each once (RFC 4475 §3.3.8)")
    func repeatedFields() throws {
        let request = try SIPMessage(parsing: TortureMessage.octets(of: "multi01.dat"))
        #expect(request.fault?.code == .repeated)
        let response = try MessageBuilder(400, to: request, toTag: "1").message()
        #expect(response.fault == nil)
        #expect(response.all(.to).count == 1 && response.all(.cseq).count == 1)
    }

    @Test("Content-Length is that of the body, and written once (§20.14)")
    func contentLength() throws {
        var builder = MessageBuilder(try SIPMessage(Self.invite))
        builder.add(named: "l", "99")
        builder.add(.contentLength, 98)
        builder.setBody(Array("äb".utf8), type: .plainText)
        let message = try builder.message()
        #expect(message.all(.contentLength) == [3])
        #expect(message.body == Array("äb".utf8))
        #expect(message.contentType == .plainText)
    }

    @Test(
        "Nothing in a value ends its line",
        arguments: ["a\r\nX: 1", "a\nX: 1", "a\rX: 1", "\r\n\r\nbody", "a\\\r\nX: 1", "\u{0}\u{1}", "\r", "a\r\n\tb"])
    func noInjection(text: String) throws {
        var builder = MessageBuilder(Method("OPT\(text)IONS"), .other("urn:\(text)x"))
        builder.add(.subject, FieldText(text))
        builder.add(.from, NameAddress(.other("urn:\(text)"), displayName: text, parameters: ["p": text]))
        builder.add(.supported, Token(text))
        builder.add(.callID, CallID(text))
        builder.add(.cseq, CSeq(1, Method(text)))
        builder.add(named: "X-\(text)", text)
        builder.add(FieldKey<FieldText>(name: "Y\(text)"), "y")
        builder.add(.reason, Reason("SIP", cause: 200, text: text))
        let message = try builder.message()
        #expect(message.index.fields.count == 9)
        #expect(!message.index.fields.contains { $0.id == .other && message.octets.span.string($0.name) == "X" })
        #expect(message.body.isEmpty)
        let response = try MessageBuilder(200, reasonPhrase: text).message()
        #expect(response.index.fields.count == 1)
    }

    @Test("Fields are set, put first and removed by key, long and compact names alike")
    func edits() throws {
        var builder = MessageBuilder(try SIPMessage(Self.invite))
        builder.prepend(.via, Via(.udp, host: "new.example.com", branch: "z9hG4bKn"))
        builder.set(.maxForwards, 69)
        builder.set(.timestamp, nil)
        builder.remove(.to)
        builder.remove(named: "X-TWO")
        let message = try builder.message()
        #expect(message.index.fields.first?.id == .via)
        #expect(
            message.all(.via).map(\.host.name) == [
                "new.example.com", "proxy.example.com", "pc33.example.com", "last.example.com",
            ])
        #expect(message.all(.maxForwards) == [69])
        #expect(!message.has(.timestamp) && !message.has(.to))
        #expect(message.values(named: "x-two").isEmpty)
    }

    @Test("An unknown field is found by name in any case, each line as one text (§7.3.1)")
    func unknownFields() throws {
        let message = try SIPMessage(Self.invite)
        #expect(message.values(named: "X-Two") == ["a", "b, c"])
        #expect(message.values(named: "X-Three").isEmpty)
        #expect(message.values(named: "to") == ["\"Bob, the \\\"other\\\"\" <sip:bob@biloxi.example.com>"])
        #expect(message.all(FieldKey<Token>(name: "x-two", isList: true)).map(\.value) == ["a", "b", "c"])
    }

    @Test("Asking for a field tells absent from malformed when it is required")
    func requiredFields() throws {
        let message = try SIPMessage("OPTIONS sip:a@b SIP/2.0\r\nCSeq: x OPTIONS\r\nAllow: INVITE,,BYE\r\n\r\n")
        #expect(message.first(.cseq) == nil)
        #expect(throws: SIPParseError(.numberMissing, in: .cseq, at: 31)) { try message.require(.cseq) }
        #expect(throws: SIPParseError(.missing, in: .from, at: 64)) { try message.require(.from) }
        #expect(message.all(.allow) == [.invite, .bye])
        #expect(throws: SIPParseError.self) { try message.requireAll(.allow) }
    }

    @Test("Octets after the body of a datagram do not count (§18.3)")
    func trailingOctets() throws {
        let message = try SIPMessage("\r\n\r\nOPTIONS sip:a@b SIP/2.0\r\nContent-Length: 2\r\n\r\nabcd")
        #expect(message.description == "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 2\r\n\r\nab")
        #expect(message.body == Array("ab".utf8))
        #expect(message == (try SIPMessage(parsing: message.octets)))
    }
}
