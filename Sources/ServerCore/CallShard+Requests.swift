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
        case .unmatchedACK: return self.relayACK(octets, &workspace)
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
        guard shard.reindex(request.span, &workspace) else { return }
        shard.proceed(request.span, &workspace, proof)
    }

    private mutating func proceed(_ octets: Span<UInt8>, _ workspace: inout Workspace, _ proof: RouteProof) {
        // The hash in our Via was made of the request without our Route values, so only now it can be compared.
        if self.isLoop(octets, workspace.index) {
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

    /// Appends the AOR that a URI names, in canonical form.
    static func appendAOR(_ uri: URIIndex, _ octets: Span<UInt8>, into aor: inout [UInt8]) {
        Registrar.appendKey(uri, of: octets, into: &aor)
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
        if index.writeUnsupported(.proxyRequire, of: octets, knowsPath: false, into: &fields) {
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
    private func isLoop(_ octets: Span<UInt8>, _ index: borrowing MessageIndex) -> Bool {
        var hash: UInt64?
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
        if pinned == nil, self.routeByPlan(uri, octets, &workspace, passage) { return }
        if !workspace.index.has(.route), pinned == nil, self.settings.isOurs(uri, octets) {
            guard uri.hasUser else { return self.answerLocally(octets, &workspace) }
            if self.settings.isEcho(uri, octets) { return self.serve(octets, &workspace) }
            return self.lookUp(uri, octets, &workspace, passage)
        }
        guard let server = self.createServer(octets, &workspace) else { return }
        var traits: Target.Traits = []
        var flow = pinned
        if pinned == nil, let hop = self.nextHop(octets, workspace.index, uri) {
            flow = self.settings.proxy.flow(
                to: hop, octets, near: workspace.flow, isSecure: uri.scheme == .sips)
        }
        if pinned != nil { traits.insert(.isPinned) }
        if passage.proof.receiver.isUser { traits.insert(.isUser) }
        workspace.targets.removeAll(keepingCapacity: true)
        Target.append(
            uri: octets, workspace.index.requestURI.range, route: octets, 0..<0, q: 1000, flow: flow, traits: traits,
            to: &workspace.targets)
        let maxBreadth = workspace.index.value(.maxBreadth).map { octets.maxForwards($0) }
        self.begin(
            server, workspace.index.method, workspace.flow, maxBreadth: maxBreadth, passage.traits, &workspace)
    }

    private mutating func lookUp(
        _ uri: URIIndex, _ octets: Span<UInt8>, _ workspace: inout Workspace, _ passage: Passage
    ) {
        guard let server = self.createServer(octets, &workspace) else { return }
        let start = workspace.mail.count
        Registrar.appendKey(uri, of: octets, into: &workspace.mail)
        let key = OctetRange(start, workspace.mail.count)
        let hash = SipHash13.hash(workspace.mail.span, key.range, key: self.settings.hashKey)
        let breadth = workspace.index.value(.maxBreadth).map { octets.maxForwards($0) }
        var traits = passage.traits
        if uri.scheme == .sips { traits.insert(.isSecure) }
        workspace.posts.append(
            .lookUp(
                shard: self.settings.shard(of: hash), hash: hash, key: key,
                asker: Asker(shard: self.number, server: server, maxBreadth: breadth, traits: traits)))
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
        if workspace.index.method == .invite {
            self.recorder.invited(
                octets, workspace.index, over: workspace.flow, at: workspace.now, wall: workspace.wall)
        }
        return server
    }

    /// The bindings of a callee are there: forks to them.
    mutating func fork(_ asker: Asker, _ block: OctetRange, _ workspace: inout Workspace) {
        let server = asker.server
        guard self.transactions.isLive(server: server), let method = self.transactions.method(of: server) else {
            return
        }
        if asker.isRedirected { return self.resume(asker, block, &workspace) }
        guard !block.isEmpty else {
            self.transactions.reply(
                server, 480, "Not Registered", at: workspace.now, into: &workspace.outbox)
            return
        }
        guard asker.redirectStatus == 0 else { return self.redirect(asker, block, &workspace) }
        workspace.targets.removeAll(keepingCapacity: true)
        let isSecure = asker.traits.contains(.isSecure)
        self.appendTargets(workspace.mail, block, isSecure: isSecure, into: &workspace.targets)
        guard !workspace.targets.isEmpty else {
            self.transactions.reply(
                server, 480, isSecure ? "SIPS Not Allowed" : "SIPS Required",
                fields: isSecure ? Self.notAllowed : Self.required, at: workspace.now, into: &workspace.outbox)
            return
        }
        self.begin(server, method, workspace.flow, maxBreadth: asker.maxBreadth, asker.traits, &workspace)
    }

    private mutating func begin(
        _ server: TransactionID, _ method: Method.Code, _ source: Flow, maxBreadth: UInt32?,
        _ traits: RequestTraits, _ workspace: inout Workspace
    ) {
        self.proxy.begin(
            server, method: method, source: source, targets: workspace.targets, maxBreadth: maxBreadth,
            traits: traits, transactions: &self.transactions, at: workspace.now, into: &workspace.outbox)
    }

    /// Writes the bindings in `block` as targets, the preferred first.
    ///
    /// - Parameter isSecure: Whether the request is for a SIPS URI, and so for SIPS contacts alone (RFC 5630 §5.3).
    func appendTargets(
        _ octets: [UInt8], _ block: OctetRange, isSecure: Bool, into targets: inout [UInt8]
    ) {
        let mail = octets.span
        var limit: UInt16 = .max
        // Most users have one or two bindings: from the highest q down, one pass for each value.
        while true {
            var best: UInt16?
            var position = block.lower
            while position < block.upper {
                let binding = StoredBinding(mail, at: position)
                if binding.q < limit, best.map({ binding.q > $0 }) ?? true { best = binding.q }
                position = binding.whole.upper
            }
            guard let q = best else { return }
            limit = q
            position = block.lower
            while position < block.upper {
                let binding = StoredBinding(mail, at: position)
                position = binding.whole.upper
                guard binding.q == q else { continue }
                self.appendTarget(binding, mail, isSecure: isSecure, into: &targets)
            }
        }
    }

    private func appendTarget(
        _ binding: StoredBinding, _ mail: Span<UInt8>, isSecure: Bool, into targets: inout [UInt8]
    ) {
        let contact = try? URIIndex(parsing: mail, in: binding.contact.range, field: .contact)
        let isContactSecure = contact?.scheme == .sips
        guard isContactSecure || !isSecure else { return }
        let way = self.way(to: binding, mail, isSecure: isContactSecure)
        if isContactSecure, let flow = way.flow, !flow.transport.isSecure { return }
        guard isContactSecure, !isSecure else {
            return Target.append(
                uri: mail, binding.contact.range, route: mail, binding.path.range, q: binding.q, flow: way.flow,
                traits: way.traits, to: &targets)
        }
        // A SIP URI is not upgraded: the device is sent its own URI as a SIP URI, over TLS all the same (RFC 5630 §5.3).
        var uri = Array("sip".utf8)
        uri.append(mail, binding.contact.lower + 4..<binding.contact.upper)
        Target.append(
            uri: uri.span, 0..<uri.count, route: mail, binding.path.range, q: binding.q, flow: way.flow,
            traits: way.traits, to: &targets)
    }

    // MARK: ACK and CANCEL

    /// Passes on an ACK to a 2xx, which is no transaction's (§16.6, §13.2.2.4).
    private mutating func relayACK(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        if self.agent.owns(dialogOf: octets, workspace.index) {
            return self.agent.receive(
                ack: octets, transactions: &self.transactions, at: workspace.now, into: &workspace.outbox)
        }
        // The ACK to a refusal of ours that had no transaction ends here.
        if let to = workspace.index.value(.to), to.count > 16 {
            var tag: [UInt8] = []
            tag.append(hexadecimal: self.settings.statelessTag(octets, workspace.index))
            if octets.equals(to.upper - 16..<to.upper, tag.span, 0..<16) { return }
        }
        switch self.preprocess(octets, &workspace) {
        case .unchanged: if !self.settings.requiresAuthentication { self.forwardACK(octets, &workspace, RouteProof()) }
        case .changed(let proof):
            // An ACK cannot be challenged (§22.1); only the token of its dialog lets it through.
            guard !proof.isForged, proof.isOfOurDialog || !self.settings.requiresAuthentication else { return }
            Self.forwardACK(&self, &workspace, proof)
        }
    }

    private static func forwardACK(_ shard: inout CallShard, _ workspace: inout Workspace, _ proof: RouteProof) {
        var request: [UInt8] = []
        swap(&request, &shard.preprocessed)
        defer { swap(&request, &shard.preprocessed) }
        guard shard.reindex(request.span, &workspace) else { return }
        shard.forwardACK(request.span, &workspace, proof)
    }

    private mutating func forwardACK(_ octets: Span<UInt8>, _ workspace: inout Workspace, _ proof: RouteProof) {
        if let value = workspace.index.value(.maxForwards), octets.maxForwards(value) == 0 { return }
        var way = proof.flow
        if way == nil {
            guard let uri = try? URIIndex(parsing: octets, in: workspace.index.requestURI.range),
                let hop = self.nextHop(octets, workspace.index, uri), !self.settings.isOurs(hop, octets)
            else { return }
            way = self.settings.proxy.flow(
                to: hop, octets, near: workspace.flow, isSecure: uri.scheme == .sips)
            if way == nil {
                self.proxy.sendACK(
                    octets, to: hop, in: octets, source: workspace.flow, transactions: &self.transactions,
                    at: workspace.now, into: &workspace.outbox)
            }
        }
        guard let flow = way else { return }
        let start = workspace.outbox.octets.count
        let nonce = self.transactions.randomNumber()
        self.proxy.writeStateless(
            octets, workspace.index, via: workspace.via, source: workspace.flow.remote, endpoint: Int(flow.endpoint),
            branch: nonce, into: &workspace.outbox.octets)
        workspace.outbox.send(from: start, over: flow)
    }

    /// Answers a CANCEL and cancels what it names (§9.2, §16.10).
    private mutating func cancel(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        let invite = self.transactions.cancelled(by: octets, workspace.index, via: workspace.via)
        guard !invite.isNone else {
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
        var reason: [UInt8] = []
        if let value = workspace.index.value(.reason) { reason = octets.octets(value.range) }
        self.proxy.cancel(
            invite, reason: reason, transactions: &self.transactions, at: workspace.now, into: &workspace.outbox)
    }
}

extension CallShard {
    /// Indexes a request of our own making in place of the one at hand. One that has become longer than a message may
    /// be, or whose new Request-URI is none, is refused.
    private mutating func reindex(_ octets: Span<UInt8>, _ workspace: inout Workspace) -> Bool {
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
