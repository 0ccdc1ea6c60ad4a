import AgentCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("The dialog states, and what comes in each (RFC 5407 §2, appendices B to D)")
struct DialogStateTests {
    typealias Scene = RaceTests.Scene

    /// The states of a callee's dialog.
    enum State: Sendable { case early, moratorium, established, mortal, morgue }

    /// Bob in a state, whose other side is Alice.
    private static func scene(in state: State) throws -> Scene {
        let scene = try Scene()
        if state == .early {
            scene.bob.behaviour.rings = true
            scene.bob.behaviour.answersAfter = nil
            try scene.invite()
            try scene.alice.expects(180)
            return scene
        }
        try scene.invite()
        try scene.alice.expects(200)
        if state == .moratorium { return scene }
        try scene.alice.sends(.ack)
        scene.world.run(for: .milliseconds(1))
        if state == .established { return scene }
        let call = try scene.call
        scene.bobDoes { $0.hangUp(call, at: $1, into: &$2) }
        try scene.alice.expects(.bye)
        if state == .morgue {
            try scene.alice.sends(200)
            scene.world.run(for: .milliseconds(1))
        }
        return scene
    }

    @Test(
        "A callee answers what comes within the dialog as its state asks for (§2)",
        arguments: [
            (.early, .bye, 200), (.early, .invite, 500), (.early, .update, 500), (.early, .options, 200),
            (.moratorium, .bye, 200), (.moratorium, .invite, 200), (.moratorium, .update, 200),
            (.established, .bye, 200), (.established, .invite, 200), (.established, .update, 200),
            (.mortal, .bye, 200), (.mortal, .invite, 481), (.mortal, .update, 481), (.mortal, .refer, 481),
            (.mortal, .info, 481), (.mortal, .message, 481), (.mortal, .options, 481),
            (.morgue, .bye, 481), (.morgue, .invite, 481), (.morgue, .update, 481), (.morgue, .refer, 481),
        ] as [(State, Method, StatusCode)])
    func states(state: State, method: Method, status: StatusCode) throws {
        let scene = try Self.scene(in: state)
        try scene.alice.sends(method) { builder in
            if method == .invite || method == .update { Scene.offer(2, in: &builder) }
            if method == .refer { builder.add(named: "Refer-To", "<sip:carol@192.0.2.202>") }
        }
        try scene.alice.expects(status, for: method)
        if state == .early, method == .bye { try scene.alice.expects(487, for: .invite) }
        if method == .bye, state == .moratorium || state == .established {
            #expect(scene.bob.ends == [.remoteHungUp])
        }
    }

    @Test(
        "A caller answers what comes within the dialog as its state asks for (§2)",
        arguments: [
            (.early, .update, 491), (.early, .options, 200),
            (.established, .bye, 200), (.established, .invite, 200), (.established, .update, 200),
            (.mortal, .bye, 200), (.mortal, .invite, 481), (.mortal, .update, 481), (.mortal, .refer, 481),
            (.mortal, .info, 481), (.mortal, .options, 481),
            (.morgue, .bye, 481), (.morgue, .invite, 481),
        ] as [(State, Method, StatusCode)])
    func callerStates(state: State, method: Method, status: StatusCode) throws {
        let (world, alice, bob) = try Stage.calling()
        try bob.expects(.invite)
        try bob.sends(180)
        world.run(for: .milliseconds(1))
        if state != .early {
            try bob.sends(200) { Scene.offer(1, in: &$0) }
            try bob.expects(.ack)
        }
        if state == .mortal || state == .morgue {
            let call = try #require(alice.calls.first)
            world.perform(as: "alice") { _, outbox in alice.hangUp(call, at: world.now, into: &outbox) }
            try bob.expects(.bye)
            if state == .morgue { try bob.sends(200, to: .bye) }
            world.run(for: .milliseconds(1))
        }
        try bob.sends(method) { builder in
            if method == .invite || method == .update { Scene.offer(2, in: &builder) }
            if method == .refer { builder.add(named: "Refer-To", "<sip:carol@192.0.2.202>") }
        }
        try bob.expects(status, for: method)
        if state == .established, method == .bye { #expect(alice.ends == [.remoteHungUp]) }
    }

    @Test(
        "A callee that refuses has no dialog: what is sent in it gets 481 (§2, Preparative to Morgue)",
        arguments: [302, 486, 603] as [StatusCode])
    func refusal(status: StatusCode) throws {
        let scene = try Scene()
        scene.bob.behaviour.rejects = status
        try scene.invite()
        try scene.alice.expects(status)
        try scene.alice.sends(.bye)
        try scene.alice.expects(481, for: .bye)
        try scene.world.end()
    }

    @Test("A re-INVITE is lost and BYE overtakes it: the INVITE that is sent again gets 481 (appendix B)")
    func byeOvertakesReinvite() throws {
        let stage = try Stage(conditions: .delaying(.milliseconds(50)))
        stage.bob.behaviour.rings = false
        stage.bob.behaviour.answersAfter = .zero
        let call = try stage.call()
        stage.world.run(for: .seconds(1))
        stage.world.setConditions(.losing(1), from: "alice", to: "bob")
        stage.perform("alice") { $0.modify(call, at: $1, into: &$2) }
        stage.world.run(for: .milliseconds(10))
        stage.world.setConditions(.delaying(.milliseconds(50)), from: "alice", to: "bob")
        stage.perform("alice") { $0.hangUp(call, at: $1, into: &$2) }
        try stage.world.end()
        #expect(
            stage.flow.dropFirst(3) == [
                "alice>bob INVITE 2", "alice>bob BYE 3", "bob>alice 200 OK BYE 3", "alice>bob INVITE 2",
                "bob>alice 481 Call/Transaction Does Not Exist INVITE 2", "alice>bob ACK 2",
            ])
        #expect(stage.alice.ends == [.hungUp] && stage.bob.ends == [.remoteHungUp])
        #expect(stage.bob.invitations.count == 1)
    }

