import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

/// Answers each request after a while: INVITE with 180 and then 200 or 486, others with 200, some never.
final class RandomCallee: TransactionEndpoint {
    private struct Work {
        var request: SIPMessage
        var transaction: TransactionID
        var tag: String
        var final: StatusCode
        var acknowledged = false
        var interval = TimeSpan.milliseconds(500)
        var until = MonotonicInstant.never
    }
    private var work: [Work] = []
    /// Drawn in a way that depends on the request only, so that it is the same whatever else happens.
    private let seed: UInt64

    init(seed: UInt64) {
        self.seed = seed
        super.init(promisesAnswer: true)
    }

    override func requestArrived(
        _ request: SIPMessage, in transaction: TransactionID, over flow: Flow, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        let callID = request.first(.callID)?.value ?? ""
        var random = SimulationRandom(seed: self.seed, purpose: callID)
        let tag = String(random.next(), radix: 36)
        if request.method == .cancel {
            self.respond(MessageBuilder(200, to: request, toTag: tag), 200, in: transaction, at: now, into: &outbox)
            guard let index = self.work.firstIndex(where: { $0.request.first(.callID)?.value == callID }) else {
                return
            }
            let invite = self.work[index]
            let response = MessageBuilder(487, to: invite.request, toTag: invite.tag)
            self.respond(response, 487, in: invite.transaction, at: now, into: &outbox)
            return
        }
        let isInvite = request.method == .invite
        let final: StatusCode = random.chance(0.5) ? 200 : isInvite ? 486 : 404
        self.work.append(Work(request: request, transaction: transaction, tag: tag, final: final))
        let number = UInt64(self.work.count - 1)
        if isInvite {
            self.respond(MessageBuilder(180, to: request, toTag: tag), 180, in: transaction, at: now, into: &outbox)
        }
        let delay = random.span(upTo: .seconds(isInvite ? 20 : 10))
        self.setTimer(at: now.advanced(by: delay), payload: number)
    }

    override func ackArrived(
        _ ack: SIPMessage, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        let callID = ack.first(.callID)
        if let index = self.work.firstIndex(where: { $0.request.first(.callID) == callID }) {
            self.work[index].acknowledged = true
        }
    }

    override func happened(_ event: TransactionEvent, at now: MonotonicInstant, into outbox: inout Outbox) {
        switch event {
        case .timer(let number): self.answer(Int(number), at: now, into: &outbox)
        case .tryingDue(let transaction, _):
            guard let work = self.work.first(where: { $0.transaction == transaction }) else { return }
            self.respond(MessageBuilder(100, to: work.request), 100, in: transaction, at: now, into: &outbox)
        case .clientTimedOut, .clientTransportFailed, .serverTransportFailed, .clientEnded, .serverTimedOut: break
        }
    }

    /// The final response, and for a 2xx to INVITE its retransmission (RFC 3261 §13.3.1.4).
    private func answer(_ number: Int, at now: MonotonicInstant, into outbox: inout Outbox) {
        let work = self.work[number]
        guard !work.acknowledged, now < work.until else { return }
        let response = MessageBuilder(work.final, to: work.request, toTag: work.tag)
        let isSent = self.respond(response, work.final, in: work.transaction, at: now, into: &outbox)
        guard isSent, work.final == 200, work.request.method == .invite else { return }
        if work.until == .never { self.work[number].until = now.advanced(by: .seconds(32)) }
        self.setTimer(at: now.advanced(by: work.interval), payload: UInt64(number))
        self.work[number].interval = min(work.interval * 2, .seconds(4))
    }
}

/// Sends requests over the first seconds and counts what comes back.
final class RandomCaller: TransactionEndpoint {
    struct Record {
        var method: Method
        var request: MessageBuilder
        var transaction = TransactionID.none
        var finals: [StatusCode] = []
        var hasFailed = false
    }
    private(set) var records: [Record] = []
    private let target: SocketAddress
    private let transport: TransportProtocol
    private let cancels: Bool

    init(target: SocketAddress, transport: TransportProtocol, cancels: Bool) {
        (self.target, self.transport, self.cancels) = (target, transport, cancels)
        super.init()
    }

    private var flow: Flow {
        Flow(endpoint: self.place.endpoint(self.transport) ?? 0, transport: self.transport, remote: self.target)
    }

    func call(_ method: Method, callID: String, at now: MonotonicInstant, into outbox: inout Outbox) {
        let uri = URI.sip(SIPURI(user: "bob", host: Host(self.target.ip)))
        var request = MessageBuilder(method, uri)
        var from = NameAddress(uri)
        from.tag = "1"
        request.add(.maxForwards, 70)
        request.add(.from, from)
        request.add(.to, NameAddress(uri))
        request.add(.callID, CallID(callID))
        request.add(.cseq, CSeq(1, method))
        let owner = UInt64(self.records.count)
        self.records.append(Record(method: method, request: request))
        let id = self.send(request, method, over: self.flow, owner: owner, at: now, into: &outbox)
        self.records[Int(owner)].transaction = id ?? .none
    }

