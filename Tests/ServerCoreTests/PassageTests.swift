import SIPMessages
import SIPSimulation
import ServerCore
import Testing

/// What the proxy has no part in goes through it as it came: any status, any field, any body.
@Suite("What passes through the proxy unchanged (RFC 3261 §16.6 step 1, §16.7, §21)")
struct PassageTests {
    /// Alice, the proxy, and Bob, who is registered there.
    struct Passage {
        let stage = Stage()
        let alice: ScriptedPeer
        let bob: ScriptedPeer

        init() throws {
            self.stage.server()
            self.alice = try self.stage.alice()
            self.bob = try self.stage.bob()
            try self.bob.isRegistered()
        }
    }

    /// A body that no element on the way understands.
    static let body = Array("a \0 b\r\n\r\nSIP/2.0 200 OK\r\n".utf8)

    /// Every final status of §21 but 503, which is not passed on (§16.7 step 6).
    static let finals: [UInt16] = [
        200, 300, 301, 302, 305, 380,
        400, 401, 402, 403, 404, 405, 406, 407, 408, 410, 413, 414, 415, 416, 420, 421, 423,
        480, 481, 482, 483, 484, 485, 486, 487, 488, 491, 493,
        500, 501, 502, 504, 505, 513, 600, 603, 604, 606,
    ]

    /// Statuses that extensions have added.
    static let extensions: [UInt16] = [
        202, 204, 412, 417, 422, 424, 425, 428, 429, 433, 436, 437, 438, 439, 440, 469, 470, 489, 494, 555, 580, 607,
        608,
    ]

    /// Gives a response another reason phrase, a field and a body.
    private static func dress(_ response: inout MessageBuilder, _ status: StatusCode) throws {
        let plain = try response.message()
        response = MessageBuilder(status, reasonPhrase: "Phrase of %C3%A9 \(status)")
        for id: HeaderID in [.via, .recordRoute, .from, .to, .callID, .cseq, .contact] {
            response.copy(id, from: plain)
        }
        response.add(named: "X-Odd", "a;;b,\"c")
        response.setBody(Self.body, type: MediaType("application", "x-odd"))
    }

    private static func check(_ response: SIPMessage, _ status: StatusCode) {
        #expect(response.reasonPhrase == "Phrase of %C3%A9 \(status)")
        #expect(response.values(named: "X-Odd") == ["a;;b,\"c"])
        #expect(response.first(.contentType) == MediaType("application", "x-odd"))
        #expect(response.body == Self.body)
    }

    @Test(
        "A provisional status but 100 passes with phrase, fields and body (§16.7 step 5)",
        arguments: [180, 181, 182, 183, 199] as [StatusCode])
    func provisional(status: StatusCode) throws {
        let passage = try Passage()
        try passage.alice.invites()
        try passage.bob.expects(.invite)
        try passage.bob.sends(status) { try? Self.dress(&$0, status) }
        Self.check(try passage.alice.expects(status), status)
        try passage.bob.sends(486)
        try passage.alice.expects(486)
        try passage.stage.world.end()
    }

    @Test(
        "A final status to an INVITE passes with phrase, fields and body (§16.7 steps 6 and 9)",
        arguments: finals + extensions)
    func finalOfInvite(number: UInt16) throws {
        let status = StatusCode(number)
        let passage = try Passage()
        try passage.alice.invites()
        try passage.bob.expects(.invite)
        try passage.bob.sends(status) { try? Self.dress(&$0, status) }
        Self.check(try passage.alice.expects(status), status)
        if status.isSuccess {
            try passage.alice.sends(.ack)
            try passage.bob.expects(.ack)
        }
        try passage.stage.world.end()
    }

    @Test(
        "A final status to another method passes with phrase, fields and body, but for 408 (§16.7, RFC 4320 §4.2)",
        arguments: (finals + extensions).filter { $0 != 408 })
    func finalOfMessage(number: UInt16) throws {
        let status = StatusCode(number)
        let passage = try Passage()
        try passage.alice.sends(.message, to: try URI(Place.bob))
        try passage.bob.expects(.message)
        try passage.bob.sends(status) { try? Self.dress(&$0, status) }
        Self.check(try passage.alice.expects(status), status)
        try passage.stage.world.end()
    }

