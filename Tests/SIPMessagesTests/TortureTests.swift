import Testing

@testable import SIPMessages

@Suite("The torture messages of RFC 4475 and RFC 5118")
struct TortureTests {
    /// Where RFC 4475 leaves the choice between an error and being liberal: whether we accept.
    static let choices: [String: Bool] = [
        "quotbal.dat": false,  // §3.1.2.6: to guess the closing quote is to guess who calls.
        "ltgtruri.dat": false,  // §3.1.2.7
        "lwsruri.dat": false,  // §3.1.2.8
        "lwsstart.dat": false,  // §3.1.2.9
        "trws.dat": false,  // §3.1.2.10
        "escruri.dat": false,  // §3.1.2.11: a Route in a Request-URI is an attack.
        "baddate.dat": true,  // §3.1.2.12: nothing hangs on Date.
        "regbadct.dat": false,  // §3.1.2.13: ambiguous, and it would be stored.
        "badaspec.dat": false,  // §3.1.2.14
        "baddn.dat": false,  // §3.1.2.15
        "badbranch.dat": true,  // §3.2.1: it falls back to the matching of RFC 2543.
    ]

    static func verdict(_ octets: [UInt8]) -> SIPParseError? {
        do throws(SIPParseError) {
            try SIPMessage(parsing: octets).validate()
            return nil
        } catch {
            return error
        }
    }

    @Test("All 49 and 12 messages are there, untouched")
    func isComplete() {
        #expect(TortureMessage.rfc4475.count == 49)
        #expect(TortureMessage.rfc5118.count == 12)
        #expect(TortureMessage.all.allSatisfy { $0.octets.count == $0.octetsExpected })
    }

    @Test("Each message gets the verdict of the RFC", arguments: TortureMessage.all)
    func verdict(message: TortureMessage) throws {
        let error = Self.verdict(message.wire)
        switch message.verdict {
        case "accept": #expect(error == nil)
        case "reject-or-liberal":
            let isAccepted = try #require(Self.choices[message.file] as Bool?)
            #expect((error == nil) == isAccepted)
        case "reject", "discard":
            // What is well formed is refused by a role, for what it means.
            #expect((error == nil) == message.isValid)
        default: Issue.record("unknown verdict \(message.verdict)")
        }
    }

    @Test("Line ends of LF alone, as in the archive of RFC 5118, are refused", arguments: TortureMessage.rfc5118)
    func refusesBareLineFeeds(message: TortureMessage) {
        #expect(Self.verdict(message.octets) != nil)
    }

    @Test(
        "The error names the rule and the field",
        arguments: [
            ("badinv01.dat", HeaderID.via), ("clerr.dat", .contentLength), ("ncl.dat", .contentLength),
            ("scalar02.dat", .cseq), ("scalarlg.dat", .cseq), ("quotbal.dat", .to), ("ltgtruri.dat", .startLine),
            ("lwsruri.dat", .startLine), ("escruri.dat", .startLine), ("regbadct.dat", .contact),
            ("badvers.dat", .startLine), ("mismatch01.dat", .cseq), ("mismatch02.dat", .cseq),
            ("insuf.dat", .from), ("mcl01.dat", .contentLength), ("ipv6-bad.dat", .startLine),
        ])
    func namesTheField(file: String, field: HeaderID) {
        #expect(Self.verdict(TortureMessage.octets(of: file))?.field == field)
    }

    @Test("§3.1.2.16: another version than 2.0 is told apart, for 505")
    func tellsVersion() {
        #expect(Self.verdict(TortureMessage.octets(of: "badvers.dat"))?.code == .unsupportedVersion)
    }

    @Test("A stream gives the same events whole and octet by octet", arguments: TortureMessage.files)
    func framesAlike(octets: [UInt8]) {
        let whole = FramedStream(octets, pieces: octets.count)
        let single = FramedStream(octets, pieces: 1)
        let uneven = FramedStream(octets, pieces: 7)
        #expect(whole == single)
        #expect(whole == uneven)
    }

    @Test("Every field of every message can be asked for, whatever it holds", arguments: TortureMessage.files)
    func neverTraps(octets: [UInt8]) {
        guard let message = try? SIPMessage(parsing: octets) else { return }
        #expect(message.index.fields.allSatisfy { $0.value.upper <= octets.count })
        try? message.validate(.essential)
        for field in message.index.fields { try? field.validateTyped(message.octets.span) }
        _ = try? message.multipart()
    }

