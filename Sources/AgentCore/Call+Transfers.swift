import SIPDialogs
import SIPMessages
import SIPTransactions

/// Transfers that we ask for: we are the transferor of RFC 5589, the issuer of the REFER and its subscriber.
///
/// The REFER goes out in the dialog of the call, or, where the other side has a GRUU, in one of its own that names the
/// call's (RFC 7647 §4). A `Call` that never had a session keeps that one.
extension Call {
    /// Asks the other side of a call to call someone else.
    ///
    /// - Parameter leg: The leg of the call in whose dialog it is asked.
    mutating func transfer(_ plan: TransferPlan, number: UInt32, in leg: Int, _ work: inout CallWork) {
        var builder = self.legs[leg].dialog.request(.refer)
        Self.write(plan, from: self.legs[leg].dialog.local, knowing: self.legs[leg].peer, to: &builder, work)
        self.begin(
            plan, number: number, of: self.handle, in: leg, sequence: self.legs[leg].dialog.localSequence ?? 0, &work)
        self.send(leg, .refer(number), builder, &work)
    }

    /// Asks someone outside of any dialog: the other side of a call, which Target-Dialog names (RFC 4538,
    /// RFC 5589 §6.1), or anyone else.
    mutating func refer(
        _ recipient: URI, _ plan: TransferPlan, number: UInt32, from local: NameAddress, routes: [NameAddress],
        subject: (call: CallHandle, leg: Leg)?, _ work: inout CallWork
    ) {
        self.isEnded = true  // There is no session to tell the application of.
        let callID = work.makeCallID()
        var from = local
        from.tag = work.makeTag()
        let half = DialogID(callID, localTag: from.tag ?? "", remoteTag: "")
        let sequence = self.nextSequence(-1)
        var builder = MessageBuilder(.refer, recipient)
        builder.add(.route, routes)
        builder.add(.maxForwards, 70)
        builder.add(.from, from)
        builder.add(.to, NameAddress(recipient))
        builder.add(.callID, callID)
        builder.add(.cseq, CSeq(sequence, .refer))
        Self.write(plan, from: local, knowing: subject?.leg.peer ?? Leg.Peer(), to: &builder, work)
        if let id = subject?.leg.dialog.id {
            builder.add(.require, "tdialog")
            // As the recipient sees it (RFC 4538 §3).
            builder.add(.targetDialog, TargetDialog(id.callID, localTag: id.remoteTag, remoteTag: id.localTag))
        }
        if !work.configuration.product.isEmpty { builder.add(.userAgent, FieldText(work.configuration.product)) }
        self.begin(plan, number: number, of: subject?.call, in: -1, half: half, sequence: sequence, &work)
        work.effects.append(.addDialog(half))
        let nextHop = routes.first?.uri ?? recipient
        work.effects.append(.request(leg: -1, .refer(number), .refer, builder, nextHop: nextHop, near: nil))
    }

    private mutating func begin(
        _ plan: TransferPlan, number: UInt32, of subject: CallHandle?, in leg: Int, half: DialogID? = nil,
        sequence: UInt32, _ work: inout CallWork
    ) {
        self.transfers.append(
            OutgoingTransfer(
                number: number, plan: plan, subject: subject, leg: leg, half: half, sequence: sequence,
                usage: SubscriberUsage(EventType("refer"), timerN: work.timers.timeout, at: work.now)))
    }

    private static func write(
        _ plan: TransferPlan, from local: NameAddress, knowing peer: Leg.Peer, to builder: inout MessageBuilder,
        _ work: CallWork
    ) {
        builder.add(.referTo, plan.referTo)
        if plan.namesReferrer { builder.add(.referredBy, NameAddress(local.uri, displayName: local.displayName)) }
        work.addCapabilities(to: &builder)
        if plan.reports == .subscribed, peer.supports("explicitsub") {
            builder.add(.require, "explicitsub")
        } else if plan.reports == .unwanted {
            // It is required where the other side knows it, asked for where it may (RFC 7614 §5.1, RFC 4488 §4).
            if peer.supports("nosub") {
                builder.add(.require, "nosub")
            } else {
                builder.add(.referSub, ParameterizedToken("false"))
            }
        }
        for field in plan.fields { builder.add(named: field.name, field.value) }
    }

    // MARK: Responses

