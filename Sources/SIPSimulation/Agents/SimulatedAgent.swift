public import AgentCore
public import SIPMessages
public import SIPTransactions

/// A host that is a user agent: the real UAC and UAS cores, with a user who does the same with every call, and media that
/// only writes down who agreed on what.
///
/// Its descriptions are texts that say who made them and when, and what they answer, so that a test can see whether both
/// sides of a call agree.
public final class SimulatedAgent: SimulatedNode {
    /// What the user does with a call.
    public struct Behaviour: Hashable, Sendable {
        /// Whether 180 is sent at once.
        public var rings = true
        /// Whether 183 with a description is sent at once.
        public var hasEarlyMedia = false
        /// When the call is accepted after it came; `nil` for never.
        public var answersAfter: TimeSpan? = .seconds(2)
        /// What it is refused with instead.
        public var rejects: StatusCode?
        /// Where a 3xx sends the caller.
        public var contacts: [Contact] = []
        /// When a call that stands is hung up by this side; `nil` for never.
        public var hangsUpAfter: TimeSpan?
        /// When a call that stands is changed by this side; `nil` for never.
        public var modifiesAfter: TimeSpan?
        /// How long the media needs for a description; `nil` when it never answers.
        public var describesAfter: TimeSpan? = .zero
        /// Whether the media accepts any offer; what it has answered stays.
        public var acceptsOffers = true
        /// Whether early media is sent in a session of its own at once (RFC 3959).
        public var announces = false
        /// What the user says to a transfer that the other side asks for.
        public var transfers = Decision.accept
        /// Whether questions for the way to a server are answered at all.
        public var resolvesNames = true
        /// Where the user goes on after a redirection that is offered: nowhere, or wherever it says.
        public var followsOffers = true

        /// What a user says.
        public enum Decision: Hashable, Sendable {
            case accept
            case refuse(StatusCode)
            /// Nothing.
            case wait
        }

        /// Rings, answers after two seconds, and lets the other side hang up.
        public init() {}
    }

    /// What both sides of a call agreed on, as this side sees it.
    public struct Session: Hashable, Sendable {
        /// Our description.
        public var local: String?
        /// Theirs.
        public var remote: String?
        /// Theirs for early media alone; `nil` when there is none.
        public var early: String?
        var proposed: String?
    }

    /// What the user does.
    public var behaviour: Behaviour
    /// Names the addresses of servers that are no numbers.
    public var names: [String: SocketAddress] = [:]
    /// Other ways to the servers of `names`, taken when the first fails.
    public var alternatives: [String: [SocketAddress]] = [:]
    /// Calls that this side holds: its descriptions say so.
    public var held: Set<CallHandle> = []
    /// What the agent told, in its order.
    public private(set) var events: [AgentAction] = []
    /// The sessions of calls, also of those that are over.
    public private(set) var sessions: [CallHandle: Session] = [:]
    /// Calls whose media runs.
    public private(set) var playing: Set<CallHandle> = []
    /// Changes the configuration before the agent is made.
    private let configure: (inout AgentConfiguration) -> Void
    private let timers: TransactionTimers
    private var agent: Agent
    private var layer: TransactionLayer
    private var index = MessageIndex()
    private var place = SimulatedPlace(name: "", listeners: [], seed: 0)
    private var acts: [Act] = []
    private var descriptionCount = 0

    private enum Act {
        case accept(CallHandle)
        case hangUp(CallHandle)
        case modify(CallHandle)
        case describe(CallHandle, UInt32, MediaDescription)
    }

    /// An agent with this behaviour.
    public init(
        _ behaviour: Behaviour = Behaviour(), timers: TransactionTimers = TransactionTimers(),
        configure: @escaping (inout AgentConfiguration) -> Void = { _ in }
    ) {
        (self.behaviour, self.timers, self.configure) = (behaviour, timers, configure)
        self.agent = Agent(configuration: AgentConfiguration(endpoints: []), seed: SipHashKey(0, 0))
        self.layer = TransactionLayer(timers: timers, seed: (SipHashKey(0, 0), SipHashKey(0, 0)), at: .start)
    }

