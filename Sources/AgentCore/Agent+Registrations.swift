public import SIPMessages
public import SIPTransactions

/// Registrations that are kept (RFC 3261 §10.2, RFC 5626 §4).
extension Agent {
    /// Registers, and keeps the registration until `unregister`.
    ///
    /// - Returns: `nil` when there are too many.
    public mutating func register(
        _ plan: RegistrationPlan, transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) -> RegistrationHandle? {
        guard let next = self.registrations.next() else { return nil }
        let handle = RegistrationHandle(slot: next.slot, generation: next.generation)
        let callID = CallID(String(self.work.random.next(), radix: 36) + String(self.work.random.next(), radix: 36))
        self.registrations.insert(
            Registration(plan, callID: callID, tag: String(self.work.random.next(), radix: 36)))
        if let user = plan.user { self.accounts[user] = handle }
        self.send(handle, &transactions, at: now, &outbox)
        return handle
    }

    /// Removes the binding, and ends the registration.
    public mutating func unregister(
        _ handle: RegistrationHandle, transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        guard self.registrations.isLive(handle.slot, handle.generation) else { return }
        if self.registrations[handle.slot]?.remove() == true {
            self.send(handle, &transactions, at: now, &outbox)
        } else if self.registrations[handle.slot]?.request == nil {
            self.forget(handle, &transactions)
        }
    }

    /// A connection has ended, or a NAT box has changed our address: what was registered over it is registered anew at
    /// once (RFC 5626 §4.5).
    public mutating func flowLost(
        _ flow: Flow, transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        for slot in self.registrations.slots {
            guard let registration = self.registrations[slot], registration.state == .registered,
                let used = registration.flow, used.transport == flow.transport, used.remote == flow.remote
            else { continue }
            let generation = self.registrations.generation(of: slot)
            self.send(
                RegistrationHandle(slot: slot, generation: generation), &transactions, at: now, &outbox)
        }
    }

    /// The account that a request is for: the one whose Contact has the user of its Request-URI.
    func account(of request: SIPMessage) -> RegistrationHandle? {
        request.requestURI?.sip?.user.flatMap { self.accounts[$0] }
    }

    /// What the registrar has granted an account last; `nil` before that, and for one that is no more.
    public func grant(of account: RegistrationHandle) -> RegistrationGrant? {
        guard self.registrations.isLive(account.slot, account.generation) else { return nil }
        return self.registrations[account.slot]?.granted
    }

    /// The public GRUU of an account, which takes the place of our address in Contact (RFC 5627 §4.3).
    func gruu(of account: RegistrationHandle) -> URI? { self.grant(of: account)?.publicGRUU.map { .sip($0) } }

    /// The flow that requests of an account go over: where Outbound has made one (RFC 5626 §4.3).
    func outboundFlow(of account: RegistrationHandle?) -> Flow? {
        guard let account, self.registrations.isLive(account.slot, account.generation),
            let registration = self.registrations[account.slot], registration.granted?.isOutbound == true,
            registration.state == .registered
        else { return nil }
        return registration.flow
    }

    // MARK: Inside

    private mutating func send(
        _ handle: RegistrationHandle, _ layer: inout TransactionLayer, at now: MonotonicInstant,
        _ outbox: inout Outbox
    ) {
        guard let builder = self.registrations[handle.slot]?.makeRequest(),
            let registration = self.registrations[handle.slot]
        else { return }
        let nextHop = registration.plan.routes.first?.uri ?? registration.plan.registrar
        var request = OutgoingRequest(
            owner: .registration(handle), builder: builder, method: .register, nextHop: nextHop)
        request.contact = registration.contact
        request.account = handle
        if !self.configuration.product.isEmpty {
            request.builder.add(.userAgent, FieldText(self.configuration.product))
        }
        guard let number = self.keep(request) else {
            return self.failed(handle, 503, &layer, at: now, &outbox)
        }
        self.registrations[handle.slot]?.request = number
        self.schedule(handle, &layer)
        if let flow = self.configuration.flow(to: nextHop) {
            return self.transmit(number, over: flow, of: handle, &layer, at: now, &outbox)
        }
        self.askForWay(number, &layer, at: now)
    }

    private mutating func transmit(
        _ number: RequestHandle, over flow: Flow, of handle: RegistrationHandle, _ layer: inout TransactionLayer,
        at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        self.registrations[handle.slot]?.flow = flow
        guard self.transmit(number, over: flow, &layer, at: now, &outbox) == nil else { return }
        self.requests.remove(number.slot)
        self.failed(handle, 503, &layer, at: now, &outbox)
    }

