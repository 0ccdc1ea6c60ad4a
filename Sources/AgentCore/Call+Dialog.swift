import SIPDialogs
import SIPMessages
import SIPTransactions

/// Requests of the other side within a dialog (RFC 3261 §12.2.2).
extension Call {
    /// A request other than ACK and CANCEL came in a leg.
    mutating func receive(
        _ i: Int, _ request: SIPMessage, _ transaction: TransactionID, contact: URI, _ work: inout CallWork
    ) {
        let tag = self.legs[i].dialog.id.localTag
        guard let cseq = request.first(.cseq), let method = request.method else { return }
        if self.legs[i].dialog.receive(cseq) == .outOfOrder {
            var builder = work.response(500, to: request, tag: tag, reason: "CSeq Out Of Order")
            builder.add(.retryAfter, RetryAfter(work.retryDelay()))
            return work.respond(transaction, 500, builder)
        }
        // After our BYE there is nothing but the other side's (RFC 5407 §3.2.1, §3.2.2), also where ours has to wait for
        // an ACK.
        // What a transfer brings comes as long as the transfer needs (RFC 5057 §4.1).
        let isOpen = self.legs[i].isLive && !self.legs[i].wantsBye
        guard isOpen || method == .bye || method == .notify || method == .subscribe else {
            return work.respond(transaction, 481, work.response(481, to: request, tag: tag))
        }
        switch method {
        case .invite: self.receiveInvite(i, request, transaction, contact: contact, isInitial: false, &work)
        case .bye: self.receiveBYE(i, request, transaction, &work)
        case .prack: self.receivePRACK(i, request, transaction, &work)
        case .update: self.receiveUpdate(i, request, transaction, contact: contact, &work)
        case .options:
            var builder = work.response(200, to: request, tag: tag)
            work.addCapabilities(to: &builder)
            builder.add(.accept, work.configuration.mediaTypes)
            work.respond(transaction, 200, builder)
        case .info:
            self.receiveInformation(i, request, transaction, &work)
        case .refer where work.configuration.features.contains(.transfers):
            self.receiveRefer(
                i, request, transaction, of: self.handle, from: self.legs[i].dialog.local,
                contact: contact, &work)
        case .notify: self.receiveNotify(i, request, transaction, &work)
        case .subscribe where work.configuration.features.contains(.transfers):
            self.receiveSubscribe(i, request, transaction, contact: contact, &work)
        case .message where work.configuration.features.contains(.messages):
            work.respond(transaction, 200, work.response(200, to: request, tag: tag))
            work.tell(.message(self.handle, request))
        default:
            var builder = work.response(405, to: request, tag: tag)
            builder.add(.allow, work.configuration.methods)
            work.respond(transaction, 405, builder)
        }
    }

    private mutating func receiveBYE(
        _ i: Int, _ request: SIPMessage, _ transaction: TransactionID, _ work: inout CallWork
    ) {
        work.respond(transaction, 200, work.response(200, to: request, tag: self.legs[i].dialog.id.localTag))
        let isReleasing = self.legs[i].state == .releasing
        self.drop(i, &work)
        guard !isReleasing, !self.isCaller || i == self.chosen else { return }
        self.end(.remoteHungUp, &work)
    }

    private mutating func receiveUpdate(
        _ i: Int, _ request: SIPMessage, _ transaction: TransactionID, contact: URI, _ work: inout CallWork
    ) {
        let tag = self.legs[i].dialog.id.localTag
        if let minimum = self.tooSmallInterval(i, request, work.configuration) {
            return self.respondTooSmall(transaction, request, minimum, tag, &work)
        }
        guard request.earlySessionDescription == nil else {
            // Sessions for early media are agreed on in provisional responses and PRACK only.
            return work.respond(transaction, 488, work.response(488, to: request, tag: tag))
        }
        let offer = request.sessionDescription
        switch self.legs[i].usage.receivedUpdate(hasDescription: offer != nil) {
        case .requestPending: work.respond(transaction, 491, work.response(491, to: request, tag: tag))
        case .retryLater:
            var builder = work.response(500, to: request, tag: tag, reason: "Request Overlaps The One Before")
            builder.add(.retryAfter, RetryAfter(work.retryDelay()))
            work.respond(transaction, 500, builder)
        case .accept(.offer):
            self.legs[i].remoteOffer = offer
            self.ask(i, .answer(transaction, request, .updateSuccess), offer: offer, &work)
        case .accept: self.answer(i, transaction, request, .updateSuccess, nil, &work)
        }
    }

    /// Answers a PRACK or UPDATE with 200.
    mutating func answer(
        _ i: Int, _ transaction: TransactionID, _ request: SIPMessage, _ carrier: OfferExchange.Carrier,
        _ description: [UInt8]?, _ work: inout CallWork
    ) {
        var builder = work.response(200, to: request, tag: self.legs[i].dialog.id.localTag)
        if carrier == .updateSuccess {
            self.legs[i].learnPeer(from: request)
            if let contact = self.contact {
                builder.add(.contact, Contact(contact, parameters: self.contactParameters))
            }
            work.addCapabilities(to: &builder)
            self.agreeOnTimer(i, request, &builder, &work)
            self.legs[i].dialog.refreshTarget(by: request)
        }
        if let description { builder.setBody(description, type: .sessionDescription) }
        work.respond(transaction, 200, builder)
        let reading = self.legs[i].usage.descriptions.pass(
            carrier, from: .local, hasDescription: description != nil)
        if reading == .answer { self.agreed(i, &work) }
    }
}
