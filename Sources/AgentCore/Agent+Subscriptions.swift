import SIPDialogs
public import SIPMessages
public import SIPTransactions

/// Subscriptions to the state of others (RFC 6665 §4.1).
extension Agent {
    /// Subscribes, and keeps the subscription until `unsubscribe` or its end: `AgentAction.subscribed`, `notified` and
    /// `subscriptionEnded` tell how it goes.
    ///
    /// - Returns: `nil` when there are too many.
    public mutating func subscribe(
        _ plan: SubscriptionPlan, transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) -> SubscriptionHandle? {
        guard let next = self.subscriptions.next() else { return nil }
        self.work.now = now
        let handle = SubscriptionHandle(slot: next.slot, generation: next.generation)
        let subscription = Subscription(plan, half: self.makeHalf(), timerN: self.work.timers.timeout, at: now)
        self.subscriptions.insert(subscription)
        self.subscriptionDialogs[subscription.half] = handle
        self.sendFirst(handle, &transactions, at: now, &outbox)
        return handle
    }

    /// Ends a subscription: by SUBSCRIBE with Expires 0, whose NOTIFY is awaited (§4.1.2.3).
    public mutating func unsubscribe(
        _ handle: SubscriptionHandle, transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        guard self.subscriptions.isLive(handle.slot, handle.generation),
            let state = self.subscriptions[handle.slot]?.state, state != .removing
        else { return }
        self.work.now = now
        if self.subscriptions[handle.slot]?.remove(at: now) == true {
            self.sendInDialog(handle, expires: 0, &transactions, at: now, &outbox)
            self.schedule(handle, &transactions)
        } else {
            self.forget(handle, .unsubscribed, &transactions)
        }
    }

    // MARK: Requests

    private mutating func makeHalf() -> DialogID {
        DialogID(self.work.makeCallID(), localTag: self.work.makeTag(), remoteTag: "")
    }

    /// Sends the SUBSCRIBE that begins it: a request outside of dialogs as any other, with its repetitions.
    private mutating func sendFirst(
        _ handle: SubscriptionHandle, _ layer: inout TransactionLayer, at now: MonotonicInstant,
        _ outbox: inout Outbox
    ) {
        guard let subscription = self.subscriptions[handle.slot] else { return }
        self.schedule(handle, &layer)
        let request = self.beginOwn(
            subscription.plan.request(expires: subscription.expires), owner: .subscription(handle),
            callID: subscription.half.callID, tag: subscription.half.localTag, &layer, at: now, &outbox)
        if let request, self.requests.isLive(request.slot, request.generation) {
            self.subscriptions[handle.slot]?.request = request
        } else if request == nil {
            self.step(handle, &layer, at: now, &outbox) { $0.failed(.unreachable, random: $1, at: now) }
        }
    }

    /// Sends a SUBSCRIBE in the dialog, to refresh or to end it.
    private mutating func sendInDialog(
        _ handle: SubscriptionHandle, expires: UInt32, _ layer: inout TransactionLayer, at now: MonotonicInstant,
        _ outbox: inout Outbox
    ) {
        guard let plan = self.subscriptions[handle.slot]?.plan,
            var builder = self.subscriptions[handle.slot]?.dialog?.request(.subscribe),
            let nextHop = self.subscriptions[handle.slot]?.dialog?.nextHop
        else { return }
        if !self.configuration.product.isEmpty { builder.add(.userAgent, FieldText(self.configuration.product)) }
        for field in plan.fields(expires: expires) { builder.add(named: field.name, field.value) }
        var request = OutgoingRequest(
            owner: .subscription(handle), builder: builder, method: .subscribe, nextHop: nextHop)
        request.account = plan.account
        request.contact = .init(uri: plan.account.flatMap { self.gruu(of: $0) }, user: plan.from.uri.sip?.user)
        guard let number = self.keep(request) else {
            return self.step(handle, &layer, at: now, &outbox) { subscription, _ in
                subscription.refreshed(nil, 503, at: now)
            }
        }
        if let flow = self.outboundFlow(of: plan.account) ?? self.configuration.flow(to: nextHop) {
            return self.transmit(number, over: flow, of: handle, &layer, at: now, &outbox)
        }
        self.askForWay(number, &layer, at: now)
    }

    private mutating func transmit(
        _ number: RequestHandle, over flow: Flow, of handle: SubscriptionHandle, _ layer: inout TransactionLayer,
        at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        guard self.transmit(number, over: flow, &layer, at: now, &outbox) == nil else { return }
        self.concludeInDialog(number, nil, 503, of: handle, &layer, at: now, &outbox)
    }

