import AgentCore
import SIPMessages
import Synchronization
import Testing

@testable import SignallingTransport

@Suite("The driver of a user agent")
struct AgentHostTests {
    private final class Nobody: AgentUser {
        func carryOut(_ action: AgentAction, _ turn: inout AgentTurn) {}
    }

    /// Where on the stack messages were shown.
    private final class Places: Sendable {
        let seen = Mutex<Set<Int>>([])
    }

    @Test("However many messages were shown, the next one is shown no deeper in the stack")
    func showsManyMessages() throws {
        let host = try AgentHost(listeners: [(.udp, SocketAddress(.loopback, 0))], user: Nobody()) { _ in }
        try host.start()
        defer { host.stop() }
        let places = Places()
        host.observe { _, _, _, _ in
            var here = 0
            let place = withUnsafePointer(to: &here) { Int(bitPattern: $0) }
            places.seen.withLock { _ = $0.insert(place) }
        }
        let flow = Flow(endpoint: 0, transport: .udp, remote: SocketAddress(.loopback, 5_060))
        for _ in 0..<1_000 { host.show([UInt8]().span, .sent, flow) }
        #expect(places.seen.withLock { $0.count } == 1)
    }
}
