import SIPMessages
import SignallingTransport

extension AgentHost {
    /// Shows each message that comes and goes.
    func watch(_ body: @escaping @Sendable (TracedMessage) -> Void) {
        self.observe { octets, direction, flow, wall in
            body(
                TracedMessage(
                    isSent: direction == .sent, transport: flow.transport.description, peer: flow.remote.description,
                    time: wall, text: octets.string(0..<octets.count)))
        }
    }
}
