import LocationService
import ProxyCore
import SIPMessages
import SIPTransactions

/// Following answers that redirect (RFC 3261 §16.7 step 4).
extension CallShard {
    /// Goes on with the contacts of redirections: a user of ours is looked up, any other contact is tried as it is.
    ///
    /// They never lead to the dial plan: a callee could otherwise send calls out by a trunk at our expense.
    mutating func followRedirections(_ workspace: inout Workspace) {
        for redirection in self.proxy.takeRedirections() {
            let octets = redirection.targets
            // One user of ours among the contacts is looked up; of several the first, which is the preferred one.
            var ours: URIIndex?
            var others: [UInt8] = []
            var position = 0
            while position < octets.count {
                let target = Target(octets.span, at: position)
                position = target.whole.upper
                let uri = try? URIIndex(parsing: octets.span, in: target.uri.range)
                guard let uri, target.route.isEmpty, self.settings.isOurs(uri, octets.span) else {
                    self.append(target, octets.span, near: workspace.flow, to: &others)
                    continue
                }
                if ours == nil, uri.hasUser { ours = uri }
            }
            guard let ours else {
                self.proxy.resume(
                    redirection.server, with: others, transactions: &self.transactions, at: workspace.now,
                    into: &workspace.outbox)
                continue
            }
            let key = workspace.leave(self.settings.aor(of: ours, octets.span))
            let hash = SipHash13.hash(workspace.mail.span, key.range, key: self.settings.hashKey)
            var asker = Asker(shard: self.number, server: redirection.server, traits: redirection.traits)
            asker.isRedirected = true
            asker.otherTargets = workspace.leave(others)
            workspace.posts.append(
                .lookUp(
                    shard: self.settings.shard(of: hash), hash: hash, key: key, selection: .all, asker: asker))
        }
    }

    /// Appends a target with its way, where that is known without the DNS.
    private func append(_ target: Target, _ octets: Span<UInt8>, near flow: Flow, to targets: inout [UInt8]) {
        let uri = try? URIIndex(parsing: octets, in: target.uri.range)
        var way: Flow?
        if target.route.isEmpty, let uri { way = self.settings.proxy.flow(to: uri, octets, near: flow) }
        Target.append(
            contact: octets, target.uri.range, uri, route: octets, target.route.range, q: target.q, flow: way,
            traits: [], to: &targets)
    }

    /// The bindings of a user are there whom an answer has redirected to.
    mutating func resume(_ asker: Asker, _ block: OctetRange, _ workspace: inout Workspace) {
        workspace.targets.removeAll(keepingCapacity: true)
        if !block.isEmpty {
            self.appendTargets(
                workspace.mail, block, hasRoute: false, isSecure: asker.traits.contains(.isSecure),
                into: &workspace.targets)
        }
        workspace.targets += workspace.mail[asker.otherTargets.range]
        self.proxy.resume(
            asker.server, with: workspace.targets, transactions: &self.transactions, at: workspace.now,
            into: &workspace.outbox)
    }
}