    // MARK: What a test lets it do

    /// Begins a call.
    @discardableResult
    public func call(_ plan: CallPlan, at now: MonotonicInstant, into outbox: inout Outbox) -> CallHandle? {
        let handle = self.agent.call(plan, transactions: &self.layer, at: now, into: &outbox)
        if let handle { self.calls.append(handle) }
        self.carryOut(at: now, &outbox)
        return handle
    }

    /// Hangs up.
    public func hangUp(_ call: CallHandle, at now: MonotonicInstant, into outbox: inout Outbox) {
        self.agent.hangUp(call, transactions: &self.layer, at: now, into: &outbox)
        self.carryOut(at: now, &outbox)
    }

    /// Changes the session of a call.
    public func modify(_ call: CallHandle, at now: MonotonicInstant, into outbox: inout Outbox) {
        self.agent.modify(call, transactions: &self.layer, at: now, into: &outbox)
        self.carryOut(at: now, &outbox)
    }

    /// Registers, and keeps the registration.
    @discardableResult
    public func register(
        _ plan: RegistrationPlan, at now: MonotonicInstant, into outbox: inout Outbox
    ) -> RegistrationHandle? {
        let handle = self.agent.register(plan, transactions: &self.layer, at: now, into: &outbox)
        self.carryOut(at: now, &outbox)
        return handle
    }

    /// Ends a registration.
    public func unregister(_ registration: RegistrationHandle, at now: MonotonicInstant, into outbox: inout Outbox) {
        self.agent.unregister(registration, transactions: &self.layer, at: now, into: &outbox)
        self.carryOut(at: now, &outbox)
    }

    /// Lets the agent do anything.
    public func does<Result>(
        at now: MonotonicInstant, into outbox: inout Outbox,
        _ body: (inout Agent, inout TransactionLayer, MonotonicInstant, inout Outbox) -> Result
    ) -> Result {
        let result = body(&self.agent, &self.layer, now, &outbox)
        self.carryOut(at: now, &outbox)
        return result
    }

    /// Puts a call on hold, or takes it back.
    public func hold(
        _ call: CallHandle, _ isHeld: Bool = true, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        if isHeld { self.held.insert(call) } else { self.held.remove(call) }
        self.modify(call, at: now, into: &outbox)
    }

    /// The calls, in the order in which they began or came.
    public private(set) var calls: [CallHandle] = []

    /// How the calls ended, in that order.
    public var ends: [CallEnd] {
        self.events.compactMap { event in
            guard case .ended(_, let end) = event else { return nil }
            return end
        }
    }

    /// How many calls came to stand.
    public var establishedCount: Int {
        self.events.count { event in
            guard case .established = event else { return false }
            return true
        }
    }

    // MARK: Simulated node

    /// Learns which host it is and which addresses it has.
    public func placed(at place: SimulatedPlace) {
        self.place = place
        var random = SimulationRandom(seed: place.seed, purpose: "agent \(place.name)")
        func key() -> SipHashKey { SipHashKey(random.next(), random.next()) }
        var configuration = AgentConfiguration(
            endpoints: place.listeners.map { AgentEndpoint($0.transport, $0.address) })
        self.configure(&configuration)
        self.agent = Agent(configuration: configuration, timers: self.timers, seed: key())
        self.layer = TransactionLayer(timers: self.timers, seed: (key(), key()), at: .start)
    }

    /// Takes a message that came over a flow.
    public func receive(
        _ octets: Span<UInt8>, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        var via = ViaIndex()
        do {
            try self.index.parse(octets)
            guard self.index.fault == nil, let field = self.index.value(.via) else { return }
            _ = try ViaIndex.parse(octets, in: field.range, into: &via)
        } catch { return }
        self.agent.receive(
            octets, self.index, via: via, over: flow, transactions: &self.layer, at: now, into: &outbox)
        self.carryOut(at: now, &outbox)
    }

