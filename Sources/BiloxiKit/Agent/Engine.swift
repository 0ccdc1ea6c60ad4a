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
        var calls: [CallHandle: Call] = [:]
        var registrations: [RegistrationHandle: Registration] = [:]
        var requests: [RequestHandle: Promise<Result<Response, SIPError>>] = [:]
        var transfers: [TransferHandle: OutgoingTransfer] = [:]
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
            self.media = try MediaServer(media)
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

    func add(_ transfer: OutgoingTransfer, _ handle: TransferHandle) {
        self.state.withLock { $0.transfers[handle] = transfer }
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

    /// Where the requests of an account go first: the proxies that its registrar has named, or its own.
    func routes(of account: Account.Parsed?) -> [NameAddress] {
        guard let account else { return self.proxy.map { [$0] } ?? [] }
        let registration = self.state.withLock { state in
            state.registrations.values.first { $0.account.aor.isEquivalent(to: account.aor) }
        }
        if let route = registration?.serviceRoute, !route.isEmpty { return route }
        return account.route.map { [$0] } ?? []
    }

    var isServing: Bool {
        get { self.state.withLock { $0.isServing } }
        set { self.state.withLock { $0.isServing = newValue } }
    }

    /// What is still there; for the end of the scope.
    var openCalls: [Call] { self.state.withLock { Array($0.calls.values) } }
    var openRegistrations: [Registration] { self.state.withLock { Array($0.registrations.values) } }

    /// Ends everything that still waits for something.
    func close() {
        let state = self.state.withLock { state in
            defer { state = State() }
            return state
        }
        for call in state.calls.values { call.core.ended(.hungUp) }
        for request in state.requests.values { request.keep(.failure(.ended("the user agent has ended"))) }
        for transfer in state.transfers.values { transfer.done(.unreported) }
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
        case .message(_, let request): self.messages.send(IncomingMessage(request))
        case .transferRequested(let referral, let handle, let request):
            self.receiveTransfer(referral, of: handle, request, &turn)
        case .transferProgress(let handle, let status, let reason):
            self.transfer(handle)?.progressed(Int(status.number), reason)
        case .transferDone(let handle, let end):
            let transfer = self.state.withLock { $0.transfers.removeValue(forKey: handle) }
            transfer?.done(end)
        case .replaces(let handle, let other): self.call(handle)?.core.predecessor = self.call(other)
        // The first are features that are off: `UserAgent.start`.
        case .redirected, .joins, .earlyMediaStart, .earlyMediaStop, .ringback, .informationAnswered,
            .informationFailed:
            break
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
        guard let call = self.call(handle), let key = KeyInformation.key(request) else { return }
        call.audio.reportKeyByInfo(key)
    }

    private func take(_ handle: RequestHandle) -> Promise<Result<Response, SIPError>>? {
        self.state.withLock { $0.requests.removeValue(forKey: handle) }
    }

    private func transfer(_ handle: TransferHandle) -> OutgoingTransfer? {
        self.state.withLock { $0.transfers[handle] }
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
