import ProxyCore
import SIPMessages
import SIPTransactions

extension Benchmark {
    /// What a proxy does with a message.
    static var forwarding: [Benchmark] {
        [
            // RFC 3261 §16.6 steps 1 to 8 for one target: index, topmost Via, and the request as it goes on.
            Benchmark("edit-and-forward") { try Self.forwarding(makesToken: false) },
            // The same, with the flow token of the Record-Route made and signed for this dialog (RFC 5626 §5.2).
            Benchmark("edit-and-forward-with-flow-token") { try Self.forwarding(makesToken: true) },
            // A MESSAGE comes, is forwarded to one contact, answered, and both transactions end.
            Benchmark("proxied-message", operations: 200) { try Self.proxiedMessages(live: 1) },
            Benchmark("proxied-message", live: 1000, operations: 200) { try Self.proxiedMessages(live: 1000) },
            Benchmark("proxied-message", live: 1_000_000, operations: 200) {
                try Self.proxiedMessages(live: 1_000_000)
            },
        ]
    }

    private static func forwarding(makesToken: Bool) throws -> (Int) -> Void {
        let octets = SampleMessages.invite
        let box = Box(ForwardingState())
        let count = box.value.forward(octets.span, makesToken: true)
        try check(count > octets.count, "nothing is forwarded")
        try check(box.value.forward(octets.span, makesToken: false) == count, "a ready Record-Route is another one")
        return { times in
            for _ in 0..<times { use(box.value.forward(octets.span, makesToken: makesToken)) }
        }
    }

    private static func proxiedMessages(live: Int) throws -> (Int) -> Void {
        let (box, source) = (Box(ProxyState()), Box(RequestSource()))
        for _ in 1..<live {
            source.value.advance()
            use(box.value.receiveRequest(source.value.octets.span))
        }
        let response = Box([UInt8]())
        response.value.reserveCapacity(4096)
        source.value.advance()
        let first = box.value.proxy(source.value.octets.span)
        box.value.answer(into: &response.value)
        try check(box.value.receiveResponse(response.value.span), "the answer is not passed back")
        if let first { box.value.transactions.abandon(server: first) }
        try check(box.value.transactions.serverCount == live - 1, "the number of live transactions is wrong")
        return { times in
            for _ in 0..<times {
                source.value.advance()
                let server = box.value.proxy(source.value.octets.span)
                box.value.answer(into: &response.value)
                use(box.value.receiveResponse(response.value.span))
                if let server { box.value.transactions.abandon(server: server) }
            }
        }
    }
}

/// The addresses of the proxy that is measured.
private let endpoints = [Endpoint(.udp, local: SocketAddress(IPAddress(v4: 0xC000_0201), 5060))]

/// The contact to which everything goes.
private let contact = Array("sip:bob@192.0.2.7:5062".utf8)

private struct ForwardingState {
    let configuration = ProxyConfiguration(endpoints: endpoints)
    let source = SocketAddress(IPAddress(v4: 0xC000_0265), 5060)
    let branch = Array("z9hG4bK0123456789abcdef0123456789abcdef.0123456789abcdef".utf8)
    let key = SipHashKey(5, 6)
    let caller = Flow(endpoint: 0, transport: .udp, remote: SocketAddress(IPAddress(v4: 0xC000_0265), 5060))
    let callee = Flow(endpoint: 0, transport: .udp, remote: SocketAddress(IPAddress(v4: 0xC000_0207), 5062))
    var block: [UInt8] = []
    var recordRoute: [UInt8] = []
    var index = MessageIndex()
    var output: [UInt8] = []

    init() {
        self.output.reserveCapacity(4096)
        Target.append(
            uri: contact.span, 0..<contact.count, route: contact.span, 0..<0, q: 1000, flow: self.callee,
            to: &self.block)
    }

