import CallRouting
import SIPMessages
import SIPSimulation
import ServerCore
import ServerSimulation
import Testing

@Suite("The service examples of RFC 5359 that need a proxy")
struct ServiceExampleFlowTests {
    /// A server that has its requests decided on by somebody, Alice, and devices of Bob.
    struct Scene {
        let stage = Stage()
        let alice: ScriptedPeer
        let devices: [ScriptedPeer]

        /// - Parameter groups: The devices that are called, those of one group at once, one group after the other.
        init(calling groups: [[String]], each limit: TimeSpan? = .seconds(10)) throws {
            let server = self.stage.server { $0.handledMethods = [Array("INVITE".utf8)] }
            var addresses: [String: String] = [:]
            for (i, name) in groups.joined().enumerated() { addresses[name] = "192.0.2.\(201 + i)" }
            let targets = groups.map {
                $0.map { HandlerDecision.Target.uri(Array("sip:bob@\(addresses[$0] ?? "")".utf8)) }
            }
            server.decide = { _ in .targets(targets, each: limit) }
            self.alice = try self.stage.alice()
            let stage = self.stage
            self.devices = try groups.joined().map { try stage.bob($0, at: addresses[$0] ?? "") }
        }

        /// A device rings.
        func rings(_ device: ScriptedPeer) throws {
            try device.expects(.invite)
            try device.sends(180)
            try self.alice.expects(180)
        }

        /// The time of a device is over.
        func isGivenUp(_ device: ScriptedPeer) throws {
            try device.expects(.cancel, within: .seconds(11))
            try device.sends(200, to: .cancel)
            try device.sends(487, to: .invite)
            try device.expects(.ack)
        }

        /// A device answers, and one of both hangs up.
        func talks(_ device: ScriptedPeer, byeFromDevice: Bool = false) throws {
            try device.sends(200)
            try self.alice.expects(200)
            try self.alice.sends(.ack)
            try device.expects(.ack)
            let (one, other) = byeFromDevice ? (device, self.alice) : (self.alice, device)
            try one.sends(.bye)
            try other.expects(.bye)
            try other.sends(200)
            try one.expects(200, for: .bye)
        }
    }

    /// What a call is in a ladder through the proxy, from its 180 to its 200 to BYE.
    private static func call(_ device: String) -> [String] {
        [
            "\(device)>proxy 180 Ringing INVITE 1", "proxy>alice 180 Ringing INVITE 1",
            "\(device)>proxy 200 OK INVITE 1", "proxy>alice 200 OK INVITE 1", "alice>proxy ACK 1",
            "proxy>\(device) ACK 1", "alice>proxy BYE 2", "proxy>\(device) BYE 2", "\(device)>proxy 200 OK BYE 2",
            "proxy>alice 200 OK BYE 2",
        ]
    }

    /// A device that rings and is given up.
    private static func givenUp(_ device: String) -> [String] {
        [
            "\(device)>proxy 180 Ringing INVITE 1", "proxy>alice 180 Ringing INVITE 1",
            "proxy>\(device) CANCEL 1", "\(device)>proxy 200 OK CANCEL 1",
            "\(device)>proxy 487 Request Terminated INVITE 1", "proxy>\(device) ACK 1",
        ]
    }

