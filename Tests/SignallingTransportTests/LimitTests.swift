import NIOConcurrencyHelpers
import SIPMessages
import SIPTransactions
import Testing

@testable import SignallingTransport

@Suite("Bounds of connections")
struct LimitTests {
    private func options(_ peer: Peer, call: String, fields: [String] = []) -> String {
        Text.request("OPTIONS", to: "", uri: "sip:sip.test", from: peer.local, over: .tcp, call: call, fields: fields)
    }

    @Test("One connection more than allowed is closed, the others stay")
    func boundsConnections() throws {
        var settings = StreamSettings()
        settings.connections = 2
        let server = try TestServer([.tcp], streams: settings)
        let peers = try (0..<2).map { _ in try Peer(connectingTo: server.address(.tcp)) }
        for peer in peers {
            try peer.send("\r\n\r\n")
            #expect(try peer.inbox.next() == .pong)
        }
        let third = try Peer(connectingTo: server.address(.tcp))
        #expect(try third.inbox.next() == .closed)
        try peers[0].send(self.options(peers[0], call: "o1"))
        #expect(Text.startLine(try peers[0].inbox.message()) == "SIP/2.0 200 OK")
        peers[1].close()
        try server.waitForConnections(1)
        let fourth = try Peer(connectingTo: server.address(.tcp))
        try fourth.send("\r\n\r\n")
        #expect(try fourth.inbox.next() == .pong)
    }

    @Test("One connection more than may come from one address is closed and reported, others may come from elsewhere")
    func boundsSources() throws {
        var settings = StreamSettings()
        settings.connectionsPerSource = 1
        let reports = Reports()
        let server = try TestServer([.tcp], streams: settings, report: reports.take)
        let first = try Peer(connectingTo: server.address(.tcp))
        try first.send("\r\n\r\n")
        #expect(try first.inbox.next() == .pong)
        let second = try Peer(connectingTo: server.address(.tcp))
        #expect(try second.inbox.next() == .closed)
        // Its port is not known here: the socket may be gone before it can be asked.
        let sources = reports.all.map { report in
            if case .tooManyFromSource(let source, limit: 1) = report { source.ip } else { IPAddress?.none }
        }
        #expect(sources == [.loopback])
        let other = try Peer(connectingTo: server.address(.tcp), from: IPAddress(v4: 0x7F00_0002))
        try other.send("\r\n\r\n")
        #expect(try other.inbox.next() == .pong)
        first.close()
        try server.waitForConnections(1)
        let third = try Peer(connectingTo: server.address(.tcp))
        try third.send("\r\n\r\n")
        #expect(try third.inbox.next() == .pong)
    }

    @Test("Of trouble of one kind no more than so much is reported a minute, and how much was left out")
    func boundsReports() {
        let lines = NIOLockedValueBox<[Int]>([])
        let reporter = EventReporter { _, withheld in lines.withLockedValue { $0.append(withheld) } }
        let remote = SocketAddress(.loopback, 1)
        for _ in 0..<EventReporter.perMinute + 3 {
            reporter.report(.tooManyConnections(remote, limit: 1), at: MonotonicInstant(nanoseconds: 0))
        }
        reporter.report(.tooSlow(remote, .tcp, .silence), at: MonotonicInstant(nanoseconds: 0))
        reporter.report(.tooManyConnections(remote, limit: 1), at: MonotonicInstant(nanoseconds: 60_000_000_000))
        let expected = [Int](repeating: 0, count: EventReporter.perMinute + 1) + [3]
        #expect(lines.withLockedValue { $0 } == expected)
    }

