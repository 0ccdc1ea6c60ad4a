import CallRouting
import SIPMessages
import SIPSimulation
import ServerCore
import Testing

@Suite("Calls by the dial plan (RFC 3261 §16.5)")
struct DialPlanFlowTests {
    static let carol = Account(username: "carol", domain: Place.domain, password: "parrot")

    static func route(
        _ pattern: String, _ to: Route.Destination, from: [Route.CallerPattern] = [],
        _ rewriting: NumberRewriting = .none
    ) -> Route {
        Route([RoutePattern(pattern)].compactMap { $0 }, to: to, from: from, rewriting: rewriting)
    }

    /// A server with these routes that asks nobody for a password; Bob's device has registered, and Alice is a user too.
    struct Plan {
        let stage = Stage()
        let bob: ScriptedPeer
        let alice: ScriptedPeer

        init(_ routes: [Route], edit: (inout ServerSettings) -> Void = { _ in }) throws {
            self.stage.server("proxy", at: Place.proxy, [Place.domain]) {
                $0.plan = DialPlan(routes)
                edit(&$0)
            }
            self.bob = try self.stage.bob()
            self.alice = try self.stage.peer("alice", at: "192.0.2.101", "sip:alice@biloxi.example.com")
            try self.bob.isRegistered()
        }
    }

    @Test("A number leads to a user, before the users are asked", arguments: ["bob", "bob@biloxi.example.com"])
    func user(name: String) throws {
        let plan = try Plan([DialPlanFlowTests.route("2??", .user(name))])
        try plan.alice.invites("sip:200@biloxi.example.com")
        let invite = try plan.bob.expects(.invite)
        // §16.6 step 2: the Request-URI is the contact that Bob has registered.
        #expect(invite.requestURI?.sip?.host.name == "192.0.2.201")
        try plan.bob.sends(486)
        try plan.alice.expects(486)
        try plan.stage.world.end()
    }

    @Test("A number leads to another server, rewritten and with another host")
    func elsewhere() throws {
        let plan = try Plan([
            DialPlanFlowTests.route("00*", .host("192.0.2.70"), .edit(strip: 2, prepend: "+")),
            DialPlanFlowTests.route("7*", .uri("sip:x$1@192.0.2.70;transport=tcp")),
        ])
        let gateway = try plan.stage.peer("gateway", at: "192.0.2.70", "sip:gateway@192.0.2.70")
        try plan.alice.invites("sip:004930@biloxi.example.com")
        #expect(try gateway.expects(.invite).requestURI?.description == "sip:+4930@192.0.2.70")
        try gateway.sends(486)
        try plan.alice.expects(486)
        try plan.alice.invites("sip:7abc@biloxi.example.com")
        #expect(try gateway.expects(.invite).requestURI?.description == "sip:xabc@192.0.2.70;transport=tcp")
        try gateway.sends(486)
        try plan.alice.expects(486)
        try plan.stage.world.end()
    }

    @Test("A telephone number is routed like one that was dialled (RFC 3966), and has no other way")
    func telephone() throws {
        let plan = try Plan([DialPlanFlowTests.route("+49*", .host("192.0.2.70"))])
        let gateway = try plan.stage.peer("gateway", at: "192.0.2.70", "sip:gateway@192.0.2.70")
        try plan.alice.sends(.invite, to: try URI("tel:+49-30-123"))
        #expect(try gateway.expects(.invite).requestURI?.description == "sip:+4930123@192.0.2.70")
        try gateway.sends(486)
        try plan.alice.expects(486)
        try plan.alice.sends(.invite, to: try URI("tel:+1-555"))
        #expect(try plan.alice.expects(404).reasonPhrase == "No Route For This Number")
        try plan.stage.world.end()
    }

