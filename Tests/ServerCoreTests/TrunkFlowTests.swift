import CallRouting
import SIPMessages
import SIPSimulation
import ServerCore
import ServerSimulation
import Testing

/// A server with a trunk of two gateways, and Alice, who is its user.
struct TrunkStage {
    let stage: Stage
    let server: SimulatedServer
    let alice: ScriptedPeer
    let first: ScriptedPeer
    let second: ScriptedPeer

    init(
        shards: Int = 1, edit: (inout TrunkSettings) -> Void = { _ in },
        server settings: (inout ServerSettings) -> Void = { _ in }
    ) throws {
        self.stage = Stage(shards: shards)
        self.server = self.stage.server("proxy", at: Place.proxy, [Place.domain]) {
            var trunk = TrunkSettings("pstn", targets: ["sip:192.0.2.71", "sip:192.0.2.72"])
            edit(&trunk)
            $0.trunks = [trunk]
            $0.plan = DialPlan([
                DialPlanFlowTests.route("9*", .trunk("pstn"), .edit(strip: 1, prepend: "+"))
            ])
            settings(&$0)
        }
        self.alice = try self.stage.peer("alice", at: "192.0.2.101", "sip:alice@biloxi.example.com")
        self.first = try self.stage.peer("first", at: "192.0.2.71", "sip:gw@192.0.2.71")
        self.second = try self.stage.peer("second", at: "192.0.2.72", "sip:gw@192.0.2.72")
    }

    static let number = "sip:9555@biloxi.example.com"

    var status: TrunkStatus? { self.server.trunkStatus.first }

    /// Lets Alice call, and the gateway answer.
    func connect(by gateway: ScriptedPeer) throws {
        try self.alice.invites(Self.number)
        try gateway.expects(.invite)
        try gateway.sends(200)
        try self.alice.expects(200)
        try self.alice.sends(.ack)
        try gateway.expects(.ack)
    }

    /// Takes the trunk away, so that nothing goes on by itself, and ends.
    func end() throws {
        var settings = self.server.settings
        settings.trunks = []
        self.server.apply(settings)
        try self.stage.world.end()
    }
}

@Suite("Gateways that take each other's place (RFC 3261 §16.7, §21.5.4)")
struct TrunkFailoverTests {
    @Test("The number goes to the first gateway, at its address", arguments: [1, 64])
    func first(shards: Int) throws {
        let trunk = try TrunkStage(shards: shards)
        try trunk.alice.invites(TrunkStage.number)
        let invite = try trunk.first.expects(.invite)
        #expect(invite.requestURI?.description == "sip:+555@192.0.2.71")
        #expect(invite.all(.recordRoute).count == 1)
        try trunk.first.sends(180)
        try trunk.alice.expects(180)
        try trunk.first.sends(200)
        try trunk.alice.expects(200)
        try trunk.alice.sends(.ack)
        try trunk.first.expects(.ack)
        try trunk.alice.sends(.bye)
        try trunk.first.expects(.bye)
        try trunk.first.sends(200)
        try trunk.alice.expects(200)
        try trunk.second.expectsNothing(for: .seconds(1))
        try trunk.end()
    }

    @Test(
        "After a configured answer the next gateway is tried; any other is the answer",
        arguments: [(503, true), (500, true), (599, true), (408, true), (486, false), (404, false), (603, false)]
            as [(UInt16, Bool)])
    func failover(status: UInt16, isTriedOn: Bool) throws {
        let trunk = try TrunkStage()
        try trunk.alice.invites(TrunkStage.number)
        try trunk.first.expects(.invite)
        try trunk.first.sends(StatusCode(status))
        if isTriedOn {
            try trunk.second.expects(.invite)
            try trunk.second.sends(486)
            try trunk.alice.expects(486)
        } else {
            try trunk.alice.expects(StatusCode(status))
            try trunk.second.expectsNothing(for: .seconds(1))
        }
        try trunk.end()
    }

    @Test("When all gateways fail the best answer goes back, a 503 as 500 (§16.7 step 6)")
    func allFail() throws {
        let trunk = try TrunkStage()
        try trunk.alice.invites(TrunkStage.number)
        try trunk.first.expects(.invite)
        try trunk.first.sends(503)
        try trunk.second.expects(.invite)
        try trunk.second.sends(503)
        try trunk.alice.expects(500)
        #expect(trunk.status?.linesInUse == 0)
        try trunk.end()
    }

    @Test("A gateway where nobody listens is passed over at once (§16.9)")
    func unreachable() throws {
        let trunk = try TrunkStage()
        trunk.stage.world.crash("first")
        let start = trunk.stage.world.now
        try trunk.alice.invites(TrunkStage.number)
        try trunk.second.expects(.invite, within: .milliseconds(200))
        try trunk.second.sends(486)
        try trunk.alice.expects(486)
        #expect(trunk.stage.world.now.since(start) < .milliseconds(500))
        try trunk.end()
    }

    @Test("A gateway that gives no sign of life for noAnswer seconds gets a second beside it")
    func silence() throws {
        let trunk = try TrunkStage()
        trunk.stage.world.partition(["first"])
        let start = trunk.stage.world.now
        try trunk.alice.invites(TrunkStage.number)
        try trunk.second.expects(.invite, within: .seconds(5))
        // 10 ms to the server, 4 s of patience, 10 ms to the second gateway.
        #expect(trunk.stage.world.now.since(start) == .milliseconds(4020))
        try trunk.second.sends(200)
        try trunk.alice.expects(200)
        try trunk.alice.sends(.ack)
        try trunk.second.expects(.ack)
        // Silent once, it comes last for the next call.
        try trunk.alice.sends(.bye)
        try trunk.second.expects(.bye)
        try trunk.second.sends(200)
        try trunk.alice.expects(200)
        try trunk.connect(by: trunk.second)
        try trunk.alice.sends(.bye)
        try trunk.second.expects(.bye)
        try trunk.second.sends(200)
        try trunk.alice.expects(200)
        try trunk.end()
    }

