import Containers
public import SIPMessages
public import SIPRouting
public import SIPTransactions

/// A question to the DNS that a branch waits for.
public struct ProxyQuestion: Hashable, Sendable {
    /// What `Proxy.answered` wants to be given back.
    public let resolution: UInt64
    /// The same.
    public let id: UInt32
    /// The question.
    public let question: DNSQuestion

    /// A question whose answer is for the one who asks.
    package init(resolution: UInt64, id: UInt32, question: DNSQuestion) {
        (self.resolution, self.id, self.question) = (resolution, id, question)
    }
}

/// A branch whose target has a name: RFC 3263 finds its servers, one after the other.
struct Resolution: Sendable {
    var slot: Int32
    var selection: ServerSelection
    /// The one target, as `Target.append` has written it.
    var block: [UInt8]
    var maxBreadth: UInt32
    /// The server that the request went to last.
    var server: ServerAddress?
}

/// Waiting for the DNS, and going on to the next server when one fails (RFC 3263 §4, RFC 3261 §16.6 step 7).
extension Proxy {
    /// How long a branch may wait for its first server.
    static let resolutionPatience: TimeSpan = .seconds(12)

    /// Whether there are questions to be asked.
    public var hasQuestions: Bool { !self.questions.isEmpty }

    /// Takes the questions that are to be asked.
    public mutating func takeQuestions() -> [ProxyQuestion] {
        defer { self.questions = [] }
        return self.questions
    }

    /// Branches that wait for the DNS, or may want another server.
    public var resolutionCount: Int { self.resolutions.count }

    /// Begins to look for the servers of a target; the branch is counted as pending from now on.
    mutating func resolve(
        _ number: Int32, _ hop: NextHop, _ block: [UInt8], alternates: OctetRange, maxBreadth: UInt32,
        _ transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        guard let slot = self.openBranch(number, alternates: alternates, maxBreadth: maxBreadth) else {
            return self.noteFailure(number, 503, "Too Many Branches", &transactions, at: now)
        }
        self.resolutionSerial += 1
        var actions: [ServerSelection.Action] = []
        let selection = ServerSelection(
            hop, capabilities: self.capabilities, seed: transactions.randomNumber(), at: now, memory: &self.memory,
            into: &actions)
        self.resolutions[self.resolutionSerial] = Resolution(
            slot: slot, selection: selection, block: block, maxBreadth: maxBreadth)
        self.branches[slot].resolution = self.resolutionSerial
        let timer = transactions.setTimer(at: now.advanced(by: Self.resolutionPatience), payload: UInt64(slot))
        self.branches[slot].timerC = timer
        if self.contexts[number].hasSuccession { self.awaitSign(slot, &transactions, at: now) }
        self.note(actions, of: self.resolutionSerial)
        self.advance(self.resolutionSerial, &transactions, at: now, into: &outbox)
    }

    /// Takes the answer to a question. One that nobody waits for any more changes nothing.
    public mutating func answered(
        _ resolution: UInt64, id: UInt32, _ answer: DNSAnswer, transactions: inout TransactionLayer,
        at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        guard self.resolutions[resolution] != nil else {
            return self.answeredStateless(resolution, id: id, answer, at: now, into: &outbox)
        }
        var actions: [ServerSelection.Action] = []
        self.resolutions[resolution]?.selection.handle(
            answer, to: id, at: now, memory: &self.memory, into: &actions)
        self.note(actions, of: resolution)
        guard let slot = self.resolutions[resolution]?.slot, self.branches.isInUse(slot),
            self.branches[slot].client.isNone
        else { return }
        self.advance(resolution, &transactions, at: now, into: &outbox)
    }

    mutating func note(_ actions: [ServerSelection.Action], of resolution: UInt64) {
        for case .query(let id, let question) in actions {
            self.questions.append(ProxyQuestion(resolution: resolution, id: id, question: question))
        }
    }

