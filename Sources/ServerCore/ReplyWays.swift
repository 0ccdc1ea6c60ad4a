import ProxyCore
import SIPMessages
import SIPRouting
import SIPTransactions

/// Server transactions whose client is looked for by the DNS.
struct ReplyWays {
    /// One of them.
    struct Search {
        let server: TransactionID
        var selection: ServerSelection
        /// Where a response was sent to last.
        var last: ServerAddress?
        /// Whether the next place is not known yet.
        var isWaiting = false
    }

    /// How many clients may be looked for at a time; the responses to more are lost.
    static let limit = 1024

    var searches: [UInt64: Search] = [:]
    var serial: UInt64 = 0
    var memory = RoutingMemory()

    /// The number of the search for a transaction.
    func number(of server: TransactionID) -> UInt64? { self.searches.first { $0.value.server == server }?.key }
}

/// Responses to a client that is not where its request came from (RFC 3261 §18.2.2, RFC 3263 §5): where `maddr` is a name,
/// and where the source cannot be reached and sent-by leads elsewhere.
extension CallShard {
    /// What numbers of resolutions have that are of such searches.
    static let replyResolution: UInt64 = 1 << 62

    /// A response did not reach the source of its request: the next place is tried.
    mutating func replyFailed(_ server: TransactionID, _ workspace: inout Workspace) {
        if let number = self.replyWays.number(of: server) {
            if let last = self.replyWays.searches[number]?.last {
                self.replyWays.memory.noteUnreachable(last, at: workspace.now)
            }
            return self.advanceReply(number, &workspace)
        }
        // An address that is not where the request came from has shown that already to be wrong, and may be anybody's.
        guard let client = self.transactions.clientVia(of: server), client.via.maddr == nil,
            IPAddress(client.octets.span, client.via.host.range) == nil
        else { return }
        self.searchClient(of: server, NextHop(responseTo: client.via, client.octets.span), &workspace)
    }

    /// Looks for the host that the `maddr` of a request names.
    mutating func searchNamedClient(of server: TransactionID, _ octets: Span<UInt8>, _ workspace: inout Workspace) {
        let via = workspace.via
        guard !via.transport.isReliable else { return }
        let port = via.port == 0 ? via.transport.defaultPort : via.port
        let hop = NextHop(Host(octets.string(via.maddrName)), port: port, transport: via.transport)
        self.searchClient(of: server, hop, &workspace)
    }

    private mutating func searchClient(of server: TransactionID, _ hop: NextHop, _ workspace: inout Workspace) {
        if self.replyWays.searches.count >= ReplyWays.limit {
            let over = self.replyWays.searches.filter { !self.transactions.isLive(server: $0.value.server) }
            for number in over.keys { self.replyWays.searches[number] = nil }
            guard self.replyWays.searches.count < ReplyWays.limit else { return }
        }
        self.replyWays.serial += 1
        let number = self.replyWays.serial
        var actions: [ServerSelection.Action] = []
        let selection = ServerSelection(
            hop, capabilities: self.proxy.capabilities, seed: self.transactions.randomNumber(), at: workspace.now,
            memory: &self.replyWays.memory, into: &actions)
        self.replyWays.searches[number] = ReplyWays.Search(server: server, selection: selection)
        self.askForReply(actions, number, &workspace)
        self.advanceReply(number, &workspace)
    }

    private func askForReply(
        _ actions: [ServerSelection.Action], _ number: UInt64, _ workspace: inout Workspace
    ) {
        for case .query(let id, let question) in actions {
            let asked = ProxyQuestion(resolution: Self.replyResolution | number, id: id, question: question)
            workspace.questions.append((self.number, asked))
        }
    }

    /// The DNS has answered a question of a search.
    mutating func replyAnswered(_ question: ProxyQuestion, _ answer: DNSAnswer, _ workspace: inout Workspace) {
        let number = question.resolution & ~Self.replyResolution
        guard var search = self.replyWays.searches[number] else { return }
        var actions: [ServerSelection.Action] = []
        search.selection.handle(
            answer, to: question.id, at: workspace.now, memory: &self.replyWays.memory, into: &actions)
        self.replyWays.searches[number] = search
        self.askForReply(actions, number, &workspace)
        if search.isWaiting { self.advanceReply(number, &workspace) }
    }

    private mutating func advanceReply(_ number: UInt64, _ workspace: inout Workspace) {
        while var search = self.replyWays.searches[number] {
            guard let flow = self.transactions.flow(of: search.server) else {
                self.replyWays.searches[number] = nil
                return
            }
            var actions: [ServerSelection.Action] = []
            let outcome = search.selection.next(at: workspace.now, memory: &self.replyWays.memory, into: &actions)
            search.isWaiting = outcome == .waiting
            self.replyWays.searches[number] = search
            self.askForReply(actions, number, &workspace)
            switch outcome {
            case .waiting: return
            case .exhausted:
                self.replyWays.searches[number] = nil
                return
            case .target(let place):
                guard place.transport == flow.transport, place.address != flow.remote,
                    let endpoint = self.settings.proxy.endpoint(
                        for: place.transport, to: place.address.ip, preferred: flow.endpoint)
                else { continue }
                self.replyWays.searches[number]?.last = place
                let other = Flow(endpoint: endpoint, transport: place.transport, remote: place.address)
                self.transactions.turn(search.server, to: other, into: &workspace.outbox)
                return
            }
        }
    }
}
