import AgentCore
import LocationService
import ProxyCore
import SIPMessages
import SIPTransactions

/// What goes on without a transaction: the ACK to a 2xx, and all that is forwarded where the proxy is stateless
/// (RFC 3261 §13.2.2.4, §16.6, §16.11).
extension CallShard {
    /// Passes on an ACK, or where the proxy is stateless a CANCEL, that no transaction wants.
    ///
    /// Neither can be challenged (§22.1). Where users must prove who they are, it is let through by the token of its dialog
    /// or of its client; a stateless proxy, which knows nothing of the INVITE, lets it through to users of ours, and from
    /// who says to be one of them.
    mutating func relayUnmatched(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        if self.agent.owns(dialogOf: octets, workspace.index) {
            guard workspace.index.method == .ack else {
                return self.refuse(octets, 481, "No Such Transaction", &workspace)
            }
            return self.agent.receive(
                ack: octets, transactions: &self.transactions, at: workspace.now, into: &workspace.outbox)
        }
        switch self.preprocess(octets, &workspace) {
        case .unchanged: self.forwardUnmatched(octets, &workspace, RouteProof())
        case .changed(let proof):
            guard !proof.isForged else { return }
            Self.withPreprocessed(&self, &workspace) { shard, request, workspace in
                shard.forwardUnmatched(request, &workspace, proof)
            }
        }
    }

    /// Lends the request as preprocessing left it, indexed.
    private static func withPreprocessed(
        _ shard: inout CallShard, _ workspace: inout Workspace,
        _ body: (inout CallShard, Span<UInt8>, inout Workspace) -> Void
    ) {
        var request: [UInt8] = []
        swap(&request, &shard.preprocessed)
        defer { swap(&request, &shard.preprocessed) }
        guard shard.reindexPreprocessed(request.span, &workspace) else { return }
        body(&shard, request.span, &workspace)
    }

    /// Forwards what is left of a request without its credentials for us.
    private static func forwardRewritten(_ shard: inout CallShard, _ workspace: inout Workspace, _ proof: RouteProof) {
        var request: [UInt8] = []
        swap(&request, &shard.rewritten)
        defer { swap(&request, &shard.rewritten) }
        guard shard.reindex(request.span, &workspace) else { return }
        shard.forwardUnmatched(request.span, &workspace, proof)
    }

    private mutating func forwardUnmatched(_ octets: Span<UInt8>, _ workspace: inout Workspace, _ proof: RouteProof) {
        // The ACK to a 2xx has the credentials of its INVITE (RFC 3261 §13.2.2.4), and those for us end here (§22.3).
        if self.settings.requiresAuthentication, self.hasCredentialsForUs(octets, workspace.index) {
            self.rewrite(octets, workspace.index, identity: [], keepsClaims: true)
            return Self.forwardRewritten(&self, &workspace, proof)
        }
        guard let uri = try? URIIndex(parsing: octets, in: workspace.index.requestURI.range),
            let hop = self.nextHop(octets, workspace.index, uri)
        else { return }
        let isOurs = self.settings.isOurs(uri, octets)
        let isStateless = self.settings.proxy.isStateless
        // Who knows the token of a dialog may send within it, not anywhere: an ACK no more than a BYE.
        var proof = proof
        let isProved = !self.settings.requiresAuthentication || self.permits(&proof, octets, workspace)
        if !isProved {
            guard isStateless, isOurs || self.isFromOurDomain(octets, workspace.index) else {
                return self.refuse(octets, 481, "No Such Transaction", &workspace)
            }
        }
        let passage = Passage(proof: proof)
        if isOurs, isStateless, proof.flow == nil {
            self.noteUnprovedCaller(octets, workspace)
            if self.routeByPlan(uri, octets, &workspace, passage) { return }
        }
        let isGRUU = isOurs && uri.parameter("gr", in: octets) != nil
        if isGRUU || (isOurs && isStateless && uri.hasUser && proof.flow == nil && !workspace.index.has(.route)) {
            return self.lookUpStateless(uri, octets, &workspace, passage.traits)
        }
        guard proof.flow != nil || !self.settings.isOurs(hop, octets) else { return }
        let flow =
            proof.flow
            ?? self.settings.proxy.flow(to: hop, octets, near: workspace.flow, isSecure: uri.scheme == .sips)
        workspace.targets.removeAll(keepingCapacity: true)
        Target.append(
            uri: octets, workspace.index.requestURI.range, route: octets, 0..<0, q: 1000, flow: flow,
            traits: proof.flow == nil ? [] : .isPinned, to: &workspace.targets)
        self.sendStateless(octets, &workspace, passage.traits)
    }

