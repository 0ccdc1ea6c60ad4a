import AgentCore
public import CallRecords
public import LocationService
import ProxyCore
public import SIPMessages
import SIPRouting
public import SIPSimulation
public import SIPTransactions
public import ServerCore

/// A server as a host of the simulated world: the reception and the shards that a driver would run, without the driver.
///
///     let settings = ServerSettings(domains: ["biloxi.example.com"], proxy: proxy, hashKey: key)
///     let server = SimulatedServer(settings)
///     world.addHost("proxy", listening: SimulatedListener.standard(address), running: server)
///
/// Its listeners must be the end points of the settings, in their order. Where the settings are durable, each REGISTER
/// that changes something asks the storage of the world to commit; a server that takes the place of a crashed one is
/// given the same journal and what of it was stored.
public final class SimulatedServer: SimulatedNode {
    /// What the server is.
    public private(set) var settings: ServerSettings
    /// What it has given to the storage.
    public let journal: BindingJournal
    /// Milliseconds since 1970, UTC, at which the clock of the world starts: 1 January 2030.
    public static let epoch: Int64 = 1_893_456_000_000

    private final class Calls {
        var shard: CallShard
        init(_ shard: consuming CallShard) { self.shard = shard }
    }
    private final class Locations {
        var shard: LocationShard
        init(_ shard: consuming LocationShard) { self.shard = shard }
    }
    private var reception: Reception
    private let timers: TransactionTimers
    private var calls: [Calls] = []
    private var locations: [Locations] = []
    private var workspace = Workspace()
    /// Which messages get work done. Its windows end when the test says so.
    public var admission: Admission {
        get { self.workspace.admission }
        set { self.workspace.admission = newValue }
    }
    private var restored: [BindingRecord]
    private var questions: [ServiceQuestion] = []
    /// The keys of writes by the token of their REGISTER.
    private var keys: [UInt64: String] = [:]
    /// Questions to the DNS by their number, with the shard that asks.
    private var names: [UInt64: (shard: Int, question: ProxyQuestion)] = [:]
    private var nameCount: UInt64 = 0
    private var life: UInt64 = 0
    /// Calls of the server's own whose media runs.
    private var echoes: Set<CallHandle> = []

    /// How often a server looks for registrations that wait too long.
    private static let tick: Int64 = 100_000_000

    /// A server that is not in a world yet.
    ///
    /// - Parameters:
    ///   - journal: That of its former life, if it had one.
    ///   - restored: The bindings that were stored in it.
    public init(
        _ settings: ServerSettings, timers: TransactionTimers = TransactionTimers(),
        journal: BindingJournal = BindingJournal(), restoring restored: [BindingRecord] = []
    ) {
        (self.settings, self.timers, self.journal, self.restored) = (settings, timers, journal, restored)
        self.reception = Reception(settings: settings)
    }

    /// Lets the server go on with new settings.
    public func apply(_ settings: ServerSettings) {
        var settings = settings
        settings.proxy.generation = self.settings.proxy.generation
        self.settings = settings
        self.reception.settings = settings
        for calls in self.calls { calls.shard.apply(settings) }
        for locations in self.locations { self.workspace.changes += locations.shard.apply(settings) }
        self.storeChanges()
    }

    /// What the certificates prove that are shown on connections from these addresses.
    public var certificates: [IPAddress: CertificateIdentities] = [:]

    /// Decides on the requests that `ServerSettings.handledMethods` names, as a program would that uses the server; `nil`
    /// for nobody.
    public var decide: ((HandlerQuestion.Kind) -> HandlerDecision)?

    /// How the trunks are.
    public var trunkStatus: [TrunkStatus] {
        self.calls.first?.shard.trunkStatus(at: self.workspace.now) ?? []
    }

    /// The records of the calls that were answered, as they were then.
    public private(set) var answeredCallRecords: [CallRecord] = []
    /// The records of the calls that are over, in the order in which they ended.
    public private(set) var callRecords: [CallRecord] = []

    /// Whether nothing is in progress that a server waits for before it stops.
    public var isIdle: Bool { self.calls.allSatisfy { $0.shard.isIdle } }

    /// How many transactions there are.
    public var transactionCount: Int {
        self.calls.reduce(0) { $0 + $1.shard.transactions.serverCount + $1.shard.transactions.clientCount }
    }

    /// How many addresses-of-record have bindings.
    public var aorCount: Int { self.locations.reduce(0) { $0 + $1.shard.service.aorCount } }

    // MARK: Simulated node

