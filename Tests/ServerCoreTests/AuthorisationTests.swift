import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("Who may call whom (RFC 3261 §22.3, RFC 3325)")
struct AuthorisationTests {
    static let carol = Account(username: "carol", domain: Place.domain, password: "parrot")

    /// A server with Bob and Carol as users, whose devices have registered.
    struct Office {
        let stage = Stage()
        let bob: ScriptedPeer
        let carol: ScriptedPeer

        init(edit: (inout ServerSettings) -> Void = { _ in }) throws {
            self.stage.server("proxy", at: Place.proxy, [Place.domain]) {
                $0.requires([.bob, AuthorisationTests.carol])
                edit(&$0)
            }
            self.bob = try self.stage.bob()
            self.carol = try self.stage.peer("carol", at: "192.0.2.60", "sip:carol@biloxi.example.com")
            for (peer, account) in [(self.bob, Account.bob), (self.carol, AuthorisationTests.carol)] {
                try peer.registers()
                let challenge = try peer.expects(401)
                let answer = try #require(account.answer(challenge, .register, "sip:\(Place.domain)"))
                try peer.registersAgain { $0.add(named: "Authorization", answer) }
                try peer.expects(200)
            }
        }

        /// An INVITE of Bob's with the credentials that the proxy asks for.
        func bobInvites(
            _ uri: String, as account: Account = .bob, edit: (inout MessageBuilder) -> Void = { _ in }
        ) throws {
            try self.bob.invites(uri, edit: edit)
            let challenge = try self.bob.expects(407)
            let answer = try #require(account.answer(challenge, .invite, uri))
            try self.bob.sends(.invite) {
                edit(&$0)
                $0.add(named: "Proxy-Authorization", answer)
            }
        }
    }

    @Test("A user of ours is challenged, and who has proved it is asserted to the callee (RFC 3325 §5)")
    func user() throws {
        let office = try Office()
        try office.bobInvites("sip:carol@biloxi.example.com") {
            $0.add(named: "P-Preferred-Identity", "<sip:boss@biloxi.example.com>")
            $0.add(named: "P-Asserted-Identity", "<sip:boss@biloxi.example.com>")
        }
        let invite = try office.carol.expects(.invite)
        #expect(invite.values(named: "P-Asserted-Identity") == ["<sip:bob@biloxi.example.com>"])
        #expect(!invite.has(.pPreferredIdentity))
        // §22.3: credentials for our realm have no business beyond us.
        #expect(!invite.has(.proxyAuthorization))
        try office.carol.sends(486)
        try office.bob.expects(486)
        try office.stage.world.end()
    }

    @Test("An identity is asserted with the escapes that its user part needs (RFC 3261 §25.1)")
    func escapedUser() throws {
        let desk = Account(username: "front desk#1", domain: Place.domain, password: "parrot")
        let office = try Office { $0.requires([.bob, Self.carol, desk]) }
        let peer = try office.stage.peer("desk", at: "192.0.2.61", "sip:front%20desk%231@biloxi.example.com")
        try peer.invites("sip:carol@biloxi.example.com")
        let answer = try #require(desk.answer(try peer.expects(407), .invite, "sip:carol@biloxi.example.com"))
        try peer.sends(.invite) { $0.add(named: "Proxy-Authorization", answer) }
        let invite = try office.carol.expects(.invite)
        #expect(invite.values(named: "P-Asserted-Identity") == ["<sip:front%20desk%231@biloxi.example.com>"])
        try office.carol.sends(486)
        try peer.expects(486)
        try office.stage.world.end()
    }

    @Test("What a stranger would like to be called goes no further than what he asserts (RFC 3325 §6)")
    func strangersPreference() throws {
        let office = try Office()
        let alice = try office.stage.alice()
        try alice.invites { $0.add(named: "P-Preferred-Identity", "<sip:president@example.org>") }
        #expect(try !office.bob.expects(.invite).has(.pPreferredIdentity))
        try office.bob.sends(486)
        try alice.expects(486)
        try office.stage.world.end()
    }

