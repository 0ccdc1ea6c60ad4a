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
    var branch: UInt64
    /// After this nobody wants it any more.
    var deadline: MonotonicInstant
}

/// Forwarding without a transaction: the ACK to a 2xx (RFC 3261 §16.6, §16.11).
extension Proxy {
    /// ACKs that may wait for the DNS.
    private static let statelessLimit = 10_000

    /// Sends a request on to the first of `targets`; where its next hop has a name, once the DNS has answered.
    ///
    /// - Parameter branch: What makes the branch unique.
    public mutating func forwardStateless(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, via: ViaIndex, source: Flow, targets: [UInt8],
        branch: UInt64, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        guard !targets.isEmpty else { return }
        let target = Target(targets.span, at: 0)
        if let flow = target.flow {
            return self.sendStateless(
                octets, index, via: via, source: source, targets, target, over: flow, branch: branch, into: &outbox)
        }
        guard let hop = Self.nextHop(of: target, in: targets, octets, index),
            self.stateless.count < Self.statelessLimit
        else { return }
        if !self.stateless.isEmpty { self.stateless = self.stateless.filter { $0.value.deadline > now } }
        self.resolutionSerial += 1
        var actions: [ServerSelection.Action] = []
        let selection = ServerSelection(
            hop, capabilities: self.capabilities, seed: branch, at: now, memory: &self.memory, into: &actions)
        self.stateless[self.resolutionSerial] = StatelessResolution(
            selection: selection, octets: octets.octets(0..<index.body.upper),
            block: Array(targets[target.whole.range]), source: source, branch: branch,
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
                    waiting, over: flow, to: isNamed ? Array(server.identity.name.utf8) : [], into: &outbox)
            }
        }
    }

    private mutating func sendStateless(
        _ waiting: StatelessResolution, over flow: Flow, to domain: [UInt8], into outbox: inout Outbox
    ) {
        var index = MessageIndex()
        var via = ViaIndex()
        do {
            try index.parse(waiting.octets.span)
            guard let field = index.value(.via) else { return }
            _ = try ViaIndex.parse(waiting.octets.span, in: field.range, into: &via)
        } catch { return }
        self.sendStateless(
            waiting.octets.span, index, via: via, source: waiting.source, waiting.block,
            Target(waiting.block.span, at: 0), over: flow, to: domain, branch: waiting.branch, into: &outbox)
    }

    private func sendStateless(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, via: ViaIndex, source: Flow, _ block: [UInt8],
        _ target: Target, over flow: Flow, to domain: [UInt8] = [], branch: UInt64, into outbox: inout Outbox
    ) {
        guard Int(flow.endpoint) < self.configuration.endpoints.count else { return }
        let start = outbox.octets.count
        let forwarding = Forwarding(
            octets, index, target: block.span, target.uri, route: target.route, source: source.remote,
            maxBreadth: self.configuration.maxBreadth, isTrusted: self.configuration.trusts(flow.remote.ip))
        forwarding.writeStart(index, self.configuration.endpoints[Int(flow.endpoint)], into: &outbox.octets)
        outbox.octets.append("z9hG4bK")
        outbox.octets.append(hexadecimal: branch)
        outbox.octets.append("\r\n")
        forwarding.writeRest(index, via: via, into: &outbox.octets)
        outbox.send(from: start, over: flow, by: .nobody, to: domain.span)
    }
}
