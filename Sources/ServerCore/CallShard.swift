public import AgentCore
public import CallRecords
import Containers
import LocationService
public import ProxyCore
public import SIPMessages
public import SIPRouting
public import SIPTransactions

/// The shard of some calls: their transactions, and the proxy core that works on them.
public struct CallShard: ~Copyable {
    /// All transactions of the shard's Call-IDs.
    public internal(set) var transactions: TransactionLayer
    /// The requests that are being proxied.
    public internal(set) var proxy: Proxy
    /// The calls that the server answers itself.
    public internal(set) var agent: Agent
    /// What the server is.
    public internal(set) var settings: ServerSettings
    let number: Int
    /// The request after its routes were preprocessed, where that changed it.
    var preprocessed: [UInt8] = []
    /// The fields whose lines preprocessing has taken out of it, where it has done nothing else.
    var removedRoutes: Range<Int>?
    /// The request after its sender was found out, where that changed it.
    var rewritten: [UInt8] = []
    var authenticator: Authenticator
    private var challengeEpoch: UInt64 = 0
    /// What is known of the trunks, in the shard with the number 0.
    var desk = TrunkDesk()
    /// The calls that go by trunks.
    var trunkCalls = TrunkCalls()
    /// Who sent the request at hand.
    var callerKind = CallerKind.stranger
    /// Records the calls, where that is wanted.
    public internal(set) var recorder: CallRecorder
    /// Where an authenticator takes its secrets from.
    private var secrets: RandomSource
    let gruus: GRUUKeys
    /// Requests that wait for a decision, by their numbers.
    var undecided: [UInt64: UndecidedRequest] = [:]
    var lastQuestion: UInt64 = 0
    /// Clients that are looked for, to be answered.
    var replyWays = ReplyWays()
    /// Calls of our own whose offer waits for an answer.
    var offers: Set<CallHandle> = []

    /// An empty shard.
    ///
    /// - Parameter seed: 256 bits that no peer can know, others in each shard.
    public init(
        number: Int, settings: ServerSettings, seed: (SipHashKey, SipHashKey), at now: MonotonicInstant,
        timers: TransactionTimers = TransactionTimers()
    ) {
        self.number = number
        self.settings = settings
        self.transactions = TransactionLayer(timers: timers, seed: seed, at: now)
        var random = RandomSource(seed: seed.1)
        self.authenticator = Authenticator(settings: settings, purpose: .proxy, shard: number, epoch: 0) {
            random.next()
        }
        self.proxy = Proxy(configuration: settings.proxy, hashKey: settings.hashKey)
        self.recorder = CallRecorder(policy: settings.callRecords, hashKey: seed.0, at: now)
        self.gruus = GRUUKeys(of: settings.hashKey)
        self.secrets = RandomSource(seed: SipHashKey(random.next(), random.next()))
        self.agent = Agent(
            configuration: settings.agent, timers: timers, seed: SipHashKey(random.next(), random.next()))
        self.manTheDesk(at: now)
    }

    /// Takes new settings; calls in progress keep what they have.
    public mutating func apply(_ settings: ServerSettings) {
        if settings.challengesOtherwise(than: self.settings) {
            self.challengeEpoch += 1
            self.authenticator = Authenticator(
                settings: settings, purpose: .proxy, shard: self.number, epoch: self.challengeEpoch
            ) { self.secrets.next() }
        }
        self.settings = settings
        self.proxy.configuration = settings.proxy
        self.recorder.policy = settings.callRecords
        self.agent.configuration = settings.agent
        // What is due at once is done at the next opportunity.
        self.manTheDesk(at: .start)
    }

    /// Begins nothing new from now on, and takes back what we have registered elsewhere.
    public mutating func beginStopping() {
        self.settings.isStopping = true
        self.leaveTheDesk()
    }

    /// Ends the calls that the server answers itself; with `givesUp` also the requests of others that are in progress.
    public mutating func end(givesUp: Bool, _ workspace: inout Workspace) {
        workspace.outbox.shard = UInt16(truncatingIfNeeded: self.number)
        let first = workspace.outbox.messages.count
        self.agent.hangUpAll(transactions: &self.transactions, at: workspace.now, into: &workspace.outbox)
        if givesUp {
            self.proxy.giveUp(
                fields: Array(Self.laterField), transactions: &self.transactions, at: workspace.now,
                into: &workspace.outbox)
        }
        self.serveCalls(&workspace)
        self.collect(&workspace)
        self.recordCalls(from: first, &workspace)
    }