    /// Fields of extensions that no role of the server acts on, with examples of their RFCs.
    static let fields: [(String, String)] = [
        ("Accept-Contact", "*;audio;require;explicit;methods=\"BYE\""),  // RFC 3841 §9.2
        ("Accept-Resource-Priority", "dsn.flash-override, dsn.flash"),  // RFC 4412 §3.2
        ("Alert-Info", "<http://www.example.com/sounds/moo.wav>"),  // RFC 3261 §20.4
        ("Allow-Events", "spirits-INDPs"),  // RFC 6665 §8.2.2
        ("Authentication-Info", "nextnonce=\"47364c23432d2e131a5fb210812c\""),  // RFC 3261 §20.6
        ("Authorization", "Digest username=\"bob\", realm=\"x\", nonce=\"y\", algorithm=AKAv1-MD5"),  // RFC 3310 §3.3
        ("Call-Info", "<http://www.example.com/alice/photo.jpg> ;purpose=icon"),  // RFC 3261 §20.9
        ("Content-Disposition", "early-session; handling=optional"),  // RFC 3959 §5
        ("Error-Info", "<sip:not-in-service-recording@atlanta.com>"),  // RFC 3261 §20.18
        ("Event", "refer;id=93809824"),  // RFC 6665 §8.2.1
        ("Flow-Timer", "126"),  // RFC 5626 §10
        ("Geolocation", "<cid:target123@atlanta.example.com>"),  // RFC 6442 §4.1
        // RFC 7044 §5.1
        ("History-Info", "<sip:bob@192.0.2.4?Reason=SIP%3Bcause%3D302&Privacy=history>;index=1.1.1;rc=1.1"),
        ("Identity", "eyJh.eyJk.c2ln;info=<https://biloxi.example.org/biloxi.cer>;alg=ES256;ppt=shaken"),  // RFC 8224
        ("Identity-Info", "<https://atlanta.example.com/atlanta.cer>;alg=rsa-sha1"),  // RFC 4474 §9
        ("Info-Package", "foo"),  // RFC 6086 §7.2
        ("In-Reply-To", "70710@saturn.bell-tel.com, 17320@saturn.bell-tel.com"),  // RFC 3261 §20.21
        ("Join", "98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff"),  // RFC 3911 §7
        ("Min-SE", "3600"),  // RFC 4028 §5
        ("Organization", "Boxes by Bob"),  // RFC 3261 §20.25
        ("P-Access-Network-Info", "3GPP-UTRAN-TDD; utran-cell-id-3gpp=C359A3913B20E"),  // RFC 7315 §6.4
        ("P-Associated-URI", "<sip:alice@atlanta.example.com>"),  // RFC 7315 §6.1
        ("P-Called-Party-ID", "sip:user1-business@example.com"),  // RFC 7315 §6.2
        ("P-Charging-Function-Addresses", "ccf=192.1.1.1; ccf=192.1.1.2"),  // RFC 7315 §6.5
        ("P-Charging-Vector", "icid-value=1234bc9876e;icid-generated-at=192.0.6.8"),  // RFC 7315 §6.6
        ("P-Early-Media", "sendrecv"),  // RFC 5009 §8
        ("P-Media-Authorization", "0020000100100101706466312e686f6d65312e6e6574"),  // RFC 3313 §5.1
        ("P-Visited-Network-ID", "\"Visited network number 1\""),  // RFC 7315 §6.3
        ("Priority", "emergency"),  // RFC 3261 §20.26
        ("RAck", "776656 1 INVITE"),  // RFC 3262 §7.2
        ("RSeq", "988789"),  // RFC 3262 §7.1
        ("Reason", "Q.850;cause=16;text=\"Terminated\", preemption;cause=1;text=\"UA_Preemption\""),  // RFC 3326, 4411
        ("Recv-Info", "P, R"),  // RFC 6086 §7.3
        ("Refer-Sub", "false"),  // RFC 4488 §4
        ("Refer-To", "<sip:dave@denver.example.org?Replaces=12345%40192.168.118.3%3Bto-tag%3D12>"),  // RFC 3515 §2.1
        ("Refer-To", "<sip:conf44@example.com>;isfocus;methods=\"INVITE\""),  // RFC 4508 §3
        ("Referred-By", "<sip:referrer@referrer.example>;cid=\"20398823.2UWQFN309shb3@referrer.example\""),  // RFC 3892
        ("Reject-Contact", "*;actor=\"msg-taker\";video"),  // RFC 3841 §9.2
        ("Replaces", "98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff"),  // RFC 3891 §6.1
        ("Reply-To", "Bob <sip:bob@biloxi.com>"),  // RFC 3261 §20.31
        ("Request-Disposition", "proxy, recurse, parallel"),  // RFC 3841 §9.1
        ("Resource-Priority", "wps.3, dsn.flash"),  // RFC 4412 §3.1
        ("SIP-ETag", "dx200xyz"),  // RFC 3903 §11.3.1
        ("SIP-If-Match", "dx200xyz"),  // RFC 3903 §11.3.2
        ("Security-Client", "tls;q=0.2, ipsec-ike;q=0.1"),  // RFC 3329 §2.2
        ("Security-Server", "tls;q=0.2"),
        ("Security-Verify", "tls;q=0.2"),
        ("Session-Expires", "4000;refresher=uac"),  // RFC 4028 §4
        ("Session-ID", "ab30317f1a784dc48ff824d0d3715d86;remote=47755a9de7794ba387653f2099600ef2"),  // RFC 7989 §5
        ("Subject", "Tech Support"),  // RFC 3261 §20.36
        ("Subscription-State", "active;expires=3600"),  // RFC 6665 §8.2.3
        ("Supported", "100rel, norefersub, replaces, timer, tdialog, join, histinfo, precondition, sdp-anat"),
        ("Target-Dialog", "fa77as7dad8-sd98ajzz@host.example.com;local-tag=kkaz-;remote-tag=6544"),  // RFC 4538 §7
        ("User-to-User", "56a390f3d2b7310023a2;encoding=hex;purpose=foo"),  // RFC 7433 §4
        ("Warning", "307 isi.edu \"Session parameter 'foo' not understood\""),  // RFC 3261 §20.43
    ]