    @Test("Of the requests written to a connection so many are remembered, and none for longer than 64*T1")
    func boundsWrittenRequests() {
        var written = WrittenRequests()
        func request(_ number: Int, _ sender: Outbox.Sender? = nil) -> Unreached {
            let id = TransactionID(slot: Int32(number), generation: 1)
            return Unreached(
                shard: 0, sender: sender ?? .client(id), remote: SocketAddress(.loopback, 1), isFlowLost: false)
        }
        let start = MonotonicInstant.start
        for number in 0..<WrittenRequests.capacity + 10 { written.add(request(number), at: start) }
        // Of a response nobody waits for an answer.
        written.add(request(0, .server(TransactionID(slot: 1, generation: 1))), at: start)
        #expect(written.recent(at: start.advanced(by: .seconds(32))).count == WrittenRequests.capacity)
        #expect(written.recent(at: start).first == request(10))
        written.add(request(1), at: start.advanced(by: .seconds(33)))
        #expect(written.recent(at: start.advanced(by: .seconds(33))) == [request(1)])
    }

    @Test("Of the messages of transactions that were sent so many are remembered, the last of them")
    func boundsRecentMessages() {
        var recent = RecentMessages()
        let flow = Flow(endpoint: 0, transport: .udp, remote: SocketAddress(.loopback, 1))
        var outbox = Outbox()
        for number in 0...RecentMessages.capacity {
            outbox.send(from: 0, over: flow, by: .client(TransactionID(slot: Int32(number), generation: 1)))
            recent.add(outbox.messages[number])
        }
        var senders: [Outbox.Sender] = []
        recent.take(to: flow.remote) { senders.append($0.sender) }
        #expect(senders.count == RecentMessages.capacity)
        #expect(!senders.contains(.client(TransactionID(slot: 0, generation: 1))))
        recent.take(to: flow.remote) { _ in Issue.record("told twice") }
    }

    @Test("A header beyond the limit ends the connection; one within it is answered")
    func boundsHeaders() throws {
        var settings = StreamSettings()
        settings.messages.headerOctets = 1000
        let server = try TestServer([.tcp], streams: settings)
        let peer = try Peer(connectingTo: server.address(.tcp))
        let room = 1000 - self.options(peer, call: "o1", fields: ["X: "]).utf8.count
        try peer.send(self.options(peer, call: "o1", fields: ["X: " + String(repeating: "x", count: room)]))
        #expect(Text.startLine(try peer.inbox.message()) == "SIP/2.0 200 OK")
        try peer.send(self.options(peer, call: "o2", fields: ["X: " + String(repeating: "x", count: room + 1)]))
        #expect(try peer.inbox.next() == .closed)
    }

    @Test("A body beyond the limit is answered with 413, and the connection ends (RFC 3261 §21.4.11)")
    func boundsBodies() throws {
        var settings = StreamSettings()
        settings.messages.bodyOctets = 100
        let server = try TestServer([.tcp], streams: settings)
        let peer = try Peer(connectingTo: server.address(.tcp))
        func message(_ octets: Int) -> String {
            Text.request(
                "OPTIONS", to: "", uri: "sip:sip.test", from: peer.local, over: .tcp, call: "b\(octets)",
                body: String(repeating: "x", count: octets))
        }
        try peer.send(message(100))
        #expect(Text.startLine(try peer.inbox.message()) == "SIP/2.0 200 OK")
        try peer.send(message(101))
        #expect(Text.startLine(try peer.inbox.message()).hasPrefix("SIP/2.0 413 "))
        #expect(try peer.inbox.next() == .closed)
    }

    @Test("A request without Content-Length is answered with 400, and the connection ends (RFC 3261 §18.3, §20.14)")
    func wantsContentLength() throws {
        let server = try TestServer([.tcp])
        let peer = try Peer(connectingTo: server.address(.tcp))
        try peer.send(self.options(peer, call: "o1").replacing("Content-Length: 0\r\n", with: ""))
        #expect(Text.startLine(try peer.inbox.message()).hasPrefix("SIP/2.0 400 "))
        #expect(try peer.inbox.next() == .closed)
    }

    @Test("A connection on which nothing happens is closed")
    func endsSilence() throws {
        var settings = StreamSettings()
        settings.idle = .milliseconds(100)
        let server = try TestServer([.tcp], streams: settings)
        let peer = try Peer(connectingTo: server.address(.tcp))
        #expect(try peer.inbox.next() == .closed)
    }

