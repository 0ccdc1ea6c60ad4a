public import AgentCore
public import CallRecords
import Glibc
public import LocationService
import NIOCore
import NIOPosix
import ProxyCore
public import SIPMessages
import SIPTransactions
public import ServerCore
import Synchronization

/// The driver of a server: threads that receive, run the shards, and carry out what they decided.
///
/// Whoever receives a message runs it to completion (there is no hop to another thread): UDP threads, each with its own
/// sockets, and event loops for streams. The UDP threads do the timers too, each for its share of the shards.
public final class SignallingServer: StreamUser {
    /// What the server is, with the ports that the system chose where a listener had port 0.
    public let settings: ServerSettings
    /// The settings that hold now; who changes them has it locked until all shards have them.
    let present: Mutex<ServerSettings>
    let endpoints: EndpointTable
    let calls: [Shard<CallShard>]
    let locations: [Shard<LocationShard>]
    let waiting = WaitingThreads()
    let sourceGuard: SourceGuard
    let udpThreads: [UDPThread]
    let streams: StreamEngine
    /// What the event loops work with, by their numbers.
    let loopWorkers: [LoopWorker]
    let resolver: Resolver
    let store: @Sendable ([BindingChange], _ token: UInt64) -> Bool
    let withdraw: @Sendable (UInt64) -> Bool
    let answered: @Sendable ([CallRecord]) -> Void
    let record: @Sendable ([CallRecord]) -> Void
    /// Offers every message to whoever wants to see it; off at first.
    public let tap: MessageTap
    let media: @Sendable (MediaRequest) -> MediaDescription?
    let handle: @Sendable (HandlerQuestion) -> Void

    /// A server that has its addresses and does not run yet.
    ///
    /// - Parameters:
    ///   - settings: What the server is. Its end points are the listeners, with the addresses to bind.
    ///   - threads: How many threads receive UDP, and how many event loops there are for streams.
    ///   - segmentation: Whether datagrams to one address may leave in one piece that the system divides.
    ///   - streams: How connections are treated, and their certificates.
    ///   - resolver: Which DNS servers are asked.
    ///   - seeds: A source of numbers that nobody can predict.
    ///   - store: Takes the changes of one REGISTER, to be followed by `complete`; `false` when it cannot.
    ///   - withdraw: Takes them back before they are written; `false` when it is too late.
    ///   - answered: Takes the records of calls that have been answered, before `record` takes the same calls.
    ///   - record: Takes the records of calls that are over.
    ///   - tap: Is offered every message.
    ///   - media: Does what the server's own calls want of the media; answers where a description is asked for.
    ///   - handle: Asked about requests of the methods in `ServerSettings.handledMethods`; `decide` answers.
    ///   - report: Told what happens to connections, and how many events of the kind were left out before.
    /// - Throws: `TransportError` when a socket cannot be opened.
    public init(
        settings: ServerSettings, threads: Int, segmentation: Bool = true, streams: StreamSettings = StreamSettings(),
        resolver: Resolver.Settings = Resolver.Settings(), seeds: () -> UInt64,
        store: @escaping @Sendable ([BindingChange], _ token: UInt64) -> Bool = { _, _ in false },
        withdraw: @escaping @Sendable (UInt64) -> Bool = { _ in false },
        answered: @escaping @Sendable ([CallRecord]) -> Void = { _ in },
        record: @escaping @Sendable ([CallRecord]) -> Void = { _ in }, tap: MessageTap = MessageTap(),
        media: @escaping @Sendable (MediaRequest) -> MediaDescription? = { _ in .refused(503, "No Media Here") },
        handle: @escaping @Sendable (HandlerQuestion) -> Void = { _ in },
        report: @escaping @Sendable (TransportEvent, _ withheld: Int) -> Void = { _, _ in }
    ) throws(TransportError) {
        var settings = settings
        let threads = Swift.max(1, threads)
        let opened = try OpenedSockets(&settings.proxy.endpoints, threads: threads, segmentation: segmentation)
        settings.proxy.generation = UInt32(truncatingIfNeeded: seeds())
        settings.shardCount = Self.shardCount(threads: threads)
        self.settings = settings
        self.present = Mutex(settings)
        self.endpoints = EndpointTable(settings.proxy.endpoints, wildcards: opened.wildcards)
        self.sourceGuard = SourceGuard(policy: settings.offences)
        let now = SystemClock.now()
        var calls: [Shard<CallShard>] = []
        var locations: [Shard<LocationShard>] = []
        for number in 0..<settings.shardCount {
            let seed = (SipHashKey(seeds(), seeds()), SipHashKey(seeds(), seeds()))
            calls.append(
                Shard(CallShard(number: number, settings: settings, seed: seed, at: now), waiting: self.waiting))
            locations.append(
                Shard(
                    LocationShard(number: number, settings: settings, seed: SipHashKey(seeds(), seeds())),
                    waiting: self.waiting))
        }
        self.calls = calls
        self.locations = locations
        self.store = store
        self.withdraw = withdraw
        self.answered = answered
        self.record = record
        self.tap = tap
        self.media = media
        self.handle = handle
        self.resolver = try Resolver(resolver)
        let reception = Reception(settings: settings)
        self.streams = try StreamEngine(
            listeners: opened.listeners, endpoints: self.endpoints, settings: streams, threads: threads,
            report: report)
        self.loopWorkers = self.streams.loops.map {
            LoopWorker(Worker(number: $0.number % threads, reception: reception, seed: seeds()))
        }
        var udpThreads: [UDPThread] = []
        for number in 0..<threads {
            udpThreads.append(
                try UDPThread(
                    of: threads, sockets: opened.sockets[number],
                    worker: Worker(number: number, reception: reception, seed: seeds())))
        }
        self.udpThreads = udpThreads
    }

