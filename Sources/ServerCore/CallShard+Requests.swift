import AgentCore
import CallRecords
import Containers
import LocationService
import ProxyCore
import SIPMessages
import SIPTransactions

/// What is done with a request: RFC 3261 §16.3 to §16.5.
extension CallShard {
    mutating func receiveRequest(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        let match = self.transactions.match(
            octets, workspace.index, via: workspace.via, at: workspace.now, into: &workspace.outbox)
        switch match {
        case .absorbed: return
        case .unmatchedACK: return self.relayUnmatched(octets, &workspace)
        case .new: break
        }
        if workspace.index.method == .cancel { return self.cancel(octets, &workspace) }
        // What belongs to a call goes on: it may be its BYE.
        if self.settings.isStopping, !workspace.index.hasToTag(octets) {
            return self.refuse(octets, 503, "Server Is Stopping", fields: Array(Self.laterField), &workspace)
        }
        // What belongs to a call of our own needs no leave and no way (§12.2.2).
        if self.agent.owns(dialogOf: octets, workspace.index) { return self.serve(octets, &workspace) }
        guard self.validate(octets, &workspace) else { return }
        switch self.preprocess(octets, &workspace) {
        case .unchanged: self.proceed(octets, &workspace, RouteProof())
        case .changed(let proof): Self.proceedPreprocessed(&self, &workspace, proof)
        }
    }

    /// Goes on with the request as preprocessing left it.
    private static func proceedPreprocessed(
        _ shard: inout CallShard, _ workspace: inout Workspace, _ proof: RouteProof
    ) {
        var request: [UInt8] = []
        swap(&request, &shard.preprocessed)
        defer { swap(&request, &shard.preprocessed) }
        guard shard.reindexPreprocessed(request.span, &workspace) else { return }
        shard.proceed(request.span, &workspace, proof)
    }

    private mutating func proceed(_ octets: Span<UInt8>, _ workspace: inout Workspace, _ proof: RouteProof) {
        // The hash in our Via was made of the request without our Route values, so only now it can be compared.
        if self.isLoop(octets, workspace.index, via: workspace.via) {
            return self.refuse(octets, 482, "Loop Detected", &workspace)
        }
        guard !proof.isForged else {
            return self.refuse(octets, 403, "Flow Token Is Not Of This Dialog", &workspace)
        }
        var passage = Passage(proof: proof)
        guard self.authorise(octets, &workspace, &passage) else { return }
        if passage.isRewritten {
            Self.routeRewritten(&self, &workspace, passage)
        } else {
            self.route(octets, &workspace, passage)
        }
    }

    private static func routeRewritten(_ shard: inout CallShard, _ workspace: inout Workspace, _ passage: Passage) {
        var request: [UInt8] = []
        swap(&request, &shard.rewritten)
        defer { swap(&request, &shard.rewritten) }
        guard shard.reindex(request.span, &workspace) else { return }
        shard.route(request.span, &workspace, passage)
    }

    mutating func refuse(
        _ octets: Span<UInt8>, _ status: UInt16, _ reason: StaticString, fields: [UInt8] = [],
        _ workspace: inout Workspace
    ) {
        let tag = self.settings.statelessTag(octets, workspace.index)
        workspace.reply(octets, status, reason, fields: fields, tag: tag)
        guard workspace.index.method == .invite, self.recorder.isWatching else { return }
        self.recorder.refused(
            octets, workspace.index, over: workspace.flow, status: status, at: workspace.now, wall: workspace.wall,
            into: &workspace.endedCalls)
    }

    /// When to come again, where another server takes over, or this one after a restart.
    static let laterField: String.UTF8View = "Retry-After: 5\r\n".utf8

    // MARK: Validation (§16.3)

    private mutating func validate(_ octets: Span<UInt8>, _ workspace: inout Workspace) -> Bool {
        let index = workspace.index
        let uri: URIIndex
        do {
            uri = try URIIndex(parsing: octets, in: index.requestURI.range)
        } catch {
            self.refuse(octets, 400, "Malformed Request-URI", &workspace)
            return false
        }
        guard uri.scheme == .sip || uri.scheme == .sips || uri.scheme == .tel else {
            self.refuse(octets, 416, "Unsupported URI Scheme", &workspace)
            return false
        }
        guard uri.headers.isEmpty else {
            self.refuse(octets, 400, "Header Fields In Request-URI", &workspace)
            return false
        }
        var fields: [UInt8] = []
        if index.writeUnsupported(.proxyRequire, of: octets, knowing: [], into: &fields) {
            self.refuse(octets, 420, "Bad Extension", fields: fields, &workspace)
            return false
        }
        if let value = index.value(.maxForwards), octets.maxForwards(value) == 0, !self.isForUs(uri, octets, index) {
            self.refuse(octets, 483, "Too Many Hops", &workspace)
            return false
        }
        return self.validateSecurity(octets, uri, &workspace)
    }

