import SIPDialogs
public import SIPMessages
public import SIPTransactions

/// The UAC core: what is done with responses (RFC 3261 §8.1.3).
extension Agent {
    /// How often a request is sent again with credentials: a second time only for a nonce that has become stale.
    private static var maximumAttempts: Int { 2 }

    /// Takes a response that the transaction layer delivered for a transaction of ours.
    public mutating func receive(
        response octets: Span<UInt8>, owner: UInt64, transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        guard let response = try? SIPMessage(parsing: octets.octets(0..<octets.count)), response.fault == nil,
            let handle = self.handle(owner), let request = self.requests[handle.slot], let sent = request.message,
            let status = response.status
        else { return }
        self.work.now = now
        switch request.owner {
        case .registration(let registration):
            self.receive(response, status, handle, of: registration, &transactions, at: now, &outbox)
        case .subscription(let subscription):
            self.receive(response, status, handle, of: subscription, &transactions, at: now, &outbox)
        case .application: self.receiveOwn(response, status, handle, &transactions, at: now, &outbox)
        case .call(let number, let leg, let purpose):
            guard let purpose, var call = self.calls.take(number.slot, number.generation) else { return }
            // After a 2xx to INVITE the transaction may bring copies and 2xx of other forks (RFC 6026 §7.2).
            let isOver = status.isFinal && !(status.isSuccess && request.method == .invite)
            let mayRetry = !call.isEnded || purpose != .invite
            if mayRetry, self.answerChallenge(handle, response, status, number: { call.nextSequence(leg) }) {
                // The transaction is over, the request goes on in another.
                if let flow = request.flow {
                    self.transmit(handle, over: flow, &call, &transactions, at: now, &outbox)
                }
            } else if mayRetry, status == 503, let flow = self.takeAlternative(handle) {
                self.transmit(handle, over: flow, &call, &transactions, at: now, &outbox)
            } else {
                if isOver { self.detach(handle, &call) }
                call.receive(leg, purpose, response, to: sent, &self.work)
            }
            self.endTurn(&call, &transactions, at: now, &outbox)
        }
    }

    /// Handles an event of a transaction or timer of the agent's.
    public mutating func handle(
        _ event: TransactionEvent, transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        switch event {
        case .clientTimedOut(_, let owner): self.fail(owner, .timedOut, &transactions, at: now, &outbox)
        case .clientTransportFailed(_, let owner): self.fail(owner, .unreachable, &transactions, at: now, &outbox)
        case .clientEnded(_, let owner):
            guard let handle = self.handle(owner), case .call(let number, _, _)? = self.requests[handle.slot]?.owner,
                var call = self.calls.take(number.slot, number.generation)
            else { return }
            self.work.now = now
            self.close(handle, &call)
            self.endTurn(&call, &transactions, at: now, &outbox)
        case .timer(let number): self.fired(number, &transactions, at: now, &outbox)
        case .serverTimedOut: break  // A refusal without ACK: the call is over in any case.
        case .serverTransportFailed: break  // What matters is sent again until it is acknowledged (RFC 6026 §8.8).
        case .tryingDue: break  // Only a PRACK or UPDATE waits, for the media, and not for long.
        }
    }

    /// Whether an event of the transaction layer is for the agent.
    public static func owns(_ event: TransactionEvent) -> Bool {
        switch event {
        case .clientTimedOut(_, let owner), .clientTransportFailed(_, let owner), .clientEnded(_, let owner),
            .serverTimedOut(_, let owner), .serverTransportFailed(_, let owner), .tryingDue(_, let owner):
            self.owns(owner)
        case .timer(let number): AgentMark.isMarked(number)
        }
    }

    /// Whether a transaction is the agent's, by what the layer calls its owner.
    public static func owns(_ owner: UInt64) -> Bool { AgentMark.isMarked(owner) }

    // MARK: Inside

    private func handle(_ owner: UInt64) -> RequestHandle? {
        let (slot, generation) = AgentMark.parts(owner)
        guard AgentMark.isMarked(owner), self.requests.isLive(slot, generation) else { return nil }
        return RequestHandle(slot: slot, generation: generation)
    }

    private mutating func fired(
        _ number: UInt64, _ layer: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        let (slot, generation) = AgentMark.parts(number)
        self.work.now = now
        switch AgentMark.kind(number) {
        case .registration:
            return self.wake(RegistrationHandle(slot: slot, generation: generation), &layer, at: now, &outbox)
        case .request:
            // Nobody has said in time where the server is.
            guard self.requests.isLive(slot, generation) else { return }
            self.requests[slot]?.timer = -1  // It has fired.
            let handle = RequestHandle(slot: slot, generation: generation)
            return self.resolved(handle, flows: [], transactions: &layer, at: now, into: &outbox)
        case .subscription:
            return self.wake(SubscriptionHandle(slot: slot, generation: generation), &layer, at: now, &outbox)
        case .call, nil: break
        }
        guard var call = self.calls.take(slot, generation) else { return }
        (call.timer, call.timerAt) = (-1, .never)
        call.wake(&self.work)
        self.endTurn(&call, &layer, at: now, &outbox)
    }

    private mutating func fail(
        _ owner: UInt64, _ end: CallEnd, _ layer: inout TransactionLayer, at now: MonotonicInstant,
        _ outbox: inout Outbox
    ) {
        guard let handle = self.handle(owner), let request = self.requests[handle.slot] else { return }
        self.work.now = now
        switch request.owner {
        case .registration(let registration):
            self.unanswered(handle, of: registration, end == .timedOut ? 408 : 503, &layer, at: now, &outbox)
        case .subscription(let subscription):
            self.unanswered(handle, of: subscription, end, &layer, at: now, &outbox)
        case .application: self.failedOwn(handle, end, &layer, at: now, &outbox)
        case .call(let number, let leg, let purpose):
            guard let purpose, var call = self.calls.take(number.slot, number.generation) else { return }
            if !call.isEnded || purpose != .invite, let flow = self.takeAlternative(handle) {
                self.transmit(handle, over: flow, &call, &layer, at: now, &outbox)
            } else {
                self.detach(handle, &call)
                call.failed(leg, purpose, end, &self.work)
            }
            self.endTurn(&call, &layer, at: now, &outbox)
        }
    }

    /// A request is done with, and its call is about to be told how.
    private mutating func detach(_ handle: RequestHandle, _ call: inout Call) {
        if call.setupRequest == handle { call.setupRequest = nil }
        self.close(handle, &call)
    }

    /// Makes a challenged request anew, with credentials and the next number (RFC 3261 §22.2, §22.3).
    ///
    /// - Returns: `false` when it was not challenged, or there is no answer to the challenge.
    mutating func answerChallenge(
        _ handle: RequestHandle, _ response: SIPMessage, _ status: StatusCode, number: () -> UInt32
    ) -> Bool {
        guard status == 401 || status == 407, let request = self.requests[handle.slot], let sent = request.message,
            request.attempts < Self.maximumAttempts, let credentials = self.configuration.credentials
        else { return false }
        let octets = sent.octets.span
        let challenged = AgentConfiguration.Challenged(
            response: response, method: request.method, uri: octets.string(sent.index.requestURI), body: sent.body,
            random: self.work.random.next(), attempts: request.attempts, account: request.account)
        guard let lines = credentials(challenged) else { return false }
        var builder = request.builder
        for line in lines { builder.remove(named: line.name) }
        for line in lines { builder.add(named: line.name, line.value) }
        builder.set(.cseq, CSeq(number(), request.method))
        self.requests[handle.slot]?.builder = builder
        self.requests[handle.slot]?.attempts += 1
        return true
    }
}