    @Test("CANCEL in the Confirmed state is answered and changes nothing: the call stands until BYE (appendix C)")
    func cancelInConfirmedState() throws {
        let stage = try Stage(conditions: .delaying(.milliseconds(50)))
        stage.bob.behaviour.answersAfter = .seconds(2)
        let call = try stage.call()
        // The 200 leaves at 2050 ms; the CANCEL comes at 2130, its BYE at 2150.
        stage.world.run(until: MonotonicInstant.start.advanced(by: .milliseconds(2080)))
        stage.perform("alice") { $0.hangUp(call, at: $1, into: &$2) }
        stage.world.run(until: MonotonicInstant.start.advanced(by: .milliseconds(2140)))
        #expect(stage.flow.last == "bob>alice 200 OK CANCEL 1")
        #expect(stage.bob.ends.isEmpty && stage.bob.establishedCount == 1)
        try stage.world.end()
        #expect(stage.bob.ends == [.remoteHungUp])
    }

    @Test("A BYE that is challenged is sent again with credentials, while all else gets 481 (appendix D)")
    func challengedBYE() throws {
        let world = SimulatedWorld(seed: 1)
        let bob = SimulatedAgent(configure: {
            $0.credentials = { _ in [("Authorization", "Digest username=\"bob\"")] }
        })
        bob.behaviour.rings = false
        bob.behaviour.answersAfter = .zero
        let ip = try #require(IPAddress("192.0.2.201"))
        world.addHost("bob", listening: SimulatedListener.standard(ip), running: bob)
        let alice = world.peer("alice", at: "192.0.2.101")
        try alice.sends(.invite, to: try URI("sip:bob@192.0.2.201")) { Scene.offer(1, in: &$0) }
        try alice.expects(200)
        try alice.sends(.ack)
        world.run(for: .milliseconds(1))
        let call = try #require(bob.calls.first)
        world.perform(as: "bob") { _, outbox in bob.hangUp(call, at: world.now, into: &outbox) }
        let first = try alice.expects(.bye)
        try alice.sends(.update)
        try alice.expects(481, for: .update)
        try alice.sends(401, to: .bye) { $0.add(named: "WWW-Authenticate", "Digest realm=\"x\", nonce=\"1\"") }
        let second = try alice.expects(.bye)
        #expect(second.has(.authorization) && !first.has(.authorization))
        #expect(second.first(.cseq)?.number == (first.first(.cseq)?.number ?? 0) + 1)
        try alice.sends(.invite) { Scene.offer(2, in: &$0) }
        try alice.expects(481, for: .invite)
        try alice.sends(200, to: .bye)
        try world.end()
        #expect(bob.ends == [.hungUp])
    }

    @Test("A 2xx that comes again when the BYE is over is acknowledged again (appendix D)")
    func successAfterBYE() throws {
        let (world, alice, bob) = try Stage.calling()
        try bob.expects(.invite)
        world.setConditions(.losing(1), from: "alice", to: "bob")
        try bob.sends(200) { $0.setBody(Array("bob 1".utf8), type: MediaType("application", "sdp")) }
        world.run(for: .milliseconds(100))
        world.setConditions(.perfect, from: "alice", to: "bob")
        let call = try #require(alice.calls.first)
        world.perform(as: "alice") { _, outbox in alice.hangUp(call, at: world.now, into: &outbox) }
        try bob.expects(.bye)
        try bob.sends(200, to: .bye)
        try bob.expects(.ack)
        #expect(world.now == MonotonicInstant.start.advanced(by: .milliseconds(500)))
        try world.end()
        #expect(alice.ends == [.hungUp])
        #expect(
            world.ladder.lines.map(\.label) == [
                "INVITE 1", "200 OK INVITE 1", "ACK 1", "BYE 2", "200 OK BYE 2", "200 OK INVITE 1", "ACK 1",
            ])
    }
}