    @Test("A late answer of the first gateway is still relayed, and the second cancelled (§16.7 step 10)")
    func lateAnswer() throws {
        let trunk = try TrunkStage()
        try trunk.alice.invites(TrunkStage.number)
        try trunk.first.expects(.invite)
        try trunk.second.expects(.invite, within: .seconds(5))
        try trunk.second.sends(180)
        try trunk.alice.expects(180)
        try trunk.first.sends(200)
        try trunk.alice.expects(200)
        try trunk.second.expects(.cancel)
        try trunk.second.sends(200, to: .cancel)
        try trunk.second.sends(487, to: .invite)
        try trunk.alice.sends(.ack)
        try trunk.first.expects(.ack)
        #expect(trunk.status?.linesInUse == 1)
        try trunk.first.sends(.bye)
        try trunk.alice.expects(.bye)
        try trunk.alice.sends(200)
        try trunk.first.expects(200)
        #expect(trunk.status?.linesInUse == 0)
        try trunk.end()
    }

    @Test("An answer does not wait for a gateway that is silent; should that ring later, it is cancelled (§9.1)")
    func forsaken() throws {
        let trunk = try TrunkStage()
        try trunk.alice.invites(TrunkStage.number)
        try trunk.first.expects(.invite)
        try trunk.second.expects(.invite, within: .seconds(5))
        try trunk.second.sends(486)
        try trunk.alice.expects(486, within: .seconds(1))
        try trunk.first.sends(180)
        try trunk.first.expects(.cancel)
        try trunk.first.sends(200, to: .cancel)
        try trunk.first.sends(487, to: .invite)
        try trunk.end()
    }

    @Test("A gateway that rings late is not given up because the second is busy: with that same call")
    func ringsLate() throws {
        let trunk = try TrunkStage()
        try trunk.alice.invites(TrunkStage.number)
        try trunk.first.expects(.invite)
        try trunk.second.expects(.invite, within: .seconds(5))
        try trunk.first.sends(180)
        try trunk.alice.expects(180)
        try trunk.second.sends(486)
        try trunk.alice.expectsNothing(for: .seconds(5))
        try trunk.first.sends(200)
        try trunk.alice.expects(200)
        try trunk.alice.sends(.ack)
        try trunk.first.expects(.ack)
        try trunk.alice.sends(.bye)
        try trunk.first.expects(.bye)
        try trunk.first.sends(200)
        try trunk.alice.expects(200)
        try trunk.end()
    }

    @Test("A caller who gives up cancels at the gateway that rings; no further one is tried (§16.10)")
    func cancelled() throws {
        let trunk = try TrunkStage()
        try trunk.alice.invites(TrunkStage.number)
        try trunk.first.expects(.invite)
        try trunk.first.sends(180)
        try trunk.alice.expects(180)
        try trunk.alice.sends(.cancel)
        try trunk.first.expects(.cancel)
        try trunk.first.sends(200, to: .cancel)
        try trunk.first.sends(487, to: .invite)
        try trunk.alice.expects(487)
        try trunk.second.expectsNothing(for: .seconds(1))
        #expect(trunk.status?.linesInUse == 0)
        try trunk.end()
    }

    @Test("A gateway is left alone for as long as its 503 asks (§21.5.4)")
    func retryAfter() throws {
        let trunk = try TrunkStage()
        try trunk.alice.invites(TrunkStage.number)
        try trunk.first.expects(.invite)
        try trunk.first.sends(503) { $0.add(named: "Retry-After", "120") }
        try trunk.second.expects(.invite)
        try trunk.second.sends(486)
        try trunk.alice.expects(486)
        #expect(trunk.status?.targets.map(\.isUp) == [false, true])
        // 100 s later it is still left alone.
        trunk.stage.world.run(for: .seconds(100))
        try trunk.alice.invites(TrunkStage.number)
        try trunk.second.expects(.invite)
        // With both closed, nothing is tried at all.
        try trunk.second.sends(503) { $0.add(named: "Retry-After", "15 (busy)") }
        try trunk.alice.expects(500)
        try trunk.alice.invites(TrunkStage.number)
        let refusal = try trunk.alice.expects(503)
        #expect(refusal.reasonPhrase == "No Gateway Of Trunk pstn Is There")
        // Without Retry-After, or the caller would leave this whole server alone.
        #expect(!refusal.has(.retryAfter))
        trunk.stage.world.run(for: .seconds(25))
        try trunk.alice.invites(TrunkStage.number)
        try trunk.first.expects(.invite)
        try trunk.first.sends(486)
        try trunk.alice.expects(486)
        try trunk.end()
    }

    @Test("A gateway with a name is found by the DNS (RFC 3263 §4.1)")
    func named() throws {
        let trunk = try TrunkStage(edit: { $0.targets = [Array("sip:gw.example.net".utf8)] })
        trunk.stage.world.services.dns.add(
            "_sip._udp.gw.example.net", .srv(priority: 1, weight: 0, port: 5060, target: "b.example.net"))
        trunk.stage.world.services.dns.add("b.example.net", .address(try #require(IPAddress("192.0.2.72"))))
        try trunk.alice.invites(TrunkStage.number)
        #expect(try trunk.second.expects(.invite).requestURI?.description == "sip:+555@gw.example.net")
        try trunk.second.sends(486)
        try trunk.alice.expects(486)
        try trunk.end()
    }
}
