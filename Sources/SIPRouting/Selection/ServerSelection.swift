public import SIPMessages

/// Where to send one request, or one response: RFC 3263, with RFC 7984 (both address families), RFC 5630 and RFC 5922
/// (`sips`), RFC 4168 (SCTP) and RFC 7118 (WebSocket).
///
///     no transport, no port, a name ──▶ NAPTR ──found──▶ SRV of the best service ──▶ AAAA and A of each server
///                                         └──none──▶ SRV of every transport ──found──┘
///     transport, no port, a name ─────▶ SRV of that transport ──none──▶ AAAA and A of the name, default port
///     a port and a name ──────────────▶ AAAA and A of the name
///     an IP address ──────────────────▶ that address
///
/// It asks no more than the next target takes: the addresses of the second server are asked for when the first has
/// failed. Creating it is its first event. Then take targets with `next` until a request succeeds; `waiting` means that
/// an answer is to come, after which `next` is called again:
///
///     var actions: [ServerSelection.Action] = []
///     var selection = ServerSelection(
///         NextHop(uri), capabilities: ours, seed: random, at: now, memory: &memory, into: &actions)
///     for case .query(let id, let question) in actions { resolver.query(question) { answer in … } }
///     // When an answer comes, and whenever a target has failed:
///     selection.handle(answer, to: id, at: now, memory: &memory, into: &actions)
///     switch selection.next(at: now, memory: &memory, into: &actions) {
///     case .target(let server): send(to: server)      // failed? memory.noteUnreachable(server, at: now), and next again
///     case .waiting: break                            // answers to `actions` are to come
///     case .exhausted(let reason): refuse(with: 503)  // RFC 3261 §16.7: as if a 503 had come
///     }
///
/// One selection serves one transaction: retransmissions, CANCEL and the ACK for a failure go where the request went
/// (§4). A request to the next target has a new branch (§4.3). The selection has no timer: whoever waits for it has a
/// deadline, and drops it.
public struct ServerSelection: Sendable {
    /// What the driver does next.
    public enum Action: Hashable, Sendable {
        /// Ask the DNS, and hand the answer to `handle` with this id.
        case query(id: UInt32, DNSQuestion)
        /// The domain offered TLS before and does no longer: tell the operator, it is a sign of an attack (§7).
        case warnTLSWithdrawn(DomainName)
    }

    /// The next target, or why there is none.
    public enum Outcome: Hashable, Sendable {
        case target(ServerAddress)
        /// An answer is to come.
        case waiting
        case exhausted(Exhaustion)
    }

    /// Why there is no target, or no further one.
    public enum Exhaustion: Hashable, Sendable {
        /// Every target has been handed out.
        case allTried
        /// The name does not exist, or has no address that we could send to.
        case noAddress
        /// The DNS failed or did not answer.
        case lookUpFailed
        /// The domain says that it has no such service (RFC 2782, target `.`).
        case serviceDenied
        /// All that is left asked to be left alone (503 with Retry-After); the first of them until then.
        case refusing(until: MonotonicInstant)
        /// The transport is none that we have.
        case unsupportedTransport
        /// The transport is not secure, and the scheme is `sips` (RFC 5630 §3.1.4).
        case insecureTransport
        /// The IP address is of a family that we do not have, a group, or no destination at all.
        case unusableAddress
    }

    /// Bounds on what one request can make us do.
    public struct Limits: Sendable {
        /// The most questions, answered from memory or not.
        public var questions = 32
        /// The most targets handed out.
        public var targets = 16
        /// The most SRV records of one answer, the best first.
        public var servers = 32
        /// The most addresses of one server.
        public var addresses = 8
        /// The most NAPTR records that lead to each other.
        public var rewritings = 4

        /// The defaults.
        public init() {}
    }

    /// What is still to be done, the next at the end.
    enum Step: Sendable {
        /// Ask for rules; `depth` of them have led here.
        case rules(DomainName, depth: Int)
        case services(TransportProtocol, DomainName)
        case server(TransportProtocol, DomainName, port: UInt16)
        /// The addresses of the domain itself, in case no SRV record was found.
        case domain(TransportProtocol)
        case ready(ServerAddress)
    }

    /// What the URI or Via said.
    public let hop: NextHop
    let capabilities: RoutingCapabilities
    let limits: Limits
    /// The domain asked for; `nil` when TARGET is an address.
    let domain: DomainName?
    var numbers: SeededNumbers
    var steps: [Step] = []
    private var answers: [DNSQuestion: DNSAnswer] = [:]
    private var pending: [UInt32: DNSQuestion] = [:]
    private var asked: UInt32 = 0
    var hasFoundServers = false
    var isDenied = false
    var hasFailure = false
    private var refusal: MonotonicInstant?
    private var handedOut: [ServerAddress] = []
    /// Servers that failed lately: they come last (§4.3).
    private var postponed: [ServerAddress] = []
    private var ending: Exhaustion?

