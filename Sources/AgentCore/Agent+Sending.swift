import SIPDialogs
public import SIPMessages
public import SIPTransactions

/// A request of ours from its making to its final response.
struct OutgoingRequest {
    /// Whose it is.
    enum Owner: Hashable {
        /// A call's; an ACK has no purpose, and no response.
        case call(CallHandle, leg: Int, RequestPurpose?)
        case registration(RegistrationHandle)
        case subscription(SubscriptionHandle)
        /// The application's own, outside of calls.
        case application
    }
    /// What a Contact says.
    struct ContactPlan {
        /// A URI that takes the place of our address: a GRUU (RFC 5627 §4.3).
        var uri: URI?
        var user: String?
        var parameters = Parameters()
    }
    let owner: Owner
    /// Without Via and Contact.
    var builder: MessageBuilder
    let method: Method
    var nextHop: URI
    /// The Contact; `nil` for none.
    var contact: ContactPlan?
    var isResolving = false
    var transaction = TransactionID.none
    /// As it was sent.
    var message: SIPMessage?
    var flow: Flow?
    /// The domain that the certificate of a TLS server must be for; empty where no name led there.
    var domain: [UInt8] = []
    /// Other ways to the same server, for when this one fails (RFC 3263 §4.3).
    var alternatives: [Flow] = []
    /// How often it was sent with credentials.
    var attempts = 0
    /// Whose password it is sent with.
    var account: RegistrationHandle?
    /// What the application wants of it.
    var own: OwnRequest?
    /// The timer of one that waits for the way.
    var timer: Int32 = -1
}

/// Requests of ours on their way out.
extension Agent {
    /// How long we wait for the way to a server.
    static var resolvingLimit: TimeSpan { .seconds(20) }

    /// Takes a request of a call on: sends it, or asks for the way first.
    mutating func begin(
        _ request: OutgoingRequest, near: Flow?, _ call: inout Call, _ layer: inout TransactionLayer,
        at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        guard case .call(_, let leg, let purpose) = request.owner else { return }
        guard let handle = self.keep(request) else {
            if let purpose { call.failed(leg, purpose, .unreachable, &self.work) }
            return
        }
        call.openRequests += 1
        if let flow = near ?? self.configuration.flow(to: request.nextHop) {
            return self.transmit(handle, over: flow, &call, &layer, at: now, &outbox)
        }
        self.askForWay(handle, near: call.legs.first?.near, &layer, at: now)
    }

    /// Asks for the way of a request, and waits for it with a limit.
    mutating func askForWay(
        _ handle: RequestHandle, near: Flow? = nil, _ layer: inout TransactionLayer, at now: MonotonicInstant
    ) {
        guard let uri = self.requests[handle.slot]?.nextHop else { return }
        let number = AgentMark.number(.request, slot: handle.slot, generation: handle.generation)
        self.requests[handle.slot]?.isResolving = true
        self.requests[handle.slot]?.timer = layer.setTimer(
            at: now.advanced(by: Self.resolvingLimit), payload: number)
        self.actions.append(.resolve(handle, uri, near: near))
    }

    /// A number for a request; `nil` when there are too many.
    mutating func keep(_ request: OutgoingRequest) -> RequestHandle? {
        guard let next = self.requests.next() else { return nil }
        self.requests.insert(request)
        return RequestHandle(slot: next.slot, generation: next.generation)
    }

    /// The way that `AgentAction.resolve` asked for; `nil` when there is none.
    ///
    /// - Parameter domain: Over TLS, the domain that the server's certificate must be for (RFC 5922 §7.3).
    public mutating func resolved(
        _ handle: RequestHandle, _ flow: Flow?, to domain: [UInt8] = [], transactions: inout TransactionLayer,
        at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        self.resolved(
            handle, flows: flow.map { [$0] } ?? [], to: domain, transactions: &transactions, at: now, into: &outbox)
    }

    /// The ways that `AgentAction.resolve` asked for, the preferred first: when one fails, the next is taken
    /// (RFC 3263 §4.3).
    ///
    /// - Parameter domain: Over TLS, the domain that the server's certificate must be for (RFC 5922 §7.3).
    public mutating func resolved(
        _ handle: RequestHandle, flows: [Flow], to domain: [UInt8] = [], transactions: inout TransactionLayer,
        at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        guard self.requests.isLive(handle.slot, handle.generation), let request = self.requests[handle.slot],
            request.isResolving
        else { return }
        self.work.now = now
        let flow = flows.first
        self.requests[handle.slot]?.isResolving = false
        self.requests[handle.slot]?.domain = domain
        self.requests[handle.slot]?.alternatives = Array(flows.dropFirst())
        if var timer = self.requests[handle.slot]?.timer {
            transactions.stopTimer(&timer)
            self.requests[handle.slot]?.timer = timer
        }
        switch request.owner {
        case .application: self.resolvedOwn(handle, flow, &transactions, at: now, &outbox)
        case .subscription(let subscription):
            self.resolved(handle, flow, of: subscription, &transactions, at: now, &outbox)
        case .registration(let registration):
            self.resolved(handle, flow, of: registration, &transactions, at: now, &outbox)
        case .call(let number, let leg, let purpose):
            guard var call = self.calls.take(number.slot, number.generation) else { return }
            let isUnwanted = purpose == .invite && call.isEnded
            if let flow, !isUnwanted {
                self.transmit(handle, over: flow, &call, &transactions, at: now, &outbox)
            } else {
                self.close(handle, &call)
                if let purpose { call.failed(leg, purpose, .unreachable, &self.work) }
            }
            self.endTurn(&call, &transactions, at: now, &outbox)
        }
    }