    /// Writes the request as it goes on; without a token of its own it has the Record-Route of the last one that had.
    mutating func forward(_ request: Span<UInt8>, makesToken: Bool) -> Int {
        self.output.removeAll(keepingCapacity: true)
        var via = ViaIndex()
        do {
            try self.index.parse(request)
            guard let field = self.index.value(.via) else { return 0 }
            _ = try ViaIndex.parse(request, in: field.range, into: &via)
        } catch { return 0 }
        let forwarding = Forwarding(
            request, self.index, target: contact.span, OctetRange(0, contact.count), route: .absent,
            source: self.source,
            maxBreadth: 60)
        forwarding.writeStart(self.index, self.configuration.endpoints[0], into: &self.output)
        self.output.append(contentsOf: self.branch)
        self.output.append("\r\n")
        if makesToken {
            let ends = DialogEnds(
                request, self.index, via: via, self.caller, [], block: self.block.span, Target(self.block.span, at: 0),
                self.callee, self.configuration, key: self.key)
            self.recordRoute.removeAll(keepingCapacity: true)
            ends.writeRecordRoute(self.configuration, key: self.key, into: &self.recordRoute)
        }
        self.output.append(contentsOf: self.recordRoute)
        forwarding.writeRest(self.index, via: via, into: &self.output)
        return self.output.count
    }
}

/// A proxy core with its transactions.
private struct ProxyState: ~Copyable {
    var transactions: TransactionLayer
    var core: Proxy
    var outbox = Outbox()
    var index = MessageIndex()
    var targets: [UInt8] = []
    let now = MonotonicInstant.start
    let caller = Flow(endpoint: 0, transport: .udp, remote: SocketAddress(IPAddress(v4: 0xC000_0265), 5060))
    let callee = Flow(endpoint: 0, transport: .udp, remote: SocketAddress(IPAddress(v4: 0xC000_0207), 5062))

    init() {
        self.transactions = TransactionLayer(seed: (SipHashKey(1, 2), SipHashKey(3, 4)), at: .start)
        self.core = Proxy(
            configuration: ProxyConfiguration(endpoints: endpoints), hashKey: SipHashKey(5, 6))
        Target.append(
            uri: contact.span, 0..<contact.count, route: contact.span, 0..<0, q: 1000, flow: self.callee,
            to: &self.targets)
    }

    private mutating func readTop(_ octets: Span<UInt8>) -> ViaIndex? {
        var via = ViaIndex()
        do {
            try self.index.parse(octets)
            guard let field = self.index.value(.via) else { return nil }
            _ = try ViaIndex.parse(octets, in: field.range, into: &via)
            return via
        } catch { return nil }
    }

    /// Takes in a request; `nil` when it begins no transaction.
    mutating func receiveRequest(_ octets: Span<UInt8>) -> TransactionID? {
        guard let via = self.readTop(octets),
            self.transactions.match(octets, self.index, via: via, at: self.now, into: &self.outbox) == .new
        else { return nil }
        return self.transactions.createServer(
            octets, self.index, via: via, flow: self.caller, owner: 0, at: self.now,
            into: &self.outbox)
    }

    mutating func proxy(_ octets: Span<UInt8>) -> TransactionID? {
        guard let server = self.receiveRequest(octets) else { return nil }
        self.core.begin(
            server, method: .message, source: self.caller, targets: self.targets, maxBreadth: nil,
            transactions: &self.transactions, at: self.now, into: &self.outbox)
        return server
    }

    /// What the callee answers: the fields of the request that was sent come back below a status line.
    mutating func answer(into response: inout [UInt8]) {
        guard let sent = self.outbox.messages.last?.range else { return }
        response.removeAll(keepingCapacity: true)
        response.append(contentsOf: Self.statusLine)
        var start = sent.lower
        while start < sent.upper, self.outbox.octets[start] != 0x0A { start += 1 }
        response.append(contentsOf: self.outbox.octets[start + 1..<sent.upper])
        self.outbox.removeAll()
    }

    private static let statusLine = Array("SIP/2.0 200 OK\r\n".utf8)

    /// Takes in a response and says whether one was passed back for it.
    mutating func receiveResponse(_ octets: Span<UInt8>) -> Bool {
        guard let via = self.readTop(octets) else { return false }
        let match = self.transactions.match(
            response: octets, self.index, via: via, at: self.now, into: &self.outbox)
        guard case .deliver(let client, let owner) = match else { return false }
        self.core.receive(
            octets, self.index, via: via, owner: owner, isTrusted: true, transactions: &self.transactions, at: self.now,
            into: &self.outbox)
        self.transactions.abandon(client: client)
        let isPassed = self.outbox.messages.count == 1
        self.outbox.removeAll()
        return isPassed
    }
}