    @Test(
        "A user who calls one that there is not is told so (§21.4.5); one without a device is not there now (§21.4.18)",
        arguments: [("nobody", StatusCode(404), "No Such User"), ("dave", 480, "Not Registered")])
    func absent(user: String, status: StatusCode, reason: String) throws {
        let dave = Account(username: "dave", domain: Place.domain, password: "polly")
        let office = try Office { $0.requires([.bob, Self.carol, dave]) }
        try office.bobInvites("sip:\(user)@biloxi.example.com")
        #expect(try office.bob.expects(status).reasonPhrase == reason)
        try office.stage.world.end()
    }

    @Test(
        "A caller who wants it so is not named to whom we do not trust (RFC 3325 §7)",
        arguments: [
            ("id", false, false), ("user; ID;critical", false, false), ("none", false, true), ("header", false, true),
            ("id", true, true), (";", false, false),
        ])
    func privacy(wish: String, isTrusted: Bool, isNamed: Bool) throws {
        let office = try Office { if isTrusted { $0.trusted = [AddressBlock("192.0.2.60/32")].compactMap { $0 } } }
        try office.bobInvites("sip:carol@biloxi.example.com") { $0.add(named: "Privacy", wish) }
        let invite = try office.carol.expects(.invite)
        #expect(invite.values(named: "P-Asserted-Identity") == (isNamed ? ["<sip:bob@biloxi.example.com>"] : []))
        #expect(invite.values(named: "Privacy") == [wish])
        try office.carol.sends(486)
        try office.bob.expects(486)
        try office.stage.world.end()
    }

    @Test(
        "What a callee asserts of himself passes if we trust him, and if he does not want otherwise (RFC 3325 §5, §7)",
        arguments: [(false, nil, 0), (true, nil, 1), (true, "id", 0)] as [(Bool, String?, Int)],
        [180, 200, 486] as [StatusCode])
    func callee(_ callee: (isTrusted: Bool, wish: String?, count: Int), status: StatusCode) throws {
        let office = try Office { settings in
            if callee.isTrusted { settings.trusted = [AddressBlock("192.0.2.60/32")].compactMap { $0 } }
        }
        try office.bobInvites("sip:carol@biloxi.example.com")
        try office.carol.expects(.invite)
        try office.carol.sends(status) {
            $0.add(named: "P-Asserted-Identity", "<sip:president@example.org>")
            if let wish = callee.wish { $0.add(named: "Privacy", wish) }
        }
        #expect(try office.bob.expects(status).values(named: "P-Asserted-Identity").count == callee.count)
        if status.isSuccess {
            try office.bob.sends(.ack)
            try office.carol.expects(.ack)
        } else if !status.isFinal {
            try office.carol.sends(486)
            try office.bob.expects(486)
        }
        try office.stage.world.end()
    }

    @Test("Credentials for another realm are the next proxy's: they go on (§22.3)")
    func otherRealm() throws {
        let office = try Office()
        let other =
            "Digest username=\"bob\", realm=\"other\", nonce=\"1\", uri=\"sip:x\", "
            + "response=\"0123456789abcdef0123456789abcdef\""
        try office.bobInvites("sip:carol@biloxi.example.com") { $0.add(named: "Proxy-Authorization", other) }
        #expect(try office.carol.expects(.invite).values(named: "Proxy-Authorization") == [other])
        try office.carol.sends(486)
        try office.bob.expects(486)
        try office.stage.world.end()
    }

    @Test("A wrong password is challenged again, and nothing goes on (§22.1)")
    func wrongPassword() throws {
        let office = try Office()
        let wrong = Account(username: "bob", domain: Place.domain, password: "guess")
        try office.bobInvites("sip:carol@biloxi.example.com", as: wrong)
        let challenge = try office.bob.expects(407)
        #expect(challenge.values(named: "Proxy-Authenticate").allSatisfy { !$0.contains("stale=TRUE") })
        try office.carol.expectsNothing(for: .seconds(1))
        try office.stage.world.end()
    }