    /// Sends the request to the next server, or waits for one, or gives the branch up.
    private mutating func advance(
        _ key: UInt64, _ transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        guard var resolution = self.resolutions[key] else { return }
        var actions: [ServerSelection.Action] = []
        while true {
            let outcome = resolution.selection.next(at: now, memory: &self.memory, into: &actions)
            self.note(actions, of: key)
            actions = []
            switch outcome {
            case .waiting:
                self.resolutions[key] = resolution
                return
            case .exhausted(let reason):
                self.resolutions[key] = nil
                self.branches[resolution.slot].resolution = 0
                // §16.7: a target that cannot be reached counts as 503; one that does not exist as 404. A SIPS URI that
                // names a transport without TLS contradicts itself (RFC 5630 §5.3).
                let (status, text): (UInt16, StaticString) =
                    switch reason {
                    case .noAddress where resolution.server == nil: (404, "No Such Host")
                    case .insecureTransport: (400, "SIPS URI Names A Transport Without TLS")
                    default: (503, "Next Hop Cannot Be Reached")
                    }
                return self.fail(resolution.slot, status, text, &transactions, at: now, into: &outbox)
            case .target(let server):
                guard
                    let endpoint = self.configuration.endpoint(
                        for: server.transport, to: server.address.ip,
                        preferred: self.contexts[self.branches[resolution.slot].context].source.endpoint)
                else { continue }
                resolution.server = server
                self.resolutions[key] = resolution
                var flow = Flow(endpoint: endpoint, transport: server.transport, remote: server.address)
                flow.isTrial = resolution.selection.hop.isLarge && server.transport == .tcp
                let target = Target(resolution.block.span, at: 0)
                // The certificate must be for what was looked up, whatever the DNS has made of it (RFC 5922 §7.3).
                let isNamed = server.transport.isSecure && server.identity.address == nil
                if self.send(
                    resolution.slot, resolution.block, target, over: flow,
                    to: isNamed ? Array(server.identity.name.utf8) : [], maxBreadth: resolution.maxBreadth,
                    &transactions, at: now, into: &outbox)
                {
                    return
                }
            }
        }
    }

    /// Remembers what a response says of the server that has sent it: that it is there, or that it wants to be left alone
    /// for a while (RFC 3261 §21.5.4).
    mutating func noteServer(
        of slot: Int32, _ octets: Span<UInt8>, _ index: borrowing MessageIndex, at now: MonotonicInstant
    ) {
        let key = self.branches[slot].resolution
        guard key != 0, let server = self.resolutions[key]?.server else { return }
        guard index.statusCode == 503 else { return self.memory.noteSuccess(server, at: now) }
        let field = index.value(.retryAfter)
        let retryAfter = field.flatMap { try? RetryAfter(parsing: octets, in: $0.range, field: .retryAfter) }
        self.memory.noteRefusal(server, retryAfterSeconds: retryAfter?.seconds, at: now)
    }

    /// Goes on to the next server of a branch whose last one failed.
    ///
    /// - Returns: `false` when the branch has no servers to choose from, or nobody wants it any more.
    mutating func tryNextServer(
        _ slot: Int32, _ transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) -> Bool {
        let key = self.branches[slot].resolution
        let context = self.branches[slot].context
        guard key != 0, let server = self.resolutions[key]?.server, !self.contexts[context].isStopped,
            !self.contexts[context].isAnswered, !self.branches[slot].isCancelWanted, !self.branches[slot].isCancelled
        else { return false }
        self.memory.noteUnreachable(server, at: now)
        if self.branches[slot].hasLoggedIn {
            // The next server has nonces of its own, and is answered when it asks.
            self.branches[slot].hasLoggedIn = false
            self.logins[slot] = nil
        }
        self.branches[slot].client = .none
        transactions.stopTimer(&self.branches[slot].timerC)
        let timer = transactions.setTimer(at: now.advanced(by: Self.resolutionPatience), payload: UInt64(slot))
        self.branches[slot].timerC = timer
        self.advance(key, &transactions, at: now, into: &outbox)
        return true
    }

    /// Where a target's name, or the first route to it, leads.
    static func nextHop(
        of target: Target, in block: [UInt8], _ server: TransactionID, _ transactions: inout TransactionLayer
    ) -> NextHop? {
        guard transactions.indexRequest(of: server) else { return nil }
        return Self.nextHop(of: target, in: block, transactions.request(of: server), transactions.requestIndex)
    }

    /// The same for a request that is at hand.
    static func nextHop(
        of target: Target, in block: [UInt8], _ request: Span<UInt8>, _ index: borrowing MessageIndex
    ) -> NextHop? {
        let octets = block.span
        guard let uri = try? URIIndex(parsing: octets, in: target.uri.range) else { return nil }
        var hop: NextHop?
        if !target.route.isEmpty {
            hop = Self.firstHop(octets, target.route)
        } else if let route = index.value(.route) {
            hop = Self.firstHop(request, route)
        } else {
            hop = NextHop(uri, octets)
        }
        // Every hop to a SIPS URI is TLS, also where the route to it says nothing of it (RFC 5630 §4).
        if uri.scheme == .sips { hop?.isSecure = true }
        return hop
    }

    private static func firstHop(_ octets: Span<UInt8>, _ value: OctetRange) -> NextHop? {
        var address = AddressIndex()
        do {
            _ = try AddressIndex.parse(octets, in: value.range, field: .route, into: &address)
            return NextHop(try URIIndex(parsing: octets, in: address.uri.range, field: .route), octets)
        } catch { return nil }
    }
}
