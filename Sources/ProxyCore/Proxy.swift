import Containers
public import SIPMessages
import SIPRouting
public import SIPTransactions

/// The proxy core of one shard: it forks requests, collects responses and passes the right ones back
/// (RFC 3261 §16.6 to §16.10).
///
/// What comes before, validating and finding targets, is the caller's, who also owns the transactions and lends them.
public struct Proxy: ~Copyable {
    private let inPlace = InPlace()
    /// How it behaves.
    public var configuration: ProxyConfiguration
    var contexts: Slab<ResponseContext>
    var branches: Slab<Branch>
    /// For reading messages that are kept.
    var index = MessageIndex()
    /// Bytes that are needed for one call only.
    var scratch: [UInt8] = []
    let hashKey: SipHashKey
    /// The key of the proofs in our Record-Route.
    public let tokenKey: SipHashKey
    /// The keys of the branches of requests without a transaction, and of the proofs in the Vias of those.
    let (branchKey, wayBackKey): (SipHashKey, SipHashKey)
    /// Via fields for a response that has lost them, and whether the response at hand can be passed on.
    var restoredVias: [UInt8] = []
    var canPass = true
    /// Whether the identity that the response at hand asserts stays behind.
    var hidesIdentity = false
    /// Whether the CSeq of the response at hand is lowered by one.
    var lowersCSeq = false
    /// Branches that look for a server, or may want another one.
    var resolutions: [UInt64: Resolution] = [:]
    /// Requests without a transaction that wait for the DNS.
    var stateless: [UInt64: StatelessResolution] = [:]
    var resolutionSerial: UInt64 = 0
    var questions: [ProxyQuestion] = []
    /// What the DNS has said, and which servers have failed.
    var memory = RoutingMemory()
    /// How targets take each other's place, by the numbers of their contexts.
    var successions: [Int32: Succession] = [:]
    var outcomes: [SuccessionOutcome] = []
    /// The lines with credentials by which branches have answered a challenge, by their numbers.
    var logins: [Int32: [UInt8]] = [:]
    /// Why requests are cancelled some of whose branches cannot be yet, by the numbers of their contexts.
    var cancelReasons: [Int32: [UInt8]] = [:]
    /// Answers that redirect and are to be followed.
    var redirections: [FollowedRedirection] = []

    /// A core without requests.
    ///
    /// - Parameter hashKey: 128 bits that no peer can know, the same in all shards of a server.
    public init(configuration: ProxyConfiguration, hashKey: SipHashKey, capacity: Int = 1_000_000) {
        self.configuration = configuration
        self.hashKey = hashKey
        self.tokenKey = Self.tokenKey(of: hashKey)
        (self.branchKey, self.wayBackKey) = (hashKey.derived(for: "branch"), hashKey.derived(for: "way back"))
        self.contexts = Slab(capacity: capacity)
        self.branches = Slab(capacity: capacity * 2)
    }

    /// Requests that have no final response yet.
    public internal(set) var unansweredCount = 0

    /// Requests that are being proxied, or whose 2xx may come again.
    public var contextCount: Int { self.contexts.count }

    // MARK: Beginning

