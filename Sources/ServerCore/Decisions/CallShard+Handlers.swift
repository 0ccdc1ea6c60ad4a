import Containers
import LocationService
import ProxyCore
import SIPMessages
import SIPTransactions

/// A request that waits for a decision.
struct UndecidedRequest {
    let server: TransactionID
    let method: Method.Code
    let source: Flow
    let maxBreadth: UInt32?
    let traits: RequestTraits
    /// The timer that ends the wait; -1 for none.
    var timer: Int32
}

/// Requests that whoever uses the server as a library decides on (`ServerSettings.handledMethods`).
///
/// The request has its transaction and waits by its number. The answer, CANCEL and the deadline end the wait, whichever
/// comes first; what comes after that finds nothing.
extension CallShard {
    /// What the payload of a timer has that ends a wait, and the owner of a transaction that waits.
    static let handlerTimer: UInt64 = 1 << 52
    static let handlerOwner: UInt64 = 1 << 61

    /// Asks what is to become of a request, where somebody wants to be asked.
    ///
    /// - Returns: `false` where nobody does.
    mutating func ask(
        _ uri: URIIndex, _ octets: Span<UInt8>, _ workspace: inout Workspace, _ passage: Passage
    ) -> Bool {
        guard !self.settings.handledMethods.isEmpty, self.settings.handles(octets, workspace.index),
            !workspace.index.has(.route), !workspace.index.hasToTag(octets),
            uri.hasUser || !self.settings.isOurs(uri, octets)
        else { return false }
        guard self.undecided.count < self.settings.maximumUndecided else {
            self.refuse(octets, 503, "Too Many Requests At Once", fields: Array(Self.laterField), &workspace)
            return true
        }
        guard let server = self.createServer(octets, &workspace) else { return true }
        var traits = passage.traits
        if uri.scheme == .sips { traits.insert(.isSecure) }
        self.lastQuestion += 1
        let number = self.lastQuestion
        self.transactions.setOwner(Self.handlerOwner | number, of: server)
        let timer = self.transactions.setTimer(
            at: workspace.now.advanced(by: self.settings.decidingLimit), payload: Self.handlerTimer | number)
        self.undecided[number] = UndecidedRequest(
            server: server, method: workspace.index.method, source: workspace.flow,
            maxBreadth: workspace.index.value(.maxBreadth).map { octets.maxForwards($0) }, traits: traits,
            timer: timer)
        let user = passage.isFromUser ? self.authenticator.identity : []
        workspace.handlerQuestions.append(
            HandlerQuestion(
                shard: self.number, number: number,
                kind: .decide(request: octets.octets(0..<octets.count), source: workspace.flow, user: user)))
        return true
    }

    /// Ends the wait of a request.
    private mutating func takeUndecided(_ number: UInt64) -> UndecidedRequest? {
        guard var request = self.undecided.removeValue(forKey: number) else { return nil }
        self.transactions.stopTimer(&request.timer)
        guard self.transactions.isLive(server: request.server) else { return nil }
        // As any other that is not the proxy's yet.
        self.transactions.setOwner(.max, of: request.server)
        return request
    }

    /// Nobody has decided in time.
    mutating func decidingEnded(_ number: UInt64, _ workspace: inout Workspace) {
        guard self.undecided[number] != nil else { return }
        self.undecided[number]?.timer = -1
        guard let request = self.takeUndecided(number) else { return }
        self.withdraw(number, &workspace)
        self.transactions.reply(
            request.server, 500, "Nobody Decided In Time", at: workspace.now, into: &workspace.outbox)
    }

    /// A CANCEL came for a request that waits (§9.2).
    ///
    /// - Returns: `false` where it does not wait.
    mutating func cancelUndecided(_ owner: UInt64, _ workspace: inout Workspace) -> Bool {
        guard owner != .max, owner & Self.handlerOwner != 0 else { return false }
        guard let request = self.takeUndecided(owner & ~Self.handlerOwner) else { return true }
        self.withdraw(owner & ~Self.handlerOwner, &workspace)
        self.transactions.reply(
            request.server, 487, "Request Terminated", at: workspace.now, into: &workspace.outbox)
        return true
    }

    private func withdraw(_ number: UInt64, _ workspace: inout Workspace) {
        workspace.handlerQuestions.append(HandlerQuestion(shard: self.number, number: number, kind: .withdrawn))
    }

    /// Whoever was asked has decided. A decision on what does not wait any more is none.
    public mutating func decided(_ number: UInt64, _ decision: HandlerDecision, _ workspace: inout Workspace) {
        workspace.outbox.shard = UInt16(truncatingIfNeeded: self.number)
        let first = workspace.outbox.messages.count
        if let request = self.takeUndecided(number) { self.carryOut(decision, request, &workspace) }
        self.serveCalls(&workspace)
        self.collect(&workspace)
        self.recordCalls(from: first, &workspace)
    }