    /// Learns which host it is and which addresses it has.
    public func placed(at place: SimulatedPlace) {
        // Another life has other secrets, also in the same world.
        let random = SimulationRandom(seed: place.seed, purpose: "server \(place.name)", number: self.life)
        var seeds = random
        func key() -> SipHashKey { SipHashKey(seeds.next(), seeds.next()) }
        (self.calls, self.locations) = ([], [])
        var run = SimulationRandom(seed: place.seed, purpose: "run of \(place.name)", number: self.life)
        self.settings.proxy.generation = UInt32(truncatingIfNeeded: run.next())
        self.reception.settings = self.settings
        for number in 0..<self.settings.shardCount {
            let seed = (key(), key())
            self.calls.append(
                Calls(CallShard(number: number, settings: self.settings, seed: seed, at: .start, timers: self.timers)))
            self.locations.append(Locations(LocationShard(number: number, settings: self.settings, seed: key())))
        }
        for record in self.restored {
            let hash = SipHash13.hash(record.aor.span, 0..<record.aor.count, key: self.settings.hashKey)
            self.locations[self.settings.shard(of: hash)].shard.restore(record, hash: hash)
        }
        self.restored = []
    }

    /// The same server after a crash: it knows what `isStored` says that the storage holds, and nothing else.
    public func reborn(where isStored: (String) -> Bool) -> SimulatedServer {
        let server = SimulatedServer(
            self.settings, timers: self.timers, journal: self.journal,
            restoring: self.journal.bindings(where: isStored))
        server.life = self.life + 1
        return server
    }

    /// Takes a message that came over a flow.
    public func receive(
        _ octets: Span<UInt8>, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        self.enter(at: now, &outbox)
        self.receive(octets, over: flow)
        self.leave(&outbox)
    }

    /// Begins nothing new, and ends its own calls; with `givesUp` also the requests of others that are in progress.
    public func end(givesUp: Bool, at now: MonotonicInstant, into outbox: inout Outbox) {
        self.enter(at: now, &outbox)
        for calls in self.calls {
            calls.shard.beginStopping()
            calls.shard.end(givesUp: givesUp, &self.workspace)
            self.deliverPosts()
        }
        self.leave(&outbox)
    }

    /// Does what is due.
    public func wake(at now: MonotonicInstant, into outbox: inout Outbox) {
        self.enter(at: now, &outbox)
        for (number, locations) in self.locations.enumerated() {
            for token in locations.shard.wake(&self.workspace) { self.withdraw(token, number) }
        }
        for calls in self.calls {
            guard let due = calls.shard.nextWakeUp, due <= now else { continue }
            calls.shard.wake(&self.workspace)
            self.deliverPosts()
        }
        self.leave(&outbox)
    }

    /// When it must be woken; `nil` when nothing is due.
    public var nextWakeUp: MonotonicInstant? {
        var next: MonotonicInstant?
        for calls in self.calls {
            if let due = calls.shard.nextWakeUp, next.map({ due < $0 }) ?? true { next = due }
        }
        for locations in self.locations {
            if let due = locations.shard.nextWakeUp, next.map({ due < $0 }) ?? true { next = due }
        }
        guard self.locations.contains(where: { $0.shard.service.isWaiting }) else { return next }
        let ticks = self.workspace.now.nanoseconds / Self.tick + 1
        let tick = MonotonicInstant(nanoseconds: ticks * Self.tick)
        return next.map { Swift.min($0, tick) } ?? tick
    }

    /// What is still alive, for the rule that nothing is left when all is over.
    public func audit() -> SimulationAudit {
        var audit = SimulationAudit()
        for calls in self.calls {
            audit.add(calls.shard.transactions.audit())
            let proxy = SimulationAudit([
                ("response contexts", calls.shard.proxy.contextCount),
                ("resolutions", calls.shard.proxy.resolutionCount),
                ("recorded calls", calls.shard.recorder.openCount),
            ])
            audit.add(proxy)
            let agent = SimulationAudit([
                ("calls", calls.shard.agent.callCount), ("dialogs", calls.shard.agent.dialogCount),
            ])
            audit.add(agent)
        }
        audit.add(SimulationAudit([("echoes", self.echoes.count)]))
        for locations in self.locations {
            audit.add(SimulationAudit([("waiting registrations", locations.shard.service.isWaiting ? 1 : 0)]))
        }
        return audit
    }

    /// Learns that a message did not reach its destination.
    public func transportFailed(
        _ sender: Outbox.Sender, shard: UInt16, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        guard self.calls.indices.contains(Int(shard)) else { return }
        self.enter(at: now, &outbox)
        self.calls[Int(shard)].shard.transportFailed(
            sender, isFlowLost: flow.connection != 0 && !flow.mayConnect, &self.workspace)
        self.deliverPosts()
        self.leave(&outbox)
    }

    /// Hands out the questions that were asked since the last call.
    public func takeQuestions() -> [ServiceQuestion] {
        defer { self.questions = [] }
        return self.questions
    }