    /// Proxies the request of a server transaction to `targets`.
    ///
    /// - Parameters:
    ///   - server: The transaction; events about it must name the number that is returned.
    ///   - source: Where the request came from.
    ///   - targets: A block made by `Target.append`, best `q` first.
    ///   - traits: What is known of the request.
    ///   - succession: How the targets take each other's place; `nil` forks to them by their `q`.
    ///   - ringLimit: How long the targets of one preference may ring while there are others after them.
    /// - Returns: the number of the context, for `cancel`; `nil` when there are too many, answered with 503.
    @discardableResult
    public mutating func begin(
        _ server: TransactionID, method: Method.Code, source: Flow, targets: [UInt8], maxBreadth: UInt32?,
        traits: RequestTraits = [], succession: Succession? = nil, ringLimit: TimeSpan? = nil,
        transactions: inout TransactionLayer,
        at now: MonotonicInstant, into outbox: inout Outbox
    ) -> Int32? {
        var context = ResponseContext(
            server: server, method: method, source: source,
            maxBreadth: maxBreadth ?? self.configuration.maxBreadth)
        context.mayMakeDialog = method.mayMakeDialog(traits)
        context.traits = traits
        if let ringLimit { context.ringLimit = UInt32(clamping: Swift.max(1, ringLimit.nanoseconds / 1_000_000)) }
        guard let kept = transactions.keep(targets),
            let number = self.contexts.insert(context)
        else {
            transactions.reply(server, 503, "Too Many Requests At Once", at: now, into: &outbox)
            if let succession { self.outcomes.append(.failed(succession.token)) }
            return nil
        }
        self.contexts[number].targets = kept
        if let succession {
            self.contexts[number].hasSuccession = true
            self.successions[number] = succession
        }
        self.unansweredCount += 1
        transactions.setOwner(UInt64(number), of: server)
        self.tryNext(number, &transactions, at: now, into: &outbox)
        self.finishIfDone(number, &transactions, at: now, into: &outbox)
        return number
    }

    /// Starts the next group of targets: those of the same `q` (§16.6). Alternates belong to the target before them.
    ///
    /// - Parameter limit: How many may be tried at once: what is beyond Max-Breadth has to wait (RFC 5393 §5.3.3.2).
    func groupEnd(
        _ block: Span<UInt8>, from start: Int, isAlone: Bool, limit: UInt32
    ) -> (end: Int, count: UInt32) {
        let first = Target(block, at: start)
        var (end, count) = (first.whole.upper, UInt32(1))
        if isAlone { return (end, count) }
        while end < block.count {
            let target = Target(block, at: end)
            let isAlternate = target.traits.contains(.isAlternate)
            if self.configuration.serialByQ, !isAlternate, target.q != first.q { break }
            if !isAlternate, count >= limit { break }
            end = target.whole.upper
            if !isAlternate { count += 1 }
        }
        return (end, count)
    }

    /// - Parameter isBesides: Whether one more target is begun while others are pending.
    mutating func tryNext(
        _ number: Int32, isBesides: Bool = false, _ transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        guard self.contexts.isInUse(number) else { return }
        var isBesides = isBesides
        while self.contexts[number].pendingCount == 0 || isBesides, !self.contexts[number].isStopped,
            !self.contexts[number].isAnswered,
            Int(self.contexts[number].nextTarget) < self.contexts[number].targets.count
        {
            isBesides = false
            self.scratch.removeAll(keepingCapacity: true)
            transactions.pool.append(self.contexts[number].targets, to: &self.scratch)
            // Taken out for the time of the loop, since forwarding needs the rest of `self`.
            var block: [UInt8] = []
            swap(&block, &self.scratch)
            let start = Int(self.contexts[number].nextTarget)
            let (end, count) = self.groupEnd(
                block.span, from: start, isAlone: self.contexts[number].hasSuccession,
                limit: self.contexts[number].maxBreadth)
            self.contexts[number].nextTarget = UInt32(end)
            let breadth = self.contexts[number].maxBreadth / count
            if breadth == 0 {
                self.noteFailure(number, 440, "Max-Breadth Exceeded", &transactions, at: now)
                self.contexts[number].isStopped = true
            }
            var position = start
            // The group counts as pending until all of it is under way: a target that fails at once would otherwise end
            // the context, or begin the next group, with the others not even tried.
            self.contexts[number].pendingCount += 1
            while position < end, breadth > 0 {
                let target = Target(block.span, at: position)
                position = target.whole.upper
                guard !target.traits.contains(.isAlternate) else { continue }
                self.contexts[number].targetCount &+= 1
                self.forwardWithAlternates(
                    number, block, target, maxBreadth: breadth, &transactions, at: now, into: &outbox)
            }
            self.contexts[number].pendingCount -= 1
            swap(&block, &self.scratch)
        }
    }

    // MARK: Forwarding

