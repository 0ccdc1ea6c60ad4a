import AgentCore
import SIPDialogs
import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("Calls that take the place of others (RFC 3891 §3) or are mixed into them (RFC 3911 §4)")
struct ReplacementTests {
    /// Bob, an agent, in a call with Alice, a peer; Carol is another peer.
    struct Scene {
        let world = SimulatedWorld(seed: 1)
        let bob: SimulatedAgent
        let alice: ScriptedPeer
        let carol: ScriptedPeer
        let dialog: DialogID

        init(_ configure: @escaping (inout AgentConfiguration) -> Void = { _ in }) throws {
            self.bob = SimulatedAgent(configure: configure)
            let ip = try #require(IPAddress("192.0.2.201"))
            self.world.addHost("bob", listening: SimulatedListener.standard(ip), running: self.bob)
            self.alice = self.world.peer("alice", at: "192.0.2.101")
            self.carol = self.world.peer("carol", at: "192.0.2.102")
            self.bob.behaviour.rings = false
            self.bob.behaviour.answersAfter = .zero
            try self.alice.sends(.invite, to: try URI("sip:bob@192.0.2.201")) { Self.offer(in: &$0) }
            let answer = try self.alice.expects(200)
            try self.alice.sends(.ack)
            self.world.run(for: .milliseconds(10))
            self.dialog = DialogID(
                try #require(answer.first(.callID)), localTag: answer.first(.to)?.tag ?? "",
                remoteTag: answer.first(.from)?.tag ?? "")
        }

        static func offer(in builder: inout MessageBuilder) {
            builder.setBody(Array("offer".utf8), type: MediaType("application", "sdp"))
        }

        /// Carol invites Bob, with more header lines.
        func invite(_ fields: (String, String)...) throws {
            try self.carol.sends(.invite, to: try URI("sip:bob@192.0.2.201")) {
                Self.offer(in: &$0)
                for field in fields { $0.add(named: field.0, field.1) }
            }
        }

        func replaces(_ suffix: String = "") -> String {
            "\(self.dialog.callID);to-tag=\(self.dialog.localTag);from-tag=\(self.dialog.remoteTag)\(suffix)"
        }
    }

    @Test("The new call is accepted, and the old one ends when the new one stands")
    func confirmed() throws {
        let scene = try Scene()
        scene.bob.behaviour.answersAfter = nil  // Nobody has to pick up.
        try scene.invite(("Replaces", scene.replaces()), ("Require", "replaces"))
        try scene.carol.expects(200)
        #expect(scene.bob.ends.isEmpty)
        #expect(scene.bob.events.contains(.replaces(scene.bob.calls[1], other: scene.bob.calls[0])))
        try scene.carol.sends(.ack)
        try scene.alice.expects(.bye)
        try scene.alice.sends(200)
        #expect(scene.bob.ends == [.replaced(by: scene.bob.calls[1])])
        try scene.carol.sends(.bye)
        try scene.carol.expects(200)
        try scene.world.end()
    }

    @Test("Without an ACK to the new call the old one stays")
    func withoutACK() throws {
        let scene = try Scene()
        try scene.invite(("Replaces", scene.replaces()))
        try scene.carol.expects(200)
        try scene.carol.expects(.bye)
        try scene.carol.sends(200)
        #expect(scene.bob.ends == [.unacknowledged])
        try scene.alice.sends(.bye)
        try scene.alice.expects(200)
        try scene.world.end()
    }

    @Test("A dialog that does not exist is refused with 481")
    func unknown() throws {
        let scene = try Scene()
        try scene.invite(("Replaces", "unknown@x;to-tag=1;from-tag=2"))
        try scene.carol.expects(481)
        // The tags are compared as the recipient sees them.
        let reversed = "\(scene.dialog.callID);to-tag=\(scene.dialog.remoteTag);from-tag=\(scene.dialog.localTag)"
        try scene.invite(("Replaces", reversed))
        try scene.carol.expects(481)
    }

