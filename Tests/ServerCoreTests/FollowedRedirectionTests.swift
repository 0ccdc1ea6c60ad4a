import CallRouting
import ProxyCore
import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("Following answers that redirect (RFC 3261 §16.7 step 4)")
struct FollowedRedirectionTests {
    /// A server that follows redirections, Bob who redirects, and others.
    struct Redirected {
        let stage = Stage()
        let alice: ScriptedPeer
        let bob: ScriptedPeer
        let one: ScriptedPeer
        let two: ScriptedPeer

        init(follows: Bool = true) throws {
            self.stage.server("proxy", at: Place.proxy, [Place.domain]) { $0.proxy.followsRedirections = follows }
            self.alice = try self.stage.alice()
            self.bob = try self.stage.bob()
            self.one = try self.stage.peer("one", at: "192.0.2.81", "sip:one@192.0.2.81")
            self.two = try self.stage.peer("two", at: "192.0.2.82", "sip:two@192.0.2.82")
            try self.bob.isRegistered()
        }

        /// Lets Bob answer an INVITE with these contacts.
        func redirect(_ status: StatusCode = 302, _ contacts: String...) throws {
            try self.alice.invites()
            try self.bob.expects(.invite)
            try self.bob.sends(status) { for contact in contacts { $0.add(named: "Contact", contact) } }
        }
    }

    @Test("By default a redirection goes back to the caller as it is")
    func passesOn() throws {
        let call = try Redirected(follows: false)
        try call.redirect(302, "<sip:one@192.0.2.81>")
        #expect(try call.alice.expects(302).contacts == ["<sip:one@192.0.2.81>"])
        try call.stage.world.end()
    }

    @Test(
        "Where it is followed, the contacts are tried in the order of their q, and the 3xx is forgotten",
        arguments: [300, 301, 302])
    func follows(status: Int) throws {
        let call = try Redirected()
        try call.redirect(StatusCode(UInt16(status)), "<sip:one@192.0.2.81>;q=0.2", "<sip:two@192.0.2.82>;q=0.8")
        #expect(try call.two.expects(.invite).requestURI?.description == "sip:two@192.0.2.82")
        try call.one.expectsNothing(for: .milliseconds(200))
        try call.two.sends(486)
        try call.one.expects(.invite)
        try call.one.sends(200)
        try call.alice.expects(200)
        try call.alice.sends(.ack)
        try call.one.expects(.ack)
        try call.stage.world.end()
    }

    @Test("A 305 sends this one request by the proxy it names, to the same target (§21.3.4)")
    func useProxy() throws {
        let call = try Redirected()
        try call.redirect(305, "<sip:192.0.2.81>")
        let invite = try call.one.expects(.invite)
        #expect(invite.requestURI?.sip?.host.name == "192.0.2.201")
        #expect(invite.values(named: "Route") == ["<sip:192.0.2.81;lr>"])
        try call.one.sends(486)
        try call.alice.expects(486)
        try call.stage.world.end()
    }

    @Test("An alternative service is the caller's to choose (§21.3.5)")
    func alternativeService() throws {
        let call = try Redirected()
        try call.redirect(380, "<sip:one@192.0.2.81>")
        try call.alice.expects(380)
        try call.stage.world.end()
    }

    @Test(
        "A contact of another scheme cannot be followed: the caller gets it",
        arguments: ["<mailto:bob@example.com>", "<tel:+1>"])
    func otherSchemes(contact: String) throws {
        let call = try Redirected()
        try call.redirect(302, contact)
        #expect(try call.alice.expects(302).contacts == [contact])
        try call.stage.world.end()
    }

    @Test("A circle of redirections ends: each target is tried once (§16.5)")
    func circle() throws {
        let call = try Redirected()
        try call.redirect(302, "<sip:one@192.0.2.81>")
        try call.one.expects(.invite)
        try call.one.sends(302) { $0.add(named: "Contact", "<sip:bob@192.0.2.201:5060>") }
        // Where nothing new is in it, the answer is passed on.
        try call.alice.expects(302)
        try call.stage.world.end()
    }

    @Test("A line of redirections without end is followed five times")
    func endless() throws {
        let call = try Redirected()
        try call.redirect(302, "<sip:1@192.0.2.81>")
        for number in 2...5 {
            try call.one.expects(.invite)
            try call.one.sends(302) { $0.add(named: "Contact", "<sip:\(number)@192.0.2.81>") }
        }
        try call.one.expects(.invite)
        try call.one.sends(302) { $0.add(named: "Contact", "<sip:6@192.0.2.81>") }
        #expect(try call.alice.expects(302).contacts == ["<sip:6@192.0.2.81>"])
        try call.stage.world.end()
    }

    @Test("A contact that is a user of ours leads to the devices of that user, not out by the dial plan")
    func ourUser() throws {
        let call = try Redirected()
        let carol = try call.stage.peer("carol", at: "192.0.2.60", "sip:carol@biloxi.example.com")
        try carol.isRegistered()
        try call.redirect(302, "<sip:carol@biloxi.example.com>")
        try carol.expects(.invite)
        try carol.sends(200)
        try call.alice.expects(200)
        try call.alice.sends(.ack)
        try carol.expects(.ack)
        try call.alice.invites("sip:carol@biloxi.example.com")
        try carol.expects(.invite)
        try carol.sends(302) { $0.add(named: "Contact", "<sip:nobody@biloxi.example.com>") }
        #expect(try call.alice.expects(480).reasonPhrase == "Redirected To Nobody")
        try call.stage.world.end()
    }

    @Test("A caller who gives up while a redirection is followed is told 487 (§16.10)")
    func cancelled() throws {
        let call = try Redirected()
        try call.redirect(302, "<sip:one@192.0.2.81>")
        try call.one.expects(.invite)
        try call.one.sends(180)
        try call.alice.expects(180)
        try call.alice.sends(.cancel)
        try call.one.expects(.cancel)
        try call.one.sends(200, to: .cancel)
        try call.one.sends(487, to: .invite)
        try call.alice.expects(487)
        try call.stage.world.end()
    }
}