    /// Forwards the request to one target (§16.6).
    ///
    /// - Parameter alternates: Where the alternates of the target lie.
    mutating func forward(
        _ number: Int32, _ block: [UInt8], _ target: Target, alternates: OctetRange, maxBreadth: UInt32,
        _ transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        if let flow = target.flow {
            guard Int(flow.endpoint) < self.configuration.endpoints.count else {
                return self.noteFailure(number, 480, "The Way To The Device Is Lost", &transactions, at: now)
            }
            guard let slot = self.openBranch(number, alternates: alternates, maxBreadth: maxBreadth) else {
                return self.noteFailure(number, 503, "Too Many Branches", &transactions, at: now)
            }
            if !self.send(
                slot, block, target, over: flow, maxBreadth: maxBreadth, &transactions, at: now, into: &outbox)
            {
                self.contexts[number].pendingCount -= 1
                self.removeBranch(slot)
                self.noteFailure(number, 503, "No Room For The Request", &transactions, at: now)
            }
            return
        }
        let server = self.contexts[number].server
        guard var hop = Self.nextHop(of: target, in: block, server, &transactions) else {
            return self.noteFailure(number, 480, "No Way To The Target", &transactions, at: now)
        }
        hop.isLarge = self.isLarge(number, block, target, maxBreadth: maxBreadth, &transactions)
        self.resolve(
            number, hop, Array(block[target.whole.range]), alternates: alternates, maxBreadth: maxBreadth,
            &transactions, at: now, into: &outbox)
    }

    /// A branch that counts as pending and has not been sent; `nil` when there are too many.
    mutating func openBranch(_ number: Int32, alternates: OctetRange, maxBreadth: UInt32) -> Int32? {
        var branch = Branch(context: number, next: self.contexts[number].firstBranch, client: .none)
        (branch.alternates, branch.maxBreadth) = (alternates, maxBreadth)
        branch.ordinal = self.contexts[number].targetCount &- 1
        branch.target = self.contexts[number].currentTarget
        guard let slot = self.branches.insert(branch) else { return nil }
        self.contexts[number].firstBranch = slot
        self.contexts[number].pendingCount += 1
        self.contexts[number].branchCount += 1
        return slot
    }

    /// Sends the request on a branch; returns whether there was room for it.
    ///
    /// - Parameters:
    ///   - domain: Over TLS, the domain that was looked up; empty where there was none.
    mutating func send(
        _ slot: Int32, _ block: [UInt8], _ target: Target, over flow: Flow, to domain: [UInt8] = [], maxBreadth: UInt32,
        _ transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) -> Bool {
        let context = self.contexts[self.branches[slot].context]
        guard transactions.indexRequest(of: context.server),
            let client = transactions.openClient(method: context.method, owner: UInt64(slot))
        else { return false }
        let fields = self.branches[slot].hasLoggedIn ? self.logins[slot] ?? [] : []
        let raisesCSeq = self.raisesCSeq(slot)
        let start = outbox.octets.count
        var flow = flow
        Self.write(
            context, client, block, target, flow, maxBreadth: maxBreadth, adding: fields, raisesCSeq: raisesCSeq,
            self.configuration,
            (self.hashKey, self.tokenKey), transactions, into: &outbox.octets)
        if let stream = self.stream(insteadOf: flow, to: target, octets: outbox.octets.count - start, at: now) {
            outbox.discard(from: start)
            (self.branches[slot].streamTo, flow) = (flow.remote, stream)
            Self.write(
                context, client, block, target, flow, maxBreadth: maxBreadth, adding: fields, raisesCSeq: raisesCSeq,
                self.configuration,
                (self.hashKey, self.tokenKey), transactions, into: &outbox.octets)
        }
        guard
            transactions.sendRequest(client, over: flow, to: domain, from: start, at: now, into: &outbox)
        else { return false }
        self.branches[slot].client = client
        if context.hasSuccession { self.awaitSign(slot, &transactions, at: now) }
        self.branches[slot].maxBreadth = maxBreadth
        self.branches[slot].isPinned = target.traits.contains(.isPinned) && !flow.mayConnect
        let isConnection = flow.connection != 0 && !flow.mayConnect
        self.branches[slot].isBoundToFlow =
            target.flow == flow && (isConnection || !target.traits.isDisjoint(with: [.isPinned, .isUser]))
        if context.method == .invite {
            let limit = self.ringLimit(self.branches[slot].context)
            let deadline = now.advanced(by: limit ?? self.configuration.timerC)
            if self.branches[slot].timerC >= 0 {
                transactions.moveTimer(self.branches[slot].timerC, to: deadline)
            } else {
                let timer = transactions.setTimer(at: deadline, payload: UInt64(slot))
                self.branches[slot].timerC = timer
            }
        } else {
            transactions.stopTimer(&self.branches[slot].timerC)
        }
        return true
    }

