import Testing

@testable import SIPMessages

@Suite("Typed values of header fields, by the examples of their RFCs")
struct FieldValueTests {
    @Test("A name-addr and an addr-spec differ in whose the parameters are (RFC 3261 §20.10, §20.20)")
    func addresses() throws {
        let brackets = try NameAddress(parsing: #""A. G. Bell" <sip:agb@bell-telephone.com;lr> ;tag=a48s"#)
        #expect(brackets.displayName == "A. G. Bell")
        #expect(brackets.uri.sip?.isLooseRouter == true)
        #expect(brackets.tag == "a48s")
        let bare = try NameAddress(parsing: "sip:+12125551212@server.phone2net.com;tag=887s")
        #expect(bare.displayName == nil)
        #expect(bare.uri.sip?.parameters.isEmpty == true)
        #expect(bare.tag == "887s")
        #expect(
            try NameAddress(parsing: "Anonymous  Caller <sip:c8oqz84zk7z@privacy.org>").displayName
                == "Anonymous Caller")
        #expect(try NameAddress(parsing: #""" <sip:a@b>"#).displayName?.isEmpty == true)
        #expect(NameAddress(try URI("sip:a@b"), displayName: "x\"\\y").text == #""x\"\\y" <sip:a@b>"#)
    }

    @Test(
        "A malformed address is refused",
        arguments: [
            "", "<>", "<sip:a@b", "sip:a@b>", "\"x <sip:a@b>", "\"x\" sip:a@b", "sip:a@b?x=y", "<sip:a@b>;tag=",
            "<sip:a@b>;tag=1;tag=2", "<sip:a@b>;;x", "<sip:a@b> x", "< sip:a@b >", "a, b <sip:a@b>", "<sip:a@b>;=x",
            "<sip:a@b>;x=\"y",
        ])
    func malformedAddresses(text: String) {
        #expect(throws: SIPParseError.self) { try NameAddress(parsing: text, field: .from) }
    }

    @Test("A Contact has a weight, a lifetime, and what RFC 5626 and 5627 add")
    func contact() throws {
        let contact = try Contact(
            parsing: #"<sip:callee@192.0.2.2;transport=tcp>;q=0.7;expires=3600;reg-id=1;"#
                + #"+sip.instance="<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>";"#
                + #"pub-gruu="sip:callee@example.com;gr=urn:uuid:f81d";temp-gruu="sip:tgruu.7hs==@example.com;gr";audio"#
        )
        #expect(contact.q == QValue(thousandths: 700))
        #expect(contact.expires == 3600)
        #expect(contact.regID == 1)
        #expect(contact.instanceID == "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6")
        #expect(contact.publicGRUU?.isGRUU == true)
        #expect(contact.temporaryGRUU?.user == "tgruu.7hs==")
        let features = FeatureSet(contact: contact.parameters)
        #expect(features.features.map(\.name).contains("audio"))
        #expect(try Contact(parsing: "*") == .wildcard)
        #expect(throws: SIPParseError.self) { try Contact(parsing: "<sip:a@b>;q=1.5") }
        #expect(try Contact(parsing: "<sip:a@b>;expires=x").expires == 3600)
        #expect(try Contact(parsing: "<sip:a@b>;expires=99999999999").expires == .max)
    }

    @Test(
        "A weight has up to three decimals (RFC 3261 §25.1)",
        arguments: [
            ("1", 1000), ("1.000", 1000), ("0", 0), ("0.5", 500), ("0.333", 333), ("0.", 0), ("1.001", nil),
            ("0.1234", nil), (".5", nil), ("2", nil), ("", nil), ("0,5", nil), ("00", nil),
        ] as [(String, UInt16?)])
    func weights(text: String, thousandths: UInt16?) {
        #expect(QValue(text)?.thousandths == thousandths)
    }

    @Test("A weight is written as briefly as can be", arguments: [(0, "0"), (5, "0.005"), (250, "0.25"), (1000, "1")])
    func writesWeights(thousandths: UInt16, text: String) {
        #expect(QValue(thousandths: thousandths).description == text)
    }

    @Test("A Via names protocol, sent-by and parameters (RFC 3261 §20.42, RFC 3581)")
    func via() throws {
        let via = try Via(
            parsing:
                "SIP / 2.0 / UDP first.example.com: 4000;ttl=16 ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1;rport;x",
            field: .via)
        #expect(via.transport == .udp && via.host == "first.example.com" && via.port == 4000)
        #expect(via.ttl == 16 && via.maddr == "224.2.0.1" && via.branch == "z9hG4bKa7c6a8dlze.1")
        #expect(via.hasRport && via.rport == nil)
        #expect(try Via(parsing: "SIP/2.0/TLS h").effectivePort == 5061)
        var answered = via
        answered.received = IPAddress("192.0.2.1")
        answered.rport = 9988
        #expect(answered.text.contains(";rport=9988"))
        #expect(try Via(parsing: answered.text, field: .via) == answered)
    }

