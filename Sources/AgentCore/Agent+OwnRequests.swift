import SIPDialogs
public import SIPMessages
public import SIPTransactions

/// Requests of the application's outside of calls (RFC 3261 §8.1, RFC 3428).
extension Agent {
    /// Sends a request outside of calls. `AgentAction.answered` or `requestFailed` says what became of it; challenges,
    /// redirections and servers that fail are dealt with before that.
    ///
    /// - Returns: `nil` when there are too many, and for a method that belongs to dialogs, transactions or registrations.
    public mutating func send(
        _ plan: RequestPlan, transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) -> RequestHandle? {
        guard plan.isSound else { return nil }
        self.work.now = now
        return self.beginOwn(
            plan, owner: .application, callID: self.work.makeCallID(), tag: self.work.makeTag(), &transactions,
            at: now, &outbox)
    }

    /// Takes a request outside of calls on: the application's, or a SUBSCRIBE.
    mutating func beginOwn(
        _ plan: RequestPlan, owner: OutgoingRequest.Owner, callID: CallID, tag: String,
        _ layer: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox
    ) -> RequestHandle? {
        var plan = plan
        if plan.routes.isEmpty, let account = plan.account {
            plan.routes = self.grant(of: account)?.serviceRoute ?? []
        }
        let own = OwnRequest(plan: plan, callID: callID, tag: tag, targets: TargetList(plan.target))
        var request = OutgoingRequest(
            owner: owner, builder: MessageBuilder(plan.method, plan.target), method: plan.method,
            nextHop: plan.target)
        request.own = own
        request.account = plan.account
        if plan.hasContact {
            request.contact = .init(
                uri: plan.account.flatMap { self.gruu(of: $0) }, user: plan.from.uri.sip?.user)
        }
        guard let handle = self.keep(request) else { return nil }
        self.tryNext(handle, &layer, at: now, &outbox)
        return handle
    }

    /// Sends it to the next address.
    private mutating func tryNext(
        _ handle: RequestHandle, _ layer: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        guard var own = self.requests[handle.slot]?.own else { return }
        guard let target = own.targets.next() else {
            let outcome = own.failure.map { OwnRequest.Outcome.answered($0) } ?? .failed(.unreachable)
            return self.conclude(handle, outcome, &layer, at: now, &outbox)
        }
        let builder = own.builder(to: target, product: self.configuration.product)
        let nextHop = own.plan.routes.first?.uri ?? target
        self.requests[handle.slot]?.own = own
        self.requests[handle.slot]?.builder = builder
        self.requests[handle.slot]?.nextHop = nextHop
        self.requests[handle.slot]?.attempts = 0
        if let flow = self.outboundFlow(of: own.plan.account) ?? self.configuration.flow(to: nextHop) {
            return self.transmitOwn(handle, over: flow, &layer, at: now, &outbox)
        }
        self.askForWay(handle, &layer, at: now)
    }

    private mutating func transmitOwn(
        _ handle: RequestHandle, over flow: Flow, _ layer: inout TransactionLayer, at now: MonotonicInstant,
        _ outbox: inout Outbox
    ) {
        if self.transmit(handle, over: flow, &layer, at: now, &outbox) == nil {
            self.failedOwn(handle, .unreachable, &layer, at: now, &outbox)
        }
    }

    /// The way is found, or is not.
    mutating func resolvedOwn(
        _ handle: RequestHandle, _ flow: Flow?, _ layer: inout TransactionLayer, at now: MonotonicInstant,
        _ outbox: inout Outbox
    ) {
        guard let flow else { return self.failedOwn(handle, .unreachable, &layer, at: now, &outbox) }
        self.transmitOwn(handle, over: flow, &layer, at: now, &outbox)
    }

    /// A response came.
    mutating func receiveOwn(
        _ response: SIPMessage, _ status: StatusCode, _ handle: RequestHandle, _ layer: inout TransactionLayer,
        at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        guard status.isFinal, let request = self.requests[handle.slot], var own = request.own,
            let sent = request.message
        else { return }
        let isAnswered = self.answerChallenge(handle, response, status) { own.nextSequence() }
        if isAnswered, let flow = request.flow {
            self.requests[handle.slot]?.own?.number = own.number
            return self.transmitOwn(handle, over: flow, &layer, at: now, &outbox)
        }
        if status == 503, let flow = self.takeAlternative(handle) {
            return self.transmitOwn(handle, over: flow, &layer, at: now, &outbox)
        }
        own.failure = response
        var goesOn = false
        if status.isRedirection, self.configuration.followsRedirections {
            goesOn = own.targets.add(response.all(.contact), limit: self.configuration.maximumTargets)
        } else if let current = own.targets.current,
            let uri = own.repairs.repair(status, response, of: sent, current: current, mayDropBody: false)
        {
            own.targets.repeatCurrent(as: uri)
            goesOn = true
        } else if !status.isSuccess, status.statusClass != 6 {
            goesOn = !own.targets.pending.isEmpty
        }
        self.requests[handle.slot]?.own = own
        if goesOn { return self.tryNext(handle, &layer, at: now, &outbox) }
        self.conclude(handle, .answered(response), &layer, at: now, &outbox)
    }

    /// Tells whose request it is what became of it.
    private mutating func conclude(
        _ handle: RequestHandle, _ outcome: OwnRequest.Outcome, _ layer: inout TransactionLayer,
        at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        guard let request = self.requests[handle.slot] else { return }
        self.requests.remove(handle.slot)
        if case .subscription(let subscription) = request.owner {
            let sequence = request.own?.number ?? 1
            return self.concluded(outcome, sequence: sequence, of: subscription, &layer, at: now, &outbox)
        }
        switch outcome {
        case .answered(let response): self.actions.append(.answered(handle, response))
        case .failed(let end): self.actions.append(.requestFailed(handle, end))
        }
    }

    /// There was no answer, or no way.
    mutating func failedOwn(
        _ handle: RequestHandle, _ end: CallEnd, _ layer: inout TransactionLayer, at now: MonotonicInstant,
        _ outbox: inout Outbox
    ) {
        guard let own = self.requests[handle.slot]?.own else { return }
        if let flow = self.takeAlternative(handle) {
            return self.transmitOwn(handle, over: flow, &layer, at: now, &outbox)
        }
        if !own.targets.pending.isEmpty { return self.tryNext(handle, &layer, at: now, &outbox) }
        self.conclude(handle, .failed(end), &layer, at: now, &outbox)
    }

    /// A MESSAGE came outside of calls (RFC 3428 §7).
    mutating func receiveMessage(
        _ request: SIPMessage, _ server: TransactionID, _ layer: inout TransactionLayer, at now: MonotonicInstant,
        _ outbox: inout Outbox
    ) {
        self.reply(server, 200, to: request, nil, &layer, at: now, &outbox)
        self.actions.append(.message(nil, request))
    }
}
