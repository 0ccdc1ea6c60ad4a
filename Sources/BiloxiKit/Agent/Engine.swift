import AgentCore
import MediaEngine
import MediaTransport
import SDP
import SIPMessages
import SignallingTransport
import Synchronization

/// What stands behind a user agent: hands on what the agent tells to the calls, registrations and requests that it is for.
///
/// Its own lock is held for moments only, and never while a turn with the agent is taken, so that both may be called from
/// each other's side: from within a turn this lock may be taken, not the other way round.
final class Engine: AgentUser {
    private struct State: Sendable {
        var watchers: [UInt64: @Sendable (TracedMessage) -> Void] = [:]
        var lastWatcher: UInt64 = 0
        var calls: [CallHandle: Call] = [:]
        var registrations: [RegistrationHandle: Registration] = [:]
        var requests: [RequestHandle: Promise<Result<Response, SIPError>>] = [:]
        var subscriptions: [SubscriptionCore.Handle: SubscriptionCore] = [:]
        var accounts: [Account.Parsed] = []
        var isServing = false
    }

    let settings: UserAgentSettings
    let formats: [AudioFormat]
    private let proxy: NameAddress?
    let media: MediaServer
    let invitations = Channel<Invitation>(limit: 64)
    let messages = Channel<IncomingMessage>(limit: 256)
    private let state = Mutex(State())
    private let driver = Mutex<AgentHost?>(nil)

    init(_ settings: UserAgentSettings) throws(SIPError) {
        self.settings = settings
        self.formats = try settings.formats()
        self.proxy = try settings.proxy.map { (text) throws(SIPError) in try Account.route(text) }
        var media = MediaSettings()
        media.ports = settings.mediaPorts
        media.keying = settings.encryption.policy
        media.silence = settings.silence.map { TimeSpan(nanoseconds: $0.nanoseconds) }
        media.advertise = settings.advertise.map { Host($0) }
        do {
            self.media = try MediaServer(media, observer: settings.traceMedia.map { Self.observer($0) })
        } catch {
            throw SIPError(.media, error.description)
        }
    }

    /// The driver of the agent; it is there as long as the user agent is.
    var host: AgentHost? {
        get { self.driver.withLock { $0 } }
        set { self.driver.withLock { $0 = newValue } }
    }

    /// Takes a turn with the agent; nothing happens once the user agent has ended.
    ///
    /// - Returns: `nil` when it has ended.
    @discardableResult
    func perform<Value>(_ body: (inout AgentTurn) -> Value) -> Value? { self.host?.perform(body) }

    // MARK: What there is

    func add(_ call: Call, _ handle: CallHandle) { self.state.withLock { $0.calls[handle] = call } }

    func add(_ registration: Registration, _ handle: RegistrationHandle) {
        self.state.withLock { $0.registrations[handle] = registration }
    }

    func add(_ request: Promise<Result<Response, SIPError>>, _ handle: RequestHandle) {
        self.state.withLock { $0.requests[handle] = request }
    }

    func add(_ subscription: SubscriptionCore, _ handle: SubscriptionCore.Handle) {
        self.state.withLock { $0.subscriptions[handle] = subscription }
    }

    func forget(_ handle: RequestHandle) { self.state.withLock { _ = $0.requests.removeValue(forKey: handle) } }

    func add(_ account: Account.Parsed) {
        self.state.withLock { state in
            state.accounts.removeAll { $0.aor.isEquivalent(to: account.aor) }
            state.accounts.append(account)
        }
    }

    /// The account that is used where none is named: the first.
    var account: Account.Parsed? { self.state.withLock { $0.accounts.first } }

    /// The account of an address; the first where none is named.
    ///
    /// - Throws: `SIPError`: `invalid`, when no such account is known.
    func account(_ address: String?) throws(SIPError) -> Account.Parsed? {
        guard let address else { return self.account }
        let aor = try Account.uri(address, "the account")
        let accounts = self.state.withLock { $0.accounts }
        if let account = accounts.first(where: { $0.aor.isEquivalent(to: aor) }) { return account }
        let known = accounts.map(\.aor.description).joined(separator: ", ")
        throw SIPError(
            .invalid, "no account \(address) is known: " + (known.isEmpty ? "there is none" : "there are \(known)"))
    }