    /// Sends a request of a call over a flow.
    mutating func transmit(
        _ handle: RequestHandle, over flow: Flow, _ call: inout Call, _ layer: inout TransactionLayer,
        at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        guard let request = self.requests[handle.slot], case .call(_, let leg, let purpose) = request.owner else {
            return
        }
        guard let purpose else {
            if let octets = self.sendStatelessly(request, over: flow, &outbox) {
                call.acknowledged(leg, octets, flow)
            }
            return self.close(handle, &call)
        }
        guard let contact = self.transmit(handle, over: flow, &layer, at: now, &outbox) else {
            self.close(handle, &call)
            return call.failed(leg, purpose, .unreachable, &self.work)
        }
        if request.contact != nil { call.contact = contact }
        if purpose == .invite { call.setupRequest = handle }
    }

    /// Sends a request outside of any transaction: an ACK (RFC 3261 §13.2.2.4).
    ///
    /// - Returns: its octets, to be sent again; `nil` when there is no such end point.
    private mutating func sendStatelessly(
        _ request: OutgoingRequest, over flow: Flow, _ outbox: inout Outbox
    ) -> [UInt8]? {
        guard Int(flow.endpoint) < self.configuration.endpoints.count else { return nil }
        var branch = Array("z9hG4bK".utf8)
        branch.append(hexadecimal: self.work.random.next())
        var builder = request.builder
        let endpoint = self.configuration.endpoints[Int(flow.endpoint)]
        builder.prepend(.via, endpoint.via(branch: String(decoding: branch, as: UTF8.self)))
        let octets = builder.octets
        let start = outbox.octets.count
        outbox.octets.append(contentsOf: octets)
        outbox.send(from: start, over: flow, by: .nobody, to: request.domain.span)
        return octets
    }

    /// Sends a request over a flow in a transaction of its own.
    ///
    /// - Returns: our Contact for those who are reached by the flow; `nil` when it could not be sent.
    mutating func transmit(
        _ handle: RequestHandle, over flow: Flow, _ layer: inout TransactionLayer, at now: MonotonicInstant,
        _ outbox: inout Outbox
    ) -> URI? {
        let owner = AgentMark.number(slot: handle.slot, generation: handle.generation)
        guard let request = self.requests[handle.slot], Int(flow.endpoint) < self.configuration.endpoints.count,
            let transaction = layer.openClient(method: request.method.code, owner: owner)
        else { return nil }
        let endpoint = self.configuration.endpoints[Int(flow.endpoint)]
        var branch: [UInt8] = []
        layer.writeBranch(transaction, loopHash: 0, into: &branch)
        var builder = request.builder
        builder.prepend(.via, endpoint.via(branch: String(decoding: branch, as: UTF8.self)))
        var contact = request.contact?.uri ?? endpoint.contact(user: request.contact?.user)
        if request.contact?.uri == nil, request.method != .register, self.outboundFlow(of: request.account) == flow,
            case .sip(var uri) = contact
        {
            // Requests in the dialog are to come over this flow (RFC 5626 §4.3).
            uri.parameters.append(URIParameter("ob"))
            contact = .sip(uri)
        }
        if let plan = request.contact { builder.set(.contact, Contact(contact, parameters: plan.parameters)) }
        let domain = request.domain
        let start = outbox.octets.count
        let octets = builder.octets
        outbox.octets.append(contentsOf: octets)
        guard let message = try? SIPMessage(parsing: octets) else {
            outbox.discard(from: start)
            layer.abandon(client: transaction)
            return nil
        }
        guard layer.sendRequest(transaction, over: flow, to: domain, from: start, at: now, into: &outbox) else {
            return nil
        }
        self.requests[handle.slot]?.transaction = transaction
        self.requests[handle.slot]?.message = message
        self.requests[handle.slot]?.flow = flow
        return contact
    }

    /// Sends a request another way, when there is one: the server at the first has failed (RFC 3263 §4.3).
    ///
    /// - Returns: the way.
    mutating func takeAlternative(_ handle: RequestHandle) -> Flow? {
        guard self.requests[handle.slot]?.alternatives.isEmpty == false else { return nil }
        return self.requests[handle.slot]?.alternatives.removeFirst()
    }

    /// A request of a call is done with.
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
