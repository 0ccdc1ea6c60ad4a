import Containers
import SIPMessages

@testable import SIPTransactions

/// A transaction layer as a reference, which test macros can capture, entered with texts.
final class LayerUnderTest {
    var layer: TransactionLayer
    var outbox = Outbox()
    var now = MonotonicInstant.start
    /// Timer and transport events since the last look.
    var events: [TransactionEvent] = []

    init(limits: TransactionLayer.Limits = .init(), seed: UInt64 = 1) {
        self.layer = TransactionLayer(
            limits: limits, seed: (SipHashKey(seed, 2), SipHashKey(seed, 4)), at: .start)
    }

    static let source = SocketAddress(IPAddress(v4: 0xC000_0201), 5060)

    static func flow(_ transport: TransportProtocol = .udp) -> Flow {
        Flow(endpoint: 0, transport: transport, connection: transport == .udp ? 0 : 7, remote: Self.source)
    }

    /// A request; an INVITE of a modern client when nothing is said.
    static func request(
        _ method: String = "INVITE", uri: String = "sip:bob@biloxi.example.com", branch: String = ";branch=z9hG4bK776",
        sentBy: String = "pc33.atlanta.example.com", from: String = "Alice <sip:alice@atlanta.example.com>;tag=88sja8x",
        to: String = "Bob <sip:bob@biloxi.example.com>", callID: String = "987asjd97y7atg", number: Int = 986759
    ) -> [UInt8] {
        let text = """
            \(method) \(uri) SIP/2.0\r
            Via: SIP/2.0/UDP \(sentBy)\(branch)\r
            Max-Forwards: 70\r
            From: \(from)\r
            To: \(to)\r
            Call-ID: \(callID)\r
            CSeq: \(number) \(method)\r
            Content-Length: 0\r
            \r\n
            """
        return Array(text.utf8)
    }

    /// Matches a request; where it is new, a transaction is made, whose user answers within 200 ms when nothing is said.
    @discardableResult
    func receive(
        _ request: [UInt8], over transport: TransportProtocol = .udp, promisesAnswer: Bool = true
    ) -> (RequestMatch, TransactionID?) {
        var (index, via) = (MessageIndex(), ViaIndex())
        self.read(request, &index, &via)
        let match = self.layer.match(request.span, index, via: via, at: self.now, into: &self.outbox)
        guard match == .new else { return (match, nil) }
        let id = self.layer.createServer(
            request.span, index, via: via, flow: Self.flow(transport), owner: 5, promisesAnswer: promisesAnswer,
            at: self.now, into: &self.outbox)
        return (match, id)
    }

    /// Matches a request and makes no transaction.
    func match(_ request: [UInt8]) -> RequestMatch {
        var (index, via) = (MessageIndex(), ViaIndex())
        self.read(request, &index, &via)
        return self.layer.match(request.span, index, via: via, at: self.now, into: &self.outbox)
    }

    func cancelled(by request: [UInt8]) -> TransactionID {
        var (index, via) = (MessageIndex(), ViaIndex())
        self.read(request, &index, &via)
        return self.layer.cancelled(by: request.span, index, via: via)
    }

    func match(response: [UInt8]) -> ResponseMatch {
        var (index, via) = (MessageIndex(), ViaIndex())
        self.read(response, &index, &via)
        return self.layer.match(response: response.span, index, via: via, at: self.now, into: &self.outbox)
    }

    private func read(_ octets: [UInt8], _ index: inout MessageIndex, _ via: inout ViaIndex) {
        try? index.parse(octets.span)
        if let field = index.value(.via) { _ = try? ViaIndex.parse(octets.span, in: field.range, into: &via) }
    }

    @discardableResult
    func respond(_ id: TransactionID, _ status: UInt16, toTag: String = "314") -> Bool {
        let start = self.outbox.octets.count
        let to = "To: <sip:bob@biloxi.example.com>;tag=\(toTag)"
        self.outbox.octets += Array("SIP/2.0 \(status) X\r\nVia: SIP/2.0/UDP h\r\n\(to)\r\n\r\n".utf8)
        return self.layer.respond(id, status: status, from: start, at: self.now, into: &self.outbox)
    }

    /// Sends a request in a client transaction of its own.
    func send(_ method: String = "INVITE", over transport: TransportProtocol = .udp) -> TransactionID? {
        guard let id = self.layer.openClient(method: Method(method).code, owner: 9) else { return nil }
        var branch: [UInt8] = []
        self.layer.writeBranch(id, loopHash: 1, into: &branch)
        let start = self.outbox.octets.count
        self.outbox.octets += Self.request(method, branch: ";branch=" + String(decoding: branch, as: UTF8.self))
        let isSent = self.layer.sendRequest(
            id, over: Self.flow(transport), from: start, at: self.now, into: &self.outbox)
        return isSent ? id : nil
    }

    private static func text(of id: TransactionID, in layer: borrowing TransactionLayer) -> String {
        let request = layer.sentRequest(id)
        return request.string(0..<request.count)
    }

    /// A response to the request that a client transaction sent.
    func response(_ status: Int, to id: TransactionID, method: String? = nil) -> [UInt8] {
        let text = Self.text(of: id, in: self.layer)
        var lines = text.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
        lines[0] = "SIP/2.0 \(status) X"
        for (i, line) in lines.enumerated() {
            if line.hasPrefix("To:") { lines[i] = line + ";tag=a6c85cf" }
            if line.hasPrefix("CSeq:"), let method { lines[i] = "CSeq: 986759 \(method)" }
        }
        return Array(lines.joined(separator: "\r\n").utf8)
    }

    func cancel(_ id: TransactionID) {
        let none: [UInt8] = []
        self.layer.cancel(id, reason: none.span, at: self.now, into: &self.outbox)
    }

    func isLive(server id: TransactionID) -> Bool { self.layer.isLive(server: id) }
    func isLive(client id: TransactionID) -> Bool { self.layer.isLive(client: id) }
    func isProceeding(_ id: TransactionID) -> Bool { self.layer.isProceeding(id) }
    func abandon(client id: TransactionID) { self.layer.abandon(client: id) }

    func transportFailed(_ sender: Outbox.Sender) -> TransactionEvent? {
        self.layer.transportFailed(sender, at: self.now)
    }

    /// What was sent since the last look: start lines.
    func takeSent() -> [String] {
        let sent = self.outbox.messages.map { message in
            let text = String(decoding: self.outbox.octets[message.range.range], as: UTF8.self)
            return String(text.prefix { $0 != "\r\n" })
        }
        self.outbox.removeAll()
        return sent
    }

    /// What was sent since the last look, whole.
    func takeMessages() -> [String] {
        let sent = self.outbox.messages.map {
            String(decoding: self.outbox.octets[$0.range.range], as: UTF8.self)
        }
        self.outbox.removeAll()
        return sent
    }

    /// Lets time pass, timer by timer.
    func run(for span: TimeSpan) {
        let end = self.now.advanced(by: span)
        while let next = self.layer.nextWakeUp, next <= end {
            self.now = Swift.max(self.now, next)
            while let event = self.layer.wake(at: self.now, into: &self.outbox) { self.events.append(event) }
        }
        self.now = end
    }

    /// Server and client transactions, timers, octets kept.
    var alive: [Int] {
        [self.layer.serverCount, self.layer.clientCount, self.layer.timerCount, self.layer.pool.usedOctets]
    }
}