    /// How many shards there are: so many that threads seldom want the same, and few enough to stay in the caches.
    private static func shardCount(threads: Int) -> Int {
        var count = 16
        while count < Swift.min(threads * 16, 64) { count *= 2 }
        return count
    }

    /// Starts the threads.
    ///
    /// - Throws: `TransportError` when a listener cannot accept connections.
    public func start() throws(TransportError) {
        try self.streams.start(self)
        for thread in self.udpThreads { thread.start(self) }
    }

    /// Closes all connections, ends the threads and waits until they have.
    public func stop() {
        self.streams.stop()
        for thread in self.udpThreads { thread.stop() }
        self.resolver.stop()
        self.endCalls()
    }

    // MARK: Running

    /// Reads a message, and runs the shards until there is nothing more to do but to send: `finish` is to follow, after
    /// this message or after some more.
    ///
    /// - Parameters:
    ///   - octets: The message.
    ///   - flow: The way it came.
    ///   - identities: What the certificate of its sender has proved.
    func receive(
        _ octets: Span<UInt8>, over flow: Flow, from identities: CertificateIdentities? = nil, _ worker: inout Worker
    ) {
        let unsent = worker.workspace.outbox.messages.count
        self.sourceGuard.update(&worker)
        worker.reception.receive(octets, over: flow, from: identities, into: &worker.workspace)
        let leadsToNothing = worker.workspace.next == nil && worker.workspace.outbox.messages.count == unsent
        if leadsToNothing, !worker.workspace.isAbsorbed {
            worker.counters.add(TrafficCounters.Place.dropped)
        } else {
            worker.counters.received(worker.workspace.index, over: flow.transport)
        }
        if self.tap.isOn { self.tap.offer(octets, .received, flow, wall: worker.workspace.wall) }
        self.run(octets, &worker)
        self.ask(&worker)
        self.serveMedia(&worker)
        self.askHandlers(&worker)
        if let offence = worker.workspace.offence { self.punish(offence, over: flow, &worker) }
        if let claimed = worker.workspace.claimedAddress {
            self.streams.reporter.report(.behindNAT(flow.remote, claimed: claimed))
        }
        if worker.workspace.outbox.messages.count >= UDPSocket.batch || self.waiting.isAny { self.send(&worker) }
    }

