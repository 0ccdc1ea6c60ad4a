public import SIPMessages
import SIPRouting
public import SIPTransactions

/// A request without a transaction that waits for the DNS.
struct StatelessResolution: Sendable {
    var selection: ServerSelection
    /// The request, with routes preprocessed.
    var octets: [UInt8]
    /// The one target, as `Target.append` has written it.
    var block: [UInt8]
    var source: Flow
    var traits: RequestTraits
    /// After this nobody wants it any more.
    var deadline: MonotonicInstant
}

/// Forwarding without a transaction: the ACK to a 2xx, and all requests where the proxy is stateless (RFC 3261 §16.6,
/// §16.11).
extension Proxy {
    /// Requests that may wait for the DNS.
    private static let statelessLimit = 10_000

    /// Sends a request on to the first of `targets`; where its next hop has a name, once the DNS has answered.
    ///
    /// What is sent depends on the request and on what is configured alone, so that a retransmission takes the same way
    /// and is known as one there; so do the CANCEL and the ACK of an INVITE.
    public mutating func forwardStateless(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, via: ViaIndex, source: Flow, targets: [UInt8],
        traits: RequestTraits, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        guard !targets.isEmpty else { return }
        let target = Target(targets.span, at: 0)
        if let flow = target.flow {
            return self.sendStateless(
                octets, index, via: via, source: source, traits, targets, target, over: flow, at: now, into: &outbox)
        }
        guard let hop = Self.nextHop(of: target, in: targets, octets, index),
            self.stateless.count < Self.statelessLimit
        else { return }
        if !self.stateless.isEmpty { self.stateless = self.stateless.filter { $0.value.deadline > now } }
        self.resolutionSerial += 1
        var actions: [ServerSelection.Action] = []
        let selection = ServerSelection(
            hop, capabilities: self.capabilities,
            seed: index.statelessBranch(octets, via: via, key: self.branchKey), at: now, memory: &self.memory,
            into: &actions)
        self.stateless[self.resolutionSerial] = StatelessResolution(
            selection: selection, octets: octets.octets(0..<index.body.upper),
            block: Array(targets[target.whole.range]), source: source, traits: traits,
            deadline: now.advanced(by: Self.resolutionPatience))
        self.note(actions, of: self.resolutionSerial)
        self.advanceStateless(self.resolutionSerial, at: now, into: &outbox)
    }

    /// Takes the answer to a question of such a request.
    mutating func answeredStateless(
        _ resolution: UInt64, id: UInt32, _ answer: DNSAnswer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        guard self.stateless[resolution] != nil else { return }
        var actions: [ServerSelection.Action] = []
        self.stateless[resolution]?.selection.handle(
            answer, to: id, at: now, memory: &self.memory, into: &actions)
        self.note(actions, of: resolution)
        self.advanceStateless(resolution, at: now, into: &outbox)
    }

    private mutating func advanceStateless(_ key: UInt64, at now: MonotonicInstant, into outbox: inout Outbox) {
        guard var waiting = self.stateless[key] else { return }
        var actions: [ServerSelection.Action] = []
        while true {
            let outcome = waiting.selection.next(at: now, memory: &self.memory, into: &actions)
            self.note(actions, of: key)
            actions = []
            switch outcome {
            case .waiting:
                self.stateless[key] = waiting
                return
            case .exhausted:
                self.stateless[key] = nil
                return
            case .target(let server):
                guard
                    let endpoint = self.configuration.endpoint(
                        for: server.transport, to: server.address.ip, preferred: waiting.source.endpoint)
                else { continue }
                self.stateless[key] = nil
                let flow = Flow(endpoint: endpoint, transport: server.transport, remote: server.address)
                // The certificate must be for what was looked up (RFC 5922 §7.3).
                let isNamed = server.transport.isSecure && server.identity.address == nil
                return self.sendStateless(
                    waiting, over: flow, to: isNamed ? Array(server.identity.name.utf8) : [], at: now, into: &outbox)
            }
        }
    }

    private mutating func sendStateless(
        _ waiting: StatelessResolution, over flow: Flow, to domain: [UInt8], at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        var index = MessageIndex()
        var via = ViaIndex()
        do {
            try index.parse(waiting.octets.span)
            guard let field = index.value(.via) else { return }
            _ = try ViaIndex.parse(waiting.octets.span, in: field.range, into: &via)
        } catch { return }
        self.sendStateless(
            waiting.octets.span, index, via: via, source: waiting.source, waiting.traits, waiting.block,
            Target(waiting.block.span, at: 0), over: flow, to: domain, at: now, into: &outbox)
    }