    /// Whether a request ends here: to the server itself, not to one of its users.
    private func isForUs(_ uri: URIIndex, _ octets: Span<UInt8>, _ index: borrowing MessageIndex) -> Bool {
        !uri.hasUser && !index.has(.route) && self.settings.isOurs(uri, octets)
    }

    /// Whether we have had this very request before (RFC 5393 §4.2): a Via of ours whose branch ends in the same hash.
    ///
    /// - Parameter via: The topmost Via; most requests that come have no other.
    private func isLoop(_ octets: Span<UInt8>, _ index: borrowing MessageIndex, via: ViaIndex) -> Bool {
        var hash: UInt64?
        guard index.hasVia(below: via) else { return self.isLoop(octets, index, via, &hash) }
        var position = index.first(.via)
        var via = ViaIndex()
        while let field = position {
            let value = index.fields[field].value
            var start: Int? = value.lower
            while let from = start {
                guard let next = try? ViaIndex.parse(octets, in: from..<value.upper, into: &via) else {
                    start = nil
                    if self.isLoop(octets, index, via, &hash) { return true }
                    break
                }
                if self.isLoop(octets, index, via, &hash) { return true }
                start = next
            }
            position = index.next(.via, from: field + 1)
        }
        return false
    }

    private func isLoop(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, _ via: ViaIndex, _ hash: inout UInt64?
    ) -> Bool {
        guard via.branch.count == 56, self.settings.isOurs(via, octets) else { return false }
        let ours = hash ?? index.loopHash(octets, key: self.settings.hashKey)
        hash = ours
        var written: [UInt8] = []
        written.append(hexadecimal: ours)
        return octets.equals(via.branch.upper - 16..<via.branch.upper, written.span, 0..<16)
    }

    // MARK: Targets (§16.5)

    /// Finds where a request goes, and starts its transaction.
    private mutating func route(_ octets: Span<UInt8>, _ workspace: inout Workspace, _ passage: Passage) {
        guard let uri = try? URIIndex(parsing: octets, in: workspace.index.requestURI.range) else { return }
        let pinned = passage.proof.flow
        self.noteEnd(octets, &workspace)
        let isOurs = self.settings.isOurs(uri, octets)
        // A GRUU stands for a device wherever that is now, also within a dialog (RFC 5627 §6.1).
        let isGRUU = isOurs && uri.parameter("gr", in: octets) != nil
        if pinned == nil, passage.home < 0, self.ask(uri, octets, &workspace, passage) { return }
        if pinned == nil, !isGRUU, passage.home < 0, self.routeByPlan(uri, octets, &workspace, passage) { return }
        if isOurs, isGRUU || (pinned == nil && !workspace.index.has(.route)) {
            guard uri.hasUser else { return self.answerLocally(octets, &workspace) }
            if self.settings.isEcho(uri, octets) { return self.serve(octets, &workspace) }
            guard !self.settings.proxy.isStateless else {
                return self.lookUpStateless(uri, octets, &workspace, passage.traits)
            }
            return self.lookUp(uri, octets, &workspace, passage)
        }
        var traits: Target.Traits = []
        var flow = pinned
        if pinned == nil, let hop = self.nextHop(octets, workspace.index, uri) {
            flow = self.settings.proxy.flow(
                to: hop, octets, near: workspace.flow, isSecure: uri.scheme == .sips)
        }
        if pinned != nil { traits.insert(.isPinned) }
        if passage.proof.receiver.isUser { traits.insert(.isUser) }
        workspace.targets.removeAll(keepingCapacity: true)
        if passage.home >= 0 {
            self.appendHome(passage.home, octets, workspace.index, near: workspace.flow, into: &workspace.targets)
        } else {
            Target.append(
                uri: octets, workspace.index.requestURI.range, route: octets, 0..<0, q: 1000, flow: flow,
                traits: traits, to: &workspace.targets)
        }
        self.send(octets, &workspace, passage.traits)
    }

    /// Sends the request at hand to the targets in the workspace: in a transaction, or, where the proxy has none, to the
    /// first of them (§16.11).
    mutating func send(_ octets: Span<UInt8>, _ workspace: inout Workspace, _ traits: RequestTraits) {
        guard !self.settings.proxy.isStateless else { return self.sendStateless(octets, &workspace, traits) }
        guard let server = self.createServer(octets, &workspace) else { return }
        let maxBreadth = workspace.index.value(.maxBreadth).map { octets.maxForwards($0) }
        self.begin(server, workspace.index.method, workspace.flow, maxBreadth: maxBreadth, traits, &workspace)
    }