    /// Does what is due.
    public func wake(at now: MonotonicInstant, into outbox: inout Outbox) {
        while let event = self.layer.wake(at: now, into: &outbox) { self.happened(event, at: now, &outbox) }
    }

    private func happened(_ event: TransactionEvent, at now: MonotonicInstant, _ outbox: inout Outbox) {
        if Agent.owns(event) {
            self.agent.handle(event, transactions: &self.layer, at: now, into: &outbox)
        } else if case .timer(let number) = event {
            self.perform(self.acts[Int(number)], at: now, &outbox)
        }
        self.carryOut(at: now, &outbox)
    }

    /// When it must be woken; `nil` when nothing is due.
    public var nextWakeUp: MonotonicInstant? { self.layer.nextWakeUp }

    /// Transactions, calls, dialogs and requests that are alive.
    public func audit() -> SimulationAudit {
        var audit = self.layer.audit()
        audit.add(
            SimulationAudit([
                ("calls", self.agent.callCount), ("dialogs", self.agent.dialogCount),
                ("requests", self.agent.requestCount), ("registrations", self.agent.registrationCount),
                ("subscriptions", self.agent.subscriptionCount),
                ("media", self.playing.count),
            ]))
        return audit
    }

    /// Learns that a connection has ended: what was registered over it is registered anew.
    public func connectionClosed(_ flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox) {
        self.agent.flowLost(flow, transactions: &self.layer, at: now, into: &outbox)
        self.carryOut(at: now, &outbox)
    }

    /// Learns that a message did not reach its destination.
    public func transportFailed(
        _ sender: Outbox.Sender, shard: UInt16, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        guard let event = self.layer.transportFailed(sender, at: now) else { return }
        self.happened(event, at: now, &outbox)
    }

    // MARK: User and media

    private func plan(_ act: Act, after span: TimeSpan, at now: MonotonicInstant, _ outbox: inout Outbox) {
        guard span > .zero else { return self.perform(act, at: now, &outbox) }
        self.acts.append(act)
        _ = self.layer.setTimer(at: now.advanced(by: span), payload: UInt64(self.acts.count - 1))
    }

    private func perform(_ act: Act, at now: MonotonicInstant, _ outbox: inout Outbox) {
        switch act {
        case .accept(let call): self.agent.accept(call, transactions: &self.layer, at: now, into: &outbox)
        case .hangUp(let call): self.agent.hangUp(call, transactions: &self.layer, at: now, into: &outbox)
        case .modify(let call): self.agent.modify(call, transactions: &self.layer, at: now, into: &outbox)
        case .describe(let call, let question, let description):
            self.agent.described(call, question, description, transactions: &self.layer, at: now, into: &outbox)
        }
    }

    private func carryOut(at now: MonotonicInstant, _ outbox: inout Outbox) {
        while self.agent.hasActions {
            for action in self.agent.takeActions() {
                self.events.append(action)
                self.carryOut(action, at: now, &outbox)
            }
        }
    }