    /// Takes the answer to a question.
    public func answered(_ answer: ServiceAnswer, at now: MonotonicInstant, into outbox: inout Outbox) {
        if let asked = self.names.removeValue(forKey: answer.id) {
            self.enter(at: now, &outbox)
            self.calls[asked.shard].shard.answered(
                asked.question, DNSAnswer(answer.outcome), &self.workspace)
            self.deliverPosts()
            return self.leave(&outbox)
        }
        guard self.keys.removeValue(forKey: answer.id) != nil else { return }
        self.enter(at: now, &outbox)
        self.complete(answer.id, isStored: answer.outcome == .committed)
        self.leave(&outbox)
    }

    // MARK: What a driver does

    private func enter(at now: MonotonicInstant, _ outbox: inout Outbox) {
        swap(&outbox, &self.workspace.outbox)
        self.workspace.now = now
        self.workspace.wall = Self.epoch + now.nanoseconds / 1_000_000
    }

    private func leave(_ outbox: inout Outbox) {
        self.serveHandlers()
        self.serveMedia()
        for (shard, question) in self.workspace.questions {
            self.nameCount += 1
            // Above every token, whose upper 8 bits are the number of a shard.
            let id = 1 << 63 | self.nameCount
            self.names[id] = (shard, question)
            let kind = SIPSimulation.DNSRecord.Kind(question.question.type)
            self.questions.append(ServiceQuestion(id: id, .resolve(question.question.name.text, kind)))
        }
        self.workspace.questions.removeAll(keepingCapacity: true)
        self.answeredCallRecords += self.workspace.answeredCalls
        self.workspace.answeredCalls.removeAll(keepingCapacity: true)
        self.callRecords += self.workspace.endedCalls
        self.workspace.endedCalls.removeAll(keepingCapacity: true)
        swap(&outbox, &self.workspace.outbox)
    }

    private func serveHandlers() {
        while !self.workspace.handlerQuestions.isEmpty {
            let asked = self.workspace.handlerQuestions
            self.workspace.handlerQuestions.removeAll()
            for question in asked {
                guard case .decide = question.kind, let decision = self.decide?(question.kind) else { continue }
                self.calls[question.shard].shard.decided(question.number, decision, &self.workspace)
                self.deliverPosts()
            }
        }
    }

    /// The media of the server's own calls: an answer says which offer it is for.
    private func serveMedia() {
        while !self.workspace.media.isEmpty {
            let requests = self.workspace.media
            self.workspace.media.removeAll()
            for request in requests {
                switch request.kind {
                case .describe(let question, _):
                    self.echoes.insert(request.call)
                    let text = "echo of " + String(decoding: question.offer ?? [], as: UTF8.self)
                    self.calls[request.shard].shard.described(
                        request.call, question.number, .description(Array(text.utf8)), &self.workspace)
                case .stop: self.echoes.remove(request.call)
                case .accept, .offerRefused: break
                }
            }
        }
    }

    private func receive(_ octets: Span<UInt8>, over flow: Flow) {
        let identities = flow.transport.isSecure ? self.certificates[flow.remote.ip] : nil
        self.reception.receive(octets, over: flow, from: identities, into: &self.workspace)
        self.runShards(octets)
    }

    /// Runs what shards have left for each other while no message was at hand.
    private func deliverPosts() {
        guard self.workspace.next != nil else { return }
        let octets: [UInt8] = []
        self.runShards(octets.span)
        self.workspace.clearPosts()
    }

    private func runShards(_ octets: Span<UInt8>) {
        while let address = self.workspace.next {
            switch address {
            case .calls(let number): self.calls[number].shard.run(octets, &self.workspace)
            case .locations(let number): self.locations[number].shard.run(octets, &self.workspace)
            }
            self.storeChanges()
        }
    }

    private func storeChanges() {
        var byToken: [(token: UInt64, changes: [BindingChange])] = []
        for (token, change) in self.workspace.changes {
            if byToken.last?.token == token {
                byToken[byToken.count - 1].changes.append(change)
            } else {
                byToken.append((token, [change]))
            }
        }
        self.workspace.changes.removeAll(keepingCapacity: true)
        for (token, changes) in byToken {
            let key = self.journal.add(changes)
            self.keys[token] = key
            self.questions.append(ServiceQuestion(id: token, .commit(key, [1])))
        }
    }

    /// Takes back a write that has waited too long.
    private func withdraw(_ token: UInt64, _ shard: Int) {
        guard let key = self.keys.removeValue(forKey: token) else { return }
        self.questions.append(ServiceQuestion(id: .max, .commit(key, nil)))
        self.complete(token, isStored: false)
    }

    private func complete(_ token: UInt64, isStored: Bool) {
        // A token carries the number of its shard in its upper 8 bits.
        let shard = Int(token >> 56)
        guard shard < self.locations.count else { return }
        let deferred = self.locations[shard].shard.complete(token, isStored: isStored, &self.workspace)
        self.storeChanges()
        for request in deferred { self.receive(request.octets.span, over: request.flow) }
    }
}