    @Test("A user who claims to be another one is refused with 403")
    func notOwner() throws {
        let office = try Office()
        let carol = NameAddress(try URI("sip:carol@biloxi.example.com"), parameters: ["tag": "1"])
        try office.bobInvites("sip:carol@biloxi.example.com") { $0.set(.from, carol) }
        try office.bob.expects(403)
        try office.carol.expectsNothing(for: .seconds(1))
        try office.stage.world.end()
    }

    @Test("A stranger may call our users, but what he asserts is taken off (RFC 3325 §5)")
    func strangerToUser() throws {
        let office = try Office()
        let alice = try office.stage.alice()
        try alice.invites { $0.add(named: "P-Asserted-Identity", "<sip:president@example.org>") }
        #expect(try !office.bob.expects(.invite).has(.pAssertedIdentity))
        try office.bob.sends(486)
        try alice.expects(486)
        try office.stage.world.end()
    }

    @Test("A neighbour that we trust may assert who calls (RFC 3325 §5)")
    func trusted() throws {
        let office = try Office { $0.trusted = [AddressBlock("192.0.2.101/32")].compactMap { $0 } }
        let alice = try office.stage.alice()
        try alice.invites { $0.add(named: "P-Asserted-Identity", "<sip:president@example.org>") }
        #expect(try office.bob.expects(.invite).values(named: "P-Asserted-Identity") == ["<sip:president@example.org>"])
        try office.bob.sends(486)
        try alice.expects(486)
        try office.stage.world.end()
    }

    @Test(
        "Where nobody from elsewhere may call, everybody is refused with 403: also who is trusted",
        arguments: [false, true])
    func noStrangers(isTrusted: Bool) throws {
        let office = try Office {
            $0.inbound = .nobody
            if isTrusted { $0.trusted = [AddressBlock("192.0.2.101/32")].compactMap { $0 } }
        }
        let alice = try office.stage.alice()
        try alice.invites()
        try alice.expects(403)
        try office.bob.expectsNothing(for: .seconds(1))
        try office.stage.world.end()
    }

    @Test("A user at the server's address is one of the first domain: the callee is found, the caller is challenged")
    func address() throws {
        let office = try Office()
        let uri = "sip:carol@\(Place.proxy)"
        let from = NameAddress(try URI("sip:bob@\(Place.proxy)"), parameters: ["tag": "1"])
        try office.bob.invites(uri) { $0.set(.from, from) }
        try office.bob.expects(407)
    }

    @Test("A request of a user that comes back by another server reaches whom anybody may reach (§16.3 item 4)")
    func spiral() throws {
        let office = try Office()
        let other = try office.stage.peer("other", at: "192.0.2.90", "sip:x@192.0.2.90")
        try office.bobInvites("sip:x@192.0.2.90")
        let invite = try other.expects(.invite)
        #expect(!invite.has(.proxyAuthorization))
        // It sends octets, of which its own transactions know nothing.
        office.stage.world.permitsViolations(by: "other")
        try other.sendsBack(invite, as: "sip:carol@biloxi.example.com", route: "")
        let again = try office.carol.expects(.invite)
        // Who has passed it on is not one of ours: what he says of the caller is dropped.
        #expect(!again.has(.pAssertedIdentity))
        try office.carol.sends(486)
        try other.sends(486)
        try office.bob.expects(486)
    }