    /// The REFER has its final response.
    mutating func receiveReferResponse(
        _ number: UInt32, _ response: SIPMessage, _ status: StatusCode, to request: SIPMessage, _ work: inout CallWork
    ) {
        guard let k = self.transfers.firstIndex(where: { $0.number == number }) else { return }
        guard status.isSuccess else {
            let leg = self.transfers[k].leg
            self.tell(k, .refused(status, response.reasonPhrase), &work)
            self.removeTransfer(k, &work)
            guard status == 481, leg >= 0, self.legs[leg].isLive else { return }
            // The other side has no such dialog (RFC 3261 §12.2.1.2).
            self.release(leg, &work)
            return self.end(.rejected(status, response.reasonPhrase), &work)
        }
        // 202 is as good as 200 (RFC 7647 §5).
        work.tell(.transferAccepted(self.transferHandle(k)))
        let isSilent =
            request.requires("nosub") || response.first(.referSub)?.isToken("false") == true
        if isSilent {
            self.tell(k, .unreported, &work)
            return self.removeTransfer(k, &work)
        }
        if request.requires("explicitsub") { return self.subscribe(k, response, from: request, &work) }
        guard !self.transfers[k].usage.isNotified else { return }
        self.transfers[k].usage = SubscriberUsage(EventType("refer"), timerN: work.timers.timeout, at: work.now)
    }

    /// Subscribes to the outcome at the URI that the other side has named (RFC 7614 §4.4).
    private mutating func subscribe(
        _ k: Int, _ response: SIPMessage, from request: SIPMessage, _ work: inout CallWork
    ) {
        guard let uri = response.first(.referEventsAt)?.uri, var from = request.first(.from) else {
            self.tell(k, .unreported, &work)
            return self.removeTransfer(k, &work)
        }
        let callID = work.makeCallID()
        from.tag = work.makeTag()
        let half = DialogID(callID, localTag: from.tag ?? "", remoteTag: "")
        let leg = self.transfers[k].leg
        if let old = self.transfers[k].half { work.effects.append(.removeDialog(old)) }
        (self.transfers[k].leg, self.transfers[k].half) = (-1, half)
        self.releaseDialog(leg, &work)
        self.transfers[k].usage = SubscriberUsage(EventType("refer"), timerN: work.timers.timeout, at: work.now)
        var builder = MessageBuilder(.subscribe, uri)
        builder.add(.maxForwards, 70)
        builder.add(.from, from)
        builder.add(.to, NameAddress(uri))
        builder.add(.callID, callID)
        builder.add(.cseq, CSeq(self.nextSequence(-1), .subscribe))
        builder.add(.event, EventType("refer"))
        builder.set(.expires, work.configuration.reportingLimit)
        builder.add(.accept, .sipfrag)
        if !work.configuration.product.isEmpty { builder.add(.userAgent, FieldText(work.configuration.product)) }
        work.effects.append(.addDialog(half))
        work.effects.append(
            .request(
                leg: -1, .subscribe(self.transfers[k].number), .subscribe, builder, nextHop: uri, near: nil))
    }

    /// The REFER had no response, or could not be sent.
    mutating func referFailed(_ number: UInt32, _ end: CallEnd, _ work: inout CallWork) {
        guard let k = self.transfers.firstIndex(where: { $0.number == number }) else { return }
        self.tell(k, end == .timedOut ? .refused(408, "Request Timeout") : .refused(503, "Unreachable"), &work)
        self.removeTransfer(k, &work)
    }

    // MARK: Reports

    /// A NOTIFY came in a leg, or as the first message of a dialog that our REFER began.
    mutating func receiveNotify(
        _ i: Int, _ request: SIPMessage, _ transaction: TransactionID, _ work: inout CallWork
    ) {
        let tag = self.legs[i].dialog.id.localTag
        guard let event = request.first(.event), let state = request.first(.subscriptionState) else {
            let reason = request.has(.event) ? "Missing Subscription-State" : "Missing Event"
            return work.respond(transaction, 400, work.response(400, to: request, tag: tag, reason: reason))
        }
        guard Token(event.package) == "refer" else {
            var builder = work.response(489, to: request, tag: tag)
            builder.add(named: "Allow-Events", "refer")
            return work.respond(transaction, 489, builder)
        }
        let candidates = self.transfers.indices.filter { self.transfers[$0].leg == i }
        let k =
            event.id.map { id in candidates.first { String(self.transfers[$0].sequence) == id } } ?? candidates.first
        guard let k else { return work.respond(transaction, 481, work.response(481, to: request, tag: tag)) }
        let fragment = request.body.isEmpty ? nil : try? SIPFragment(parsing: request.body)
        guard let status = fragment?.status else {
            let reason = "Report Without Status Line"
            return work.respond(transaction, 400, work.response(400, to: request, tag: tag, reason: reason))
        }
        work.respond(transaction, 200, work.response(200, to: request, tag: tag))
        self.legs[i].dialog.refreshTarget(by: request)
        let reading = self.transfers[k].usage.receive(event, state, at: work.now)
        if !self.transfers[k].isTold { work.tell(.transferReported(self.transferHandle(k), request)) }
        self.report(k, status, fragment?.reasonPhrase ?? "", &work)
        if case .terminated = reading {
            self.tell(k, .unreported, &work)
            self.removeTransfer(k, &work)
        }
    }