    override func responseArrived(
        _ response: SIPMessage, in transaction: TransactionID, owner: UInt64, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        guard let status = response.status else { return }
        if status.isFinal { self.records[Int(owner)].finals.append(status) }
        guard self.records[Int(owner)].method == .invite else { return }
        if status == 180, self.cancels, owner % 2 == 0 { self.cancel(transaction, at: now, into: &outbox) }
        if status.isSuccess {
            var ack = MessageBuilder(.ack, URI.sip(SIPURI(user: "bob", host: Host(self.target.ip))))
            ack.copy(.from, from: response)
            ack.copy(.to, from: response)
            ack.copy(.callID, from: response)
            ack.add(.maxForwards, 70)
            ack.add(.cseq, CSeq(1, .ack))
            self.sendStatelessly(ack, over: self.flow, into: &outbox)
        }
    }

    override func happened(_ event: TransactionEvent, at now: MonotonicInstant, into outbox: inout Outbox) {
        switch event {
        case .clientTimedOut(_, let owner), .clientTransportFailed(_, let owner):
            self.records[Int(owner)].hasFailed = true
        case .serverTransportFailed, .clientEnded, .serverTimedOut, .tryingDue, .timer: break
        }
    }
}

@Suite("UAC and UAS over a network that does everything to them (RFC 3261 §17)")
struct TransactionSimulationTests {
    static func run(
        seed: UInt64, conditions: LinkConditions, transport: TransportProtocol = .udp, calls: Int = 4,
        cancels: Bool = true, shards: Int = 1
    ) throws -> (world: SimulatedWorld, records: [RandomCaller.Record]) {
        let world = SimulatedWorld(seed: seed, conditions: conditions)
        let address = IPAddress(v4: 0xC000_0202)
        let target = SocketAddress(address, transport.defaultPort)
        let caller = RandomCaller(target: target, transport: transport, cancels: cancels)
        let callee = ShardedNode(count: shards) { _ in RandomCallee(seed: seed) }
        world.addHost("alice", listening: SimulatedListener.standard(IPAddress(v4: 0xC000_0201)), running: caller)
        world.addHost("bob", listening: SimulatedListener.standard(address), running: callee)
        var random = SimulationRandom(seed: seed, purpose: "calls")
        for number in 0..<calls {
            let method: Method = random.chance(0.6) ? .invite : .options
            world.at(MonotonicInstant.start.advanced(by: random.span(upTo: .seconds(5)))) { [unowned world] in
                world.perform(as: "alice") { _, outbox in
                    caller.call(method, callID: "call\(number)", at: world.now, into: &outbox)
                }
            }
        }
        try world.end()
        return (world, caller.records)
    }

    @Test(
        "However the network loses, delays, reorders and duplicates, every rule holds and nothing is left",
        arguments: 0..<1000)
    func poorNetwork(seed: UInt64) throws {
        let (world, records) = try Self.run(seed: seed, conditions: .poor)
        for record in records {
            let failures = record.finals.filter { !$0.isSuccess }
            let isRight = failures.count <= 1 && (failures.isEmpty || record.finals.count == 1)
            if !isRight { throw world.failure("\(record.finals) for one \(record.method)") }
            if record.finals.isEmpty != record.hasFailed, record.method != .invite {
                throw world.failure("\(record.method) has neither an answer nor an end, or both")
            }
        }
    }

    @Test(
        "Over streams whose network is poor, no message is repeated and every request is answered", arguments: 0..<200,
        [TransportProtocol.tcp, .ws])
    func streams(seed: UInt64, transport: TransportProtocol) throws {
        let (world, records) = try Self.run(seed: seed, conditions: .poor, transport: transport)
        for record in records where record.finals.isEmpty {
            throw world.failure("\(record.method) without an answer")
        }
        let requests = world.ladder.lines.filter { $0.label == "INVITE 1" || $0.label == "OPTIONS 1" }
        #expect(requests.count == 4)
    }

    @Test("When all is lost every transaction ends by its timer, and the transaction user is told", arguments: 0..<50)
    func silence(seed: UInt64) throws {
        let (world, records) = try Self.run(seed: seed, conditions: .losing(1))
        #expect(records.allSatisfy { $0.finals.isEmpty && $0.hasFailed })
        #expect(world.now <= MonotonicInstant.start.advanced(by: .seconds(5 + 32 + 1)))
    }

    @Test("One seed gives one ladder, with 1 shard and with 64", arguments: 0..<100)
    func shards(seed: UInt64) throws {
        let one = try Self.run(seed: seed, conditions: .poor, calls: 12).world.ladder.compact
        let again = try Self.run(seed: seed, conditions: .poor, calls: 12).world.ladder.compact
        let many = try Self.run(seed: seed, conditions: .poor, calls: 12, shards: 64).world.ladder.compact
        #expect(one == again)
        #expect(one == many)
    }
}