    private func sendStateless(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, via: ViaIndex, source: Flow, _ traits: RequestTraits,
        _ block: [UInt8], _ target: Target, over flow: Flow, to domain: [UInt8] = [], at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        guard Int(flow.endpoint) < self.configuration.endpoints.count else { return }
        let start = outbox.octets.count
        var flow = flow
        self.writeStateless(
            octets, index, via: via, source: source, traits, block, target, flow, into: &outbox.octets)
        let size = outbox.octets.count - start
        if let stream = self.streamStateless(insteadOf: flow, to: target, octets: size, at: now) {
            outbox.discard(from: start)
            flow = stream
            self.writeStateless(
                octets, index, via: via, source: source, traits, block, target, flow, into: &outbox.octets)
        }
        outbox.send(from: start, over: flow, by: .nobody, to: domain.span)
    }

    /// The way that a request takes which is too large for a datagram (§18.1.1). Nobody hears that it failed, to try a
    /// datagram after all; so an ACK takes it where a request has come through before it.
    private func streamStateless(insteadOf flow: Flow, to target: Target, octets: Int, at now: MonotonicInstant)
        -> Flow?
    {
        guard flow.transport == .udp, octets > self.configuration.maxDatagramOctets,
            !target.traits.contains(.isPinned), !target.traits.contains(.isUser)
        else { return nil }
        let takesStreams = self.memory.takesStreams(flow.remote, at: now) ?? self.configuration.isStateless
        guard takesStreams,
            let endpoint = self.configuration.endpoint(for: .tcp, to: flow.remote.ip, preferred: flow.endpoint)
        else { return nil }
        return Flow(endpoint: endpoint, transport: .tcp, remote: flow.remote)
    }

    private func writeStateless(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, via: ViaIndex, source: Flow, _ traits: RequestTraits,
        _ block: [UInt8], _ target: Target, _ flow: Flow, into output: inout [UInt8]
    ) {
        let forwarding = Forwarding(
            octets, index, target: block.span, target.uri, route: target.route, source: source.remote,
            maxBreadth: self.configuration.maxBreadth, isTrusted: self.configuration.trusts(flow.remote.ip),
            raisesCSeq: traits.contains(.raisesCSeq))
        forwarding.writeStart(index, self.configuration.endpoints[Int(flow.endpoint)], into: &output)
        let branch = index.statelessBranch(octets, via: via, key: self.branchKey)
        output.append("z9hG4bK")
        output.append(hexadecimal: branch)
        self.writeWayBack(over: source, branch: branch, into: &output)
        output.append("\r\n")
        if index.method.mayMakeDialog(traits), index.method == .notify || !index.hasToTag(octets) {
            let ends = DialogEnds(
                octets, index, via: via, source, traits, block: block.span, target, flow, self.configuration,
                key: self.tokenKey)
            ends.writeRecordRoute(self.configuration, key: self.tokenKey, into: &output)
        }
        if traits.contains(.wantsPath) {
            PathField.write(
                octets, index, via: via, source, endpoint: Int(flow.endpoint), self.configuration,
                key: self.tokenKey, into: &output)
        }
        forwarding.writeRest(index, via: via, into: &output)
    }
}

extension Method.Code {
    /// Whether a request with this method may make a dialog. A NOTIFY may, and has a tag in To; it is record-routed where
    /// its SUBSCRIBE was (RFC 6665 §4.3).
    func mayMakeDialog(_ traits: RequestTraits) -> Bool {
        switch self {
        case .invite, .subscribe, .refer: true
        case .notify: traits.contains(.isOfOurDialog)
        default: false
        }
    }
}

extension MessageIndex {
    /// What makes our branch unique where it must be the same for each retransmission, and for the CANCEL and the ACK of
    /// an INVITE (§16.11): a hash of the branch that the request came with; where that need not be unique, of what names
    /// the transaction otherwise. A request that comes by a second time with another Request-URI is another one.
    func statelessBranch(_ octets: Span<UInt8>, via: ViaIndex, key: SipHashKey) -> UInt64 {
        var hasher = SipHash24(key: key)
        hasher.combine(octets, self.requestURI.range)
        hasher.combine(octet: 0)
        guard !via.hasMagicCookie else {
            hasher.combine(octets, via.branch.range)
            return hasher.finish()
        }
        hasher.combine(octets, via.whole.range)
        if let from = self.value(.from), let address = AddressIndex(firstOf: octets, in: from.range, field: .from) {
            hasher.combine(octets, address.tag.range)
        }
        if let callID = self.value(.callID) { hasher.combine(octets, callID.range) }
        if let cseq = self.value(.cseq) {
            var end = cseq.lower
            while end < cseq.upper, octets[end].isDigit { end += 1 }
            hasher.combine(octets, cseq.lower..<end)
        }
        return hasher.finish()
    }
}