    /// Whether every request has its final response, no call of the server's own goes on, and all our registrations
    /// elsewhere have been taken back.
    public var isIdle: Bool {
        self.proxy.unansweredCount == 0 && self.agent.dialogCount == 0 && self.undecided.isEmpty
            && !self.desk.isLeaving
    }

    /// What became of credentials.
    public var authenticationCounts: AuthenticationCounts { self.authenticator.counts }

    /// Handles the next event of the workspace, which is for this shard.
    public mutating func run(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        workspace.outbox.shard = UInt16(truncatingIfNeeded: self.number)
        let first = workspace.outbox.messages.count
        switch workspace.takePost() {
        case .message:
            if workspace.index.isRequest {
                self.receiveRequest(octets, &workspace)
            } else {
                self.receiveResponse(octets, &workspace)
            }
        case .judged:
            // What was made of the request when it came first is made again.
            if self.reindex(octets, &workspace) { self.receiveRequest(octets, &workspace) }
        case .useNonce(_, let use, let domain, let asker):
            let isAccepted = self.authenticator.take(use, domain: domain, at: workspace.now)
            workspace.ruling = Authenticator.Ruling(use: use, isAccepted: isAccepted)
            workspace.posts.append(.judged(asker))
        case .bindings(let asker, let block): self.fork(asker, octets, block, &workspace)
        case .seize(let trunk, let number, let takesLine, let asker):
            let name = String(decoding: workspace.mail[trunk.range], as: UTF8.self)
            let grant = self.desk.seize(name, takesLine: takesLine, at: workspace.now)
            workspace.posts.append(.seized(trunk: trunk, number: number, grant, asker))
        case .seized(let trunk, let number, let grant, let asker):
            self.begin(byTrunk: trunk, number: number, grant, asker, &workspace)
        case .release(let trunk): self.desk.release(String(decoding: workspace.mail[trunk.range], as: UTF8.self))
        case .report(let trunk, let target, let report):
            self.desk.report(
                String(decoding: workspace.mail[trunk.range], as: UTF8.self), target: target, report, at: workspace.now)
        case .register, .lookUp, nil: break
        }
        self.serveCalls(&workspace)
        self.collect(&workspace)
        self.recordCalls(from: first, &workspace)
    }

    /// The DNS has answered a question of `Workspace.questions`.
    public mutating func answered(
        _ question: ProxyQuestion, _ answer: DNSAnswer, _ workspace: inout Workspace
    ) {
        workspace.outbox.shard = UInt16(truncatingIfNeeded: self.number)
        if question.resolution & Self.deskResolution != 0 {
            return self.deskAnswered(question, answer, &workspace)
        }
        if question.resolution & Self.replyResolution != 0 {
            return self.replyAnswered(question, answer, &workspace)
        }
        let first = workspace.outbox.messages.count
        self.proxy.answered(
            question.resolution, id: question.id, answer, transactions: &self.transactions, at: workspace.now,
            into: &workspace.outbox)
        self.collect(&workspace)
        self.recordCalls(from: first, &workspace)
    }

    /// Leaves what the proxy wants to ask in the workspace, and takes what it has to tell.
    mutating func collect(_ workspace: inout Workspace) {
        self.settleTrunkCalls(&workspace)
        self.followRedirections(&workspace)
        guard self.proxy.hasQuestions else { return }
        for question in self.proxy.takeQuestions() { workspace.questions.append((self.number, question)) }
    }

    /// A moment before which nothing is due; `nil` when nothing is.
    public var nextWakeUp: MonotonicInstant? {
        guard let recorded = self.recorder.nextWakeUp else { return self.transactions.nextWakeUp }
        return self.transactions.nextWakeUp.map { Swift.min($0, recorded) } ?? recorded
    }

    /// Does all that is due.
    public mutating func wake(_ workspace: inout Workspace) {
        workspace.outbox.shard = UInt16(truncatingIfNeeded: self.number)
        let first = workspace.outbox.messages.count
        while let event = self.transactions.wake(at: workspace.now, into: &workspace.outbox) {
            self.handle(event, &workspace)
        }
        self.serveCalls(&workspace)
        self.collect(&workspace)
        self.recordCalls(from: first, &workspace)
        self.recorder.wake(at: workspace.now, into: &workspace.endedCalls)
    }