    /// Where the requests of an account go first: the proxies that its registrar has named, or its own.
    func routes(of account: Account.Parsed?) -> [NameAddress] {
        guard let account else { return self.proxy.map { [$0] } ?? [] }
        let registration = self.state.withLock { state in
            state.registrations.values.first { $0.account.aor.isEquivalent(to: account.aor) }
        }
        if let route = registration?.serviceRoute, !route.isEmpty { return route }
        return account.route.map { [$0] } ?? []
    }

    // MARK: Watching

    /// Shows each message to one more watcher; returns what ends that.
    func watch(_ body: @escaping @Sendable (TracedMessage) -> Void) -> UInt64 {
        self.state.withLock { state in
            state.lastWatcher += 1
            state.watchers[state.lastWatcher] = body
            return state.lastWatcher
        }
    }

    func endWatching(_ number: UInt64) { self.state.withLock { _ = $0.watchers.removeValue(forKey: number) } }

    private static func observer(
        _ body: @escaping @Sendable (TracedPacket) -> Void
    ) -> TappedPacket.Observer {
        { packet in
            body(
                TracedPacket(
                    isSent: packet.isSent, local: packet.local.description, peer: packet.peer.description,
                    time: SystemClock.wall(), octets: packet.octets))
        }
    }

    /// A message has come or gone.
    func show(_ octets: Span<UInt8>, _ direction: TappedMessage.Direction, _ flow: Flow, at wall: Int64) {
        let watchers = self.state.withLock { Array($0.watchers.values) }
        guard !watchers.isEmpty || self.settings.trace != nil, let endpoints = self.host?.endpoints else { return }
        let local = Int(flow.endpoint) < endpoints.count ? endpoints[Int(flow.endpoint)].address.description : ""
        let message = TracedMessage(
            isSent: direction == .sent, transport: flow.transport.description, local: local,
            peer: flow.remote.description, time: wall, octets: octets.octets(0..<octets.count))
        self.settings.trace?(message)
        for watcher in watchers { watcher(message) }
    }

    // MARK: Serving

    var isServing: Bool {
        get { self.state.withLock { $0.isServing } }
        set { self.state.withLock { $0.isServing = newValue } }
    }

    /// What is still there; for the end of the scope.
    var openCalls: [Call] { self.state.withLock { Array($0.calls.values) } }
    var openSubscriptions: [SubscriptionCore] { self.state.withLock { Array($0.subscriptions.values) } }
    var openRegistrations: [Registration] { self.state.withLock { Array($0.registrations.values) } }

    /// Ends everything that still waits for something.
    func close() {
        let state = self.state.withLock { state in
            defer { state = State() }
            return state
        }
        for call in state.calls.values { call.core.ended(.hungUp) }
        for request in state.requests.values { request.keep(.failure(.ended("the user agent has ended"))) }
        for subscription in state.subscriptions.values { subscription.closed() }
        self.invitations.close()
        self.messages.close()
    }

    // MARK: Agent user