    /// The way of a SUBSCRIBE is found, or is not.
    mutating func resolved(
        _ number: RequestHandle, _ flow: Flow?, of handle: SubscriptionHandle, _ layer: inout TransactionLayer,
        at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        if self.requests[number.slot]?.own != nil { return self.resolvedOwn(number, flow, &layer, at: now, &outbox) }
        if let flow { return self.transmit(number, over: flow, of: handle, &layer, at: now, &outbox) }
        self.concludeInDialog(number, nil, 503, of: handle, &layer, at: now, &outbox)
    }

    // MARK: Responses

    /// A response came to a SUBSCRIBE.
    mutating func receive(
        _ response: SIPMessage, _ status: StatusCode, _ number: RequestHandle, of handle: SubscriptionHandle,
        _ layer: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        if self.requests[number.slot]?.own != nil {
            return self.receiveOwn(response, status, number, &layer, at: now, &outbox)
        }
        guard status.isFinal else { return }
        var dialog: Dialog?
        if self.subscriptions.isLive(handle.slot, handle.generation) {
            dialog = self.subscriptions[handle.slot]?.dialog
        }
        let isAnswered = self.answerChallenge(number, response, status) { dialog?.nextSequence() ?? 1 }
        if isAnswered, let flow = self.requests[number.slot]?.flow {
            if self.subscriptions.isLive(handle.slot, handle.generation) {
                self.subscriptions[handle.slot]?.dialog = dialog
            }
            return self.transmit(number, over: flow, of: handle, &layer, at: now, &outbox)
        }
        if status == 503, let flow = self.takeAlternative(number) {
            return self.transmit(number, over: flow, of: handle, &layer, at: now, &outbox)
        }
        self.concludeInDialog(number, response, status, of: handle, &layer, at: now, &outbox)
    }

    /// A SUBSCRIBE had no answer.
    mutating func unanswered(
        _ number: RequestHandle, of handle: SubscriptionHandle, _ end: CallEnd, _ layer: inout TransactionLayer,
        at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        if self.requests[number.slot]?.own != nil { return self.failedOwn(number, end, &layer, at: now, &outbox) }
        if let flow = self.takeAlternative(number) {
            return self.transmit(number, over: flow, of: handle, &layer, at: now, &outbox)
        }
        self.concludeInDialog(number, nil, end == .timedOut ? 408 : 503, of: handle, &layer, at: now, &outbox)
    }

    private mutating func concludeInDialog(
        _ number: RequestHandle, _ response: SIPMessage?, _ status: StatusCode, of handle: SubscriptionHandle,
        _ layer: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        self.requests.remove(number.slot)
        self.step(handle, &layer, at: now, &outbox) { subscription, _ in
            subscription.refreshed(response, status, at: now)
        }
    }

    /// The SUBSCRIBE that begins it has its outcome.
    mutating func concluded(
        _ outcome: OwnRequest.Outcome, sequence: UInt32, of handle: SubscriptionHandle,
        _ layer: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        guard self.subscriptions.isLive(handle.slot, handle.generation) else { return }
        self.subscriptions[handle.slot]?.request = nil
        self.subscriptions[handle.slot]?.sequence = sequence
        guard self.subscriptions[handle.slot]?.state == .subscribing else { return }  // A NOTIFY was there before.
        self.step(handle, &layer, at: now, &outbox) { subscription, random in
            switch outcome {
            case .failed(let end): return subscription.failed(end, random: random, at: now)
            case .answered(let response):
                let status = response.status ?? 500
                guard status.isSuccess else {
                    return subscription.refused(response, status, random: random, at: now)
                }
                subscription.accepted(response)
                return .nothing
            }
        }
        if case .answered(let response) = outcome, response.status?.isSuccess == true {
            self.actions.append(.subscribed(handle, response))
        }
    }

    // MARK: NOTIFY

    /// The subscription that a request is for, by its dialog or by our half of it.
    func subscription(of id: DialogID) -> SubscriptionHandle? {
        if self.subscriptionDialogs.isEmpty { return nil }
        let half = DialogID(id.callID, localTag: id.localTag, remoteTag: "")
        return self.subscriptionDialogs[id] ?? self.subscriptionDialogs[half]
    }

