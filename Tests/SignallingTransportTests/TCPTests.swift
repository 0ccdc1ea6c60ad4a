import SIPMessages
import Testing

@testable import SignallingTransport

@Suite("SIP over TCP")
struct TCPTests {
    /// Registers a user whose contact is the peer's own end of its connection.
    private func register(_ user: String, _ peer: Peer) throws {
        try peer.send(
            Text.register(user, contact: "sip:\(user)@\(peer.local);transport=tcp", from: peer.local, over: .tcp))
        #expect(Text.startLine(try peer.inbox.message()) == "SIP/2.0 200 OK")
    }

    @Test("A request goes to a registered user over the connection that the REGISTER came over (RFC 5626 §5.3)")
    func relaysBetweenConnections() throws {
        let server = try TestServer([.tcp])
        let callee = try Peer(connectingTo: server.address(.tcp))
        let caller = try Peer(connectingTo: server.address(.tcp))
        try self.register("bob", callee)
        try caller.send(Text.request("INVITE", to: "bob", from: caller.local, over: .tcp, call: "c1"))
        #expect(Text.startLine(try caller.inbox.message()) == "SIP/2.0 100 Trying")
        let invite = try callee.inbox.message()
        #expect(Text.startLine(invite) == "INVITE sip:bob@\(callee.local);transport=tcp SIP/2.0")
        try callee.send(Text.response("486 Busy Here", to: invite))
        #expect(Text.startLine(try callee.inbox.message()).hasPrefix("ACK "))
        #expect(Text.startLine(try caller.inbox.message()) == "SIP/2.0 486 Busy Here")
    }

    @Test("A message to the address of a connection that is there goes over it (RFC 3261 §18.1.1)")
    func reusesByAddress() throws {
        let server = try TestServer([.tcp])
        let callee = try Peer(connectingTo: server.address(.tcp))
        let caller = try Peer(connectingTo: server.address(.tcp))
        try callee.send("\r\n\r\n")
        #expect(try callee.inbox.next() == .pong)
        // As in a dialog: the Request-URI is the callee's contact.
        try caller.send(
            Text.request(
                "BYE", to: "bob", uri: "sip:bob@\(callee.local);transport=tcp", from: caller.local, over: .tcp,
                call: "c2"))
        #expect(Text.startLine(try callee.inbox.message()).hasPrefix("BYE "))
        #expect(server.server.streams.table.connectionCount == 2)
    }

    @Test("However a stream is cut, the messages are the same (RFC 3261 §18.3)", arguments: [1, 7, 100_000])
    func framesStreams(octets: Int) throws {
        let server = try TestServer([.tcp])
        let peer = try Peer(connectingTo: server.address(.tcp))
        let text = (1...3).map {
            Text.request(
                "OPTIONS", to: "", uri: "sip:sip.test", from: peer.local, over: .tcp, call: "o\($0)", body: "body\($0)")
        }
        var rest = text.joined()[...]
        while !rest.isEmpty {
            try peer.send(String(rest.prefix(octets)))
            rest = rest.dropFirst(octets)
        }
        for number in 1...3 {
            let response = try peer.inbox.message()
            #expect(Text.startLine(response) == "SIP/2.0 200 OK")
            #expect(Text.field("Call-ID", of: response) == "o\(number)")
        }
    }