    /// Runs the state of a shard. What it wants sent is sent later, by `finish` at the latest; until then nobody else
    /// enters the shard.
    func enter<State: ~Copyable>(
        _ shard: Shard<State>, _ worker: inout Worker, _ body: (inout State, inout Workspace) -> Void
    ) {
        let isKept = worker.turns.holds(shard.lock)
        if !isKept, !shard.lock.tryAcquire() {
            self.send(&worker)
            shard.lock.acquire()
        }
        let unsent = worker.workspace.outbox.messages.count
        body(&shard.state, &worker.workspace)
        guard !isKept else { return }
        if worker.workspace.outbox.messages.count == unsent {
            shard.lock.release()
        } else {
            worker.turns.keep(shard.lock)
        }
    }

    /// Runs what shards have left for each other while no message was at hand.
    func deliverPosts(_ worker: inout Worker) {
        guard worker.workspace.next != nil else { return }
        let octets: [UInt8] = []
        self.run(octets.span, &worker)
        worker.workspace.clearPosts()
    }

    private func run(_ octets: Span<UInt8>, _ worker: inout Worker) {
        while let address = worker.workspace.next {
            switch address {
            case .calls(let number):
                self.enter(self.calls[number], &worker) { $0.run(octets, &$1) }
            case .locations(let number):
                self.enter(self.locations[number], &worker) { $0.run(octets, &$1) }
                if !worker.workspace.changes.isEmpty { self.storeChanges(&worker) }
            }
        }
    }

    /// Sends all that the shards have decided, and tells them of messages that did not go out (RFC 3261 §16.9, §17.1.4,
    /// §17.2.4). What they try next may fail too; each time a transaction ends, so that it comes to an end. With that the
    /// shards are done with the events at hand, and the calls that have ended are handed on.
    func finish(_ worker: inout Worker) {
        self.send(&worker)
        while let failure = worker.unreached.popLast() {
            self.enter(self.calls[Int(failure.shard)], &worker) {
                $0.transportFailed(failure.sender, isFlowLost: failure.isFlowLost, &$1)
            }
            self.deliverPosts(&worker)
            self.ask(&worker)
            self.send(&worker)
        }
        if !worker.workspace.endedCalls.isEmpty { self.recordCalls(&worker) }
    }

    /// Does what is due in every `step`th shard of locations from `first` on.
    func wakeLocations(from first: Int, step: Int, _ worker: inout Worker) {
        for number in stride(from: first, to: self.locations.count, by: step) {
            var overdue: [UInt64] = []
            self.enter(self.locations[number], &worker) { overdue = $0.wake(&$1) }
            // What is being written right now will be told by the store; only what still waits can be taken back.
            self.complete(overdue.filter(self.withdraw), isStored: false, &worker)
        }
    }

    /// Does what is due in every `step`th shard of calls from `first` on; returns when something is due next.
    func wakeCalls(from first: Int, step: Int, _ worker: inout Worker) -> MonotonicInstant {
        var earliest = MonotonicInstant.never
        for number in stride(from: first, to: self.calls.count, by: step) {
            self.enter(self.calls[number], &worker) { shard, workspace in
                guard let due = shard.nextWakeUp else { return }
                if due <= workspace.now { shard.wake(&workspace) }
                if let next = shard.nextWakeUp, next < earliest { earliest = next }
            }
            self.deliverPosts(&worker)
            if worker.workspace.outbox.messages.count >= UDPSocket.batch || self.waiting.isAny { self.send(&worker) }
        }
        self.ask(&worker)
        self.serveMedia(&worker)
        self.askHandlers(&worker)
        return earliest
    }

    // MARK: Sending