    /// The types of state that a NOTIFY may bring; `nil` when it is none of a subscription.
    func notificationTypes(of request: SIPMessage) -> [MediaType]? {
        guard let id = DialogID(request: request), let handle = self.subscription(of: id),
            let plan = self.subscriptions[handle.slot]?.plan
        else { return nil }
        return plan.accept.isEmpty ? [MediaType("*", "*")] : plan.accept
    }

    /// A NOTIFY came, in the dialog of a subscription or to make it (§4.4.1). Another notifier of a request that was forked
    /// is told 481 by its dialog that is not known (§5.4.9).
    mutating func receiveNotify(
        _ request: SIPMessage, _ handle: SubscriptionHandle, _ server: TransactionID, _ layer: inout TransactionLayer,
        at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        guard let subscription = self.subscriptions[handle.slot] else { return }
        if let (status, reason) = self.subscriptions[handle.slot]?.refusal(of: request) {
            return self.reply(server, status, to: request, reason, &layer, at: now, &outbox) {
                if status == 489 { $0.add(named: "Allow-Events", subscription.plan.event.package) }
            }
        }
        if subscription.dialog == nil {
            let sequence =
                subscription.request.flatMap { self.requests[$0.slot]?.own?.number } ?? subscription.sequence
            let localTag = subscription.half.localTag
            guard let dialog = Dialog(request: request, localTag: localTag, localSequence: sequence) else {
                return self.reply(server, 400, to: request, "Missing Contact", &layer, at: now, &outbox)
            }
            self.subscriptionDialogs[subscription.half] = nil
            self.subscriptionDialogs[dialog.id] = handle
            self.subscriptions[handle.slot]?.dialog = dialog
        }
        self.reply(server, 200, to: request, nil, &layer, at: now, &outbox)
        self.actions.append(.notified(handle, request))
        self.step(handle, &layer, at: now, &outbox) { subscription, _ in subscription.receive(request, at: now) }
    }

    // MARK: Time

    /// The time of a subscription has come.
    mutating func wake(
        _ handle: SubscriptionHandle, _ layer: inout TransactionLayer, at now: MonotonicInstant,
        _ outbox: inout Outbox
    ) {
        guard self.subscriptions.isLive(handle.slot, handle.generation) else { return }
        self.subscriptions[handle.slot]?.timer = -1
        self.step(handle, &layer, at: now, &outbox) { $0.wake(random: $1, at: now) }
    }

    /// Lets a subscription take a step, and does what follows of it.
    private mutating func step(
        _ handle: SubscriptionHandle, _ layer: inout TransactionLayer, at now: MonotonicInstant,
        _ outbox: inout Outbox, _ body: (inout Subscription, _ random: UInt64) -> Subscription.Step
    ) {
        guard self.subscriptions.isLive(handle.slot, handle.generation),
            var subscription = self.subscriptions[handle.slot]
        else { return }
        let key = subscription.key
        let step = body(&subscription, self.work.random.next())
        if subscription.state == .waiting || step == .subscribe { self.subscriptionDialogs[key] = nil }
        if step == .subscribe {
            subscription.begin(half: self.makeHalf(), at: now)
            self.subscriptionDialogs[subscription.half] = handle
        }
        if step == .refresh { subscription.refreshing(at: now) }
        if case .end = step {} else { self.subscriptions[handle.slot] = subscription }
        switch step {
        case .nothing: self.schedule(handle, &layer)
        case .subscribe: self.sendFirst(handle, &layer, at: now, &outbox)
        case .refresh:
            self.schedule(handle, &layer)
            self.sendInDialog(handle, expires: subscription.expires, &layer, at: now, &outbox)
        case .end(let end): self.forget(handle, end, &layer)
        }
    }

    private mutating func schedule(_ handle: SubscriptionHandle, _ layer: inout TransactionLayer) {
        guard var subscription = self.subscriptions[handle.slot] else { return }
        layer.stopTimer(&subscription.timer)
        if subscription.wakeAt != .never {
            let number = AgentMark.number(.subscription, slot: handle.slot, generation: handle.generation)
            subscription.timer = layer.setTimer(at: subscription.wakeAt, payload: number)
        }
        self.subscriptions[handle.slot] = subscription
    }

    private mutating func forget(
        _ handle: SubscriptionHandle, _ end: SubscriptionEnd, _ layer: inout TransactionLayer
    ) {
        guard var subscription = self.subscriptions[handle.slot] else { return }
        layer.stopTimer(&subscription.timer)
        self.subscriptionDialogs[subscription.key] = nil
        self.subscriptions.remove(handle.slot)
        self.actions.append(.subscriptionEnded(handle, end))
    }
}
