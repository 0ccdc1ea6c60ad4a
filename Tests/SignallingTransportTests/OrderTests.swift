import SIPMessages
import Testing

@testable import SignallingTransport

@Suite("Messages leave in the order that the shards decided")
struct OrderTests {
    /// A peer over UDP or TCP.
    private func peer(_ server: TestServer, _ transport: TransportProtocol) throws -> Peer {
        transport == .udp
            ? try Peer(udpTo: server.address(.udp)) : try Peer(connectingTo: server.address(.tcp))
    }

    @Test(
        "While four threads work, every caller hears 100, 180 and 486 of every call in this order",
        arguments: [TransportProtocol.udp, .tcp], [TransportProtocol.udp, .tcp])
    func keepsOrder(callers: TransportProtocol, callees: TransportProtocol) throws {
        let server = try TestServer([.udp, .tcp], threads: 4)
        // Each over its own connection or port, so that different threads receive the two sides of a call.
        let pairs = try (0..<8).map { number in
            let (callee, caller) = (try self.peer(server, callees), try self.peer(server, callers))
            try callee.send(
                Text.register(
                    "u\(number)", contact: "sip:u\(number)@\(callee.local);transport=\(callees)", from: callee.local,
                    over: callees))
            #expect(Text.startLine(try callee.inbox.message()) == "SIP/2.0 200 OK")
            return (caller: caller, callee: callee)
        }
        for round in 0..<20 {
            for (number, pair) in pairs.enumerated() {
                try pair.caller.send(
                    Text.request(
                        "INVITE", to: "u\(number)", from: pair.caller.local, over: callers, call: "c\(number)r\(round)")
                )
            }
            for pair in pairs {
                let invite = try pair.callee.inbox.messages(until: "INVITE ").last ?? ""
                let answers = [
                    Text.response("180 Ringing", to: invite), Text.response("486 Busy Here", to: invite),
                ]
                // Over TCP in one piece, so that the server reads both at once.
                for text in callees == .tcp ? [answers.joined()] : answers { try pair.callee.send(text) }
            }
            for (number, pair) in pairs.enumerated() {
                let heard = try pair.caller.inbox.messages(until: "SIP/2.0 486")
                #expect(
                    heard.map(Text.startLine) == [
                        "SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 486 Busy Here",
                    ])
                let last = heard.last ?? ""
                try pair.caller.send(self.ack(last, "u\(number)", pair.caller, callers, "c\(number)r\(round)"))
            }
        }
    }

    private func ack(
        _ response: String, _ user: String, _ caller: Peer, _ transport: TransportProtocol, _ call: String
    ) -> String {
        Text.request(
            "ACK", to: user, from: caller.local, over: transport, call: call, branch: "z9hG4bK\(call)1INVITE")
    }
}