    private func carryOut(_ action: AgentAction, at now: MonotonicInstant, _ outbox: inout Outbox) {
        switch action {
        case .incoming(let call, _):
            self.calls.append(call)
            self.answer(call, at: now, &outbox)
        case .describeMedia(let call, let question): self.describe(call, question, at: now, &outbox)
        case .mediaStart(let call, _, let remote):
            self.playing.insert(call)
            var session = self.sessions[call] ?? Session()
            session.remote = String(decoding: remote, as: UTF8.self)
            session.local = session.proposed ?? session.local
            self.sessions[call] = session
        case .mediaUnchanged(let call, _):
            let stands = self.sessions[call]?.local
            self.sessions[call]?.proposed = stands
        case .mediaStop(let call): self.playing.remove(call)
        case .established(let call, _):
            if let span = self.behaviour.hangsUpAfter { self.plan(.hangUp(call), after: span, at: now, &outbox) }
            if let span = self.behaviour.modifiesAfter { self.plan(.modify(call), after: span, at: now, &outbox) }
        case .resolve(let request, let uri, _):
            guard self.behaviour.resolvesNames else { return }
            let name = uri.sip?.host.name ?? ""
            let addresses = (self.names[name].map { [$0] } ?? []) + (self.alternatives[name] ?? [])
            let flows = addresses.map {
                Flow(endpoint: 0, transport: self.place.listeners[0].transport, remote: $0)
            }
            self.agent.resolved(request, flows: flows, transactions: &self.layer, at: now, into: &outbox)
        case .earlyMediaStart(let call, _, let remote):
            var session = self.sessions[call] ?? Session()
            session.early = String(decoding: remote, as: UTF8.self)
            self.sessions[call] = session
        case .earlyMediaStop(let call, _): self.sessions[call]?.early = nil
        case .transferRequested(let referral, _, _): self.decide(referral, at: now, &outbox)
        case .redirected(let call, let contacts):
            self.agent.follow(
                call, self.behaviour.followsOffers ? contacts : [], transactions: &self.layer, at: now, into: &outbox)
        case .progress, .modificationRefused, .information, .ended, .registered, .registrationFailed, .unregistered,
            .informationAnswered, .informationFailed, .message, .answered, .requestFailed, .ringback,
            .transferAccepted, .transferReported, .transferProgress, .transferDone, .subscribed, .notified,
            .subscriptionEnded, .replaces, .joins, .refused:
            break
        }
    }

    private func decide(_ referral: ReferralHandle, at now: MonotonicInstant, _ outbox: inout Outbox) {
        switch self.behaviour.transfers {
        case .wait: break
        case .refuse(let status):
            self.agent.refuseTransfer(referral, status, transactions: &self.layer, at: now, into: &outbox)
        case .accept:
            let call = self.agent.acceptTransfer(referral, transactions: &self.layer, at: now, into: &outbox)
            if let call { self.calls.append(call) }
        }
    }

    private func answer(_ call: CallHandle, at now: MonotonicInstant, _ outbox: inout Outbox) {
        if let status = self.behaviour.rejects {
            return self.agent.reject(
                call, status, contacts: self.behaviour.contacts, transactions: &self.layer, at: now, into: &outbox)
        }
        if self.behaviour.rings { self.agent.ring(call, transactions: &self.layer, at: now, into: &outbox) }
        if self.behaviour.announces {
            self.agent.announce(call, transactions: &self.layer, at: now, into: &outbox)
        }
        if self.behaviour.hasEarlyMedia {
            self.agent.progress(call, transactions: &self.layer, at: now, into: &outbox)
        }
        guard let span = self.behaviour.answersAfter else { return }
        self.plan(.accept(call), after: span, at: now, &outbox)
    }

    private func describe(
        _ call: CallHandle, _ question: MediaQuestion, at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        guard let span = self.behaviour.describesAfter else { return }
        self.descriptionCount += 1
        var text = "\(self.place.name) \(self.descriptionCount)"
        if question.session == .early { text += " early" }
        if self.held.contains(call) { text += " sendonly" }
        if let limits = question.limits { text += " of \(String(decoding: limits, as: UTF8.self))" }
        if let offer = question.offer {
            guard self.behaviour.acceptsOffers || self.sessions[call] == nil else {
                let warning = Warning(305, agent: self.place.name, phrase: "Incompatible media format")
                return self.plan(
                    .describe(call, question.number, .unacceptable(warning, capabilities: [])), after: span, at: now,
                    &outbox)
            }
            text += " to \(String(decoding: offer, as: UTF8.self))"
        }
        if question.session == .regular { self.sessions[call, default: Session()].proposed = text }
        self.plan(.describe(call, question.number, .description(Array(text.utf8))), after: span, at: now, &outbox)
    }
}
