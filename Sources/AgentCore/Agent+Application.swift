public import SIPMessages
public import SIPTransactions

/// Requests of the application's own outside of calls (RFC 3261 §8.1, §11.1, RFC 3428 §4).
extension Agent {
    /// Sends a request; `AgentAction.response` brings its responses.
    ///
    /// - Returns: `nil` when too many requests wait, and for INVITE, ACK and CANCEL, which are those of calls.
    public mutating func request(
        _ plan: RequestPlan, transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) -> RequestHandle? {
        guard ![.invite, .ack, .cancel].contains(plan.method) else { return nil }
        var builder = MessageBuilder(plan.method, plan.target)
        builder.add(.route, plan.routes)
        builder.add(.maxForwards, 70)
        var from = plan.from
        from.tag = String(self.work.random.next(), radix: 36)
        builder.add(.from, from)
        builder.add(.to, plan.to ?? NameAddress(plan.target))
        builder.add(.callID, CallID(String(self.work.random.next(), radix: 36)))
        builder.add(.cseq, CSeq(1, plan.method))
        if plan.method == .options {
            self.work.addCapabilities(to: &builder)
            builder.add(.accept, self.configuration.mediaTypes)
        }
        if !self.configuration.product.isEmpty { builder.add(.userAgent, FieldText(self.configuration.product)) }
        for field in plan.fields where Self.replaceable.contains(HeaderID(name: field.name)) {
            builder.remove(named: field.name)
        }
        for field in plan.fields { builder.add(named: field.name, field.value) }
        if !plan.body.isEmpty { builder.setBody(plan.body, type: plan.contentType) }
        let nextHop = plan.routes.first?.uri ?? plan.target
        var request = OutgoingRequest(owner: .application, builder: builder, method: plan.method, nextHop: nextHop)
        if let user = plan.contactUser { request.contact = .init(user: user) }
        guard let handle = self.keep(request) else { return nil }
        if let flow = self.configuration.flow(to: nextHop) {
            self.transmitForApplication(handle, over: flow, &transactions, at: now, &outbox)
        } else {
            self.requests[handle.slot]?.isResolving = true
            self.actions.append(.resolve(handle, nextHop, near: nil))
        }
        return handle
    }

    private static let replaceable: Set<HeaderID> = [.from, .to, .callID, .cseq, .maxForwards, .userAgent]

    /// Nobody waits for the response any more. Nothing more is told of the request.
    public mutating func forget(_ handle: RequestHandle, transactions: inout TransactionLayer) {
        guard self.requests.isLive(handle.slot, handle.generation), let request = self.requests[handle.slot],
            request.owner == .application
        else { return }
        if !request.isResolving { transactions.abandon(client: request.transaction) }
        self.requests.remove(handle.slot)
    }

    mutating func transmitForApplication(
        _ handle: RequestHandle, over flow: Flow?, _ layer: inout TransactionLayer, at now: MonotonicInstant,
        _ outbox: inout Outbox
    ) {
        if let flow, self.transmit(handle, over: flow, &layer, at: now, &outbox) != nil { return }
        self.requests.remove(handle.slot)
        self.actions.append(.unanswered(handle, .unreachable))
    }

    mutating func receive(
        _ response: SIPMessage, _ status: StatusCode, toApplication handle: RequestHandle,
        _ layer: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        let number = (self.requests[handle.slot]?.message?.first(.cseq)?.number ?? 0) &+ 1
        if self.answerChallenge(handle, response, status, number: { number }),
            let flow = self.requests[handle.slot]?.flow
        {
            return self.transmitForApplication(handle, over: flow, &layer, at: now, &outbox)
        }
        if status.isFinal { self.requests.remove(handle.slot) }
        self.actions.append(.response(handle, response))
    }
}
