import SIPMessages
import SIPSimulation
import ServerCore
import ServerSimulation
import Testing

@Suite("A server that is stopped (RFC 3261 §21.5.4)")
struct StoppingTests {
    private let stage = Stage()
    private let server: SimulatedServer
    private let alice: ScriptedPeer

    init() throws {
        self.server = self.stage.server()
        self.alice = try self.stage.alice()
    }

    private func end(givesUp: Bool) {
        self.stage.world.perform(as: "proxy") { _, outbox in
            self.server.end(givesUp: givesUp, at: self.stage.world.now, into: &outbox)
        }
    }

    @Test("It ends the calls of its own with BYE, and refuses new ones")
    func ownCalls() throws {
        try self.alice.invites("sip:echo@biloxi.example.com") {
            $0.setBody(Array("alice".utf8), type: MediaType("application", "sdp"))
        }
        try self.alice.expects(200)
        try self.alice.sends(.ack)
        self.stage.world.run(for: .seconds(1))
        self.end(givesUp: false)
        try self.alice.expects(.bye)
        try self.alice.sends(200)
        try self.alice.invites()
        #expect(try self.alice.expects(503).values(named: "Retry-After") == ["5"])
        try self.stage.world.end()
    }

    @Test("What rings goes on until its time is over; then the caller is told, and the callee's phone falls silent")
    func ringing() throws {
        let bob = try self.stage.bob()
        try bob.isRegistered()
        try self.alice.invites()
        try bob.expects(.invite)
        try bob.sends(180)
        try self.alice.expects(180)
        self.end(givesUp: false)
        try bob.expectsNothing(for: .seconds(1))
        self.end(givesUp: true)
        #expect(try self.alice.expects(503).values(named: "Retry-After") == ["5"])
        try bob.expects(.cancel)
        try bob.sends(200, to: .cancel)
        try bob.sends(487, to: .invite)
        try self.stage.world.end()
    }
}
