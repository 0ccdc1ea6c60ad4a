import SIPMessages
import Testing

@testable import SignallingTransport

@Suite("SIP over WebSocket (RFC 7118)")
struct WebSocketTests {
    private func connected(_ server: TestServer, origin: String? = nil) throws -> Peer {
        let peer = try Peer(connectingTo: server.address(.ws), isWebSocket: true)
        try peer.send(WebSocketText.handshake(origin: origin))
        #expect(Text.startLine(try peer.inbox.message()) == "HTTP/1.1 101 Switching Protocols")
        return peer
    }

    private func options(_ peer: Peer, _ call: String) -> String {
        Text.request("OPTIONS", to: "", uri: "sip:sip.test", from: peer.local, over: .ws, call: call)
    }

    @Test("The handshake agrees on the subprotocol sip (§4.1), with the accept value of RFC 6455 §1.3")
    func shakesHands() throws {
        let server = try TestServer([.ws])
        let peer = try Peer(connectingTo: server.address(.ws), isWebSocket: true)
        try peer.send(WebSocketText.handshake(subprotocol: "chat, sip"))
        let answer = try peer.inbox.message().lowercased()
        #expect(answer.hasPrefix("http/1.1 101 "))
        #expect(answer.contains("sec-websocket-protocol: sip\r\n"))
        #expect(answer.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"))
    }

    @Test("Without the subprotocol sip there is no connection (§4.1)", arguments: [nil, "chat"] as [String?])
    func refusesOtherSubprotocols(subprotocol: String?) throws {
        let server = try TestServer([.ws])
        let peer = try Peer(connectingTo: server.address(.ws), isWebSocket: true)
        try peer.send(WebSocketText.handshake(subprotocol: subprotocol))
        #expect(Text.startLine(try peer.inbox.message()).hasPrefix("HTTP/1.1 403 "))
        #expect(try peer.inbox.next() == .closed)
    }

    @Test(
        "A browser must come from a page that is allowed; who names no page may come (RFC 6455 §10.2)",
        arguments: [
            ("https://phone.example", true), ("https://phone.example:444", false), ("https://evil.example", false),
            ("http://sip.test:8080", true), ("https://SIP.test", true), ("https://sip.test.evil.example", false),
            ("http://users.example", true), ("null", false), ("", false), (nil, true),
        ] as [(String?, Bool)])
    func checksOrigins(origin: String?, isAllowed: Bool) throws {
        var settings = StreamSettings()
        settings.webSocketOrigins.listed = ["https://phone.example"]
        settings.webSocketOrigins.hosts = ["users.example"]
        let server = try TestServer([.ws], streams: settings)
        let peer = try Peer(connectingTo: server.address(.ws), isWebSocket: true)
        try peer.send(WebSocketText.handshake(origin: origin))
        let status = isAllowed ? "HTTP/1.1 101 " : "HTTP/1.1 403 "
        #expect(Text.startLine(try peer.inbox.message()).hasPrefix(status))
    }

    @Test("A plain HTTP request is told to upgrade (RFC 9110 §15.5.22)")
    func refusesPlainRequests() throws {
        let server = try TestServer([.ws])
        let peer = try Peer(connectingTo: server.address(.ws), isWebSocket: true)
        try peer.send("GET / HTTP/1.1\r\nHost: sip.test\r\n\r\n")
        #expect(Text.startLine(try peer.inbox.message()).hasPrefix("HTTP/1.1 426 "))
        #expect(try peer.inbox.next() == .closed)
    }

    @Test("Text and binary messages, whole or in fragments, are SIP messages (§4.2, §5)")
    func runsMessages() throws {
        let server = try TestServer([.ws])
        let peer = try self.connected(server)
        try peer.send(octets: WebSocketText.text(self.options(peer, "o1")))
        try peer.send(octets: WebSocketText.frame(2, Array(self.options(peer, "o2").utf8)))
        let octets = Array(self.options(peer, "o3").utf8)
        try peer.send(octets: WebSocketText.frame(1, Array(octets[..<50]), isFinal: false))
        try peer.send(octets: WebSocketText.frame(0, Array(octets[50...])))
        // §5: Content-Length is not necessary.
        try peer.send(
            octets: WebSocketText.text(self.options(peer, "o4").replacing("Content-Length: 0\r\n", with: "")))
        for number in 1...4 {
            let answer = try peer.inbox.message()
            #expect(Text.startLine(answer) == "SIP/2.0 200 OK")
            #expect(Text.field("Call-ID", of: answer) == "o\(number)")
        }
    }

    @Test("A request reaches a user behind a WebSocket by its connection (RFC 5626 §5.3)")
    func relaysToWebSocket() throws {
        let server = try TestServer([.udp, .ws])
        let callee = try self.connected(server)
        try callee.send(
            octets: WebSocketText.text(
                Text.register("bob", contact: "sip:x@df7jal23ls0d.invalid;transport=ws", from: callee.local, over: .ws))
        )
        #expect(Text.startLine(try callee.inbox.message()) == "SIP/2.0 200 OK")
        let caller = try Peer(udpTo: server.address(.udp))
        try caller.send(Text.request("MESSAGE", to: "bob", from: caller.local, over: .udp, call: "m1"))
        let message = try callee.inbox.message()
        #expect(Text.startLine(message) == "MESSAGE sip:x@df7jal23ls0d.invalid;transport=ws SIP/2.0")
        try callee.send(octets: WebSocketText.text(Text.response("200 OK", to: message)))
        #expect(Text.startLine(try caller.inbox.message()) == "SIP/2.0 200 OK")
    }

    @Test("Ping is answered by pong with its payload, a double CRLF by one, close by close (RFC 6455 §5.5, §6)")
    func answersControlFrames() throws {
        let server = try TestServer([.ws])
        let peer = try self.connected(server)
        try peer.send(octets: WebSocketText.frame(9, [1, 2, 3]))
        #expect(try peer.inbox.next() == .frame(opcode: 0x8A, [1, 2, 3]))
        try peer.send(octets: WebSocketText.text("\r\n\r\n"))
        #expect(try peer.inbox.next() == .frame(opcode: 0x81, [0x0D, 0x0A]))
        try peer.send(octets: WebSocketText.frame(8, [0x03, 0xE8]))
        #expect(try peer.inbox.next() == .frame(opcode: 0x88, [0x03, 0xE8]))
        #expect(try peer.inbox.next() == .closed)
    }

    @Test("A frame without a mask is a protocol error (RFC 6455 §5.1)")
    func wantsMasks() throws {
        let server = try TestServer([.ws])
        let peer = try self.connected(server)
        try peer.send(octets: [0x81, 0x05] + Array("Hello".utf8))
        #expect(try peer.inbox.next() == .frame(opcode: 0x88, [0x03, 0xEA]))  // 1002
        #expect(try peer.inbox.next() == .closed)
    }

    @Test("A frame beyond the limit ends the connection")
    func boundsFrames() throws {
        var settings = StreamSettings()
        (settings.messages.headerOctets, settings.messages.bodyOctets) = (500, 500)
        let server = try TestServer([.ws], streams: settings)
        let peer = try self.connected(server)
        try peer.send(octets: WebSocketText.frame(1, [UInt8](repeating: 0x41, count: 1001)))
        var events: [Seen] = []
        repeat { events.append(try peer.inbox.next()) } while events.last != .closed
        #expect(events.count <= 2)
    }
}
