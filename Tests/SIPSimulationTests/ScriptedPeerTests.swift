import SIPMessages
import SIPSimulation
import Testing

@Suite("Scripted peers")
struct ScriptedPeerTests {
    @Test("A call is set up and ended as in RFC 3665 §3.1", arguments: [TransportProtocol.udp, .tcp, .tls, .ws])
    func call(over transport: TransportProtocol) throws {
        let world = SimulatedWorld(seed: 1, conditions: .delaying(.milliseconds(10)))
        let alice = world.peer("alice", at: "192.0.2.101", uri: try URI("sip:alice@atlanta.example.com"), transport: transport)
        let bob = world.peer("bob", at: "192.0.2.201", uri: try URI("sip:bob@biloxi.example.com"), transport: transport)
        try alice.sends(.invite, to: bob)
        try bob.expects(.invite)
        try bob.sends(180)
        try alice.expects(180)
        try bob.sends(200)
        try alice.expects(200)
        try alice.sends(.ack)
        try bob.expects(.ack)
        try bob.sends(.bye)
        try alice.expects(.bye)
        try alice.sends(200)
        try bob.expects(200)
        try world.end()
        #expect(
            world.ladder.compact == """
                0 alice>bob INVITE 1 +10
                """)
    }
}
