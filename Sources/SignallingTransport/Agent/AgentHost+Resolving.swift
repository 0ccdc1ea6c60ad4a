import AgentCore
public import SIPMessages
public import SIPRouting

/// A way that is being looked for.
struct Lookup {
    enum Purpose {
        /// For a request of the agent's.
        case request(RequestHandle, near: Flow?)
        /// For whoever asks.
        case list(@Sendable ([ServerAddress], ServerSelection.Exhaustion) -> Void)
    }
    var selection: ServerSelection
    let purpose: Purpose
    /// What has been found, the preferred first.
    var found: [ServerAddress] = []
}

/// The way to the server of a URI (RFC 3263 §4).
extension AgentHost {
    /// Looks for the way that a request of the agent's needs.
    func look(for request: RequestHandle, _ uri: URI, near: Flow?, _ turn: inout AgentTurn) {
        guard let sip = uri.sip else { return self.resolved(request, [], near: near, &turn) }
        self.begin(NextHop(sip), .request(request, near: near), &turn)
    }

    /// Finds all ways to the server of a URI, the preferred first. Any thread may call it.
    ///
    /// - Parameter done: Called once, on any thread and within a turn, with what was found and why there is no more.
    public func findServers(
        of uri: SIPURI, _ done: @escaping @Sendable ([ServerAddress], ServerSelection.Exhaustion) -> Void
    ) {
        self.perform { turn in self.begin(NextHop(uri), .list(done), &turn) }
    }

    private func begin(_ hop: NextHop, _ purpose: Lookup.Purpose, _ turn: inout AgentTurn) {
        var actions: [ServerSelection.Action] = []
        let selection = ServerSelection(
            hop, capabilities: self.capabilities, seed: UInt64.random(in: 0...(.max)), at: turn.now,
            memory: &turn.memory, into: &actions)
        turn.lastLookup += 1
        let number = turn.lastLookup
        turn.lookups[number] = Lookup(selection: selection, purpose: purpose)
        self.advance(number, actions, &turn)
    }

    /// The DNS has answered a question.
    func answered(_ number: UInt64, _ id: UInt32, _ answer: DNSAnswer, _ turn: inout AgentTurn) {
        guard var lookup = turn.lookups[number] else { return }
        var actions: [ServerSelection.Action] = []
        lookup.selection.handle(answer, to: id, at: turn.now, memory: &turn.memory, into: &actions)
        turn.lookups[number] = lookup
        self.advance(number, actions, &turn)
    }

    /// Asks the DNS.
    ///
    /// - Returns: `false` when it cannot be asked.
    func ask(_ question: (lookup: UInt64, id: UInt32, question: DNSQuestion)) -> Bool {
        self.resolver.query(question.question) { [weak self] answer in
            guard let self else { return }
            self.perform { turn in self.answered(question.lookup, question.id, answer, &turn) }
        }
    }

    private func advance(_ number: UInt64, _ before: [ServerSelection.Action], _ turn: inout AgentTurn) {
        guard var lookup = turn.lookups.removeValue(forKey: number) else { return }
        var actions = before
        loop: while true {
            switch lookup.selection.next(at: turn.now, memory: &turn.memory, into: &actions) {
            case .target(let server): lookup.found.append(server)
            case .waiting:
                turn.lookups[number] = lookup
                break loop
            case .exhausted(let reason):
                switch lookup.purpose {
                case .request(let request, let near): self.resolved(request, lookup.found, near: near, &turn)
                case .list(let done): done(lookup.found, reason)
                }
                break loop
            }
        }
        for case .query(let id, let question) in actions { turn.questions.append((number, id, question)) }
    }

    private func resolved(
        _ request: RequestHandle, _ servers: [ServerAddress], near: Flow?, _ turn: inout AgentTurn
    ) {
        var flows = servers.compactMap { server in
            turn.agent.configuration.endpoint(server.transport, to: server.address.ip).map {
                Flow(endpoint: $0, transport: server.transport, remote: server.address)
            }
        }
        // Where the name leads nowhere, the way that the call has come is as good as any.
        if flows.isEmpty, let near { flows = [near] }
        let identity = servers.first?.identity
        let domain = identity.map { $0.address == nil ? Array($0.name.utf8) : [] } ?? []
        turn.agent.resolved(
            request, flows: flows, to: domain, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
    }
}
