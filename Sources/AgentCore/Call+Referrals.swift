import SIPDialogs
import SIPMessages
import SIPTransactions

/// Transfers that the other side asks us for: we are the transferee of RFC 5589, the recipient of the REFER and the
/// notifier of how the call goes that it asks for.
///
///     open ──accepted──▶ 200, NOTIFY 100, INVITE ──its responses──▶ NOTIFY …, the last one terminated
///       ├──refused──▶ 603
///       └──nobody decides──▶ 200, NOTIFY pending ──▶ as above, a refusal as NOTIFY 603
extension Call {
    /// A REFER came, in a leg or as the first message of its dialog.
    ///
    /// - Parameters:
    ///   - subject: The call that is to be transferred; `nil` for none.
    ///   - from: Who we are in that call.
    mutating func receiveRefer(
        _ i: Int, _ request: SIPMessage, _ transaction: TransactionID, of subject: CallHandle?, from: NameAddress,
        contact: URI, _ work: inout CallWork
    ) {
        let tag = self.legs[i].dialog.id.localTag
        guard let asked = TransferRequest(request) else {
            let (status, reason) = TransferRequest.refusal(of: request) ?? (400, nil)
            return work.respond(transaction, status, work.response(status, to: request, tag: tag, reason: reason))
        }
        guard self.referrals.count < work.configuration.maximumTransfers else {
            let builder = work.response(486, to: request, tag: tag, reason: "Too Many Transfers")
            return work.respond(transaction, 486, builder)
        }
        self.legs[i].dialog.refreshTarget(by: request)  // RFC 3515 §4.1: REFER refreshes the target.
        var event = EventType("refer")
        // From the second REFER of a dialog on, reports say which one they are of (RFC 3515 §2.4.6).
        if self.legs[i].hasReferral { event.id = request.first(.cseq).map { String($0.number) } }
        self.legs[i].hasReferral = true
        var from = from
        from.tag = nil
        let reports: IncomingReferral.Reports =
            if request.requires("explicitsub") {
                .subscribed(user: work.makeTag() + work.makeTag())
            } else if request.requires("nosub") || request.first(.referSub)?.isToken("false") == true {
                .unwanted
            } else {
                .wanted
            }
        work.referralNumber &+= 1
        var referral = IncomingReferral(
            number: work.referralNumber, request: asked, leg: i, transaction: transaction, contact: contact,
            reports: reports, event: event, from: from, account: self.account, contactUser: self.contactUser)
        referral.answersAt = work.now.advanced(by: work.configuration.decidingLimit)
        self.referrals.append(referral)
        work.tell(.transferRequested(ReferralHandle(call: self.handle, number: referral.number), of: subject, asked))
    }

    /// Whether the application may still decide on a transfer.
    func openReferral(_ number: UInt32) -> IncomingReferral? {
        self.referrals.first { $0.number == number && $0.decision == .open }
    }

    /// The application does it.
    mutating func acceptReferral(_ number: UInt32, _ work: inout CallWork) {
        guard let k = self.referrals.firstIndex(where: { $0.number == number && $0.decision == .open }) else { return }
        self.referrals[k].decision = .accepted
        self.referrals[k].answersAt = .never
        self.answerReferral(k, isAccepted: true, &work)
        self.referrals[k].usage?.accept()
        self.notify(k, &work)
    }

    /// The application does not.
    mutating func refuseReferral(_ number: UInt32, _ status: StatusCode, _ reason: String?, _ work: inout CallWork) {
        guard let k = self.referrals.firstIndex(where: { $0.number == number && $0.decision == .open }) else { return }
        self.referrals[k].decision = .refused
        self.referrals[k].answersAt = .never
        let reason = reason ?? status.reasonPhrase
        if let transaction = self.referrals[k].transaction {
            let referral = self.referrals[k]
            let tag = self.legs[referral.leg].dialog.id.localTag
            work.respond(
                transaction, status, work.response(status, to: referral.request.message, tag: tag, reason: reason))
            return self.removeReferral(k, &work)
        }
        self.finish(k, status, reason, ending: "rejected", &work)
    }