    func carryOut(_ action: AgentAction, _ turn: inout AgentTurn) {
        switch action {
        case .incoming(let handle, let invite): self.receive(handle, invite, &turn)
        case .describeMedia(let handle, let question): self.describe(handle, question, &turn)
        case .mediaStart(let handle, let leg, let remote): self.start(handle, leg, remote, &turn)
        case .mediaUnchanged(let handle, _): self.call(handle)?.audio.offerRejected()
        case .mediaStop(let handle): self.call(handle)?.audio.stop()
        case .progress(let handle, _, let response): self.call(handle)?.core.progressed(response)
        case .established(let handle, let leg):
            guard let call = self.call(handle) else { return }
            call.audio.choose(leg: leg)
            call.core.established()
            if let predecessor = call.core.predecessor { self.succeed(predecessor, call) }
        case .modificationRefused(let handle, let status):
            self.call(handle)?.core.changed(SIPError(.rejected, status: Int(status.number), status.reasonPhrase))
        case .information(let handle, let request): self.inform(handle, request)
        case .ended(let handle, let end):
            let call = self.state.withLock { $0.calls.removeValue(forKey: handle) }
            call?.core.ended(end)
        case .refused(.call(let handle), let response): self.call(handle)?.core.refused(response)
        case .refused(.registration(let handle), let response):
            self.registration(handle)?.refused(SIPError(response))
        case .registered(let handle, let grant): self.registration(handle)?.registered(grant)
        case .registrationFailed(let handle, let status, let retryAfter):
            self.registration(handle)?.failed(status, retryAfter: retryAfter)
        case .unregistered(let handle):
            let registration = self.state.withLock { $0.registrations.removeValue(forKey: handle) }
            registration?.unregistered()
        case .answered(let handle, let message): self.take(handle)?.keep(.success(Response(message)))
        case .requestFailed(let handle, let end): self.take(handle)?.keep(.failure(SIPError(end)))
        case .message(let handle, let request):
            let message = IncomingMessage(request)
            guard let handle, let call = self.call(handle) else {
                _ = self.messages.send(message)
                return
            }
            call.core.events.send(.message(message))
        case .transferRequested(let referral, let handle, let request):
            self.receiveTransfer(referral, of: handle, request, &turn)
        case .transferAccepted(let handle): self.subscription(.transfer(handle))?.accepted()
        case .transferReported(let handle, let report): self.subscription(.transfer(handle))?.notified(report)
        case .transferProgress(let handle, let status, let reason):
            self.subscription(.transfer(handle))?.progressed(Int(status.number), reason)
        case .transferDone(let handle, let end): self.takeSubscription(.transfer(handle))?.done(end)
        case .subscribed(let handle, _): self.subscription(.subscription(handle))?.accepted()
        case .notified(let handle, let notify): self.subscription(.subscription(handle))?.notified(notify)
        case .subscriptionEnded(let handle, let end): self.takeSubscription(.subscription(handle))?.ended(end)
        case .replaces(let handle, let other): self.call(handle)?.core.predecessor = self.call(other)
        case .informationAnswered(let handle, let status):
            self.call(handle)?.core.informed(
                status.number < 300
                    ? .success(())
                    : .failure(SIPError(SIPError.code(of: status), status: Int(status.number), status.reasonPhrase)))
        case .informationFailed(let handle, let end): self.call(handle)?.core.informed(.failure(SIPError(end)))
        // These are features that are off: `UserAgent.start`.
        case .redirected, .joins, .earlyMediaStart, .earlyMediaStop, .ringback: break
        case .resolve: break  // The host's.
        }
    }