    @Test("A route refuses with its status and reason, and is stateful about it (§17.2.1)")
    func refusal() throws {
        let plan = try Plan([DialPlanFlowTests.route("0900*", .refuse(603, "No Premium Numbers"))])
        try plan.alice.invites("sip:0900123@biloxi.example.com")
        #expect(try plan.alice.expects(603).reasonPhrase == "No Premium Numbers")
        try plan.stage.world.end()
        #expect(
            plan.stage.flow(from: 2) == [
                "alice>proxy INVITE 1", "proxy>alice 603 No Premium Numbers INVITE 1", "alice>proxy ACK 1",
            ])
    }

    @Test("A service that does not run is not found; one that runs is called where it listens")
    func services() throws {
        let plan = try Plan([
            DialPlanFlowTests.route("98", .service("voicemail")), DialPlanFlowTests.route("97", .service("queue")),
        ]) { $0.services = ["queue": Array("sip:queue@192.0.2.70".utf8)] }
        try plan.alice.invites("sip:98@biloxi.example.com")
        #expect(try plan.alice.expects(404).reasonPhrase == "No Service voicemail Here")
        let queue = try plan.stage.peer("queue", at: "192.0.2.70", "sip:queue@192.0.2.70")
        try plan.alice.invites("sip:97@biloxi.example.com")
        try queue.expects(.invite)
        try queue.sends(486)
        try plan.alice.expects(486)
        try plan.stage.world.end()
    }

    @Test("A route to the echo service reaches it, whatever the number is")
    func echo() throws {
        let plan = try Plan([DialPlanFlowTests.route("\\*43", .service("echo"))])
        try plan.alice.invites("sip:*43@biloxi.example.com") {
            $0.setBody(Array("alice".utf8), type: MediaType("application", "sdp"))
        }
        let success = try plan.alice.expects(200)
        #expect(String(decoding: success.body, as: UTF8.self) == "echo of alice")
        try plan.alice.sends(.ack)
        try plan.alice.sends(.bye)
        try plan.alice.expects(200)
        try plan.stage.world.end()
    }

    @Test("Without the echo service a route to it finds none")
    func noEcho() throws {
        let plan = try Plan([DialPlanFlowTests.route("\\*43", .service("echo"))]) { $0.echoUser = [] }
        try plan.alice.invites("sip:*43@biloxi.example.com")
        #expect(try plan.alice.expects(404).reasonPhrase == "No Service echo Here")
        try plan.stage.world.end()
    }

    @Test("Requests within a dialog go where the dialog leads, whatever the plan says (§16.6 step 6)")
    func dialogs() throws {
        let plan = try Plan([
            DialPlanFlowTests.route("2??", .user("bob")), DialPlanFlowTests.route("*", .refuse(404, "Not By Plan")),
        ])
        try plan.alice.invites("sip:200@biloxi.example.com")
        try plan.bob.expects(.invite)
        try plan.bob.sends(200)
        try plan.alice.expects(200)
        try plan.alice.sends(.ack)
        try plan.bob.expects(.ack)
        try plan.bob.sends(.bye)
        try plan.alice.expects(.bye)
        try plan.alice.sends(200)
        try plan.bob.expects(200)
        try plan.stage.world.end()
    }

    @Test("A user at an address of ours is one of the first domain")
    func address() throws {
        let plan = try Plan([DialPlanFlowTests.route("999", .refuse(404, "Nobody"))])
        try plan.alice.invites("sip:bob@192.0.2.222")
        try plan.bob.expects(.invite)
        try plan.bob.sends(486)
        try plan.alice.expects(486)
        try plan.stage.world.end()
    }

    @Test("Who has not proved to be a user is not let out by a route (§22, toll fraud)")
    func strangers() throws {
        let stage = Stage()
        stage.server("proxy", at: Place.proxy, [Place.domain]) {
            $0.requires([.bob, DialPlanFlowTests.carol])
            $0.trusted = [AddressBlock("192.0.2.80")].compactMap { $0 }
            $0.plan = DialPlan([
                DialPlanFlowTests.route("9*", .trunk("pstn")), DialPlanFlowTests.route("8*", .host("192.0.2.70")),
            ])
            var trunk = TrunkSettings("pstn", targets: ["sip:192.0.2.70"])
            trunk.allow = [AddressBlock("192.0.2.80")].compactMap { $0 }
            $0.trunks = [trunk]
        }
        let gateway = try stage.peer("gateway", at: "192.0.2.70", "sip:gateway@192.0.2.70")
        let alice = try stage.alice()
        try alice.invites("sip:9123@biloxi.example.com")
        #expect(try alice.expects(403).reasonPhrase == "Trunks Are For Users Of This Server")
        try alice.invites("sip:8123@biloxi.example.com")
        #expect(try alice.expects(403).reasonPhrase == "Relaying Is For Users Of This Server")
        // Nor one gateway to another.
        let neighbour = try stage.peer("neighbour", at: "192.0.2.80", "sip:neighbour@192.0.2.80")
        try neighbour.invites("sip:9123@biloxi.example.com")
        try neighbour.expects(403)
        // A user is asked who he is, and then let out.
        let carol = try stage.peer("carol", at: "192.0.2.60", "sip:carol@biloxi.example.com")
        try carol.invites("sip:8123@biloxi.example.com")
        let challenge = try carol.expects(407)
        let answer = try #require(Self.carol.answer(challenge, .invite, "sip:8123@biloxi.example.com"))
        try carol.sends(.invite) { $0.add(named: "Proxy-Authorization", answer) }
        try gateway.expects(.invite)
        try gateway.sends(486)
        try carol.expects(486)
        try gateway.expectsNothing(for: .seconds(1))
        try stage.world.end()
    }
}

