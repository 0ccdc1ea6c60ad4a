import SIPDialogs
import SIPMessages
import SIPTransactions

/// INVITEs of the other side: how they are answered (RFC 3261 §13.3, §14.2, RFC 3262 §3).
extension Call {
    /// An INVITE came in a leg, the first or a later one.
    mutating func receiveInvite(
        _ i: Int, _ request: SIPMessage, _ transaction: TransactionID, contact: URI, isInitial: Bool,
        _ work: inout CallWork
    ) {
        let tag = self.legs[i].dialog.id.localTag
        let offer = request.sessionDescription
        if let minimum = self.tooSmallInterval(i, request, work.configuration) {
            self.respondTooSmall(transaction, request, minimum, tag, &work)
            if isInitial {
                self.drop(i, &work)
                self.isEnded = true  // The application never heard of it.
            }
            return
        }
        switch self.legs[i].usage.receivedInvite(hasDescription: offer != nil) {
        case .requestPending:
            return work.respond(transaction, 491, work.response(491, to: request, tag: tag))
        case .retryLater:
            var builder = work.response(500, to: request, tag: tag, reason: "Request Overlaps The One Before")
            builder.add(.retryAfter, RetryAfter(work.retryDelay()))
            return work.respond(transaction, 500, builder)
        case .accept: break
        }
        // The other side has our 2xx, or it could not send this; the ACK is lost or comes later (RFC 5407 §3.1.4).
        if self.legs[i].success != nil {
            self.legs[i].success = nil
            self.legs[i].usage.awaitsACK = false
        }
        self.legs[i].learnPeer(from: request)
        self.legs[i].remoteOffer = offer
        var incoming = IncomingInvite(
            request: request, transaction: transaction, contact: contact, isInitial: isInitial,
            sender: ReliableSender(first: work.random.next(), invite: request.first(.cseq)?.number ?? 0))
        incoming.isAccepted = !isInitial
        if isInitial {
            if work.configuration.features.contains(.earlySessions) {
                incoming.earlyOffer = request.earlySessionDescription
            }
            let limit = work.configuration.ringingLimit
            let expires = request.first(.expires).map { TimeSpan.seconds(Int64($0)) } ?? limit
            incoming.expires = expires < limit
            incoming.endsAt = work.now.advanced(by: Swift.min(expires, limit))
        }
        self.legs[i].incoming = incoming
        if isInitial { work.tell(.incoming(self.handle, request)) } else { self.advance(i, &work) }
    }

    /// The Min-SE that an interval falls short of (RFC 4028 §9).
    func tooSmallInterval(
        _ i: Int, _ request: SIPMessage, _ configuration: AgentConfiguration
    ) -> UInt32? {
        guard let policy = configuration.sessionTimer,
            case .tooSmall(let minimum) = policy.answer(request, isRefresher: self.legs[i].timer?.isRefresher)
        else { return nil }
        return minimum
    }

    func respondTooSmall(
        _ transaction: TransactionID, _ request: SIPMessage, _ minimum: UInt32, _ tag: String, _ work: inout CallWork
    ) {
        var builder = work.response(422, to: request, tag: tag)
        builder.add(.minSE, DeltaSeconds(minimum))
        work.respond(transaction, 422, builder)
    }

    // MARK: What the application says

    /// Sends a provisional response: without media, or with a description for early media.
    mutating func progress(_ status: StatusCode, hasMedia: Bool, _ work: inout CallWork) {
        guard !self.isCaller, let i = self.legs.indices.first, let incoming = self.legs[i].incoming,
            incoming.isInitial, !incoming.isAccepted, (101..<200).contains(status.number)
        else { return }
        self.progress(i, status, hasMedia: hasMedia, &work)
    }

    private mutating func progress(_ i: Int, _ status: StatusCode, hasMedia: Bool, _ work: inout CallWork) {
        guard let incoming = self.legs[i].incoming else { return }
        let isReliable = Self.isReliable(incoming.request, work.configuration)
        guard self.legs[i].question == nil, incoming.sender.outstanding == nil else {
            self.legs[i].incoming?.queued = .response(status, hasMedia: hasMedia)
            return
        }
        let duty = self.legs[i].usage.descriptions.duty(in: isReliable ? .reliable : .provisional)
        // The first reliable message must bring the offer that the INVITE did not (RFC 3262 §5).
        if duty == .mustOffer || (hasMedia && duty == .mayAnswer) {
            if let preview = incoming.preview { return self.sendProvisional(i, status, preview, &work) }
            return self.ask(
                i, .provisional(status), offer: duty == .mustOffer ? nil : self.legs[i].remoteOffer, &work)
        }
        self.sendProvisional(i, status, nil, &work)
    }

