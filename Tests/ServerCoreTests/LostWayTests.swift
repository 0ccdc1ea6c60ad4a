import SIPMessages
import SIPSimulation
import Testing

@Suite("Targets that fail at once, and responses that have lost their way back (RFC 3261 §16.6, §16.7)")
struct LostWayTests {
    /// A Path to an address that no end point of the server reaches: it has none for IPv6.
    private static let nowhere = "<sip:[2001:db8::1];lr>"

    private static func register(_ bob: ScriptedPeer, _ contacts: [String], path: String) throws {
        try bob.registers(contacts) { request in
            request.add(named: "Path", path)
            request.add(named: "Supported", "path")
        }
        try bob.expects(200)
    }

    @Test("Targets that cannot be reached at all do not keep the others of their group from being tried")
    func othersAreTried() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        // In the order in which they are tried: two that fail at once, and then the one that rings.
        try Self.register(bob, ["<sip:bob@192.0.2.202>", "<sip:bob@192.0.2.203>"], path: Self.nowhere)
        try bob.isRegistered(["<sip:bob@192.0.2.201>"])
        try alice.invites()
        try bob.expects(.invite)
        try alice.expectsNothing(for: .milliseconds(100))
        try bob.sends(200)
        try alice.expects(200)
        try alice.sends(.ack)
        try bob.expects(.ack)
        try stage.world.end()
    }

    @Test("When no target can be reached at all there is one answer, and nothing is left")
    func noneIsReached() throws {
        let stage = Stage()
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try Self.register(bob, ["<sip:bob@192.0.2.202>", "<sip:bob@192.0.2.203>"], path: Self.nowhere)
        let known = stage.flow().count
        try alice.invites()
        try alice.expects(500)
        try stage.world.end()
        let finals = stage.flow(from: known).filter { $0.hasPrefix("proxy>alice") && !$0.contains(" 100 ") }
        #expect(finals.count == 1)
    }

    /// Alice's INVITE has come to Bob, who answers it with the Via of the server alone.
    private static func answer(
        _ status: StatusCode, in stage: Stage
    ) throws -> (alice: ScriptedPeer, bob: ScriptedPeer, invite: SIPMessage) {
        stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.invites()
        let invite = try bob.expects(.invite)
        let top = try #require(invite.first(.via))
        try bob.sends(status) { response in
            response.remove(.via)
            response.add(.via, top)
        }
        return (alice, bob, invite)
    }

    @Test(
        "A response that lost the Vias below ours goes back with those of the request (§16.7 step 9)",
        arguments: [180, 200, 486] as [StatusCode])
    func viasAreRestored(status: StatusCode) throws {
        let stage = Stage()
        let (alice, bob, invite) = try Self.answer(status, in: stage)
        let response = try alice.expects(status)
        #expect(response.all(.via).map(\.branch) == invite.all(.via).dropFirst().map(\.branch))
        if status.isSuccess {
            try alice.sends(.ack)
            try bob.expects(.ack)
        } else if !status.isFinal {
            try bob.sends(486)
            try alice.expects(486)
        }
        try stage.world.end()
    }

    @Test("A 2xx that comes again without the Vias below ours is dropped: what they were is not known any more")
    func cannotBeRestored() throws {
        let stage = Stage()
        let (alice, bob, _) = try Self.answer(200, in: stage)
        try alice.expects(200)
        // Bob sends it again after T1, and again nothing but our Via is in it.
        let known = stage.flow().count
        stage.world.run(for: .milliseconds(600))
        let again = stage.flow(from: known)
        #expect(again == ["bob>proxy 200 OK INVITE 1"])
        try alice.sends(.ack)
        try bob.expects(.ack)
        try stage.world.end()
    }
}
