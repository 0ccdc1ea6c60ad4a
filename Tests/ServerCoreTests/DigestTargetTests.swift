import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("Credentials are for the request they came with (RFC 7616 §3.4.6, RFC 3261 §22.4 item 6)")
struct DigestTargetTests {
    @Test(
        "The uri of credentials names what is asked for; phones may leave out or add ports and parameters",
        arguments: [
            ("sip:carol@biloxi.example.com", true),
            ("sip:carol@biloxi.example.com;transport=tcp", true),
            ("sip:carol@BILOXI.example.com:5060", true),
            ("sip:%63arol@biloxi.example.com", true),
            ("sip:carol@192.0.2.222", true),  // Both are this server.
            ("sip:dave@biloxi.example.com", false),
            ("sip:carol@elsewhere.example.com", false),
            ("sip:192.0.2.222:5060", true),  // As SIPp does.
            ("sip:elsewhere.example.com", false),
            ("tel:carol", false),
            ("*", false),
        ])
    func invite(uri: String, isTaken: Bool) throws {
        let office = try AuthorisationTests.Office()
        try office.bob.invites("sip:carol@biloxi.example.com")
        let challenge = try office.bob.expects(407)
        let answer = try #require(Account.bob.answer(challenge, .invite, uri))
        try office.bob.sends(.invite) { $0.add(named: "Proxy-Authorization", answer) }
        if isTaken {
            try office.carol.expects(.invite)
            try office.carol.sends(486)
            try office.bob.expects(486)
        } else {
            #expect(try office.bob.expects(400).reasonPhrase == "Digest URI Is Not The Request-URI")
            try office.carol.expectsNothing(for: .seconds(1))
        }
        try office.stage.world.end()
    }

    @Test(
        "A proxy before us may have put our host into the Request-URI, but never another user",
        arguments: [("sip:carol@sbc.example.com", true), ("sip:dave@biloxi.example.com", false)])
    func relayed(uri: String, isTaken: Bool) throws {
        let office = try AuthorisationTests.Office()
        try office.bob.invites("sip:carol@biloxi.example.com")
        let answer = try #require(Account.bob.answer(try office.bob.expects(407), .invite, uri))
        try office.bob.sends(.invite) {
            $0.add(named: "Via", "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKsbc1")
            $0.add(named: "Proxy-Authorization", answer)
        }
        if isTaken {
            try office.carol.expects(.invite)
            try office.carol.sends(486)
            try office.bob.expects(486)
        } else {
            try office.bob.expects(400)
        }
        try office.stage.world.end()
    }

    @Test(
        "A REGISTER names the domain, as phones write it (RFC 3261 §10.2)",
        arguments: [
            ("sip:biloxi.example.com", true), ("sip:biloxi.example.com:5060;transport=udp", true),
            ("sip:192.0.2.222", true), ("sip:bob@biloxi.example.com", true), ("sip:elsewhere.example.com", false),
        ])
    func register(uri: String, isTaken: Bool) throws {
        let stage = CredentialTests.stage()
        let bob = try stage.bob()
        try bob.registers()
        let answer = try #require(Account.bob.answer(try bob.expects(401), .register, uri))
        try bob.registersAgain { $0.add(named: "Authorization", answer) }
        try bob.expects(isTaken ? 200 : 400)
        try stage.world.end()
    }

    @Test("A telephone number that is called is the one in the credentials")
    func telephone() throws {
        let office = try AuthorisationTests.Office()
        // No route leads to it (RFC 3261 §16.5).
        for (uri, status) in [("tel:+1234", StatusCode(480)), ("tel:+1235", 400)] {
            try office.bob.invites("tel:+1234")
            let answer = try #require(Account.bob.answer(try office.bob.expects(407), .invite, uri))
            try office.bob.sends(.invite) { $0.add(named: "Proxy-Authorization", answer) }
            try office.bob.expects(status)
        }
        try office.stage.world.end()
    }
}