    @Test("A connection that a REGISTER came over may be silent for longer")
    func keepsRegisteredConnections() throws {
        var settings = StreamSettings()
        settings.idle = .milliseconds(100)
        let server = try TestServer([.tcp], streams: settings)
        let registered = try Peer(connectingTo: server.address(.tcp))
        try registered.send(
            Text.register(
                "bob", contact: "sip:bob@\(registered.local);transport=tcp", from: registered.local, over: .tcp))
        #expect(Text.startLine(try registered.inbox.message()) == "SIP/2.0 200 OK")
        // The other connection is opened later and closed for its silence.
        let other = try Peer(connectingTo: server.address(.tcp))
        #expect(try other.inbox.next() == .closed)
        try registered.send("\r\n\r\n")
        #expect(try registered.inbox.next() == .pong)
    }

    @Test("A connection that says nothing at first is closed sooner than one that falls silent, and reported")
    func endsMuteConnections() throws {
        var settings = StreamSettings()
        settings.firstMessage = .milliseconds(100)
        let reports = Reports()
        let server = try TestServer([.tcp], streams: settings, report: reports.take)
        let speaking = try Peer(connectingTo: server.address(.tcp))
        try speaking.send("\r\n\r\n")
        #expect(try speaking.inbox.next() == .pong)
        let mute = try Peer(connectingTo: server.address(.tcp))
        try mute.send("OPTIONS sip:sip.test SIP/2.0\r\n")
        #expect(try mute.inbox.next() == .closed)
        #expect(reports.all == [.tooSlow(mute.local, .tcp, .firstMessage)])
        try speaking.send("\r\n\r\n")
        #expect(try speaking.inbox.next() == .pong)
    }

    @Test("A message that does not come to its end ends the connection, keep it busy as it may")
    func endsSlowMessages() throws {
        var settings = StreamSettings()
        settings.message = .milliseconds(100)
        let server = try TestServer([.tcp], streams: settings)
        let peer = try Peer(connectingTo: server.address(.tcp))
        try peer.send("OPTIONS sip:sip.test SIP/2.0\r\n")
        #expect(try peer.inbox.next() == .closed)
    }

    @Test("A TLS handshake that does not go on ends the connection")
    func endsHalfHandshakes() throws {
        var settings = StreamSettings()
        settings.handshake = .milliseconds(100)
        let certificate = try Certificate()
        defer { withExtendedLifetime(certificate) {} }
        settings.tls = certificate.settings
        let server = try TestServer([.tls], streams: settings)
        let peer = try Peer(connectingTo: server.address(.tls))
        #expect(try peer.inbox.next() == .closed)
    }

    @Test("Who does not read what is sent to him loses the connection, and the server goes on")
    func endsSlowReaders() throws {
        var settings = StreamSettings()
        settings.pendingOctets = 10_000
        let server = try TestServer([.tcp], streams: settings)
        let slow = try Peer(connectingTo: server.address(.tcp))
        try slow.setReading(false)
        // Answers that repeat a long Call-ID: more than the sockets' buffers and the queue can hold.
        let call = String(repeating: "c", count: 30_000)
        try server.flood(slow, with: self.options(slow, call: call))
        try server.waitForConnections(0)
        let other = try Peer(connectingTo: server.address(.tcp))
        try other.send(self.options(other, call: "o1"))
        #expect(Text.startLine(try other.inbox.message()) == "SIP/2.0 200 OK")
    }
}

/// What a server has reported of its connections.
final class Reports: Sendable {
    private let events = NIOLockedValueBox<[TransportEvent]>([])

    var all: [TransportEvent] { self.events.withLockedValue { $0 } }

    @Sendable
    func take(_ event: TransportEvent, _ withheld: Int) { self.events.withLockedValue { $0.append(event) } }
}
