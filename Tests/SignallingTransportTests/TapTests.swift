import ProxyCore
import SIPMessages
import ServerCore
import Testing

@testable import SignallingTransport

@Suite("The tap and the counts of messages")
struct TapTests {
    private func options(_ peer: Peer, over transport: TransportProtocol, call: String) -> String {
        Text.request("OPTIONS", to: "", uri: "sip:sip.test", from: peer.local, over: transport, call: call)
    }

    @Test(
        "What comes in and goes out is offered, with its way and time, as it is before TLS",
        arguments: [TransportProtocol.udp, .tcp, .tls])
    func offers(transport: TransportProtocol) throws {
        let certificate = try Certificate()
        var streams = StreamSettings()
        if transport.isSecure { streams.tls = certificate.settings }
        let server = try TestServer([transport], streams: streams)
        server.server.tap.isOn = true
        let address = server.address(transport)
        let peer =
            switch transport {
            case .udp: try Peer(udpTo: address)
            case .tls: try Peer(connectingTo: address, tls: try certificate.clientContext())
            default: try Peer(connectingTo: address)
            }
        let request = self.options(peer, over: transport, call: "tapped")
        try peer.send(request)
        let answer = try peer.inbox.message()
        // The answer is tapped before it leaves.
        let messages = server.server.tap.messages()
        #expect(messages.map(\.direction) == [.received, .sent])
        #expect(messages.map(\.serial) == [0, 1])
        #expect(messages.first.map { String(decoding: $0.octets, as: UTF8.self) } == request)
        #expect(messages.last.map { String(decoding: $0.octets, as: UTF8.self) } == answer)
        #expect(messages.allSatisfy { $0.flow.remote == peer.local && $0.flow.transport == transport })
        #expect(messages.allSatisfy { abs($0.wall - SystemClock.wall()) < 60_000 })
        if transport != .udp { #expect(messages.allSatisfy { $0.flow.connection != 0 }) }
        let statistics = server.server.statistics
        #expect(statistics.requestsReceived.first { $0.method == "OPTIONS" }?.count == 1)
        #expect(statistics.responsesSent.first { $0.statusClass == 2 }?.count == 1)
        #expect(statistics.messagesReceived.first { $0.transport == transport }?.count == 1)
    }

    @Test("Off, it takes nothing, and turning it off drops what it has")
    func isOff() throws {
        let server = try TestServer([.udp])
        let peer = try Peer(udpTo: server.address(.udp))
        try peer.send(self.options(peer, over: .udp, call: "one"))
        _ = try peer.inbox.message()
        #expect(server.server.tap.messages().isEmpty)
        server.server.tap.isOn = true
        try peer.send(self.options(peer, over: .udp, call: "two"))
        _ = try peer.inbox.message()
        #expect(server.server.tap.messages().count == 2)
        server.server.tap.isOn = false
        #expect(server.server.tap.messages().isEmpty)
    }

    @Test("It keeps the latest messages up to its limits, and the serials show what is gone")
    func isBounded() {
        let tap = MessageTap(messages: 3, octets: 10)
        let flow = Flow(endpoint: 0, transport: .udp, remote: SocketAddress(.loopback, 1))
        for number in 0..<5 as Range<UInt8> { tap.offer([number].span, .received, flow, wall: Int64(number)) }
        #expect(tap.messages().map(\.serial) == [2, 3, 4])
        #expect(tap.messages(from: 3, limit: 1).map(\.octets) == [[3]])
        tap.offer([UInt8](repeating: 9, count: 8).span, .sent, flow, wall: 5)
        #expect(tap.messages().map(\.serial) == [3, 4, 5])
        tap.offer([UInt8](repeating: 9, count: 11).span, .sent, flow, wall: 6)
        tap.offer([UInt8](repeating: 9, count: 10).span, .sent, flow, wall: 7)
        #expect(tap.messages().map(\.serial) == [6])
    }

    @Test("What is no SIP is counted as dropped, and connections by transport")
    func counts() throws {
        let server = try TestServer([.udp, .tcp])
        let peer = try Peer(udpTo: server.address(.udp))
        try peer.send("no such thing as SIP\r\n\r\n")
        try peer.send(self.options(peer, over: .udp, call: "after"))
        _ = try peer.inbox.message()
        let stream = try Peer(connectingTo: server.address(.tcp))
        try stream.send(self.options(stream, over: .tcp, call: "stream"))
        _ = try stream.inbox.message()
        let statistics = server.server.statistics
        #expect(statistics.dropped == 1)
        #expect(statistics.connections.first { $0.transport == .tcp }?.count == 1)
        #expect(statistics.connections.first { $0.transport == .tls }?.count == 0)
    }
}
