import SIPDialogs
public import SIPMessages
public import SIPTransactions

/// A request of ours from its making to its final response.
struct OutgoingRequest {
    let call: CallHandle
    let leg: Int
    /// What it is for; `nil` for an ACK, which has no response.
    let purpose: RequestPurpose?
    /// Without Via and Contact.
    var builder: MessageBuilder
    let method: Method
    let nextHop: URI
    var isResolving = false
    var transaction = TransactionID.none
    /// As it was sent.
    var message: SIPMessage?
    var flow: Flow?
    /// How often it was sent with credentials.
    var attempts = 0
}

/// Requests of ours on their way out.
extension Agent {
    /// How long we wait for the way to a server.
    static var resolvingLimit: TimeSpan { .seconds(20) }

    /// Takes a request on: sends it, or asks for the way first.
    mutating func begin(
        _ request: OutgoingRequest, near: Flow?, _ call: inout Call, _ layer: inout TransactionLayer,
        at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        guard let next = self.requests.next() else {
            if let purpose = request.purpose { call.failed(request.leg, purpose, .unreachable, &self.work) }
            return
        }
        let handle = RequestHandle(slot: next.slot, generation: next.generation)
        self.requests.insert(request)
        call.openRequests += 1
        if let flow = near ?? self.configuration.flow(to: request.nextHop) {
            return self.transmit(handle, over: flow, &call, &layer, at: now, &outbox)
        }
        self.requests[handle.slot]?.isResolving = true
        call.resolvingEndsAt = now.advanced(by: Self.resolvingLimit)
        self.actions.append(.resolve(handle, request.nextHop, near: call.legs.first?.near))
    }

    /// The way that `AgentAction.resolve` asked for; `nil` when there is none.
    public mutating func resolved(
        _ handle: RequestHandle, _ flow: Flow?, transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        guard self.requests.isLive(handle.slot, handle.generation), let request = self.requests[handle.slot],
            request.isResolving, var call = self.calls.take(request.call.slot, request.call.generation)
        else { return }
        self.work.now = now
        self.requests[handle.slot]?.isResolving = false
        let isUnwanted = request.purpose == .invite && call.isEnded
        if let flow, !isUnwanted {
            self.transmit(handle, over: flow, &call, &transactions, at: now, &outbox)
        } else {
            self.close(handle, &call)
            if let purpose = request.purpose { call.failed(request.leg, purpose, .unreachable, &self.work) }
        }
        self.endTurn(&call, &transactions, at: now, &outbox)
    }

    /// Requests of a call that still wait for the way fail.
    mutating func giveUpResolving(_ call: inout Call) {
        for slot in self.requests.slots {
            guard let request = self.requests[slot], request.call == call.handle, request.isResolving else { continue }
            self.requests.remove(slot)
            call.openRequests -= 1
            if let purpose = request.purpose { call.failed(request.leg, purpose, .unreachable, &self.work) }
        }
    }

    /// Sends a request over a flow, in a transaction of its own unless it is an ACK.
    private mutating func transmit(
        _ handle: RequestHandle, over flow: Flow, _ call: inout Call, _ layer: inout TransactionLayer,
        at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        guard var request = self.requests[handle.slot], Int(flow.endpoint) < self.configuration.endpoints.count else {
            return
        }
        let endpoint = self.configuration.endpoints[Int(flow.endpoint)]
        var branch: [UInt8] = []
        guard let purpose = request.purpose else {
            branch = Array("z9hG4bK".utf8)
            branch.append(hexadecimal: self.work.random.next())
            request.builder.prepend(.via, endpoint.via(branch: String(decoding: branch, as: UTF8.self)))
            let octets = request.builder.octets
            let start = outbox.octets.count
            outbox.octets.append(contentsOf: octets)
            outbox.send(from: start, over: flow)
            call.acknowledged(request.leg, octets, flow)
            return self.close(handle, &call)
        }
        let owner = AgentMark.number(slot: handle.slot, generation: handle.generation)
        guard let transaction = layer.openClient(method: request.method.code, owner: owner) else {
            self.close(handle, &call)
            return call.failed(request.leg, purpose, .unreachable, &self.work)
        }
        layer.writeBranch(transaction, loopHash: 0, into: &branch)
        var builder = request.builder
        builder.prepend(.via, endpoint.via(branch: String(decoding: branch, as: UTF8.self)))
        if request.method == .invite || request.method == .update {
            let contact = endpoint.contact(user: call.contactUser)
            call.contact = contact
            builder.set(.contact, Contact(contact))
        }
        let start = outbox.octets.count
        let octets = builder.octets
        outbox.octets.append(contentsOf: octets)
        guard let message = try? SIPMessage(parsing: octets),
            layer.sendRequest(transaction, over: flow, from: start, at: now, into: &outbox)
        else {
            self.close(handle, &call)
            return call.failed(request.leg, purpose, .unreachable, &self.work)
        }
        request.transaction = transaction
        request.message = message
        request.flow = flow
        self.requests[handle.slot] = request
        if purpose == .invite { call.setupRequest = handle }
    }

    /// Sends a request that was made anew the way it went before.
    mutating func transmitAgain(
        _ handle: RequestHandle, _ call: inout Call, _ layer: inout TransactionLayer, at now: MonotonicInstant,
        _ outbox: inout Outbox
    ) {
        guard let flow = self.requests[handle.slot]?.flow else { return }
        self.transmit(handle, over: flow, &call, &layer, at: now, &outbox)
    }

    /// A request is done with.
    mutating func close(_ handle: RequestHandle, _ call: inout Call) {
        self.requests.remove(handle.slot)
        call.openRequests -= 1
        if call.setupRequest == handle {
            call.setupRequest = nil
            call.setupClosed(&self.work)
        }
    }

    // MARK: CANCEL

    func cancelInvite(
        of call: Call, _ layer: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        guard let handle = call.setupRequest, let request = self.requests[handle.slot] else { return }
        let none: [UInt8] = []
        layer.cancel(request.transaction, reason: none.span, at: now, into: &outbox)
    }

    /// Nobody answers the INVITE, although it was cancelled.
    mutating func abandonInvite(of call: inout Call, _ layer: inout TransactionLayer) {
        guard let handle = call.setupRequest, let request = self.requests[handle.slot] else { return }
        layer.abandon(client: request.transaction)
        self.close(handle, &call)
    }
}