    /// Answers the REFER with 200, and begins the subscription (RFC 7647 §5, RFC 3515 §2.4.4).
    private mutating func answerReferral(_ k: Int, isAccepted: Bool, _ work: inout CallWork) {
        let referral = self.referrals[k]
        guard let transaction = referral.transaction else { return }
        let request = referral.request.message
        var builder = work.response(200, to: request, tag: self.legs[referral.leg].dialog.id.localTag)
        builder.copy(.recordRoute, from: request)
        builder.add(.contact, Contact(referral.contact, parameters: self.contactParameters))
        work.addCapabilities(to: &builder)
        if referral.reports == .unwanted, request.has(.referSub) {
            builder.add(.referSub, ParameterizedToken("false"))
        }
        self.referrals[k].transaction = nil
        switch referral.reports {
        case .unwanted: break
        case .wanted:
            self.referrals[k].usage = NotifierUsage(
                referral.event, isActive: isAccepted, expires: work.configuration.reportingLimit,
                body: referral.status, at: work.now)
            work.effects.append(.addDialog(self.legs[referral.leg].dialog.id))
        case .subscribed(let user):
            guard case .sip(var uri)? = self.address else { break }
            uri.rawUser = user
            builder.add(.referEventsAt, NameAddress(uri))
            work.effects.append(
                .addEventServer(user: user, ReferralHandle(call: self.handle, number: referral.number)))
            self.referrals[k].leg = -1
            self.releaseDialog(referral.leg, &work)
        }
        work.respond(transaction, 200, builder)
    }

    /// A SUBSCRIBE came for the outcome, in a dialog of its own (RFC 7614 §4.5).
    mutating func receiveFirstSubscribe(
        _ leg: Leg, _ request: SIPMessage, _ transaction: TransactionID, to number: UInt32, _ work: inout CallWork
    ) {
        let tag = leg.dialog.id.localTag
        guard let k = self.referrals.firstIndex(where: { $0.number == number }), let contact = self.address else {
            return work.respond(transaction, 481, work.response(481, to: request, tag: tag))
        }
        guard self.referrals[k].usage == nil else {
            let builder = work.response(480, to: request, tag: tag, reason: "Subscribed Already")
            return work.respond(transaction, 480, builder)
        }
        let limit = work.configuration.reportingLimit
        let expires = Swift.min(request.first(.expires) ?? limit, limit)
        var builder = work.response(200, to: request, tag: tag)
        builder.copy(.recordRoute, from: request)
        builder.set(.expires, expires)
        builder.add(.contact, Contact(contact))
        work.respond(transaction, 200, builder)
        self.referrals[k].leg = self.addLeg(leg, &work)
        self.referrals[k].event = request.first(.event) ?? self.referrals[k].event
        // One who asks for no time asks for the state as it is (RFC 6665 §4.4.3).
        let ending = self.referrals[k].ending ?? (expires == 0 ? "timeout" : nil)
        self.referrals[k].usage = NotifierUsage(
            self.referrals[k].event, isActive: self.referrals[k].decision != .open, ending: ending, expires: expires,
            body: self.referrals[k].status, at: work.now)
        self.notify(k, &work)
    }

    /// The call that was asked for has come to something.
    mutating func receiveReport(
        _ number: UInt32, _ status: StatusCode, _ reason: String, isFinal: Bool, _ work: inout CallWork
    ) {
        guard let k = self.referrals.firstIndex(where: { $0.number == number }) else { return }
        if isFinal { return self.finish(k, status, reason, ending: "noresource", &work) }
        let report = status.report(reason)
        self.referrals[k].status = report
        self.referrals[k].usage?.report(report)
        self.notify(k, &work)
    }

    /// There is an outcome: the last report.
    private mutating func finish(
        _ k: Int, _ status: StatusCode, _ reason: String, ending: String, _ work: inout CallWork
    ) {
        let report = status.report(reason)
        (self.referrals[k].status, self.referrals[k].ending) = (report, ending)
        self.referrals[k].usage?.finish(report, reason: ending)
        if case .subscribed = self.referrals[k].reports {
            self.referrals[k].keptUntil = work.now.advanced(by: work.timers.timeout * 2)
        } else if self.referrals[k].usage == nil {
            return self.removeReferral(k, &work)
        }
        self.notify(k, &work)
    }