    @Test("The same to elsewhere, or when the request is over, is challenged", arguments: [false, true])
    func noSpiral(isOver: Bool) throws {
        let office = try Office()
        let other = try office.stage.peer("other", at: "192.0.2.90", "sip:x@192.0.2.90")
        try office.bobInvites("sip:x@192.0.2.90")
        let invite = try other.expects(.invite)
        if isOver {
            try other.sends(486)
            try office.bob.expects(486)
            office.stage.world.run(for: .seconds(60))
        }
        try other.sendsBack(invite, as: isOver ? "sip:carol@biloxi.example.com" : "sip:x@192.0.2.77", route: "")
        office.stage.world.run(for: .seconds(1))
        #expect(office.stage.flow().contains { $0.hasPrefix("proxy>other 407") })
    }

    @Test("Nobody is relayed for a stranger", arguments: [false, true])
    func strangerToElsewhere(isRouted: Bool) throws {
        let office = try Office()
        let alice = try office.stage.alice()
        let victim = try office.stage.peer("victim", at: "192.0.2.70", "sip:victim@192.0.2.70")
        try alice.invites(isRouted ? Place.bob : "sip:victim@192.0.2.70") {
            if isRouted { $0.add(named: "Route", "<sip:\(Place.proxy);lr>, <sip:192.0.2.70;lr>") }
        }
        try alice.expects(403)
        try victim.expectsNothing(for: .seconds(1))
        try office.stage.world.end()
    }

    @Test("A Route of ours without the mark of its dialog proves nothing")
    func forgedRoute() throws {
        let office = try Office()
        let alice = try office.stage.alice()
        let victim = try office.stage.peer("victim", at: "192.0.2.70", "sip:victim@192.0.2.70")
        let to = NameAddress(try URI("sip:victim@192.0.2.70"), parameters: ["tag": "1"])
        try alice.sends(.bye, to: try URI("sip:victim@192.0.2.70")) {
            $0.set(.to, to)
            $0.add(named: "Route", "<sip:\(Place.proxy);lr;d=0000000000000000>")
        }
        try alice.expects(403)
        try victim.expectsNothing(for: .seconds(1))
        try office.stage.world.end()
    }

    @Test("The mark of one dialog does not open another one")
    func borrowedMark() throws {
        let office = try Office()
        let alice = try office.stage.alice()
        let victim = try office.stage.peer("victim", at: "192.0.2.70", "sip:victim@192.0.2.70")
        try alice.invites()
        let mark = try office.bob.expects(.invite).values(named: "Record-Route")
        try office.bob.sends(486)
        try alice.expects(486)
        try alice.sends(.message, to: try URI("sip:victim@192.0.2.70")) {
            for route in mark { $0.add(named: "Route", route) }
        }
        try alice.expects(403)
        try victim.expectsNothing(for: .seconds(1))
        try office.stage.world.end()
    }

    @Test("Within a dialog that was set up through us nobody is challenged again")
    func dialog() throws {
        let office = try Office()
        let alice = try office.stage.alice()
        try alice.invites()
        try office.bob.expects(.invite)
        try office.bob.sends(200)
        try alice.expects(200)
        try alice.sends(.ack)
        try office.bob.expects(.ack)
        try office.bob.sends(.info)
        try alice.expects(.info)
        try alice.sends(200)
        try office.bob.expects(200)
        try alice.sends(.bye)
        try office.bob.expects(.bye)
        try office.bob.sends(200)
        try alice.expects(200)
        try office.stage.world.end()
    }

    @Test("An ACK that no dialog of ours explains is not relayed (§22.1)")
    func strayAck() throws {
        let office = try Office()
        let victim = try office.stage.peer("victim", at: "192.0.2.70", "sip:victim@192.0.2.70")
        let text =
            "ACK sip:victim@192.0.2.70 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKack\r\n"
            + "From: <sip:a@b.example>;tag=1\r\nTo: <sip:victim@192.0.2.70>;tag=2\r\nCall-ID: stray\r\n"
            + "CSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        #expect(try TortureTests.sent(by: "proxy", after: Array(text.utf8), in: office.stage.world).isEmpty)
        try victim.expectsNothing(for: .seconds(1))
    }
}