    /// Sends what the shards have decided, in order, and lets other threads enter them. Messages that cannot go out are
    /// left in `unreached`.
    func send(_ worker: inout Worker) {
        let count = worker.workspace.outbox.messages.count
        guard count > 0 else { return }
        defer { worker.turns.end() }
        self.observe(&worker)
        if !worker.workspace.answeredCalls.isEmpty {
            // While the shards of the calls are held, so that no thread hands on their end before.
            self.answered(worker.workspace.answeredCalls)
            worker.workspace.answeredCalls.removeAll(keepingCapacity: true)
        }
        var unreached: [Unreached] = []
        var first = 0
        while first < count {
            let message = worker.workspace.outbox.messages[first]
            var last = first + 1
            if message.flow.transport == .udp {
                let endpoint = message.flow.endpoint
                while last < count, worker.workspace.outbox.messages[last].flow.endpoint == endpoint { last += 1 }
                let number =
                    Int(endpoint) < self.endpoints.initialCount
                    ? endpoint : self.endpoints.wildcard(of: endpoint) ?? endpoint
                let isCutOff = self.endpoints.isDown(endpoint)
                if !isCutOff, let socket = self.udpThreads[worker.number].socket(number) {
                    socket.sender.send(worker.workspace.outbox, first, last) { unreached.append($0) }
                } else {
                    for i in first..<last {
                        unreached.add(worker.workspace.outbox.messages[i], isFlowLost: isCutOff)
                    }
                }
            } else {
                let isQueued = worker.workspace.outbox.octets.withUnsafeBufferPointer { octets in
                    let domain =
                        message.domain.isEmpty ? nil : String(decoding: octets[message.domain.range], as: UTF8.self)
                    return self.streams.send(
                        UnsafeBufferPointer(rebasing: octets[message.range.range]), message, domain: domain, self)
                }
                if !isQueued { unreached.add(message, isFlowLost: self.endpoints.isDown(message.flow.endpoint)) }
            }
            first = last
        }
        worker.workspace.outbox.removeAll()
        guard !unreached.isEmpty else { return }
        for _ in unreached { worker.counters.add(TrafficCounters.Place.unsent) }
        worker.unreached += unreached
    }

    /// Counts what is about to be sent, and offers it to the tap.
    private func observe(_ worker: inout Worker) {
        let octets = worker.workspace.outbox.octets.span
        let isTapped = self.tap.isOn
        for message in worker.workspace.outbox.messages {
            let sent = octets.extracting(message.range.range)
            worker.counters.sent(sent, over: message.flow.transport)
            if isTapped { self.tap.offer(sent, .sent, message.flow, wall: worker.workspace.wall) }
        }
    }
}

extension Unreached {
    /// What is to be told of a message that was not sent: nothing unless it is a transaction's.
    init?(_ message: Outbox.Message) {
        guard message.sender != .nobody else { return nil }
        self.init(
            shard: message.shard, sender: message.sender, remote: message.flow.remote,
            isFlowLost: message.flow.connection != 0 && !message.flow.mayConnect)
    }

    /// The same of a datagram that the system has refused with this error. Where there is no way out of the address that
    /// it should have left from, since that is not this machine's any more, say, or its interface is down, its flow is lost
    /// for as long as that lasts (RFC 5626 §5.3).
    init?(_ message: Outbox.Message, error: Int32) {
        self.init(message)
        switch error {
        case EINVAL, EADDRNOTAVAIL, ENETDOWN, ENODEV, ENETUNREACH, EHOSTUNREACH: self.isFlowLost = true
        default: break
        }
    }
}

extension Array where Element == Unreached {
    /// Adds a message that was not sent, if anybody is to be told.
    ///
    /// - Parameter isFlowLost: Whether its flow is lost also where it is no connection that nothing can take the place of.
    mutating func add(_ message: Outbox.Message, isFlowLost: Bool = false) {
        guard var element = Unreached(message) else { return }
        if isFlowLost { element.isFlowLost = true }
        self.append(element)
    }
}