    @Test(
        "Call forwarding unconditional: the Request-URI is rewritten by the dial plan (RFC 5359 §2.7, but for the 181)")
    func forwardingUnconditional() throws {
        let number = "sip:+19727293660@192.0.2.70;user=phone"
        let plan = try DialPlanFlowTests.Plan([DialPlanFlowTests.route("bob", .uri(number))])
        let gateway = try plan.stage.peer("gateway", at: "192.0.2.70", "sip:gateway@192.0.2.70")
        let start = plan.stage.flow().count
        try plan.alice.invites()
        let invite = try gateway.expects(.invite)
        #expect(invite.requestURI?.description == number)
        #expect(invite.first(.to)?.uri.description == Place.bob)
        try gateway.sends(180)
        try plan.alice.expects(180)
        try gateway.sends(200)
        try plan.alice.expects(200)
        try plan.alice.sends(.ack)
        try gateway.expects(.ack)
        try plan.alice.sends(.bye)
        try gateway.expects(.bye)
        try gateway.sends(200)
        try plan.alice.expects(200, for: .bye)
        try plan.stage.world.end()
        #expect(
            plan.stage.flow(from: start) == [
                "alice>proxy INVITE 1", "proxy>alice 100 Trying INVITE 1", "proxy>gateway INVITE 1",
            ] + Self.call("gateway"))
    }

    @Test("The last one who is called may ring beyond the time of each: nobody is left to be tried (RFC 3261 §16.6)")
    func lastMayRing() throws {
        let scene = try Scene(calling: [["b1"], ["b2"]], each: .seconds(10))
        let (one, two) = (scene.devices[0], scene.devices[1])
        try scene.alice.invites()
        try scene.rings(one)
        try scene.isGivenUp(one)
        try scene.rings(two)
        try two.expectsNothing(for: .seconds(120))
        try scene.talks(two)
        try scene.stage.world.end()
    }

    @Test(
        "Call forwarding when busy: the 486 is acknowledged, and the other is called (RFC 5359 §2.8, but for the 181)")
    func forwardingBusy() throws {
        let scene = try Scene(calling: [["b1"], ["b2"]])
        let (one, two) = (scene.devices[0], scene.devices[1])
        try scene.alice.invites()
        try one.expects(.invite)
        try one.sends(486)
        try one.expects(.ack)
        try scene.rings(two)
        try scene.talks(two)
        try scene.stage.world.end()
        #expect(
            scene.stage.flow() == [
                "alice>proxy INVITE 1", "proxy>alice 100 Trying INVITE 1", "proxy>b1 INVITE 1",
                "b1>proxy 486 Busy Here INVITE 1", "proxy>b1 ACK 1",
                "proxy>b2 INVITE 1",
            ] + Self.call("b2"))
    }

    @Test("Call forwarding without answer: CANCEL, and the other is called (RFC 5359 §2.9, but for the 181)")
    func forwardingNoAnswer() throws {
        let scene = try Scene(calling: [["b1"], ["b2"]])
        let (one, two) = (scene.devices[0], scene.devices[1])
        try scene.alice.invites()
        try scene.rings(one)
        let began = scene.stage.world.now
        try scene.isGivenUp(one)
        #expect(scene.stage.world.now.since(began) >= .milliseconds(9_900))
        try scene.rings(two)
        try scene.talks(two)
        try scene.stage.world.end()
        #expect(
            scene.stage.flow() == ["alice>proxy INVITE 1", "proxy>alice 100 Trying INVITE 1", "proxy>b1 INVITE 1"]
                + Self.givenUp("b1")
                + ["proxy>b2 INVITE 1"] + Self.call("b2"))
    }

    @Test("Find-me: not answered, not there, busy, and found, who hangs up (RFC 5359 §2.12)")
    func findMe() throws {
        let scene = try Scene(calling: [["b1"], ["b2"], ["b3"], ["b4"]])
        let devices = scene.devices
        try scene.alice.invites()
        try scene.rings(devices[0])
        try scene.isGivenUp(devices[0])
        try devices[1].expects(.invite)
        try devices[1].sends(480)
        try devices[2].expects(.invite)
        try devices[2].sends(486)
        try scene.rings(devices[3])
        try scene.talks(devices[3], byeFromDevice: true)
        try scene.stage.world.end()
        #expect(
            scene.stage.flow() == ["alice>proxy INVITE 1", "proxy>alice 100 Trying INVITE 1", "proxy>b1 INVITE 1"]
                + Self.givenUp("b1") + [
                    "proxy>b2 INVITE 1", "b2>proxy 480 Temporarily Unavailable INVITE 1", "proxy>b2 ACK 1",
                    "proxy>b3 INVITE 1", "b3>proxy 486 Busy Here INVITE 1", "proxy>b3 ACK 1",
                    "proxy>b4 INVITE 1",
                ] + Self.call("b4").prefix(6) + [
                    "b4>proxy BYE 1", "proxy>alice BYE 1", "alice>proxy 200 OK BYE 1", "proxy>b4 200 OK BYE 1",
                ])
    }

    /// Alice, a user of the server, proves who she is where she is asked.
    private static func authenticatedInvite(_ stage: Stage) throws -> ScriptedPeer {
        let account = Account(username: "alice", domain: Place.domain, password: "wonderland")
        let alice = try stage.peer("alice", at: "192.0.2.101", "sip:alice@biloxi.example.com")
        try alice.invites()
        let challenge = try alice.expects(407)
        let answer = try #require(account.answer(challenge, .invite, Place.bob))
        try alice.sends(.invite) { $0.add(named: "Proxy-Authorization", answer) }
        return alice
    }

    private static func requireAlice(_ settings: inout ServerSettings) {
        settings.requires([.bob, Account(username: "alice", domain: Place.domain, password: "wonderland")])
    }

    @Test("Incoming calls are screened: 407, 403, and an announcement says why (RFC 5359 §2.13, from F4 on)")
    func incomingScreening() throws {
        let stage = Stage()
        let server = stage.server {
            Self.requireAlice(&$0)
            $0.handledMethods = [Array("INVITE".utf8)]
        }
        let announcement = "<sip:screen-fail-term-ann@192.0.2.70>"
        server.decide = { question in
            guard case .decide(_, _, let user) = question, user == Array("alice@biloxi.example.com".utf8) else {
                return .relay
            }
            let field = Array("Error-Info: \(announcement)\r\n".utf8)
            return .reply(403, "Screening Failure (Terminating)", fields: field)
        }
        let media = stage.world.peer("media", at: "192.0.2.70")
        let bob = try stage.bob()
        let alice = try Self.authenticatedInvite(stage)
        let refusal = try alice.expects(403)
        #expect(refusal.values(named: "Error-Info") == [announcement])
        stage.world.run(for: .milliseconds(1))
        alice.outboundProxy = nil
        try alice.invites("sip:screen-fail-term-ann@192.0.2.70")
        try media.expects(.invite)
        try media.sends(200)
        try alice.expects(200)
        try alice.sends(.ack)
        try media.expects(.ack)
        try media.sends(.bye)
        try alice.expects(.bye)
        try alice.sends(200)
        try media.expects(200)
        try bob.expectsNothing(for: .seconds(1))
        try stage.world.end()
        #expect(
            stage.flow() == [
                "alice>proxy INVITE 1", "proxy>alice 407 Proxy Authentication Required INVITE 1", "alice>proxy ACK 1",
                "alice>proxy INVITE 2", "proxy>alice 100 Trying INVITE 2",
                "proxy>alice 403 Screening Failure (Terminating) INVITE 2",
                "alice>proxy ACK 2",
                "alice>media INVITE 1", "media>alice 200 OK INVITE 1", "alice>media ACK 1",
                "media>alice BYE 1", "alice>media 200 OK BYE 1",
            ])
    }

    @Test("Outgoing calls are screened by a route for one caller: 407, 403 (RFC 5359 §2.14, but for Error-Info)")
    func outgoingScreening() throws {
        let stage = Stage()
        stage.server {
            Self.requireAlice(&$0)
            $0.plan = DialPlan([
                DialPlanFlowTests.route(
                    "bob", .refuse(403, "Screening Failure (Originating)"), from: [.user("alice")])
            ])
        }
        let alice = try Self.authenticatedInvite(stage)
        try alice.expects(403)
        try stage.world.end()
        #expect(
            stage.flow() == [
                "alice>proxy INVITE 1", "proxy>alice 407 Proxy Authentication Required INVITE 1", "alice>proxy ACK 1",
                "alice>proxy INVITE 2", "proxy>alice 403 Screening Failure (Originating) INVITE 2",
                "alice>proxy ACK 2",
            ])
    }

    @Test("BYE in one of two early dialogs ends that one; the other may answer all the same (RFC 5407 appendix A)")
    func earlyBYE() throws {
        let scene = try Scene(calling: [["bob", "carol"]], each: nil)
        let (bob, carol) = (scene.devices[0], scene.devices[1])
        try scene.alice.invites()
        try bob.expects(.invite)
        try carol.expects(.invite)
        try bob.sends(180)
        try scene.alice.expects(180)
        try scene.alice.sends(.bye)
        try bob.expects(.bye)
        try bob.sends(200, to: .bye)
        try bob.sends(487, to: .invite)
        try scene.alice.expects(200, for: .bye)
        try bob.expects(.ack)
        try scene.talks(carol)
        try scene.stage.world.end()
        #expect(
            scene.stage.flow() == [
                "alice>proxy INVITE 1", "proxy>alice 100 Trying INVITE 1", "proxy>bob INVITE 1", "proxy>carol INVITE 1",
                "bob>proxy 180 Ringing INVITE 1", "proxy>alice 180 Ringing INVITE 1",
                "alice>proxy BYE 2", "proxy>bob BYE 2", "bob>proxy 200 OK BYE 2",
                "bob>proxy 487 Request Terminated INVITE 1", "proxy>alice 200 OK BYE 2", "proxy>bob ACK 1",
                "carol>proxy 200 OK INVITE 1", "proxy>alice 200 OK INVITE 1", "alice>proxy ACK 1",
                "proxy>carol ACK 1", "alice>proxy BYE 3", "proxy>carol BYE 3", "carol>proxy 200 OK BYE 3",
                "proxy>alice 200 OK BYE 3",
            ])
    }
}