    /// Starts the transaction of a request.
    ///
    /// - Parameter isTrying: Whether the answer will take its time.
    mutating func createServer(
        _ octets: Span<UInt8>, _ workspace: inout Workspace, isTrying: Bool = true
    ) -> TransactionID? {
        let server = self.transactions.createServer(
            octets, workspace.index, via: workspace.via, flow: workspace.flow, owner: .max, promisesAnswer: !isTrying,
            at: workspace.now, into: &workspace.outbox)
        guard let server else {
            var fields: [UInt8] = []
            fields.append("Retry-After: 5\r\n")
            self.refuse(octets, 503, "Too Many Transactions", fields: fields, &workspace)
            return nil
        }
        if !workspace.via.maddrName.isEmpty { self.searchNamedClient(of: server, octets, &workspace) }
        if workspace.index.method == .invite {
            self.recorder.invited(
                octets, workspace.index, over: workspace.flow, at: workspace.now, wall: workspace.wall)
        }
        return server
    }

    mutating func begin(
        _ server: TransactionID, _ method: Method.Code, _ source: Flow, maxBreadth: UInt32?,
        _ traits: RequestTraits, _ workspace: inout Workspace
    ) {
        self.proxy.begin(
            server, method: method, source: source, targets: workspace.targets, maxBreadth: maxBreadth,
            traits: traits, transactions: &self.transactions, at: workspace.now, into: &workspace.outbox)
    }

    // MARK: CANCEL

    /// Answers a CANCEL and cancels what it names (§9.2, §16.10).
    private mutating func cancel(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        let invite = self.transactions.cancelled(by: octets, workspace.index, via: workspace.via)
        guard !invite.isNone else {
            // A stateless proxy passes it on like any other request (§16.11). One with transactions knows all there are to
            // cancel; what it passed on without one would get no answer (§16.10, RFC 6026 §8.2).
            if self.settings.proxy.isStateless { return self.relayUnmatched(octets, &workspace) }
            return self.refuse(octets, 481, "No Such Transaction", &workspace)
        }
        let server = self.transactions.createServer(
            octets, workspace.index, via: workspace.via, flow: workspace.flow, owner: .max, at: workspace.now,
            into: &workspace.outbox)
        if let server {
            self.transactions.reply(server, 200, "OK", at: workspace.now, into: &workspace.outbox)
        }
        self.recorder.cancelled(octets, workspace.index)
        if let owner = self.transactions.owner(of: invite), Agent.owns(owner) {
            return self.agent.cancelled(
                invite, transactions: &self.transactions, at: workspace.now, into: &workspace.outbox)
        }
        if let owner = self.transactions.owner(of: invite), self.cancelUndecided(owner, &workspace) { return }
        guard self.transactions.owner(of: invite) != UInt64.max else {
            // Its targets or its line are on their way from another shard: nothing was sent, and nothing will be.
            self.transactions.reply(
                invite, 487, "Request Terminated", at: workspace.now, into: &workspace.outbox)
            return
        }
        // There may be one value for each protocol (RFC 3326 §2).
        var reason: [UInt8] = []
        var position = workspace.index.first(.reason)
        while let field = position {
            position = workspace.index.next(.reason, from: field + 1)
            if !reason.isEmpty { reason.append(", ") }
            reason.append(octets, workspace.index.fields[field].value.range)
        }
        self.proxy.cancel(
            invite, reason: reason, transactions: &self.transactions, at: workspace.now, into: &workspace.outbox)
    }
}

extension CallShard {
    /// Indexes the request as preprocessing left it.
    mutating func reindexPreprocessed(_ octets: Span<UInt8>, _ workspace: inout Workspace) -> Bool {
        // Where only lines behind the topmost Via have gone, all that is left is known.
        guard let removed = self.removedRoutes,
            workspace.via.whole.upper <= workspace.index.startOfLine(removed.lowerBound)
        else { return self.reindex(octets, &workspace) }
        workspace.index.removeFields(removed)
        return true
    }

    /// Indexes a request of our own making in place of the one at hand. One that has become longer than a message may
    /// be, or whose new Request-URI is none, is refused.
    mutating func reindex(_ octets: Span<UInt8>, _ workspace: inout Workspace) -> Bool {
        do {
            try workspace.index.parse(octets)
            guard let via = workspace.index.value(.via) else { return false }
            _ = try ViaIndex.parse(octets, in: via.range, into: &workspace.via)
        } catch {
            return false
        }
        guard let fault = workspace.index.fault else { return true }
        let isTooLong = fault.code == .tooLong || fault.code == .tooManyFields
        self.refuse(
            octets, isTooLong ? 513 : 400, isTooLong ? "Message Too Large" : "Request Cannot Be Routed", &workspace)
        return false
    }
}