    @Test("Requests that come one right after the other are all answered, also once the event loop lets them gather")
    func answersWhileGathering() throws {
        let server = try TestServer([.tcp])
        let peers = try (0..<2).map { _ in try Peer(connectingTo: server.address(.tcp)) }
        for number in 1...50 {
            for (i, peer) in peers.enumerated() {
                try peer.send(
                    Text.request(
                        "OPTIONS", to: "", uri: "sip:sip.test", from: peer.local, over: .tcp, call: "g\(number)p\(i)"))
            }
            for peer in peers { #expect(Text.startLine(try peer.inbox.message()) == "SIP/2.0 200 OK") }
        }
    }

    @Test("A double CRLF is answered by a single one (RFC 5626 §3.5.1)")
    func answersPings() throws {
        let server = try TestServer([.tcp])
        let peer = try Peer(connectingTo: server.address(.tcp))
        try peer.send("\r\n\r\n")
        #expect(try peer.inbox.next() == .pong)
        try peer.send("\r\n\r")
        try peer.send("\n\r\n\r\n")
        #expect(try peer.inbox.next() == .pong)
        #expect(try peer.inbox.next() == .pong)
    }

    @Test("Without a connection one is opened to the contact, and used again (RFC 3261 §18.1.1)")
    func opensConnections() throws {
        let server = try TestServer([.udp, .tcp])
        let callee = try ListeningPeer()
        let caller = try Peer(udpTo: server.address(.udp))
        try caller.send(
            Text.register("bob", contact: "sip:bob@\(callee.local);transport=tcp", from: caller.local, over: .udp))
        #expect(Text.startLine(try caller.inbox.message()) == "SIP/2.0 200 OK")
        for number in 1...2 {
            try caller.send(
                Text.request("MESSAGE", to: "bob", from: caller.local, over: .udp, call: "m\(number)"))
            let message = try callee.inbox.message()
            #expect(message.contains("Via: SIP/2.0/TCP \(server.address(.tcp));"))
            try callee.send(Text.response("200 OK", to: message))
            #expect(Text.startLine(try caller.inbox.message()) == "SIP/2.0 200 OK")
        }
        #expect(callee.connectionCount == 1)
    }

    @Test("A connection that is refused counts as 503 at once, which the caller hears as 500 (RFC 3261 §16.7, §16.9)")
    func reportsRefusedConnections() throws {
        let server = try TestServer([.udp, .tcp])
        let gone = try ListeningPeer()
        gone.close()
        let caller = try Peer(udpTo: server.address(.udp))
        try caller.send(
            Text.register("bob", contact: "sip:bob@\(gone.local);transport=tcp", from: caller.local, over: .udp))
        #expect(Text.startLine(try caller.inbox.message()) == "SIP/2.0 200 OK")
        try caller.send(Text.request("MESSAGE", to: "bob", from: caller.local, over: .udp, call: "m1"))
        #expect(Text.startLine(try caller.inbox.message()).hasPrefix("SIP/2.0 5"))
    }

    @Test("A user whose connection is lost is not there until the next REGISTER: 480 at once (RFC 5626 §5.3)")
    func reportsLostConnections() throws {
        let server = try TestServer([.tcp])
        let callee = try Peer(connectingTo: server.address(.tcp))
        let caller = try Peer(connectingTo: server.address(.tcp))
        try self.register("bob", callee)
        callee.close()
        try server.waitForConnections(1)
        try caller.send(Text.request("INVITE", to: "bob", from: caller.local, over: .tcp, call: "c3"))
        let heard = try caller.inbox.messages(until: "SIP/2.0 4").map(Text.startLine)
        #expect(heard == ["SIP/2.0 100 Trying", "SIP/2.0 480 Flow Failed"])
    }

    @Test("A user who listens where his contact says is connected to when his connection is gone (RFC 3261 §16.6)")
    func connectsAnew() throws {
        let server = try TestServer([.tcp])
        let listener = try ListeningPeer()
        let callee = try Peer(connectingTo: server.address(.tcp))
        let caller = try Peer(connectingTo: server.address(.tcp))
        try callee.send(
            Text.register("bob", contact: "sip:bob@\(listener.local);transport=tcp", from: callee.local, over: .tcp))
        #expect(Text.startLine(try callee.inbox.message()) == "SIP/2.0 200 OK")
        // While the connection lives it is used.
        try caller.send(Text.request("MESSAGE", to: "bob", from: caller.local, over: .tcp, call: "m1"))
        try callee.send(Text.response("200 OK", to: try callee.inbox.message()))
        #expect(Text.startLine(try caller.inbox.message()) == "SIP/2.0 200 OK")
        callee.close()
        try server.waitForConnections(1)
        try caller.send(Text.request("MESSAGE", to: "bob", from: caller.local, over: .tcp, call: "m2"))
        try listener.send(Text.response("200 OK", to: try listener.inbox.message()))
        #expect(Text.startLine(try caller.inbox.message()) == "SIP/2.0 200 OK")
    }

    @Test("A response whose connection is gone goes to the port of sent-by (RFC 3261 §18.2.2)")
    func connectsForResponses() throws {
        let server = try TestServer([.udp, .tcp])
        let callee = try Peer(udpTo: server.address(.udp))
        try callee.send(Text.register("bob", contact: "sip:bob@\(callee.local)", from: callee.local, over: .udp))
        #expect(Text.startLine(try callee.inbox.message()) == "SIP/2.0 200 OK")
        let listener = try ListeningPeer()
        let caller = try Peer(connectingTo: server.address(.tcp))
        try caller.send(Text.request("MESSAGE", to: "bob", from: listener.local, over: .tcp, call: "m1"))
        let message = try callee.inbox.message()
        caller.close()
        try server.waitForConnections(0)
        try callee.send(Text.response("200 OK", to: message))
        #expect(Text.startLine(try listener.inbox.message()) == "SIP/2.0 200 OK")
    }

    @Test("A request that was written to a connection which ends then fails at once, not when timer F does (§18.4)")
    func reportsWrittenRequests() throws {
        let server = try TestServer([.udp, .tcp])
        let far = try ListeningPeer()
        let caller = try Peer(udpTo: server.address(.udp))
        try caller.send(
            Text.request(
                "MESSAGE", to: "", uri: "sip:\(far.local);transport=tcp", from: caller.local, over: .udp, call: "m"))
        #expect(Text.startLine(try far.inbox.message()).hasPrefix("MESSAGE "))
        far.closeConnections()
        #expect(Text.startLine(try caller.inbox.message()).hasPrefix("SIP/2.0 500 "))
    }

    @Test("A request that is too large for UDP goes over TCP, and as a datagram where that is refused (§18.1.1)")
    func switchesToTCP() throws {
        let server = try TestServer([.udp, .tcp])
        let far = try ListeningPeer()
        let caller = try Peer(udpTo: server.address(.udp))
        func message(to address: SocketAddress, call: String) -> String {
            Text.request(
                "MESSAGE", to: "", uri: "sip:\(address)", from: caller.local, over: .udp, call: call,
                body: String(repeating: "x", count: 1300))
        }
        try caller.send(message(to: far.local, call: "m1"))
        let request = try far.inbox.message()
        #expect(Text.field("Via", of: request)?.hasPrefix("SIP/2.0/TCP ") == true)
        try far.send(Text.response("200 OK", to: request))
        #expect(Text.startLine(try caller.inbox.message()) == "SIP/2.0 200 OK")
        // A UDP port at which nobody listens for TCP.
        let phone = try Peer(udpTo: server.address(.udp))
        try caller.send(message(to: phone.local, call: "m2"))
        let datagram = try phone.inbox.message()
        #expect(Text.field("Via", of: datagram)?.hasPrefix("SIP/2.0/UDP ") == true)
        try phone.send(Text.response("200 OK", to: datagram))
        #expect(Text.startLine(try caller.inbox.message()) == "SIP/2.0 200 OK")
    }
}
