import SIPDialogs
public import SIPMessages
public import SIPTransactions

/// Transfers, in all three roles (RFC 3515, RFC 5589, RFC 7647).
extension Agent {
    // MARK: Transferor

    /// Asks the other side of a call to call someone else. `AgentAction.transferProgress` and `transferDone` say how that
    /// goes, also when the call is hung up meanwhile; the call lives until the target has answered.
    ///
    /// - Returns: `nil` when the call does not stand, or too many transfers are underway.
    public mutating func transfer(
        _ call: CallHandle, to plan: TransferPlan, transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) -> TransferHandle? {
        guard self.calls.isLive(call.slot, call.generation), let subject = self.calls[call.slot],
            let i = subject.standingLeg,
            subject.transfers.count < self.configuration.maximumTransfers
        else { return nil }
        let leg = subject.legs[i]
        self.work.referralNumber &+= 1
        let number = self.work.referralNumber
        let isGloballyRoutable = leg.dialog.remoteTarget.sip?.isGRUU == true
        guard isGloballyRoutable, leg.peer.supports("tdialog") else {
            // The other side knows nothing of RFC 6665: the dialog is used for both (RFC 7647 §4).
            self.turn(call, &transactions, at: now, &outbox) { $0.transfer(plan, number: number, in: i, &$1) }
            return TransferHandle(call: call, number: number)
        }
        guard
            let handle = self.makeCall(
                isCaller: true, contactUser: subject.contactUser, account: subject.account)
        else { return nil }
        let routes = subject.account.flatMap { self.grant(of: $0)?.serviceRoute } ?? []
        self.turn(handle, &transactions, at: now, &outbox) {
            $0.refer(
                leg.dialog.remoteTarget, plan, number: number, from: leg.dialog.local, routes: routes,
                subject: (call, leg), &$1)
        }
        return TransferHandle(call: handle, number: number)
    }

    /// Asks someone outside of calls to call someone: a phone of ours for a click to dial, a server to take a call over
    /// that it is to park or play music to (RFC 5359 §2.3, §2.15, §2.18).
    ///
    /// - Parameters:
    ///   - recipient: Who is asked.
    ///   - sender: Who asks: From.
    ///   - routes: Proxies that the REFER passes first; those of the account unless given.
    /// - Returns: `nil` when there are too many calls and transfers.
    public mutating func refer(
        _ recipient: URI, to plan: TransferPlan, from sender: NameAddress, account: RegistrationHandle? = nil,
        routes: [NameAddress] = [], transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) -> TransferHandle? {
        guard let handle = self.makeCall(isCaller: true, contactUser: sender.uri.sip?.user, account: account) else {
            return nil
        }
        self.work.referralNumber &+= 1
        let number = self.work.referralNumber
        let routes = routes.isEmpty ? account.flatMap { self.grant(of: $0)?.serviceRoute } ?? [] : routes
        self.turn(handle, &transactions, at: now, &outbox) {
            $0.refer(recipient, plan, number: number, from: sender, routes: routes, subject: nil, &$1)
        }
        return TransferHandle(call: handle, number: number)
    }

    /// Asks the other side of a call to call the other side of another one of ours, in our place there (RFC 5589 §7.3).
    /// Where that one is not answered yet, it is given up, and the transfer is one to its target (§7.6).
    ///
    /// - Returns: `nil` when the call does not stand, or too many transfers are underway.
    public mutating func transfer(
        _ call: CallHandle, to other: CallHandle, transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox
    ) -> TransferHandle? {
        guard self.calls.isLive(other.slot, other.generation), let target = self.calls[other.slot], !target.isEnded
        else { return nil }
        guard let plan = self.takingOver(other) else {
            guard let uri = target.setup?.plan.target else { return nil }
            self.hangUp(other, transactions: &transactions, at: now, into: &outbox)
            return self.transfer(
                call, to: TransferPlan(to: uri), transactions: &transactions, at: now, into: &outbox)
        }
        return self.transfer(call, to: plan, transactions: &transactions, at: now, into: &outbox)
    }

    /// What someone needs who is to call the other side of a call of ours in our place (RFC 3891 §4): for `transfer` or
    /// `refer`; `nil` when the call does not stand.
    public func takingOver(_ call: CallHandle) -> TransferPlan? {
        guard self.calls.isLive(call.slot, call.generation), let call = self.calls[call.slot],
            let i = call.standingLeg
        else { return nil }
        let dialog = call.legs[i].dialog
        var plan = TransferPlan(to: dialog.remoteTarget)
        // As the other side sees it (RFC 3891 §3).
        plan.replaces = Replaces(dialog.id.callID, toTag: dialog.id.remoteTag, fromTag: dialog.id.localTag)
        return plan
    }

    // MARK: Transferee

