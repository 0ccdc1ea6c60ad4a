import CallRouting
import SIPMessages
import SIPSimulation
import ServerCore
import ServerSimulation
import Testing

@Suite("Lines of a trunk")
struct TrunkLineTests {
    @Test("With all lines in use a call is refused, with the reason of the telephone network (RFC 3326, Q.850)")
    func full() throws {
        let trunk = try TrunkStage(edit: { $0.lines = 1 })
        try trunk.connect(by: trunk.first)
        try trunk.alice.invites(TrunkStage.number)
        let refusal = try trunk.alice.expects(503)
        #expect(refusal.reasonPhrase == "All Lines Of Trunk pstn Are In Use")
        #expect(refusal.values(named: "Reason") == ["Q.850;cause=34;text=\"No circuit available\""])
        // What makes no call takes no line.
        try trunk.alice.sends(.message, to: try URI(TrunkStage.number))
        try trunk.first.expects(.message)
        try trunk.first.sends(200)
        try trunk.alice.expects(200)
        #expect(trunk.status?.linesInUse == 1)
        try trunk.end()
    }

    @Test("A BYE from either side frees the line", arguments: [true, false])
    func bye(isFromCaller: Bool) throws {
        let trunk = try TrunkStage(edit: { $0.lines = 1 })
        try trunk.connect(by: trunk.first)
        #expect(trunk.status?.linesInUse == 1)
        let (one, other) = isFromCaller ? (trunk.alice, trunk.first) : (trunk.first, trunk.alice)
        try one.sends(.bye)
        try other.expects(.bye)
        try other.sends(200)
        try one.expects(200)
        #expect(trunk.status?.linesInUse == 0)
        try trunk.connect(by: trunk.first)
        try trunk.end()
    }

    @Test("A call that fails frees its line", arguments: [486, 503, 603] as [UInt16])
    func failure(status: UInt16) throws {
        let trunk = try TrunkStage(edit: { $0.lines = 1 })
        try trunk.alice.invites(TrunkStage.number)
        try trunk.first.expects(.invite)
        #expect(trunk.status?.linesInUse == 1)
        try trunk.first.sends(StatusCode(status))
        if status == 503 {
            try trunk.second.expects(.invite)
            try trunk.second.sends(486)
        }
        try trunk.alice.expects(status == 503 ? 486 : StatusCode(status))
        #expect(trunk.status?.linesInUse == 0)
        try trunk.end()
    }

    @Test("A line whose gateways never answer is free when the last has timed out (§16.9)")
    func timeout() throws {
        let trunk = try TrunkStage(edit: { $0.lines = 1 })
        trunk.stage.world.partition(["first", "second"])
        try trunk.alice.invites(TrunkStage.number)
        try trunk.alice.expects(408, within: .seconds(60))
        #expect(trunk.status?.linesInUse == 0)
        try trunk.end()
    }

    @Test("A call whose end is never seen gives its line back in the end")
    func safetyNet() throws {
        let trunk = try TrunkStage(edit: { $0.longestCall = .seconds(600) })
        try trunk.connect(by: trunk.first)
        trunk.stage.world.run(for: .seconds(599))
        #expect(trunk.status?.linesInUse == 1)
        trunk.stage.world.run(for: .seconds(2))
        #expect(trunk.status?.linesInUse == 0)
        try trunk.end()
    }

    @Test("With a session timer the line is free when that has run out, and kept when it is refreshed (RFC 4028 §7.2)")
    func sessionTimer() throws {
        let trunk = try TrunkStage()
        try trunk.alice.invites(TrunkStage.number)
        try trunk.first.expects(.invite)
        try trunk.first.sends(200) { $0.add(named: "Session-Expires", "90;refresher=uac") }
        try trunk.alice.expects(200)
        try trunk.alice.sends(.ack)
        try trunk.first.expects(.ack)
        trunk.stage.world.run(for: .seconds(80))
        try trunk.alice.sends(.update)
        try trunk.first.expects(.update)
        try trunk.first.sends(200) { $0.add(named: "Session-Expires", "90;refresher=uac") }
        try trunk.alice.expects(200)
        trunk.stage.world.run(for: .seconds(120))
        #expect(trunk.status?.linesInUse == 1)
        trunk.stage.world.run(for: .seconds(4))
        #expect(trunk.status?.linesInUse == 0)
        try trunk.end()
    }

    @Test("A dialog that the other side does not know any more frees its line (RFC 5057 §5.1)")
    func lostDialog() throws {
        let trunk = try TrunkStage()
        try trunk.connect(by: trunk.first)
        try trunk.alice.sends(.info)
        try trunk.first.expects(.info)
        try trunk.first.sends(481)
        try trunk.alice.expects(481)
        #expect(trunk.status?.linesInUse == 0)
        try trunk.end()
    }

    @Test("Lines are counted over all shards, and come back whatever the network loses", arguments: 0..<8)
    func manyCalls(seed: Int) throws {
        let stage = Stage(seed: UInt64(seed), .poor, shards: 8)
        let server = stage.server("proxy", at: Place.proxy, [Place.domain]) {
            var trunk = TrunkSettings("pstn", targets: ["sip:192.0.2.71"])
            trunk.lines = 3
            $0.trunks = [trunk]
            $0.plan = DialPlan([DialPlanFlowTests.route("9*", .trunk("pstn"))])
        }
        let alice = try stage.peer("alice", at: "192.0.2.101", "sip:alice@biloxi.example.com")
        let gateway = try stage.peer("gateway", at: "192.0.2.71", "sip:gw@192.0.2.71")
        stage.world.always { server.trunkStatus.contains { $0.linesInUse > 3 } ? "more calls than lines" : nil }
        for _ in 0..<6 {
            try alice.invites("sip:91@biloxi.example.com")
            try gateway.expects(.invite)
            try gateway.sends(486)
            try alice.expects(486)
        }
        try stage.world.end()
        #expect(server.trunkStatus.map(\.linesInUse) == [0])
    }
}