    private func isFromOurDomain(_ octets: Span<UInt8>, _ index: borrowing MessageIndex) -> Bool {
        self.fromURI(octets, index).map { self.settings.isOurDomain($0, octets) } ?? false
    }

    /// Asks for the bindings of the AOR or GRUU that a Request-URI names. The request goes along, as it is to be forwarded.
    mutating func lookUpStateless(
        _ uri: URIIndex, _ octets: Span<UInt8>, _ workspace: inout Workspace, _ traits: RequestTraits
    ) {
        let key = self.settings.appendAOR(of: uri, octets, into: &workspace.mail)
        guard let goal = self.goal(of: uri, octets, key, workspace.mail.span) else {
            return self.refuse(octets, 404, "No Such GRUU", &workspace)
        }
        self.askStateless(goal, octets, &workspace, uri.scheme == .sips ? traits.union(.isSecure) : traits)
    }

    /// Asks for the bindings of a user to whom the dial plan leads.
    mutating func lookUpStateless(
        _ aor: [UInt8], _ octets: Span<UInt8>, _ workspace: inout Workspace, _ traits: RequestTraits
    ) {
        let start = workspace.mail.count
        workspace.mail += aor
        let key = OctetRange(start, workspace.mail.count)
        let hash = SipHash13.hash(workspace.mail.span, key.range, key: self.settings.hashKey)
        self.askStateless(Goal(hash: hash, key: key, selection: .all), octets, &workspace, traits)
    }

    private func askStateless(
        _ goal: Goal, _ octets: Span<UInt8>, _ workspace: inout Workspace, _ traits: RequestTraits
    ) {
        var asker = Asker(shard: self.number, server: .none, traits: traits)
        asker.hasRoute = workspace.index.has(.route)
        if case .temporary = goal.selection { asker.isTemporary = true }
        asker.aor = goal.key
        let start = workspace.mail.count
        workspace.mail.append(octets, 0..<workspace.index.body.upper)
        asker.request = OctetRange(start, workspace.mail.count)
        workspace.posts.append(
            .lookUp(
                shard: self.settings.shard(of: goal.hash), hash: goal.hash, key: goal.key, selection: goal.selection,
                asker: asker))
    }

    /// The bindings are there: forwards the request to the first of them, or says that there is none.
    mutating func forwardStateless(_ asker: Asker, _ block: OctetRange, _ workspace: inout Workspace) {
        var request: [UInt8] = []
        swap(&request, &self.rewritten)
        defer { swap(&request, &self.rewritten) }
        request.removeAll(keepingCapacity: true)
        request.append(workspace.mail.span, asker.request.range)
        guard self.reindex(request.span, &workspace) else { return }
        guard !block.isEmpty else {
            let (status, reason) = self.absence(asker, workspace)
            return self.refuse(request.span, status, reason, &workspace)
        }
        workspace.targets.removeAll(keepingCapacity: true)
        let isSecure = asker.traits.contains(.isSecure)
        self.appendTargets(
            workspace.mail, block, hasRoute: asker.hasRoute, isSecure: isSecure, into: &workspace.targets)
        guard !workspace.targets.isEmpty else {
            let others = Self.contacts(workspace, block) { $0?.scheme == .other }
            guard others.isEmpty else {
                return self.refuse(request.span, 302, Self.elsewhere, fields: others, &workspace)
            }
            let refusal = Self.unfitContacts(isSecure: isSecure)
            return self.refuse(request.span, 480, refusal.reason, fields: refusal.fields, &workspace)
        }
        self.sendStateless(request.span, &workspace, asker.traits)
    }

    /// Sends the request at hand to the first of the targets in the workspace.
    mutating func sendStateless(_ octets: Span<UInt8>, _ workspace: inout Workspace, _ traits: RequestTraits) {
        if let value = workspace.index.value(.maxForwards), octets.maxForwards(value) == 0 { return }
        self.proxy.forwardStateless(
            octets, workspace.index, via: workspace.via, source: workspace.flow, targets: workspace.targets,
            traits: traits, at: workspace.now, into: &workspace.outbox)
    }

    /// Passes on a response that belongs to no transaction (§16.11).
    func passStateless(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        let isTrusted = !self.settings.requiresAuthentication || self.settings.trustsSender(workspace)
        self.proxy.passStateless(
            octets, workspace.index, via: workspace.via, isTrusted: isTrusted, into: &workspace.outbox)
    }
}