    private mutating func carryOut(
        _ decision: HandlerDecision, _ request: UndecidedRequest, _ workspace: inout Workspace
    ) {
        switch decision {
        case .reply(let status, let phrase, let fields):
            self.reply(request.server, status, phrase, fields: fields, &workspace)
        case .relay: self.relay(request, &workspace)
        case .targets(let groups, let limit):
            workspace.targets.removeAll(keepingCapacity: true)
            for (i, group) in groups.enumerated() {
                let start = workspace.targets.count
                for target in group { self.append(target, request, into: &workspace.targets) }
                // The order of the groups is that of their preference; within one all are the same.
                let q = UInt16(Swift.max(0, 1000 - i))
                Target.setPreference(q, of: &workspace.targets, from: start)
            }
            guard !workspace.targets.isEmpty else {
                self.transactions.reply(
                    request.server, 480, "Not Registered", at: workspace.now, into: &workspace.outbox)
                return
            }
            self.begin(request, ringLimit: limit, &workspace)
        }
    }

    /// Sends a request where its Request-URI leads, as if nobody had been asked.
    private mutating func relay(_ request: UndecidedRequest, _ workspace: inout Workspace) {
        guard self.transactions.indexRequest(of: request.server) else { return }
        let uri = self.transactions.requestIndex.requestURI
        let octets = Self.copy(self.transactions.request(of: request.server))
        guard let index = try? URIIndex(parsing: octets.span, in: uri.range) else { return }
        guard self.settings.isOurs(index, octets.span) else {
            workspace.targets.removeAll(keepingCapacity: true)
            self.append(.uri(Array(octets[uri.range])), request, into: &workspace.targets)
            return self.begin(request, ringLimit: nil, &workspace)
        }
        let key = workspace.leave(self.settings.aor(of: index, octets.span))
        guard let goal = self.goal(of: index, octets.span, key, workspace.mail.span) else {
            self.transactions.reply(request.server, 404, "No Such GRUU", at: workspace.now, into: &workspace.outbox)
            return
        }
        var asker = Asker(
            shard: self.number, server: request.server, maxBreadth: request.maxBreadth, traits: request.traits)
        if case .temporary = goal.selection { asker.isTemporary = true }
        asker.aor = goal.key
        workspace.flow = request.source
        workspace.posts.append(
            .lookUp(
                shard: self.settings.shard(of: goal.hash), hash: goal.hash, key: goal.key, selection: goal.selection,
                asker: asker))
    }

    private static func copy(_ octets: Span<UInt8>) -> [UInt8] { octets.octets(0..<octets.count) }

    private func append(_ target: HandlerDecision.Target, _ request: UndecidedRequest, into targets: inout [UInt8]) {
        switch target {
        case .uri(let octets):
            let uri = try? URIIndex(parsing: octets.span, in: 0..<octets.count)
            let flow = uri.flatMap { self.settings.proxy.flow(to: $0, octets.span, near: request.source) }
            Target.append(
                uri: octets.span, 0..<octets.count, route: octets.span, 0..<0, q: 1000, flow: flow, to: &targets)
        case .bindings(let block):
            self.appendTargets(
                block, OctetRange(0, block.count), hasRoute: false, isSecure: request.traits.contains(.isSecure),
                into: &targets)
        }
    }

    private mutating func begin(_ request: UndecidedRequest, ringLimit: TimeSpan?, _ workspace: inout Workspace) {
        self.proxy.begin(
            request.server, method: request.method, source: request.source, targets: workspace.targets,
            maxBreadth: request.maxBreadth, traits: request.traits, ringLimit: ringLimit,
            transactions: &self.transactions, at: workspace.now, into: &workspace.outbox)
    }
}

extension ServerSettings {
    /// Whether somebody wants to be asked about requests of this method.
    func handles(_ octets: Span<UInt8>, _ index: borrowing MessageIndex) -> Bool {
        guard index.method != .ack, index.method != .cancel else { return false }
        for i in self.handledMethods.indices where octets.equals(index.methodName.range, self.handledMethods[i]) {
            return true
        }
        return false
    }
}

extension LocationShard {
    /// The bindings of a user as targets are made of them, for `HandlerDecision.Target.bindings`.
    public func targetBlock(of aor: [UInt8], wall: Int64) -> [UInt8] {
        let hash = SipHash13.hash(aor.span, 0..<aor.count, key: self.settings.hashKey)
        var block: [UInt8] = []
        _ = self.service.appendTargets(of: aor.span, hash: hash, wall: wall, into: &block)
        return block
    }
}

extension ServerSettings {
    /// `user@domain` of the user of ours that a URI names; `nil` when it names none.
    public func ownAOR(of uri: [UInt8]) -> [UInt8]? {
        guard let index = try? URIIndex(parsing: uri.span, in: 0..<uri.count), index.hasUser,
            self.isOurs(index, uri.span)
        else { return nil }
        return self.aor(of: index, uri.span)
    }
}

extension Span where Element == UInt8 {
    /// Whether the octets in `range` are those.
    fileprivate func equals(_ range: Range<Int>, _ octets: [UInt8]) -> Bool {
        guard range.count == octets.count else { return false }
        for i in 0..<octets.count where self[range.lowerBound + i] != octets[i] { return false }
        return true
    }
}