    private static func isReliable(_ request: SIPMessage, _ configuration: AgentConfiguration) -> Bool {
        request.requires("100rel")
            || (configuration.reliability == .whenSupported && request.all(.supported).contains("100rel"))
    }

    /// Accepts the call: 200 as soon as it can be sent.
    mutating func accept(_ work: inout CallWork) {
        guard !self.isCaller, let i = self.legs.indices.first, self.legs[i].incoming?.isInitial == true else { return }
        self.legs[i].incoming?.isAccepted = true
        self.legs[i].incoming?.endsAt = .never
        self.advance(i, &work)
    }

    /// Refuses the call.
    mutating func reject(
        _ status: StatusCode, _ reason: String?, contacts: [Contact], _ work: inout CallWork
    ) {
        guard !self.isCaller, let i = self.legs.indices.first, self.legs[i].incoming?.isInitial == true else { return }
        self.refuse(i, status, reason, &work) { $0.add(.contact, contacts) }
        self.end(.rejected(status, reason ?? status.reasonPhrase), &work)
    }

    // MARK: Responses

    private func response(
        _ i: Int, _ incoming: IncomingInvite, _ status: StatusCode, _ description: [UInt8]?, early: [UInt8]? = nil,
        _ work: inout CallWork
    ) -> MessageBuilder {
        var builder = work.response(status, to: incoming.request, tag: self.legs[i].dialog.id.localTag)
        builder.copy(.recordRoute, from: incoming.request)
        builder.add(.contact, Contact(incoming.contact, parameters: self.contactParameters))
        work.addCapabilities(to: &builder)
        builder.setDescriptions(description, early: early, boundary: work.makeTag())
        return builder
    }

    /// Sends a provisional response.
    mutating func sendProvisional(
        _ i: Int, _ status: StatusCode, _ description: [UInt8]?, early: [UInt8]? = nil, _ work: inout CallWork
    ) {
        guard let incoming = self.legs[i].incoming else { return }
        if incoming.announces, early == nil {
            // Beside the answer there is to be an offer for early media.
            self.legs[i].incoming?.announces = false
            self.legs[i].incoming?.answer = description
            return self.ask(i, .earlyOffer(status), offer: incoming.earlyOffer, &work)
        }
        let isReliable = early != nil || Self.isReliable(incoming.request, work.configuration)
        var builder = self.response(i, incoming, status, description, early: early, &work)
        if isReliable {
            guard let number = self.legs[i].incoming?.sender.take() else { return }
            builder.add(.rseq, number)
            builder.add(.require, "100rel")
        }
        let octets = builder.octets
        work.effects.append(.respond(incoming.transaction, status.number, octets))
        if isReliable {
            self.legs[i].incoming?.unacknowledged = (
                octets, status.number, Retransmission(t1: work.timers.t1, at: work.now)
            )
        }
        self.legs[i].incoming?.last = (octets, status.number)
        self.legs[i].incoming?.remindAt = work.now.advanced(by: .seconds(60))
        let reading = self.legs[i].usage.descriptions.pass(
            isReliable ? .reliable : .provisional, from: .local, hasDescription: description != nil)
        if reading == .answer { self.agreed(i, &work) }
        if reading == .preview, incoming.preview == nil, let offer = self.legs[i].remoteOffer {
            self.legs[i].incoming?.preview = description
            work.tell(.mediaStart(self.handle, leg: i, remote: offer))
        }
    }