@Suite("Redirecting (RFC 3261 §8.3, §21.3)")
struct RedirectingFlowTests {
    @Test("Each redirecting status goes out with its contacts, q and expires", arguments: Redirection.statuses)
    func statuses(status: UInt16) throws {
        let redirection = Redirection(
            status, [.init("sip:a@192.0.2.1", q: QValue("0.7"), expires: 60), .init("mailto:bob@example.com")])
        let plan = try DialPlanFlowTests.Plan([DialPlanFlowTests.route("3*", .redirect(redirection))])
        try plan.alice.invites("sip:31@biloxi.example.com")
        let response = try plan.alice.expects(StatusCode(status))
        #expect(response.contacts == ["<sip:a@192.0.2.1>;q=0.7;expires=60", "<mailto:bob@example.com>"])
        #expect(response.reasonPhrase == StatusCode(status).reasonPhrase)
        try plan.stage.world.end()
    }

    @Test("A user's own redirection comes before the devices, which do not ring")
    func byUser() throws {
        let plan = try DialPlanFlowTests.Plan([]) {
            $0.redirections = [
                Array("bob@biloxi.example.com".utf8): Redirection(301, [.init("sip:bob@new.example")])
            ]
        }
        try plan.alice.invites()
        #expect(try plan.alice.expects(301).contacts == ["<sip:bob@new.example>"])
        try plan.alice.sends(.message, to: try URI(Place.bob))
        try plan.alice.expects(301)
        try plan.bob.expectsNothing(for: .seconds(1))
        try plan.stage.world.end()
    }

    @Test("A redirection without contacts names the devices, with q and what is left of their time (§8.3)")
    func bindings() throws {
        let plan = try DialPlanFlowTests.Plan([]) {
            $0.redirections = [Array("bob@biloxi.example.com".utf8): Redirection(302, [])]
        }
        let second = try plan.stage.bob("second", at: "192.0.2.202")
        try second.isRegistered(["<sip:bob@192.0.2.202>;q=0.5;expires=600"])
        plan.stage.world.run(for: .seconds(100))
        try plan.alice.invites()
        let contacts = try plan.alice.expects(302).contacts
        #expect(contacts.count == 2)
        #expect(contacts.last == "<sip:bob@192.0.2.202>;q=0.5;expires=499" || contacts.last?.hasSuffix("=500") == true)
        try plan.stage.world.end()
    }
}

@Suite("Which requests are for this server (RFC 3261 §16.4, §16.5)")
struct OwnershipTests {
    @Test(
        "At a port that is not ours, a domain of ours is another server",
        arguments: [
            ("sip:bob@biloxi.example.com:5070", false), ("sip:bob@biloxi.example.com:5060", true),
            ("sip:bob@biloxi.example.com:5080", true), ("sip:bob@biloxi.example.com", true),
        ])
    func ports(uri: String, isOurs: Bool) throws {
        let stage = Stage()
        stage.server("proxy", at: Place.proxy, [Place.domain]) { $0.ports = [5080] }
        let bob = try stage.bob()
        let alice = try stage.alice()
        try bob.isRegistered()
        // The DNS knows the domain only by its address: that of a host which listens at 5060.
        stage.world.services.dns.remove(Place.domain)
        stage.world.services.dns.add(Place.domain, .address(try #require(IPAddress("192.0.2.70"))))
        let other = stage.world.peer("other", at: "192.0.2.70")
        _ = other
        try alice.invites(uri)
        if isOurs {
            try bob.expects(.invite)
            try bob.sends(486)
            try alice.expects(486)
        } else {
            // It went to port 5070 of that host, where nobody is: §16.9, and §16.7 step 6 makes 500 of it.
            try alice.expects(500)
            try bob.expectsNothing(for: .seconds(1))
        }
        try stage.world.end()
    }
}