    /// Begins to select.
    ///
    /// - Parameters:
    ///   - hop: What the URI or Via says.
    ///   - capabilities: What we can send over.
    ///   - seed: Decides among servers of one priority; the same seed gives the same order. Draw it, or, in a stateless
    ///     proxy, take a hash of what identifies the transaction (§4.4).
    ///   - memory: What is known from before; questions that it can answer are not asked.
    public init(
        _ hop: NextHop, capabilities: RoutingCapabilities, seed: UInt64, limits: Limits = Limits(),
        at now: MonotonicInstant, memory: inout RoutingMemory, into actions: inout [Action]
    ) {
        self.hop = hop
        self.capabilities = capabilities
        self.limits = limits
        self.domain = hop.target.address == nil ? DomainName(hop.target.name) : nil
        self.numbers = SeededNumbers(seed: seed)
        self.begin()
        self.advance(at: now, memory: &memory, into: &actions)
    }

    /// The next target.
    ///
    /// A target that failed lately comes after those that did not; one that asked to be left alone does not come.
    public mutating func next(
        at now: MonotonicInstant, memory: inout RoutingMemory, into actions: inout [Action]
    ) -> Outcome {
        guard self.handedOut.count < self.limits.targets else { return .exhausted(.allTried) }
        while true {
            self.advance(at: now, memory: &memory, into: &actions)
            guard case .ready(let server)? = self.steps.last else { break }
            self.steps.removeLast()
            // Two names may lead to one place: it is tried once.
            if (self.handedOut + self.postponed).contains(where: server.isSamePlace(as:)) { continue }
            switch memory.failure(of: server, at: now) {
            case nil:
                self.handedOut.append(server)
                return .target(server)
            case (.unreachable, _)?:
                self.postponed.append(server)
            case (.refusing, let end)?:
                self.refusal = Swift.min(end, self.refusal ?? end)
            }
        }
        guard self.steps.isEmpty else { return .waiting }
        if !self.postponed.isEmpty {
            let server = self.postponed.removeFirst()
            self.handedOut.append(server)
            return .target(server)
        }
        return .exhausted(self.exhaustion)
    }

    /// Takes the answer to a question. One that was not asked, or is answered already, changes nothing: it is late, or
    /// comes twice.
    public mutating func handle(
        _ answer: DNSAnswer, to id: UInt32, at now: MonotonicInstant, memory: inout RoutingMemory,
        into actions: inout [Action]
    ) {
        guard let question = self.pending.removeValue(forKey: id) else { return }
        self.answers[question] = answer
        memory.remember(answer, to: question, at: now)
        self.advance(at: now, memory: &memory, into: &actions)
    }

    /// Whether an answer is to come before there is a next target.
    public var isWaiting: Bool {
        guard let step = self.steps.last else { return false }
        if case .ready = step { return false }
        return true
    }

    private var exhaustion: Exhaustion {
        if let ending { return ending }
        if let refusal { return .refusing(until: refusal) }
        if !self.handedOut.isEmpty { return .allTried }
        if self.isDenied { return .serviceDenied }
        return self.hasFailure ? .lookUpFailed : .noAddress
    }

    /// Ends before a question was asked.
    mutating func end(_ ending: Exhaustion) { self.ending = ending }

    /// Does steps until a target is ready, nothing is left, or an answer is to come.
    private mutating func advance(at now: MonotonicInstant, memory: inout RoutingMemory, into actions: inout [Action]) {
        while let step = self.steps.last {
            let isDone =
                switch step {
                case .ready: false
                case .rules(let name, let depth):
                    self.readRules(name, depth: depth, at: now, memory: &memory, into: &actions)
                case .services(let transport, let name):
                    self.readServices(transport, name, at: now, memory: &memory, into: &actions)
                case .server(let transport, let name, let port):
                    self.readAddresses(of: name, transport, port: port, at: now, memory: &memory, into: &actions)
                case .domain(let transport):
                    self.readDomain(transport, at: now, memory: &memory, into: &actions)
                }
            guard isDone else { return }
        }
    }

    /// The answer to a question, if it is there; otherwise it has been asked, or is now.
    mutating func answer(
        to question: DNSQuestion, at now: MonotonicInstant, memory: RoutingMemory, into actions: inout [Action]
    ) -> DNSAnswer? {
        if let answer = self.answers[question] { return answer }
        guard !self.pending.values.contains(question) else { return nil }
        if self.asked >= self.limits.questions {
            self.answers[question] = .failed
            return .failed
        }
        self.asked += 1
        if let answer = memory.answer(to: question, at: now) {
            self.answers[question] = answer
            return answer
        }
        self.pending[self.asked] = question
        actions.append(.query(id: self.asked, question))
        return nil
    }
}