    /// Sends the 2xx, when it was accepted and nothing is in the way.
    mutating func advanceIncoming(_ i: Int, _ work: inout CallWork) {
        guard let incoming = self.legs[i].incoming, self.legs[i].question == nil, incoming.sender.outstanding == nil
        else { return }
        guard incoming.isAccepted else {
            guard let queued = incoming.queued else { return }
            self.legs[i].incoming?.queued = nil
            switch queued {
            case .response(let status, let hasMedia): return self.progress(i, status, hasMedia: hasMedia, &work)
            case .announcement(let answers): return self.announce(answers: answers, &work)
            }
        }
        // An offer in a PRACK or UPDATE is answered first (RFC 6337 §2.3).
        switch self.legs[i].usage.descriptions.duty(in: .success) {
        case .mustAnswer:
            if let preview = incoming.preview { return self.sendSuccess(i, preview, &work) }
            self.ask(i, .success, offer: self.legs[i].remoteOffer, &work)
        case .mustOffer: self.ask(i, .success, offer: nil, &work)
        case .nothing, .mayOffer, .mayAnswer: self.sendSuccess(i, nil, &work)
        }
    }

    /// Sends the 2xx to an INVITE, and repeats it until the ACK comes (RFC 3261 §13.3.1.4).
    mutating func sendSuccess(_ i: Int, _ description: [UInt8]?, _ work: inout CallWork) {
        guard let incoming = self.legs[i].incoming else { return }
        var builder = self.response(i, incoming, 200, description, &work)
        builder.add(.accept, work.configuration.mediaTypes)
        self.agreeOnTimer(i, incoming.request, &builder, &work)
        let octets = builder.octets
        work.effects.append(.respond(incoming.transaction, 200, octets))
        self.legs[i].success = UnacknowledgedSuccess(
            transaction: incoming.transaction, octets: octets, number: incoming.request.first(.cseq)?.number ?? 0,
            repetition: Retransmission(t1: work.timers.t1, longest: work.timers.t2, at: work.now))
        self.legs[i].incoming = nil
        self.legs[i].usage.answeredInvite(isSuccess: true)
        self.legs[i].dialog.confirm()
        self.legs[i].dialog.refreshTarget(by: incoming.request)
        self.legs[i].state = .confirmed
        self.endEarlySession(i, &work)
        let reading = self.legs[i].usage.descriptions.pass(
            .success, from: .local, hasDescription: description != nil)
        if reading == .answer { self.agreed(i, &work) }
        guard incoming.isInitial else { return }
        self.takePlace(isAcknowledged: false, &work)
        self.chosen = i
        self.isToldEstablished = true
        work.tell(.established(self.handle, leg: i))
    }

    /// Adds the session timer to a 2xx to INVITE or UPDATE, and sets it (RFC 4028 §9).
    mutating func agreeOnTimer(
        _ i: Int, _ request: SIPMessage, _ builder: inout MessageBuilder, _ work: inout CallWork
    ) {
        guard let policy = work.configuration.sessionTimer else { return }
        switch policy.answer(request, isRefresher: self.legs[i].timer?.isRefresher) {
        case .timer(let agreed, let isRefresher, let requires):
            builder.add(.sessionExpires, agreed)
            if requires { builder.add(.require, "timer") }
            self.legs[i].timer = SessionTimer(interval: agreed.seconds, isRefresher: isRefresher, at: work.now)
        case .none, .tooSmall: self.legs[i].timer = nil
        }
    }

    /// Sends a final response other than 2xx to an INVITE.
    mutating func refuse(
        _ i: Int, _ status: StatusCode, _ reason: String?, _ work: inout CallWork,
        edit: (inout MessageBuilder) -> Void = { _ in }
    ) {
        guard let incoming = self.legs[i].incoming else { return }
        self.legs[i].incoming = nil
        self.legs[i].question = nil
        self.legs[i].questionEndsAt = .never
        self.legs[i].remoteOffer = nil
        var builder = work.response(
            status, to: incoming.request, tag: self.legs[i].dialog.id.localTag, reason: reason)
        edit(&builder)
        work.respond(incoming.transaction, status, builder)
        self.legs[i].usage.answeredInvite(isSuccess: false)
        if incoming.isInitial { self.drop(i, &work) }
    }

    // MARK: What the other side says

    /// The INVITE in this transaction is cancelled (RFC 3261 §9.2).
    mutating func cancelled(_ transaction: TransactionID, _ work: inout CallWork) {
        guard let i = self.legs.firstIndex(where: { $0.incoming?.transaction == transaction }) else { return }
        let isInitial = self.legs[i].incoming?.isInitial ?? false
        if self.legs[i].question != nil { work.tell(.mediaUnchanged(self.handle, leg: i)) }
        self.refuse(i, 487, nil, &work)
        if isInitial { self.end(.cancelled, &work) }
    }

