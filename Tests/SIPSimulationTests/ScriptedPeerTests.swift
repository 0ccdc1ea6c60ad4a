import Foundation
import SIPMessages
import SIPSimulation
import Testing

@Suite("Scripted peers")
struct ScriptedPeerTests {
    static func call(_ world: SimulatedWorld, over transport: TransportProtocol = .udp) throws {
        let alice = world.peer("alice", at: "192.0.2.101", transport: transport)
        let bob = world.peer("bob", at: "192.0.2.201", transport: transport)

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
    }

    @Test("The example of the documentation: a call as in RFC 3665 §3.1")
    func example() throws {
        let world = SimulatedWorld(seed: 7, conditions: .delaying(.milliseconds(10)))
        try Self.call(world)
        #expect(
            world.ladder.compact == """
                0 alice>bob INVITE 1 +10
                10 bob>alice 180 Ringing INVITE 1 +10
                20 bob>alice 200 OK INVITE 1 +10
                30 alice>bob ACK 1 +10
                40 bob>alice BYE 1 +10
                50 alice>bob 200 OK BYE 1 +10
                """)
    }

    @Test("The example of the documentation is the one that is compiled and run here")
    func exampleIsCompiled() throws {
        let tests = URL(fileURLWithPath: #filePath)
        let article = tests.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Sources/SIPSimulation/SIPSimulation.docc/SIPSimulation.md")
        let text = try String(contentsOf: article, encoding: .utf8)
        let example = try #require(text.components(separatedBy: "```swift\n").dropFirst().first)
        let compiled = Set(try String(contentsOf: tests, encoding: .utf8).split(separator: "\n").map(Self.trimmed))
        let lines = example.components(separatedBy: "```")[0].split(separator: "\n").map(Self.trimmed)
        #expect(lines.count >= 14)
        #expect(lines.filter { !compiled.contains($0) }.isEmpty)
    }

    private static func trimmed(_ line: Substring) -> String {
        line.trimmingCharacters(in: .whitespaces).replacingOccurrences(of: ", transport: transport", with: "")
    }

    @Test("The same script passes over streams", arguments: [TransportProtocol.tcp, .tls, .ws])
    func streams(transport: TransportProtocol) throws {
        let world = SimulatedWorld(seed: 7, conditions: .delaying(.milliseconds(10)))
        try Self.call(world, over: transport)
        // Each side opens a connection for its requests: three times the delay until the first message is there.
        #expect(
            world.ladder.compact == """
                0 alice>bob INVITE 1 +30
                30 bob>alice 180 Ringing INVITE 1 +10
                40 bob>alice 200 OK INVITE 1 +10
                50 alice>bob ACK 1 +10
                60 bob>alice BYE 1 +30
                90 alice>bob 200 OK BYE 1 +10
                """)
    }

    @Test("The same script passes over a network that loses a tenth", arguments: 0..<300)
    func losses(seed: UInt64) throws {
        // 180 is not sent again by itself (RFC 3261 §13.3.1.1), so it is not in this script.
        let world = SimulatedWorld(seed: seed, conditions: .losing(0.1))
        let alice = world.peer("alice", at: "192.0.2.101")
        let bob = world.peer("bob", at: "192.0.2.201")
        try alice.sends(.invite, to: bob)
        try bob.expects(.invite)
        try bob.sends(200)
        try alice.expects(200)
        try alice.sends(.ack)
        try bob.expects(.ack)
        try alice.sends(.bye)
        try bob.expects(.bye)
        try bob.sends(200)
        try alice.expects(200)
        try world.end()
    }

    @Test("A busy callee as in RFC 3665 §3.9, whose failure the transaction layer acknowledges")
    func busy() throws {
        let world = SimulatedWorld(seed: 1)
        let alice = world.peer("alice", at: "192.0.2.101", uri: try URI("sip:alice@atlanta.example.com"))
        let bob = world.peer("bob", at: "192.0.2.201", uri: try URI("sip:bob@biloxi.example.com"))
        try alice.sends(.invite, to: try URI("sip:bob@biloxi.example.com"))
        try bob.expects(.invite)
        try bob.sends(486)
        try alice.expects(486)
        try bob.expects(.ack)
        try world.end()
    }

    @Test("An unanswered call that is cancelled as in RFC 3665 §3.8")
    func cancelled() throws {
        let world = SimulatedWorld(seed: 1)
        let alice = world.peer("alice", at: "192.0.2.101")
        let bob = world.peer("bob", at: "192.0.2.201")
        try alice.sends(.invite, to: bob)
        try bob.expects(.invite)
        try bob.sends(180)
        try alice.expects(180)
        try alice.sends(.cancel)
        try bob.expects(.cancel)
        try bob.sends(200, to: .cancel)
        try alice.expects(200, for: .cancel)
        try bob.sends(487, to: .invite)
        try alice.expects(487)
        try bob.expects(.ack)
        try world.end()
    }

    @Test("A silent callee: the caller's INVITE goes out seven times and times out (timers A and B)")
    func silence() throws {
        let world = SimulatedWorld(seed: 1, conditions: .losing(1))
        let alice = world.peer("alice", at: "192.0.2.101")
        let bob = world.peer("bob", at: "192.0.2.201")
        try alice.sends(.invite, to: bob)
        try alice.expectsTimeout()
        try world.end()
        #expect(
            world.ladder.compact.split(separator: "\n").map { String($0) } == [
                "0 alice>bob INVITE 1 lost", "500 alice>bob INVITE 1 lost", "1500 alice>bob INVITE 1 lost",
                "3500 alice>bob INVITE 1 lost", "7500 alice>bob INVITE 1 lost", "15500 alice>bob INVITE 1 lost",
                "31500 alice>bob INVITE 1 lost",
            ])
        #expect(world.now == MonotonicInstant.start.advanced(by: .seconds(32)))
    }

    @Test("A 2xx whose ACK never comes is repeated at 0.5, 1.5, 3.5, 7.5, 11.5 … s for 64*T1 (RFC 3261 §13.3.1.4)")
    func successIsRepeated() throws {
        let world = SimulatedWorld(seed: 1)
        let alice = world.peer("alice", at: "192.0.2.101")
        let bob = world.peer("bob", at: "192.0.2.201")
        try alice.sends(.invite, to: bob)
        try bob.expects(.invite)
        try bob.sends(200)
        try alice.expects(200)
        try bob.expectsTimeout()
        try world.end()
        let times = world.ladder.lines.filter { $0.label == "200 OK INVITE 1" }.map { $0.time.nanoseconds / 1_000_000 }
        #expect(times == [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
    }

    @Test("What was not expected fails with reason, seed and ladder")
    func failure() throws {
        let world = SimulatedWorld(seed: 42, conditions: .delaying(.milliseconds(10)))
        let alice = world.peer("alice", at: "192.0.2.101")
        let bob = world.peer("bob", at: "192.0.2.201")
        try alice.sends(.options, to: bob)
        let failure = #expect(throws: SimulationFailure.self) { try bob.expects(.bye) }
        #expect(failure?.reason == "bob expected BYE, but got OPTIONS")
        #expect(failure?.seed == 42)
        #expect(
            failure?.description == """
                bob expected BYE, but got OPTIONS
                seed 42
                        ms  alice           bob
                         0  |--OPTIONS 1--->|  +10

                """)
        let silence = #expect(throws: SimulationFailure.self) { try alice.expects(200) }
        #expect(silence?.reason == "alice expected 200, but nothing came")
    }

    @Test("A message that no line expects, and a request that no line answers, are left over at the end")
    func leftOver() throws {
        let world = SimulatedWorld(seed: 1)
        let alice = world.peer("alice", at: "192.0.2.101")
        let bob = world.peer("bob", at: "192.0.2.201")
        try alice.sends(.options, to: bob)
        let failure = #expect(throws: SimulationFailure.self) { try world.end() }
        #expect(world.violations.map(\.rule) == [.leftOver])
        #expect(failure?.reason.contains("1 unexpected messages") == true)
        #expect(failure?.reason.contains("1 server transactions") == true)
    }
}