    @Test("A field of an extension passes as it came, in a request and in a response (§16.6 step 1)", arguments: fields)
    func field(name: String, value: String) throws {
        let passage = try Passage()
        func put(_ message: inout MessageBuilder) {
            message.remove(named: name)
            message.add(named: name, value)
        }
        try passage.alice.invites(edit: put)
        #expect(try passage.bob.expects(.invite).values(named: name) == [value])
        try passage.bob.sends(486, edit: put)
        #expect(try passage.alice.expects(486).values(named: name) == [value])
        try passage.stage.world.end()
    }

    /// Types of bodies that extensions define, which are no proxy's business.
    @Test(
        "A body of any type passes octet by octet (§7.4, §16.6 step 1)",
        arguments: [
            "application/sdp", "application/pidf+xml", "image/png", "application/dtmf-relay",
            "application/media_control+xml",
            // RFC 3204 §3
            "application/isup;version=nxv3;base=etsi121", "application/qsig;version=iso",
            "application/pkcs7-mime;smime-type=enveloped-data",
            "message/external-body;access-type=\"URL\";URL=\"http://example.com\"",  // RFC 4483
            "message/sipfrag;version=2.0", "multipart/mixed;boundary=\"a\"",
        ])
    func body(type: String) throws {
        let passage = try Passage()
        func put(_ message: inout MessageBuilder) {
            message.setBody(Self.body, type: nil)
            message.add(named: "Content-Type", type)
        }
        try passage.alice.sends(.message, to: try URI(Place.bob), edit: put)
        let request = try passage.bob.expects(.message)
        #expect(request.body == Self.body && request.values(named: "Content-Type") == [type])
        try passage.bob.sends(200, edit: put)
        let response = try passage.alice.expects(200)
        #expect(response.body == Self.body && response.values(named: "Content-Type") == [type])
        try passage.stage.world.end()
    }
}