    /// The way to the registrar is found, or is not.
    mutating func resolved(
        _ number: RequestHandle, _ flow: Flow?, of handle: RegistrationHandle, _ layer: inout TransactionLayer,
        at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        if let flow { return self.transmit(number, over: flow, of: handle, &layer, at: now, &outbox) }
        self.requests.remove(number.slot)
        self.failed(handle, 503, &layer, at: now, &outbox)
    }

    /// A response came to a REGISTER.
    mutating func receive(
        _ response: SIPMessage, _ status: StatusCode, _ number: RequestHandle, of handle: RegistrationHandle,
        _ layer: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        guard status.isFinal, self.registrations.isLive(handle.slot, handle.generation),
            var registration = self.registrations[handle.slot]
        else { return }
        let isAnswered = self.answerChallenge(number, response, status) { registration.nextSequence() }
        let flow = isAnswered ? self.requests[number.slot]?.flow : status == 503 ? self.takeAlternative(number) : nil
        if let flow {
            self.registrations[handle.slot] = registration
            return self.transmit(number, over: flow, of: handle, &layer, at: now, &outbox)
        }
        if !status.isSuccess { self.actions.append(.refused(.registration(handle), response)) }
        let contact = self.requests[number.slot]?.message?.first(.contact)?.uri
        self.requests.remove(number.slot)
        registration.request = nil
        let step = registration.receive(
            response, status, contact: contact, random: self.work.random.next(), at: now)
        self.registrations[handle.slot] = registration
        self.follow(step, handle, status, &layer, at: now, &outbox)
    }

    /// A REGISTER had no answer: it is sent another way, where there is one.
    mutating func unanswered(
        _ number: RequestHandle, of handle: RegistrationHandle, _ status: StatusCode, _ layer: inout TransactionLayer,
        at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        if let flow = self.takeAlternative(number) {
            return self.transmit(number, over: flow, of: handle, &layer, at: now, &outbox)
        }
        self.requests.remove(number.slot)
        self.failed(handle, status, &layer, at: now, &outbox)
    }

    /// A REGISTER had no answer, or could not be sent.
    mutating func failed(
        _ handle: RegistrationHandle, _ status: StatusCode, _ layer: inout TransactionLayer,
        at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        guard self.registrations.isLive(handle.slot, handle.generation) else { return }
        self.registrations[handle.slot]?.request = nil
        let random = self.work.random.next()
        guard let step = self.registrations[handle.slot]?.failed(random: random, at: now) else { return }
        self.follow(step, handle, status, &layer, at: now, &outbox)
    }

    private mutating func follow(
        _ step: Registration.Step, _ handle: RegistrationHandle, _ status: StatusCode,
        _ layer: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        switch step {
        case .registered(let grant): self.actions.append(.registered(handle, grant))
        case .again: return self.send(handle, &layer, at: now, &outbox)
        case .wait(let span): self.actions.append(.registrationFailed(handle, status, retryAfter: span))
        case .refused:
            self.actions.append(.registrationFailed(handle, status, retryAfter: nil))
            return self.forget(handle, &layer)
        case .gone: return self.forget(handle, &layer)
        }
        self.schedule(handle, &layer)
    }

    /// The time of a registration has come: it is refreshed, or tried again.
    mutating func wake(
        _ handle: RegistrationHandle, _ layer: inout TransactionLayer, at now: MonotonicInstant,
        _ outbox: inout Outbox
    ) {
        guard self.registrations.isLive(handle.slot, handle.generation) else { return }
        self.registrations[handle.slot]?.timer = -1
        self.send(handle, &layer, at: now, &outbox)
    }

    private mutating func schedule(_ handle: RegistrationHandle, _ layer: inout TransactionLayer) {
        guard var registration = self.registrations[handle.slot] else { return }
        layer.stopTimer(&registration.timer)
        if registration.wakeAt != .never {
            registration.timer = layer.setTimer(
                at: registration.wakeAt,
                payload: AgentMark.number(.registration, slot: handle.slot, generation: handle.generation))
        }
        self.registrations[handle.slot] = registration
    }

    private mutating func forget(_ handle: RegistrationHandle, _ layer: inout TransactionLayer) {
        guard var registration = self.registrations[handle.slot] else { return }
        layer.stopTimer(&registration.timer)
        if let user = registration.plan.user, self.accounts[user] == handle { self.accounts[user] = nil }
        self.registrations.remove(handle.slot)
        self.actions.append(.unregistered(handle))
    }
}