    @Test(
        "CSeq counts to 2^32-1 (RFC 3261 §20.16)",
        arguments: [
            ("4711 INVITE", 4711), ("0009\r\n\t INVITE", 9), ("2147483648 INVITE", 1 << 31),
            ("4294967295 INVITE", .max), ("4294967296 INVITE", nil), ("36893488147419103232 INVITE", nil),
            ("INVITE", nil), ("1", nil), ("1INVITE", nil), ("1 INV ITE", nil), ("-1 INVITE", nil), ("1 ", nil),
        ] as [(String, UInt32?)])
    func cseq(text: String, number: UInt32?) {
        #expect((try? CSeq(parsing: text))?.number == number)
    }

    @Test(
        "A Call-ID is a word, or two with an @ (RFC 3261 §20.8)",
        arguments: [
            ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6@biloxi.com", true), ("843817637684230@998sdasdh09", true),
            ("a\"<>[]{}?:/\\b", true), ("", false), ("a@", false), ("@a", false), ("a@b@c", false), ("a b", false),
            ("a;b", false), ("a,b", false),
        ])
    func callID(text: String, isValid: Bool) {
        #expect(((try? CallID(parsing: text, field: .callID)) != nil) == isValid)
    }

    @Test("In-Reply-To is a list of Call-IDs, which may hold quotes and brackets (RFC 3261 §20.21)")
    func inReplyTo() throws {
        let message = try SIPMessage(
            "OPTIONS urn:x SIP/2.0\r\nIn-Reply-To: 70\"710@saturn.com, 17<320@saturn.com\r\n\r\n")
        #expect(message.all(.inReplyTo) == [CallID("70\"710@saturn.com"), CallID("17<320@saturn.com")])
    }

    @Test("Accept gives ranges with weights (RFC 3261 §20.1)")
    func accept() throws {
        let message = try SIPMessage(
            "OPTIONS urn:x SIP/2.0\r\nAccept: application/sdp;level=1, application/*;q=0.3, */*;q=0\r\nAccept:\r\n\r\n")
        let ranges = try message.requireAll(.accept)
        #expect(ranges.map(\.q.thousandths) == [1000, 300, 0])
        #expect(ranges.map { $0.covers(MediaType("Application", "pidf+xml")) } == [false, true, true])
        #expect(ranges.map { $0.covers(.sdp) } == [true, true, true])
        for field in message.index.fields { try field.validateTyped(message.octets.span) }
    }

    @Test("Replaces and Join need both tags once (RFC 3891 §3, RFC 3911 §4)")
    func dialogReferences() throws {
        let replaces = try Replaces(
            parsing: "98732@sip.example.com\r\n ;from-tag=r33th4x0r\r\n ;to-tag=ff87ff ;early-only")
        #expect(replaces.callID == "98732@sip.example.com")
        #expect(replaces.toTag == "ff87ff" && replaces.fromTag == "r33th4x0r" && replaces.isEarlyOnly)
        for text in ["a;to-tag=1", "a;from-tag=1", "a;to-tag=1;to-tag=1;from-tag=2", "a", ";to-tag=1;from-tag=2"] {
            #expect(throws: SIPParseError.self) { try Replaces(parsing: text) }
            #expect(throws: SIPParseError.self) { try Join(parsing: text) }
        }
        let target = try TargetDialog(
            parsing: "fa77as7dad8-sd98ajzz@host.example.com ;local-tag=kkaz- ;remote-tag=6544")
        #expect(target.localTag == "kkaz-" && target.remoteTag == "6544")
    }

    @Test("Session-Expires says who refreshes (RFC 4028 §4)")
    func sessionExpires() throws {
        #expect(try SessionExpires(parsing: "4000;refresher=UAC") == SessionExpires(4000, refresher: nil).with("UAC"))
        #expect(try SessionExpires(parsing: "4000;refresher=uas").refresher == .uas)
        #expect(try SessionExpires(parsing: "90").refresher == nil)
        #expect(throws: SIPParseError.self) { try SessionExpires(parsing: "90;refresher=me") }
        #expect(throws: SIPParseError.self) { try SessionExpires(parsing: "soon") }
    }

    @Test("Reasons of several protocols stand side by side (RFC 3326 §2)")
    func reasons() throws {
        let message = try SIPMessage(
            "CANCEL sip:a@b SIP/2.0\r\nReason: SIP ;cause=200 ;text=\"Call completed elsewhere\", Q.850;cause=16\r\n\r\n"
        )
        let reasons = message.all(.reason)
        #expect(reasons.map(\.cause) == [200, 16])
        #expect(reasons[0].isSIP && reasons[1].isQ850)
        #expect(reasons[0].phrase == "Call completed elsewhere")
        #expect(Reason.sip(200, text: "Call").text == "SIP;cause=200;text=\"Call\"")
    }

    @Test("An entry of History-Info carries its reason within the URI (RFC 7044 §5.1)")
    func historyInfo() throws {
        let entry = try HistoryInfo(
            parsing: "<sip:bob@192.0.2.4?Reason=SIP%3Bcause%3D302&Privacy=history>;index=1.1.1;rc=1.1",
            field: .historyInfo)
        #expect(entry.index == "1.1.1")
        #expect(entry.origin == .contact(of: "1.1"))
        #expect(entry.reason?.cause == 302)
        #expect(entry.privacy?.contains("history") == true)
        #expect(throws: SIPParseError.self) { try HistoryInfo(parsing: "<sip:bob@192.0.2.4>;index=1..1") }
    }