    /// An ACK came in a leg.
    mutating func receiveACK(_ i: Int, _ request: SIPMessage, _ work: inout CallWork) {
        guard let success = self.legs[i].success, request.first(.cseq)?.number == success.number else { return }
        self.legs[i].success = nil
        self.legs[i].usage.awaitsACK = false
        let answer = request.sessionDescription
        switch self.legs[i].usage.descriptions.pass(.ack, from: .remote, hasDescription: answer != nil) {
        case .answer: self.agreed(i, remote: answer, &work)
        case .missing:
            self.release(i, &work)
            return self.end(.failed("the ACK brings no answer to our offer"), &work)
        case .nothing, .offer, .preview, .ignored, .collision, .overlap: break
        }
        self.takePlace(isAcknowledged: true, &work)
        if self.legs[i].wantsBye { return self.release(i, &work) }
        self.advance(i, &work)
    }

    /// A PRACK came in a leg (RFC 3262 §3).
    mutating func receivePRACK(
        _ i: Int, _ request: SIPMessage, _ transaction: TransactionID, _ work: inout CallWork
    ) {
        let tag = self.legs[i].dialog.id.localTag
        guard let rack = request.first(.rack) else {
            return work.respond(
                transaction, 400, work.response(400, to: request, tag: tag, reason: "Missing RAck"))
        }
        guard self.legs[i].incoming?.sender.acknowledge(rack) == true else {
            return work.respond(transaction, 481, work.response(481, to: request, tag: tag))
        }
        self.legs[i].incoming?.unacknowledged = nil
        self.receiveEarlyAnswer(i, request, &work)
        let description = request.sessionDescription
        switch self.legs[i].usage.descriptions.pass(.prack, from: .remote, hasDescription: description != nil) {
        case .answer:
            self.agreed(i, remote: description, &work)
            self.answer(i, transaction, request, .prackSuccess, nil, &work)
        case .offer:
            self.legs[i].remoteOffer = description
            self.ask(i, .answer(transaction, request, .prackSuccess), offer: description, &work)
        case .collision: work.respond(transaction, 491, work.response(491, to: request, tag: tag))
        case .overlap:
            var builder = work.response(500, to: request, tag: tag, reason: "Offer Overlaps The One Before")
            builder.add(.retryAfter, RetryAfter(work.retryDelay()))
            work.respond(transaction, 500, builder)
        case .missing:
            let reason = "Answer Missing In PRACK"
            work.respond(transaction, 400, work.response(400, to: request, tag: tag, reason: reason))
            self.refuse(i, 400, reason, &work)
            return self.end(.failed("the PRACK brings no answer to our offer"), &work)
        case .nothing, .preview, .ignored: self.answer(i, transaction, request, .prackSuccess, nil, &work)
        }
        self.advance(i, &work)
    }

    // MARK: Time

    mutating func wakeIncoming(_ i: Int, _ work: inout CallWork) {
        guard var incoming = self.legs[i].incoming else { return }
        if incoming.endsAt <= work.now {
            // An invitation that has expired is over as if it were cancelled (RFC 3261 §13.3.1).
            self.refuse(i, incoming.expires ? 487 : 480, incoming.expires ? nil : "Nobody Answered", &work)
            return self.end(.timedOut, &work)
        }
        if var waiting = incoming.unacknowledged {
            switch waiting.repetition.wake(at: work.now) {
            case .nothing: break
            case .sendAgain:
                self.legs[i].incoming?.unacknowledged = waiting
                work.effects.append(.respond(incoming.transaction, waiting.status, waiting.octets))
            case .giveUp:
                // RFC 3262 §3: the original request is rejected with a 5xx.
                self.refuse(i, 504, "No PRACK", &work)
                if incoming.isInitial { self.end(.failed("no PRACK came"), &work) }
                return
            }
        }
        guard incoming.remindAt <= work.now, let last = incoming.last else { return }
        incoming.remindAt = work.now.advanced(by: .seconds(60))
        self.legs[i].incoming?.remindAt = incoming.remindAt
        if incoming.sender.outstanding == nil, self.legs[i].question == nil {
            self.progress(i, StatusCode(last.status), hasMedia: false, &work)
        }
    }
}

extension Leg {
    /// Takes note of what the other side can do.
    mutating func learnPeer(from message: SIPMessage) {
        self.peer.learn(from: message)
    }
}