    /// The audio of a call cannot go on.
    func lost(_ core: CallCore, _ reason: String) {
        core.failed(SIPError(.media, reason))
        guard let handle = core.handle else { return }
        self.perform { turn in
            turn.agent.hangUp(handle, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
        }
    }

    private func call(_ handle: CallHandle) -> Call? { self.state.withLock { $0.calls[handle] } }

    private func registration(_ handle: RegistrationHandle) -> Registration? {
        self.state.withLock { $0.registrations[handle] }
    }

    private func receive(_ handle: CallHandle, _ invite: SIPMessage, _ turn: inout AgentTurn) {
        guard self.isServing || !invite.values(of: "Replaces").isEmpty else {
            return turn.agent.reject(
                handle, 480, reason: "Nobody Answers Here", transactions: &turn.transactions, at: turn.now,
                into: &turn.outbox)
        }
        let endpoints = turn.agent.configuration.endpoints
        let flow = turn.agent.flow(of: handle)
        let number = Int(flow?.endpoint ?? 0)
        let local = number < endpoints.count ? endpoints[number].address.ip : .loopback
        let call = Call(self, at: local, peer: invite.first(.from), isOutgoing: false)
        call.core.begin(handle, invite.first(.callID)?.value)
        self.add(call, handle)
        // One that takes the place of another is no invitation: that one goes on with it (RFC 3891 §3).
        if invite.values(of: "Replaces").isEmpty { self.invitations.send(Invitation(call, invite)) }
    }

    /// A call takes the place of another: that one goes on with the new other side.
    private func succeed(_ predecessor: Call, _ successor: Call) {
        successor.core.predecessor = nil
        guard predecessor.end == nil, let new = successor.core.handle, let old = predecessor.core.handle else { return }
        self.state.withLock { ($0.calls[new], $0.calls[old]) = (predecessor, successor) }
        predecessor.exchangeLines(with: successor)
    }

    private func describe(_ handle: CallHandle, _ question: MediaQuestion, _ turn: inout AgentTurn) {
        guard let call = self.call(handle) else { return }
        let outcome = question.offer.map { call.audio.answer($0) } ?? call.audio.offer(limits: question.limits)
        // That nothing is left within the limits of a 488 is told by the 488 itself.
        if case .unavailable(let error) = outcome, question.limits == nil {
            call.core.failed(SIPError(.media, error.description))
        }
        turn.agent.described(
            handle, question.number, MediaDescription(outcome), transactions: &turn.transactions, at: turn.now,
            into: &turn.outbox)
    }

    private func start(_ handle: CallHandle, _ leg: Int, _ remote: [UInt8], _ turn: inout AgentTurn) {
        guard let call = self.call(handle) else { return }
        if let problem = call.audio.start(leg: leg, remote) {
            call.core.failed(SIPError(.media, "the other side's answer cannot be used: \(problem)"))
            return turn.agent.hangUp(
                handle, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
        }
        call.core.agreed(call.audio.agreed)
    }

    private func inform(_ handle: CallHandle, _ request: SIPMessage) {
        guard let call = self.call(handle) else { return }
        let keys = KeyInformation.keys(request)
        guard keys.isEmpty else { return keys.forEach(call.audio.reportKeyByInfo) }
        call.core.events.send(.information(IncomingMessage(request)))
    }

    private func take(_ handle: RequestHandle) -> Promise<Result<Response, SIPError>>? {
        self.state.withLock { $0.requests.removeValue(forKey: handle) }
    }

    private func subscription(_ handle: SubscriptionCore.Handle) -> SubscriptionCore? {
        self.state.withLock { $0.subscriptions[handle] }
    }

    private func takeSubscription(_ handle: SubscriptionCore.Handle) -> SubscriptionCore? {
        self.state.withLock { $0.subscriptions.removeValue(forKey: handle) }
    }

    /// The other side of a call wants us to call someone: who listens to the call's events decides.
    private func receiveTransfer(
        _ referral: ReferralHandle, of handle: CallHandle?, _ request: TransferRequest, _ turn: inout AgentTurn
    ) {
        guard let call = handle.flatMap({ self.call($0) }) else {
            return turn.agent.refuseTransfer(
                referral, 403, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
        }
        call.core.events.send(.transferRequested(IncomingTransfer(referral, call, request)))
    }

    // MARK: Credentials

    /// The header lines that answer the challenges of a response.
    func credentials(_ challenged: AgentConfiguration.Challenged) -> [(name: String, value: String)]? {
        let from = challenged.response.first(.from)?.uri.sip
        let account = self.state.withLock { state in
            state.accounts.first { account in from.map { account.aor.isEquivalent(to: $0) } == true }
                ?? state.accounts.first
        }
        guard let account else { return nil }
        return Credentials.lines(for: challenged, account)
    }
}

extension AgentCore.MediaDescription {
    /// What an end point says, as a call understands it.
    fileprivate init(_ outcome: DescriptionOutcome) {
        switch outcome {
        case .description(let octets): self = .description(octets)
        case .refused(let refusal, let capabilities):
            let warning = Warning(refusal.warning, agent: "biloxi", phrase: refusal.phrase)
            self = .unacceptable(warning, capabilities: capabilities)
        case .malformed(let error): self = .refused(400, error)
        case .glare: self = .refused(491, "Request Pending")
        case .unavailable(let error): self = .refused(503, error.description)
        }
    }
}

extension Duration {
    /// Nanoseconds; times too long for that count as 292 years.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = self.components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : whole &+ attoseconds / 1_000_000_000
    }
}
