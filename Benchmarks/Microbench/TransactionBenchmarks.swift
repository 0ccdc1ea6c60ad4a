import SIPMessages
import SIPTransactions

extension Benchmark {
    /// The life of a transaction among others.
    static var transactions: [Benchmark] {
        [1, 1000, 1_000_000].flatMap { live in
            [
                // The request is new, begins a transaction, comes again and is absorbed; the transaction ends.
                Benchmark("server-transaction", live: live) {
                    let (box, source) = Self.transactions(live: live)
                    source.value.advance()
                    try check(box.value.serve(source.value.octets.span), "the retransmission is not absorbed")
                    try check(box.value.layer.serverCount == live - 1, "the number of live transactions is wrong")
                    return { times in
                        for _ in 0..<times {
                            source.value.advance()
                            use(box.value.serve(source.value.octets.span))
                        }
                    }
                },
                // A request is sent, its 200 finds the transaction, which ends.
                Benchmark("client-transaction", live: live) {
                    let (box, source) = Self.transactions(live: 1)
                    let response = Box([UInt8]())
                    for _ in 1..<live { use(box.value.ask(source.value.octets, answer: &response.value)) }
                    let first = box.value.ask(source.value.octets, answer: &response.value)
                    try check(box.value.receive(response.value.span), "the response finds no transaction")
                    if let first { box.value.layer.abandon(client: first) }
                    try check(box.value.layer.clientCount == live - 1, "the number of live transactions is wrong")
                    return { times in
                        for _ in 0..<times {
                            guard let id = box.value.ask(source.value.octets, answer: &response.value) else { return }
                            use(box.value.receive(response.value.span))
                            box.value.layer.abandon(client: id)
                        }
                    }
                },
            ]
        }
    }

    /// A layer in which one transaction less than `live` waits.
    private static func transactions(live: Int) -> (Box<TransactionState>, Box<RequestSource>) {
        let source = Box(RequestSource())
        let box = Box(TransactionState(like: source.value.octets.span))
        for _ in 1..<live {
            source.value.advance()
            use(box.value.begin(source.value.octets.span))
        }
        return (box, source)
    }
}

private struct TransactionState: ~Copyable {
    var layer = TransactionLayer(seed: (SipHashKey(1, 2), SipHashKey(3, 4)), at: .start)
    var outbox = Outbox()
    /// The index and the topmost Via of the request, which but for its branch is always the same.
    var index = MessageIndex()
    var via = ViaIndex()
    var responseIndex = MessageIndex()
    let now = MonotonicInstant.start
    let flow = Flow(endpoint: 0, transport: .udp, remote: SocketAddress(IPAddress(v4: 0xC000_0265), 5060))
    private static let responseStart = Array("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=".utf8)
    private static let responseRest = Array(
        """
        \r\nTo: <sip:bob@biloxi.example>;tag=8\r\nFrom: <sip:alice@biloxi.example>;tag=9\r\nCall-ID: 7\r
        CSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n
        """.utf8)

    init(like request: Span<UInt8>) {
        do {
            try self.index.parse(request)
            guard let field = self.index.value(.via) else { return }
            _ = try ViaIndex.parse(request, in: field.range, into: &self.via)
        } catch { use(error) }
    }

    /// Begins a server transaction.
    mutating func begin(_ request: Span<UInt8>) -> TransactionID? {
        guard self.layer.match(request, self.index, via: self.via, at: self.now, into: &self.outbox) == .new else {
            return nil
        }
        return self.layer.createServer(
            request, self.index, via: self.via, flow: self.flow, owner: 0, at: self.now,
            into: &self.outbox)
    }

    /// A transaction's life; says whether its request was new and then absorbed.
    mutating func serve(_ request: Span<UInt8>) -> Bool {
        guard let id = self.begin(request) else { return false }
        let match = self.layer.match(request, self.index, via: self.via, at: self.now, into: &self.outbox)
        self.layer.abandon(server: id)
        return match == .absorbed
    }

    /// Sends a request and writes what its peer answers.
    mutating func ask(_ request: [UInt8], answer: inout [UInt8]) -> TransactionID? {
        guard let id = self.layer.openClient(method: .message, owner: 1) else { return nil }
        answer.removeAll(keepingCapacity: true)
        answer.append(contentsOf: Self.responseStart)
        self.layer.writeBranch(id, loopHash: 0, into: &answer)
        answer.append(contentsOf: Self.responseRest)
        self.outbox.octets.append(contentsOf: request)
        guard self.layer.sendRequest(id, over: self.flow, from: 0, at: self.now, into: &self.outbox) else { return nil }
        self.outbox.removeAll()
        return id
    }

    /// Takes in a response and says whether it is for a transaction.
    mutating func receive(_ response: Span<UInt8>) -> Bool {
        var via = ViaIndex()
        do {
            try self.responseIndex.parse(response)
            guard let field = self.responseIndex.value(.via) else { return false }
            _ = try ViaIndex.parse(response, in: field.range, into: &via)
        } catch { return false }
        let match = self.layer.match(
            response: response, self.responseIndex, via: via, at: self.now, into: &self.outbox)
        guard case .deliver = match else { return false }
        return true
    }
}