    /// Hands what happened to whom it concerns.
    private mutating func handle(_ event: TransactionEvent, _ workspace: inout Workspace) {
        if Agent.owns(event) {
            return self.agent.handle(
                event, transactions: &self.transactions, at: workspace.now, into: &workspace.outbox)
        }
        switch event {
        case .timer(let payload) where payload & Self.deskTimer != 0:
            self.deskTimerFired(UInt32(truncatingIfNeeded: payload), &workspace)
        case .timer(let payload) where payload & Self.handlerTimer != 0:
            self.decidingEnded(payload & ~Self.handlerTimer, &workspace)
        case .timer(let payload) where payload & Self.callTimer != 0:
            self.trunkCalls.setTimer(-1, of: payload & ~Self.callTimer)
            self.endTrunkCall(payload & ~Self.callTimer, &workspace)
        case .clientTimedOut(let client, let owner) where owner & Self.deskOwner != 0,
            .clientTransportFailed(let client, let owner) where owner & Self.deskOwner != 0:
            self.deskUnanswered(owner, client, &workspace)
        case .serverTransportFailed(let server, _): self.replyFailed(server, &workspace)
        default:
            self.proxy.handle(event, transactions: &self.transactions, at: workspace.now, into: &workspace.outbox)
        }
    }

    /// What a transaction of the shard has sent did not reach its destination.
    ///
    /// - Parameter isFlowLost: Whether it was for a connection that is gone and must not be opened again, or should have left
    ///   from an address that is none of ours at present.
    public mutating func transportFailed(
        _ sender: Outbox.Sender, isFlowLost: Bool = false, _ workspace: inout Workspace
    ) {
        workspace.outbox.shard = UInt16(truncatingIfNeeded: self.number)
        let first = workspace.outbox.messages.count
        guard let event = self.transactions.transportFailed(sender, at: workspace.now) else { return }
        if isFlowLost, !Agent.owns(event), case .clientTransportFailed(let client, let owner) = event,
            owner & Self.deskOwner == 0
        {
            self.proxy.flowLost(
                client, owner: owner, transactions: &self.transactions, at: workspace.now, into: &workspace.outbox)
        } else {
            self.handle(event, &workspace)
        }
        self.serveCalls(&workspace)
        self.collect(&workspace)
        self.recordCalls(from: first, &workspace)
    }

    private mutating func receiveResponse(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        guard workspace.isResponseComplete(octets) else { return }
        let match = self.transactions.match(
            response: octets, workspace.index, via: workspace.via, at: workspace.now, into: &workspace.outbox)
        guard case .deliver(_, let owner) = match else {
            // One that has transactions passes on no response that belongs to none (RFC 6026 §7.3).
            if case .stray = match, self.settings.proxy.isStateless { self.passStateless(octets, &workspace) }
            return
        }
        if Agent.owns(owner) {
            return self.agent.receive(
                response: octets, owner: owner, transactions: &self.transactions, at: workspace.now,
                into: &workspace.outbox)
        }
        if owner & Self.deskOwner != 0 { return self.deskReceived(octets, owner: owner, &workspace) }
        if self.answerChallenge(octets, owner: owner, &workspace) { return }
        let isTrusted = !self.settings.requiresAuthentication || self.settings.trustsSender(workspace)
        if workspace.index.statusCode >= 200, self.recorder.isWatching {
            self.recorder.received(octets, branch: workspace.via.branch, over: workspace.flow)
        }
        self.proxy.receive(
            octets, workspace.index, via: workspace.via, owner: owner, isTrusted: isTrusted,
            transactions: &self.transactions, at: workspace.now, into: &workspace.outbox)
        guard !self.trunkCalls.isEmpty || self.proxy.hasOutcomes else { return }
        self.settleTrunkCalls(calleeTag: workspace.index.tags(octets).to, &workspace)
        self.noteDialogResponse(octets, &workspace)
    }
}

extension Workspace {
    /// Whether a response has what it takes to be passed on (§8.2.6.2).
    func isResponseComplete(_ octets: Span<UInt8>) -> Bool {
        self.index.has(.from) && self.index.has(.to) && self.index.has(.cseq) && self.index.has(.callID)
    }
}
