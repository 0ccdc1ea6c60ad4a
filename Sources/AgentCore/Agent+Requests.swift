import SIPDialogs
public import SIPMessages
public import SIPTransactions

/// The UAS core: what is done with requests (RFC 3261 §8.2, §12.2.2).
extension Agent {
    /// Takes a message: matches it to its transaction and handles it. For a host that shares its transaction layer with
    /// nobody; others use the functions below.
    ///
    /// - Parameters:
    ///   - index: Its index, without a fault.
    ///   - via: Its topmost Via.
    ///   - flow: The way it came.
    public mutating func receive(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, via: ViaIndex, over flow: Flow,
        transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        guard index.isRequest else {
            let match = transactions.match(response: octets, index, via: via, at: now, into: &outbox)
            guard case .deliver(_, let owner) = match else { return }
            return self.receive(
                response: octets, owner: owner, transactions: &transactions, at: now, into: &outbox)
        }
        switch transactions.match(octets, index, via: via, at: now, into: &outbox) {
        case .absorbed: break
        case .unmatchedACK:
            self.receive(ack: octets, transactions: &transactions, at: now, into: &outbox)
        case .new:
            if index.method == .cancel {
                let invite = transactions.cancelled(by: octets, index, via: via)
                let server = transactions.createServer(
                    octets, index, via: via, flow: flow, owner: 0, at: now, into: &outbox)
                if let server {
                    let (status, reason): (UInt16, StaticString) =
                        invite.isNone ? (481, "Call/Transaction Does Not Exist") : (200, "OK")
                    transactions.reply(server, status, reason, at: now, into: &outbox)
                }
                self.cancelled(invite, transactions: &transactions, at: now, into: &outbox)
            } else {
                self.receive(
                    request: octets, index, via: via, over: flow, transactions: &transactions, at: now,
                    into: &outbox)
            }
        }
    }

    /// Whether a request is for a dialog of the agent's.
    public func owns(dialogOf octets: Span<UInt8>, _ index: borrowing MessageIndex) -> Bool {
        guard !self.dialogs.isEmpty || !self.subscriptionDialogs.isEmpty, index.isRequest, let to = index.value(.to),
            let from = index.value(.from),
            let callID = index.value(.callID),
            let local = try? AddressIndex(parsing: octets, in: to.range, field: .to), !local.tag.isEmpty,
            let remote = try? AddressIndex(parsing: octets, in: from.range, field: .from)
        else { return false }
        let id = DialogID(
            CallID(octets.string(callID)), localTag: octets.string(local.tag), remoteTag: octets.string(remote.tag))
        return self.dialogs[id] != nil || self.subscription(of: id) != nil
    }

    /// The INVITE in this transaction was cancelled; the CANCEL itself has been answered (RFC 3261 §9.2).
    public mutating func cancelled(
        _ invite: TransactionID, transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        guard let owner = transactions.owner(of: invite), AgentMark.isMarked(owner) else { return }
        let (slot, generation) = AgentMark.parts(owner)
        self.turn(CallHandle(slot: slot, generation: generation), &transactions, at: now, &outbox) {
            $0.cancelled(invite, &$1)
        }
    }

    /// An ACK came that is no transaction's: one to a 2xx.
    public mutating func receive(
        ack octets: Span<UInt8>, transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) {
        guard let request = try? SIPMessage(parsing: octets.octets(0..<octets.count)),
            let id = DialogID(request: request), let handle = self.dialogs[id]
        else { return }
        self.turn(handle, &transactions, at: now, &outbox) { call, work in
            if let i = call.leg(id) { call.receiveACK(i, request, &work) }
        }
    }

    /// Takes a request, other than ACK and CANCEL, that the transaction layer matched as new just before.
    public mutating func receive(
        request octets: Span<UInt8>, _ index: borrowing MessageIndex, via: ViaIndex, over flow: Flow,
        transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        guard let request = Self.message(octets, index, via, flow), let method = request.method else { return }
        let id = DialogID(request: request)
        let handle = id.flatMap { self.dialogs[$0] }
        // Generation 0 is nobody's; an INVITE that makes a call is given the call's number then.
        let owner = AgentMark.number(slot: handle?.slot ?? 0, generation: handle?.generation ?? 0)
        // Ringing or a refusal comes at once as a rule; else the layer sends 100 in time (§17.2.1).
        guard
            let server = transactions.createServer(
                octets, index, via: via, flow: flow, owner: owner, promisesAnswer: true, at: now, into: &outbox)
        else { return }
        self.work.now = now
        if self.refuses(request, method, server, &transactions, at: now, &outbox) { return }
        if id == nil, method != .invite, let key = MergeKey(request) {
            self.recentRequests.add(key, until: now.advanced(by: self.work.timers.timeout), at: now)
        }
        let contactUser = request.requestURI?.sip?.user
        if let id {
            guard let handle else {
                if method == .notify, let subscription = self.subscription(of: id) {
                    return self.receiveNotify(request, subscription, server, &transactions, at: now, &outbox)
                }
                if self.receiveFirstNotify(request, id, server, flow, &transactions, at: now, &outbox) { return }
                return self.reply(server, 481, to: request, nil, &transactions, at: now, &outbox)
            }
            let call = self.calls[handle.slot]
            let address = self.contact(over: flow, user: call?.contactUser)
            let contact = call?.gruu ?? address
            return self.turn(handle, &transactions, at: now, &outbox) { call, work in
                (call.contact, call.address) = (contact, address)
                if let i = call.leg(id) {
                    call.receive(i, request, server, contact: contact, &work)
                } else {
                    work.respond(server, 481, work.response(481, to: request, tag: nil))
                }
            }
        }
        switch method {
        case .invite:
            self.begin(request, server, flow, contactUser: contactUser, &transactions, at: now, &outbox)
        case .options:
            self.answerOptions(request, server, &transactions, at: now, &outbox)
        case .message: self.receiveMessage(request, server, &transactions, at: now, &outbox)
        case .refer: self.receiveRefer(request, server, flow, &transactions, at: now, &outbox)
        case .subscribe:
            // Only a REFER begins a subscription to its outcome (RFC 3515 §2.4.4); there is none to anything else.
            let isReferred = request.first(.event).map { Token($0.package) == "refer" } ?? false
            if isReferred, let user = request.requestURI?.sip?.user, let referral = self.eventServers[user] {
                return self.receiveSubscribe(request, to: referral, server, flow, &transactions, at: now, &outbox)
            }
            self.reply(server, isReferred ? 403 : 489, to: request, nil, &transactions, at: now, &outbox) {
                if !isReferred { $0.add(named: "Allow-Events", "refer") }
            }
        default:
            // BYE, PRACK, UPDATE, INFO mean nothing without their dialog.
            self.reply(server, 481, to: request, nil, &transactions, at: now, &outbox)
        }
    }

    /// The request with what its way added to the topmost Via (RFC 3261 §18.2.1, RFC 3581 §4).
    private static func message(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, _ via: ViaIndex, _ flow: Flow
    ) -> SIPMessage? {
        guard let message = try? SIPMessage(parsing: octets.octets(0..<octets.count)), message.fault == nil else {
            return nil
        }
        guard via.hasRport || IPAddress(octets, via.host.range) != flow.remote.ip else { return message }
        var vias = message.all(.via)
        guard !vias.isEmpty else { return nil }
        vias[0].received = flow.remote.ip
        if vias[0].hasRport { vias[0].rport = flow.remote.port }
        var builder = MessageBuilder(message)
        builder.remove(.via)
        for via in vias.reversed() { builder.prepend(.via, via) }
        return try? builder.message()
    }
}
