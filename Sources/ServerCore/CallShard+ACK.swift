import AgentCore
import LocationService
import ProxyCore
import SIPMessages
import SIPTransactions

/// The ACK to a 2xx, which is no transaction's: RFC 3261 §13.2.2.4, §16.6.
extension CallShard {
    /// Passes on an ACK.
    mutating func relayACK(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
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
            // An ACK cannot be challenged (§22.1); only the token of its dialog, or of its client, lets it through.
            guard !proof.isForged, proof.isOfOurDialog || proof.isOfPath || !self.settings.requiresAuthentication else {
                return
            }
            Self.withPreprocessed(&self, &workspace) { shard, request, workspace in
                shard.forwardACK(request, &workspace, proof)
            }
        }
    }

    /// Passes on an ACK to a GRUU, whose bindings lie in `block`.
    mutating func relayACK(
        _ octets: Span<UInt8>, to block: OctetRange, _ asker: Asker, _ workspace: inout Workspace
    ) {
        guard !block.isEmpty, self.reindex(octets, &workspace) else { return }
        let isChanged: Bool
        switch self.preprocess(octets, &workspace) {
        case .unchanged: isChanged = false
        case .changed: isChanged = true
        }
        workspace.targets.removeAll(keepingCapacity: true)
        self.appendTargets(
            workspace.mail, block, hasRoute: asker.hasRoute, isSecure: asker.traits.contains(.isSecure),
            into: &workspace.targets)
        guard !workspace.targets.isEmpty else { return }
        guard isChanged else { return self.sendACK(octets, &workspace) }
        Self.withPreprocessed(&self, &workspace) { shard, request, workspace in shard.sendACK(request, &workspace) }
    }

    /// Lends the request as preprocessing left it, indexed.
    private static func withPreprocessed(
        _ shard: inout CallShard, _ workspace: inout Workspace,
        _ body: (inout CallShard, Span<UInt8>, inout Workspace) -> Void
    ) {
        var request: [UInt8] = []
        swap(&request, &shard.preprocessed)
        defer { swap(&request, &shard.preprocessed) }
        guard shard.reindex(request.span, &workspace) else { return }
        body(&shard, request.span, &workspace)
    }

    private mutating func forwardACK(_ octets: Span<UInt8>, _ workspace: inout Workspace, _ proof: RouteProof) {
        guard let uri = try? URIIndex(parsing: octets, in: workspace.index.requestURI.range),
            let hop = self.nextHop(octets, workspace.index, uri)
        else { return }
        if self.settings.isOurs(uri, octets), uri.parameter("gr", in: octets) != nil {
            return self.lookUpACK(uri, octets, &workspace)
        }
        guard proof.flow != nil || !self.settings.isOurs(hop, octets) else { return }
        let flow =
            proof.flow
            ?? self.settings.proxy.flow(to: hop, octets, near: workspace.flow, isSecure: uri.scheme == .sips)
        workspace.targets.removeAll(keepingCapacity: true)
        Target.append(
            uri: octets, workspace.index.requestURI.range, route: octets, 0..<0, q: 1000, flow: flow,
            to: &workspace.targets)
        self.sendACK(octets, &workspace)
    }

    private func lookUpACK(_ uri: URIIndex, _ octets: Span<UInt8>, _ workspace: inout Workspace) {
        let start = workspace.mail.count
        Registrar.appendKey(uri, of: octets, into: &workspace.mail)
        let key = OctetRange(start, workspace.mail.count)
        guard let goal = self.goal(of: uri, octets, key, workspace.mail.span) else { return }
        let traits: RequestTraits = uri.scheme == .sips ? .isSecure : []
        var asker = Asker(shard: self.number, server: .none, maxBreadth: nil, traits: traits)
        asker.hasRoute = workspace.index.has(.route)
        workspace.posts.append(
            .lookUp(
                shard: self.settings.shard(of: goal.hash), hash: goal.hash, key: goal.key, selection: goal.selection,
                asker: asker))
    }

    /// Sends the ACK to the first of the targets in the workspace.
    private mutating func sendACK(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        if let value = workspace.index.value(.maxForwards), octets.maxForwards(value) == 0 { return }
        let branch = self.transactions.randomNumber()
        self.proxy.forwardStateless(
            octets, workspace.index, via: workspace.via, source: workspace.flow, targets: workspace.targets,
            branch: branch, at: workspace.now, into: &workspace.outbox)
    }
}