    /// Does what `AgentAction.transferRequested` asks for: calls the target, and reports how that goes.
    ///
    /// - Parameter edit: Changes the call.
    /// - Returns: The call; `nil` when the request is decided on already, or there are too many calls.
    public mutating func acceptTransfer(
        _ referral: ReferralHandle, transactions: inout TransactionLayer, at now: MonotonicInstant,
        into outbox: inout Outbox, edit: (inout CallPlan) -> Void = { _ in }
    ) -> CallHandle? {
        guard self.calls.isLive(referral.call.slot, referral.call.generation),
            let asked = self.calls[referral.call.slot]?.openReferral(referral.number)
        else { return nil }
        self.turn(referral.call, &transactions, at: now, &outbox) { $0.acceptReferral(referral.number, &$1) }
        var plan = CallPlan(to: asked.request.target.uri, from: asked.from)
        plan.account = asked.account
        plan.contactUser = asked.contactUser
        plan.fields = asked.request.fields
        if let referrer = asked.request.message.values(named: "Referred-By").first {
            plan.fields.append(.init("Referred-By", referrer))  // RFC 3892 §2.2: copied as it is.
        }
        edit(&plan)
        if let call = self.call(plan, for: referral, transactions: &transactions, at: now, into: &outbox) {
            return call
        }
        self.turn(referral.call, &transactions, at: now, &outbox) {
            $0.receiveReport(referral.number, 486, "Too Many Calls", isFinal: true, &$1)
        }
        return nil
    }

    /// Does not do what `AgentAction.transferRequested` asks for.
    public mutating func refuseTransfer(
        _ referral: ReferralHandle, _ status: StatusCode = 603, reason: String? = nil,
        transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        let status = status.number >= 400 ? status : 603
        self.turn(referral.call, &transactions, at: now, &outbox) {
            $0.refuseReferral(referral.number, status, reason, &$1)
        }
    }

    /// A REFER came outside of dialogs (RFC 7647 §4): Target-Dialog names the call that it is about (RFC 4538 §4).
    mutating func receiveRefer(
        _ request: SIPMessage, _ server: TransactionID, _ flow: Flow, _ layer: inout TransactionLayer,
        at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        let subject = self.targetDialog(of: request)
        guard let dialog = Dialog(request: request, localTag: self.work.makeTag()) else {
            return self.reply(server, 400, to: request, "Missing Contact", &layer, at: now, &outbox)
        }
        let (account, user) = (
            subject.map { $0.call.account } ?? self.account(of: request),
            subject.map { $0.call.contactUser } ?? request.requestURI?.sip?.user
        )
        guard let handle = self.makeCall(isCaller: false, contactUser: user, account: account) else {
            return self.reply(server, 486, to: request, "Too Many Calls", &layer, at: now, &outbox)
        }
        layer.setOwner(AgentMark.number(slot: handle.slot, generation: handle.generation), of: server)
        let from = subject.map { $0.call.legs[$0.leg].dialog.local } ?? dialog.local
        let address = self.contact(over: flow, user: user)
        let contact = account.flatMap { self.gruu(of: $0) } ?? address
        self.turn(handle, &layer, at: now, &outbox) { call, work in
            call.isEnded = true  // There is no session to tell the application of.
            call.legs.append(Leg(subscription: dialog, near: flow))
            (call.contact, call.address) = (contact, address)
            call.receiveRefer(0, request, server, of: subject?.call.handle, from: from, contact: contact, &work)
        }
    }

    /// The call that a Target-Dialog names; `nil` when it names none.
    private func targetDialog(of request: SIPMessage) -> (call: Call, leg: Int)? {
        guard let target = request.first(.targetDialog), let localTag = target.localTag,
            let remoteTag = target.remoteTag
        else { return nil }
        let id = DialogID(target.callID, localTag: localTag, remoteTag: remoteTag)
        guard let handle = self.dialogs[id], let call = self.calls[handle.slot], let leg = call.leg(id),
            call.legs[leg].isLive
        else { return nil }
        return (call, leg)
    }

    /// The first NOTIFY of a dialog that our REFER began (RFC 6665 §4.4.1).
    mutating func receiveFirstNotify(
        _ request: SIPMessage, _ id: DialogID, _ server: TransactionID, _ flow: Flow, _ layer: inout TransactionLayer,
        at now: MonotonicInstant, _ outbox: inout Outbox
    ) -> Bool {
        let half = DialogID(id.callID, localTag: id.localTag, remoteTag: "")
        guard request.method == .notify, let handle = self.dialogs[half], let call = self.calls[handle.slot],
            let k = call.transfers.firstIndex(where: { $0.half == half && $0.leg < 0 }),
            let dialog = Dialog(request: request, localTag: id.localTag, localSequence: call.sequence)
        else { return false }
        self.turn(handle, &layer, at: now, &outbox) { call, work in
            let i = call.addLeg(Leg(subscription: dialog, near: flow), &work)
            call.transfers[k].leg = i
            call.receiveNotify(i, request, server, &work)
        }
        return true
    }

    /// A SUBSCRIBE came for the outcome of a transfer, at the URI that its REFER was answered with (RFC 7614 §4.5).
    mutating func receiveSubscribe(
        _ request: SIPMessage, to referral: ReferralHandle, _ server: TransactionID, _ flow: Flow,
        _ layer: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        guard let dialog = Dialog(request: request, localTag: self.work.makeTag()) else {
            return self.reply(server, 400, to: request, "Missing Contact", &layer, at: now, &outbox)
        }
        let leg = Leg(subscription: dialog, near: flow)
        self.turn(referral.call, &layer, at: now, &outbox) { call, work in
            call.receiveFirstSubscribe(leg, request, server, to: referral.number, &work)
        }
    }
}

extension Call {
    /// The leg with a session that stands.
    var standingLeg: Int? { self.liveLeg.flatMap { self.legs[$0].state == .confirmed ? $0 : nil } }
}