    /// Sends the next report, when none is underway.
    private mutating func notify(_ k: Int, _ work: inout CallWork) {
        let (leg, number, event) = (self.referrals[k].leg, self.referrals[k].number, self.referrals[k].event)
        if let next = self.referrals[k].usage?.next(at: work.now) {
            var builder = self.legs[leg].dialog.request(.notify)
            builder.add(.event, event)
            builder.add(.subscriptionState, next.state)
            work.addCapabilities(to: &builder)
            builder.setBody(next.body, type: MediaType("message", "sipfrag", parameters: ["version": "2.0"]))
            self.send(leg, .notify(number), builder, &work)
        }
        guard self.referrals[k].usage?.isGone == true else { return }
        guard case .subscribed = self.referrals[k].reports, self.referrals[k].keptUntil > work.now else {
            return self.removeReferral(k, &work)
        }
        (self.referrals[k].usage, self.referrals[k].leg) = (nil, -1)
        self.releaseDialog(leg, &work)
    }

    /// A NOTIFY has its final response; `nil` when it had none.
    mutating func notified(_ number: UInt32, _ status: StatusCode?, _ work: inout CallWork) {
        guard let k = self.referrals.firstIndex(where: { $0.number == number }) else { return }
        if let status { self.referrals[k].usage?.answered(status) } else { self.referrals[k].usage?.unanswered() }
        self.notify(k, &work)
    }

    /// A SUBSCRIBE came in a leg: for more reports, or for no more (RFC 3515 §2.4.4).
    mutating func receiveSubscribe(
        _ i: Int, _ request: SIPMessage, _ transaction: TransactionID, contact: URI, _ work: inout CallWork
    ) {
        let tag = self.legs[i].dialog.id.localTag
        let event = request.first(.event)
        guard let event, Token(event.package) == "refer" else {
            var builder = work.response(489, to: request, tag: tag)
            builder.add(named: "Allow-Events", "refer")
            return work.respond(transaction, 489, builder)
        }
        let found = self.referrals.firstIndex { referral in
            referral.leg == i && referral.usage?.isTerminated == false
                && (event.id == nil || referral.event.id == event.id)
        }
        guard let k = found else {
            return work.respond(transaction, 481, work.response(481, to: request, tag: tag))
        }
        let limit = work.configuration.reportingLimit
        let expires = Swift.min(request.first(.expires) ?? limit, limit)
        var builder = work.response(200, to: request, tag: tag)
        builder.set(.expires, expires)
        builder.add(.contact, Contact(contact, parameters: self.contactParameters))
        work.respond(transaction, 200, builder)
        self.legs[i].dialog.refreshTarget(by: request)
        self.referrals[k].usage?.subscribed(expires: expires, at: work.now)
        self.notify(k, &work)
    }

    private mutating func removeReferral(_ k: Int, _ work: inout CallWork) {
        let leg = self.referrals[k].leg
        if case .subscribed(let user) = self.referrals[k].reports {
            work.effects.append(.removeEventServer(user: user))
        }
        self.referrals.remove(at: k)
        self.releaseDialog(leg, &work)
    }

    // MARK: Time

    mutating func wakeReferrals(_ work: inout CallWork) {
        for number in self.referrals.map(\.number) {
            guard let k = self.referrals.firstIndex(where: { $0.number == number }) else { continue }
            if self.referrals[k].answersAt <= work.now {
                // Without reports nobody would learn of a later decision.
                if self.referrals[k].reports == .unwanted || self.referrals[k].transaction == nil {
                    self.refuseReferral(number, 480, "Nobody Decided", &work)
                    continue
                }
                self.answerReferral(k, isAccepted: false, &work)
                self.referrals[k].answersAt = work.now.advanced(
                    by: .seconds(Int64(work.configuration.reportingLimit)))
            }
            if self.referrals[k].usage == nil, self.referrals[k].keptUntil <= work.now {
                self.removeReferral(k, &work)
                continue
            }
            self.referrals[k].usage?.wake(at: work.now)
            self.notify(k, &work)
        }
    }
}