    private mutating func report(_ k: Int, _ status: StatusCode, _ reason: String, _ work: inout CallWork) {
        let (before, beforeReason) = (self.transfers[k].status, self.transfers[k].reason)
        (self.transfers[k].status, self.transfers[k].reason) = (status, reason)
        guard status.isFinal else {
            guard status != before || reason != beforeReason else { return }
            return work.tell(.transferProgress(self.transferHandle(k), status, reason))
        }
        self.tell(k, status.isSuccess ? .succeeded(status) : .failed(status, reason), &work)
    }

    private func transferHandle(_ k: Int) -> TransferHandle {
        TransferHandle(call: self.handle, number: self.transfers[k].number)
    }

    /// Tells the application how a transfer ended, once, and ends the call that was transferred.
    private mutating func tell(_ k: Int, _ end: TransferEnd, _ work: inout CallWork) {
        guard !self.transfers[k].isTold else { return }
        self.transfers[k].isTold = true
        work.tell(.transferDone(self.transferHandle(k), end))
        guard case .succeeded = end, self.transfers[k].plan.endsCall else { return }
        if self.transfers[k].subject == self.handle {
            self.hangUp(&work)
        } else if let subject = self.transfers[k].subject {
            work.effects.append(.post(subject, .transferred))
        }
    }

    private mutating func removeTransfer(_ k: Int, _ work: inout CallWork) {
        let leg = self.transfers[k].leg
        if let half = self.transfers[k].half { work.effects.append(.removeDialog(half)) }
        self.transfers.remove(at: k)
        self.releaseDialog(leg, &work)
    }

    // MARK: Time

    mutating func wakeTransfers(_ work: inout CallWork) {
        for number in self.transfers.map(\.number) {
            guard let k = self.transfers.firstIndex(where: { $0.number == number }) else { continue }
            switch self.transfers[k].usage.wake(at: work.now) {
            case .nothing: break
            case .expired:
                self.tell(k, .unreported, &work)
                self.removeTransfer(k, &work)
            case .refresh: self.refreshReports(k, &work)
            }
        }
    }

    /// Asks for more time, as long as the call that was asked for has no outcome (RFC 3515 §2.4.4).
    private mutating func refreshReports(_ k: Int, _ work: inout CallWork) {
        let transfer = self.transfers[k]
        guard !transfer.isTold, transfer.leg >= 0 else { return }
        var builder = self.legs[transfer.leg].dialog.request(.subscribe)
        builder.add(.event, transfer.usage.event)
        builder.set(.expires, transfer.usage.interval)
        self.send(transfer.leg, .subscribe(transfer.number), builder, &work)
    }

    /// The SUBSCRIBE has its final response.
    mutating func receiveSubscribeResponse(
        _ number: UInt32, _ response: SIPMessage, _ status: StatusCode, _ work: inout CallWork
    ) {
        guard let k = self.transfers.firstIndex(where: { $0.number == number }) else { return }
        if status.isSuccess {
            // The first one is a promise of a NOTIFY, which says how long (RFC 6665 §4.1.2.4).
            guard self.transfers[k].usage.isNotified else { return }
            let expires = response.first(.expires) ?? self.transfers[k].usage.interval
            self.transfers[k].usage.refreshed(expires: expires, at: work.now)
        } else if status == 481 || !self.transfers[k].usage.isNotified {
            self.tell(k, .unreported, &work)
            self.removeTransfer(k, &work)
        }
    }

    /// The SUBSCRIBE had no response, or could not be sent: a first one was all that there was.
    mutating func subscribeFailed(_ number: UInt32, _ work: inout CallWork) {
        guard let k = self.transfers.firstIndex(where: { $0.number == number }), !self.transfers[k].usage.isNotified
        else { return }
        self.tell(k, .unreported, &work)
        self.removeTransfer(k, &work)
    }
}

extension FieldKey where Value == NameAddress {
    /// `Refer-Events-At`: where the outcome of a transfer can be subscribed to (RFC 7614 §4.8).
    static var referEventsAt: Self { Self(name: "Refer-Events-At") }
}