    /// How long the branches that have been begun last may ring in place of timer C; `nil` when no target comes after them.
    func ringLimit(_ number: Int32) -> TimeSpan? {
        let context = self.contexts[number]
        guard context.ringLimit > 0, Int(context.nextTarget) < context.targets.count else { return nil }
        return .milliseconds(Int64(context.ringLimit))
    }

    /// Appends the request as it goes to a target; `transactions` has indexed it.
    static func write(
        _ context: ResponseContext, _ client: TransactionID, _ block: [UInt8], _ target: Target, _ flow: Flow,
        maxBreadth: UInt32, adding fields: [UInt8], raisesCSeq: Bool, _ configuration: borrowing ProxyConfiguration,
        _ keys: (hash: SipHashKey, token: SipHashKey), _ transactions: borrowing TransactionLayer,
        into output: inout [UInt8]
    ) {
        let request = transactions.request(of: context.server)
        let via = transactions.requestVia
        let forwarding = Forwarding(
            request, transactions.requestIndex, target: block.span, target.uri, route: target.route,
            source: context.source.remote,
            maxBreadth: maxBreadth, isTrusted: configuration.trusts(flow.remote.ip), raisesCSeq: raisesCSeq)
        let endpoint = Int(flow.endpoint)
        forwarding.writeStart(transactions.requestIndex, configuration.endpoints[endpoint], into: &output)
        let loopHash = transactions.requestIndex.loopHash(request, key: keys.hash)
        transactions.writeBranch(client, loopHash: loopHash, into: &output)
        output.append("\r\n")
        if context.mayMakeDialog, context.method == .notify || !transactions.requestIndex.hasToTag(request) {
            let ends = DialogEnds(
                request, transactions.requestIndex, via: via, context.source, context.traits, block: block.span, target,
                flow, raisesCSeq: raisesCSeq, configuration, key: keys.token)
            ends.writeRecordRoute(configuration, key: keys.token, into: &output)
        }
        if context.traits.contains(.wantsPath) {
            PathField.write(
                request, transactions.requestIndex, via: via, context.source, endpoint: endpoint, configuration,
                key: keys.token,
                into: &output)
        }
        forwarding.writeRest(transactions.requestIndex, via: via, adding: fields, into: &output)
    }
}

extension MessageIndex {
    /// Whether To has a tag, so that the request belongs to a dialog.
    public func hasToTag(_ octets: Span<UInt8>) -> Bool {
        guard let value = self.value(.to),
            let address = try? AddressIndex(parsing: octets, in: value.range, field: .to)
        else { return false }
        return !address.tag.isEmpty
    }

    /// A hash of all that decides where we send a request: when it comes back to us with the same, it loops; with
    /// another Request-URI it spirals (RFC 3261 §16.6 step 8, RFC 5393 §4.2.1). Credentials decide nothing of that, and
    /// those for us do not come back.
    public func loopHash(_ octets: Span<UInt8>, key: SipHashKey) -> UInt64 {
        var hasher = SipHash13(key: key)
        hasher.combine(octets, self.requestURI.range)
        for i in self.fields.indices {
            switch self.fields[i].id {
            case .callID, .from, .to, .cseq, .route, .proxyRequire:
                hasher.combine(octet: self.fields[i].id.rawValue)
                hasher.combine(octets, self.fields[i].value.range)
            default: break
            }
        }
        return hasher.finish()
    }
}