    @Test("An accepted message that is built again has the same fields", arguments: TortureMessage.all)
    func rebuilds(message: TortureMessage) throws {
        guard Self.verdict(message.wire) == nil else { return }
        let original = try SIPMessage(parsing: message.wire)
        let copy = try MessageBuilder(original).message()
        try copy.validate()
        #expect(copy.all(.via) == original.all(.via))
        #expect(copy.first(.from) == original.first(.from))
        #expect(copy.first(.to) == original.first(.to))
        #expect(copy.all(.contact) == original.all(.contact))
        #expect(copy.all(.route) == original.all(.route))
        #expect(copy.first(.cseq) == original.first(.cseq))
        #expect(copy.first(.callID) == original.first(.callID))
        #expect(copy.requestURI == original.requestURI)
        #expect(copy.body == original.body)
        #expect(copy.first(.contentLength).map { Int($0) } == original.body.count)
        #expect(
            copy.index.fields.filter { $0.id != .contentLength }.count
                == original.index.fields.filter { $0.id != .contentLength }.count)
    }

    // MARK: What single sections point at

    private func message(_ file: String) throws -> SIPMessage {
        try SIPMessage(parsing: TortureMessage.octets(of: file))
    }

    @Test("§3.1.1.1: folds, compact names and white space around separators are read")
    func shortTortuous() throws {
        let message = try self.message("wsinv.dat")
        #expect(message.all(.via).count == 3)
        #expect(message.first(.maxForwards) == 68)
        #expect(message.first(.cseq) == CSeq(9, .invite))
        #expect(message.first(.subject)?.value.isEmpty == true)
        #expect(message.first(.to)?.tag == "1918181833n")
        #expect(message.first(.from)?.displayName == "J Rosenberg \\\"")
        #expect(message.all(.route).count == 1)
        #expect(message.values(named: "NewFangledHeader").first?.hasPrefix("newfangled value continued") == true)
    }

    @Test("§3.1.1.2: escaped control characters in a quoted string are part of it")
    func wideRange() throws {
        let message = try self.message("intmeth.dat")
        #expect(message.first(.to)?.displayName == "BEL:\u{7} NUL:\u{0} DEL:\u{7F}")
        #expect(message.method?.name == "!interesting-Method0123456789_*+`.%indeed'~")
        #expect(message.requestURI?.sip?.host == "example.com")
    }

    @Test("§3.1.1.3: escapes are undone once")
    func escapes() throws {
        let message = try self.message("esc01.dat")
        #expect(message.requestURI?.sip?.user == "sips:user@example.com")
        let contact = try #require(message.first(.contact))
        #expect(contact.uri?.sip?.isLooseRouter == true)
        #expect(contact.uri?.sip?.parameters["name"] == "value%41")
    }

    @Test("§3.1.1.4: an escaped NUL is kept, and two differ from one")
    func escapedNull() throws {
        let contacts = try self.message("escnull.dat").all(.contact)
        #expect(contacts.map { $0.uri?.sip?.user } == ["\0", "\0\0"])
        let (first, second) = (try #require(contacts[0].uri), try #require(contacts[1].uri))
        #expect(!first.isEquivalent(to: second))
    }

    @Test("§3.1.1.9: semicolons before the @ belong to the user part")
    func semicolonsInUser() throws {
        let uri = try #require(try self.message("semiuri.dat").requestURI?.sip)
        #expect(uri.user == "user;par=u@example.net")
        #expect(uri.parameters.isEmpty)
    }

    @Test("§3.1.1.11: a part may hold any octets")
    func multipart() throws {
        let multipart = try #require(try self.message("mpart01.dat").multipart())
        #expect(multipart.parts.count == 2)
        #expect(multipart.parts[0].type.isType("text", "plain"))
        #expect(multipart.parts[1].type.isType("application", "octet-stream"))
        #expect(multipart.parts[1].body.contains(0))
    }

    @Test("§3.3.12-14: header parameters, URI parameters and URI headers stay apart")
    func contactParameters() throws {
        let header = try #require(try self.message("cparam01.dat").first(.contact))
        #expect(header.parameters.has("unknownparam"))
        #expect(header.uri?.sip?.parameters.isEmpty == true)
        let inURI = try #require(try self.message("cparam02.dat").first(.contact))
        #expect(inURI.parameters.isEmpty)
        #expect(inURI.uri?.sip?.parameters.has("unknownparam") == true)
        let escaped = try #require(try self.message("regescrt.dat").first(.contact))
        #expect(escaped.uri?.sip?.headers["Route"] == "<sip:sip.example.com>")
    }

    @Test("RFC 5118 §4.3, §4.4: only a number after the brackets is a port")
    func ports() throws {
        let ambiguous = try #require(try self.message("port-ambiguous.dat").requestURI?.sip)
        #expect(ambiguous.host == Host("2001:db8::10:5070") && ambiguous.port == nil)
        let unambiguous = try #require(try self.message("port-unambiguous.dat").requestURI?.sip)
        #expect(unambiguous.host == Host("2001:db8::10") && unambiguous.port == 5070)
    }

    @Test(
        "RFC 5118 §4.5: received is understood with and without brackets",
        arguments: ["via-received-param-with-delim.dat", "via-received-param-no-delim.dat"])
    func received(file: String) throws {
        #expect(try self.message(file).first(.via)?.received == IPAddress("2001:db8::9:255"))
    }

    @Test("RFC 5118 §4.10: three colons mean two")
    func threeColons() throws {
        let wrong = try #require(try self.message("ipv6-bug-abnf-3-colons.dat").requestURI)
        let right = try #require(try self.message("ipv6-correct-abnf-2-colons.dat").requestURI)
        #expect(wrong.isEquivalent(to: right))
    }
}

/// What a framer makes of a stream that arrives in pieces of one size.
struct FramedStream: Equatable {
    var events: [StreamFramer.Event] = []
    var messages: [[UInt8]] = []
    var isWithinMessage = false

    init(_ octets: [UInt8], pieces: Int, keepAlive: StreamFramer.KeepAlive = .pings) {
        var framer = StreamFramer(keepAlive: keepAlive)
        var position = 0
        while position < octets.count {
            let end = min(position + max(pieces, 1), octets.count)
            framer.append(Array(octets[position..<end]))
            while let event = framer.next() {
                self.events.append(event)
                if let message = framer.ownedMessage { self.messages.append(message.octets) }
            }
            position = end
        }
        self.isWithinMessage = framer.isWithinMessage
    }
}