    @Test("Warning, Retry-After and Timestamp (RFC 3261 §20.33, §20.38, §20.43)")
    func smallFields() throws {
        let warning = try Warning(parsing: "370 devnull \"Choose a bigger pipe\"")
        #expect(warning.code == 370 && warning.agent == "devnull" && warning.phrase == "Choose a bigger pipe")
        for text in ["1812 overture \"In Progress\"", "37 a \"b\"", "370 a", "370\"b\"", "370 a b", "099 a \"b\""] {
            #expect(throws: SIPParseError.self) { try Warning(parsing: text) }
        }
        let retry = try RetryAfter(parsing: "18000 (I'm (not) here);duration=3600")
        #expect(retry.seconds == 18000 && retry.duration == 3600 && retry.comment == "I'm (not) here")
        #expect(throws: SIPParseError.self) { try RetryAfter(parsing: "1 (x") }
        let timestamp = try Timestamp(parsing: "54.21 0.5")
        #expect(timestamp.delayDuration == .milliseconds(500))
        #expect(try Timestamp(parsing: "1 .000000001").delayDuration == .nanoseconds(1))
        for text in ["", ".5", "1 x", "1 .", "1.2.3"] where text != "1 ." {
            #expect(throws: SIPParseError.self) { try Timestamp(parsing: text) }
        }
    }

    @Test("Identity reads RFC 8224 and RFC 4474")
    func identity() throws {
        let current = try Identity(
            parsing: "eyJh.eyJk.c2ln;info=<https://biloxi.example.org/biloxi.cer>;alg=ES256;ppt=shaken")
        #expect(current.digest == "eyJh.eyJk.c2ln" && current.algorithm == "ES256" && current.type == "shaken")
        #expect(current.info == "https://biloxi.example.org/biloxi.cer")
        #expect(try Identity(parsing: "\"ZYNBbHC00VM=\"").isQuoted)
        #expect(throws: SIPParseError.self) { try Identity(parsing: "a;info=<https://x") }
    }

    @Test("Session-ID is two UUIDs of 32 digits (RFC 7989 §5)")
    func sessionID() throws {
        let both = try SessionID(
            parsing: "ab30317f1a784dc48ff824d0d3715d86;remote=47755a9de7794ba387653f2099600ef2", field: .sessionID)
        #expect(both.remote == "47755a9de7794ba387653f2099600ef2")
        #expect(try SessionID(parsing: SessionID.none).remote == nil)
        for text in ["ab30", "ab30317f1a784dc48ff824d0d3715d86;remote=47", "zz30317f1a784dc48ff824d0d3715d86"] {
            #expect(throws: SIPParseError.self) { try SessionID(parsing: text) }
        }
    }

    @Test("Event packages compare with their id only (RFC 6665 §8.2.1)")
    func events() throws {
        #expect(try EventType(parsing: "refer;id=1;x=y").matches(EventType("refer", id: "1")))
        #expect(try !EventType(parsing: "refer").matches(EventType("refer", id: "1")))
        #expect(try !EventType(parsing: "Refer").matches(EventType("refer")))
        let state = try SubscriptionState(parsing: "terminated;reason=probation;retry-after=30")
        #expect(state.isTerminated && state.reason == "probation" && state.retryAfter == 30 && state.expires == nil)
    }

    @Test("Caller preferences hold feature values (RFC 3841 §9, RFC 3840 §9)")
    func features() throws {
        let set = try FeatureSet(
            parsing: ##"*;audio;methods="INVITE,!BYE";+sip.rate="#>=2.5,#1:3";class="<business>";require"##)
        #expect(set.isRequired && !set.isExplicit)
        let features = set.features
        #expect(features.map(\.name) == ["audio", "methods", "+sip.rate", "class"])
        #expect(
            features.map(\.values) == [
                [FeatureValue(.token("TRUE"))],
                [FeatureValue(.token("INVITE")), FeatureValue(.token("BYE"), isNegated: true)],
                [FeatureValue(.number(from: 2500, to: nil)), FeatureValue(.number(from: 1000, to: 3000))],
                [FeatureValue(.string("business"))],
            ])
    }

    @Test("Tokens of an open set compare in any case, methods do not (RFC 3261 §7.1, §7.3.1)")
    func tokens() throws {
        #expect(Token("100REL") == Token("100rel"))
        #expect(Method("invite") != .invite)
        #expect(ResourcePriority("DSN", "Flash") == ResourcePriority("dsn", "flash"))
        #expect(throws: SIPParseError.self) { try Token(parsing: "a b") }
    }
}

extension SessionExpires {
    fileprivate func with(_ refresher: String) -> SessionExpires {
        var copy = self
        copy.parameters["refresher"] = refresher
        return copy
    }
}