    @Test("A dialog that has just ended is refused with 603, so that nothing rings")
    func ended() throws {
        let scene = try Scene()
        try scene.alice.sends(.bye)
        try scene.alice.expects(200)
        try scene.invite(("Replaces", scene.replaces()))
        try scene.carol.expects(603)
        scene.world.run(for: .seconds(40))
        try scene.invite(("Replaces", scene.replaces()))
        try scene.carol.expects(481)
        try scene.world.end()
    }

    @Test("early-only does not take a call that was answered: 486")
    func earlyOnly() throws {
        let scene = try Scene()
        try scene.invite(("Replaces", scene.replaces(";early-only")))
        try scene.carol.expects(486)
        #expect(scene.bob.ends.isEmpty)
    }

    @Test("An early dialog that the other side began is refused with 481")
    func earlyOfOthers() throws {
        let scene = try Scene()
        scene.bob.behaviour.rings = true
        scene.bob.behaviour.answersAfter = nil
        try scene.alice.sends(.invite, to: try URI("sip:bob@192.0.2.201")) { Scene.offer(in: &$0) }
        let ringing = try scene.alice.expects(180)
        let early = "\(ringing.first(.callID)?.value ?? "");to-tag=\(ringing.first(.to)?.tag ?? "")"
        try scene.invite(("Replaces", "\(early);from-tag=\(ringing.first(.from)?.tag ?? "")"))
        try scene.carol.expects(481)
    }

    @Test("Who may not is refused with 403, and the policy learns who the other side is")
    func unauthorized() throws {
        let scene = try Scene { $0.mayReplace = { _, replaced in replaced.uri.sip?.user != "alice" } }
        try scene.invite(("Replaces", scene.replaces()))
        #expect(try scene.carol.expects(403).reasonPhrase == "Not Yours To Replace")
        #expect(scene.bob.ends.isEmpty)
    }

    @Test("Replaces and Join contradict each other: 400")
    func contradiction() throws {
        let scene = try Scene { $0.features = [.replacement, .joining] }
        try scene.invite(("Replaces", scene.replaces()), ("Join", scene.replaces()))
        #expect(try scene.carol.expects(400).reasonPhrase == "Contradictory Replaces And Join")
    }

    @Test("An agent without the extension refuses what requires it with 420, and takes the call otherwise")
    func unsupported() throws {
        let scene = try Scene { $0.features = [] }
        try scene.invite(("Replaces", scene.replaces()), ("Require", "replaces"))
        #expect(try scene.carol.expects(420).all(.unsupported) == ["replaces"])
        try scene.invite(("Replaces", scene.replaces()))
        try scene.carol.expects(200)
        try scene.carol.sends(.ack)
        try scene.alice.expectsNothing(for: .seconds(1))
    }

    // MARK: Join

    @Test("A call that is to be mixed in rings as any other, and says that we are a focus (RFC 3911 §4)")
    func join() throws {
        let scene = try Scene { $0.features = [.joining] }
        try scene.invite(("Join", scene.replaces()), ("Require", "join"))
        let answer = try scene.carol.expects(200)
        #expect(answer.first(.contact)?.parameters.has("isfocus") == true)
        #expect(scene.bob.events.contains(.joins(scene.bob.calls[1], other: scene.bob.calls[0])))
        try scene.carol.sends(.ack)
        try scene.alice.expectsNothing(for: .seconds(1))
        #expect(scene.bob.ends.isEmpty)
    }

    @Test("Join fails by 488 where nothing is mixed, 481 without dialog, 603 after one", arguments: [488, 481, 603])
    func joinRefused(status: UInt16) throws {
        let scene = try Scene { $0.features = status == 488 ? [] : [.joining] }
        if status == 603 {
            try scene.alice.sends(.bye)
            try scene.alice.expects(200)
        }
        try scene.invite(("Join", status == 481 ? "unknown@x;to-tag=1;from-tag=2" : scene.replaces()))
        try scene.carol.expects(StatusCode(status))
    }
}
