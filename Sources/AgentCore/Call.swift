import SIPDialogs
import SIPMessages
import SIPTransactions

/// A call: its legs, of which an INVITE of ours has as many as it forks to, and what became of it (RFC 3261 §13 to §15).
///
///     callee   incoming ──accept──▶ established ──BYE──▶ ended ──▶ gone
///                 └──reject, CANCEL──────────────────▶─┘
///     caller   describing ─▶ calling ──2xx──▶ established ──BYE──▶ ended ──▶ gone
///                 └───────────┴──failure, hang up────────────────▶─┘
///
/// It is told of the end once; it is gone when no dialog of it, and no request of ours, is left. Transfers use its
/// dialogs too, and outlive the session in them (RFC 5057).
struct Call {
    let handle: CallHandle
    let isCaller: Bool
    /// The user part of our Contacts.
    let contactUser: String?
    var legs: [Leg] = []
    /// The leg that the call goes on with; -1 before there is one.
    var chosen = -1
    /// Our INVITE that began the call.
    var setup: OutgoingInvite?
    /// The request that it was sent with last.
    var setupRequest: RequestHandle?
    /// Whether the application was told of the end.
    var isEnded = false
    /// Whether the application was told that the call stands.
    var isToldEstablished = false
    var hasMedia = false
    /// Whether the session is to be changed as soon as there is one.
    var wantsChange = false
    /// Our Contact, as the flow of the last message makes it.
    var contact: URI?
    /// The account that it is of, and its GRUU, which takes the place of our address.
    var account: RegistrationHandle?
    var gruu: URI?
    /// What our Contact says beside where we are: `isfocus` of one who mixes (RFC 4579 §5.1).
    var contactParameters = Parameters()
    /// The number of the last request of ours that had no dialog yet.
    var sequence: UInt32 = 0
    /// Where we are, as the flow of the last request to us makes it, whether or not we have a GRUU.
    var address: URI?
    /// Transfers that we ask the other side for.
    var transfers: [OutgoingTransfer] = []
    /// Transfers that the other side asks us for.
    var referrals: [IncomingReferral] = []
    /// The transfer that asked for this call, which is told what becomes of it.
    var referral: ReferralHandle?
    /// The call that this one takes the place of, once it stands (RFC 3891 §3).
    var replaced: (call: CallHandle, isEarly: Bool)?
    /// How many requests of ours are underway.
    var openRequests = 0
    /// Counts the questions to the media.
    var questionNumber: UInt32 = 0
    /// The timer in the wheel, and what it is set to.
    var timer: Int32 = -1
    var timerAt = MonotonicInstant.never
    /// The key that tells merged requests of a callee's INVITE.
    var mergeKey: MergeKey?

    init(_ handle: CallHandle, isCaller: Bool, contactUser: String?) {
        (self.handle, self.isCaller, self.contactUser) = (handle, isCaller, contactUser)
    }

    /// Whether nothing is left of it.
    var isGone: Bool {
        self.isEnded && self.openRequests == 0 && self.transfers.isEmpty && self.referrals.isEmpty
            && self.legs.allSatisfy { $0.state == .gone && $0.incoming == nil }
    }

    /// When it must be woken.
    var wakeAt: MonotonicInstant {
        var wake = self.setup?.wakeAt ?? .never
        for leg in self.legs { wake = Swift.min(wake, leg.wakeAt) }
        for transfer in self.transfers { wake = Swift.min(wake, transfer.usage.wakeAt) }
        for referral in self.referrals { wake = Swift.min(wake, referral.wakeAt) }
        return wake
    }

    // MARK: Ends

    /// Tells the application that the call is over.
    mutating func end(_ end: CallEnd, _ work: inout CallWork) {
        guard !self.isEnded else { return }
        self.isEnded = true
        for i in self.legs.indices { self.endEarlySession(i, &work) }
        if self.hasMedia { work.tell(.mediaStop(self.handle)) }
        work.tell(.ended(self.handle, end))
        if !self.isToldEstablished { self.report(end.outcome.status, end.outcome.reason, isFinal: true, &work) }
    }

    /// Tells the transfer that asked for this call what it has come to.
    func report(_ status: StatusCode, _ reason: String, isFinal: Bool, _ work: inout CallWork) {
        guard let referral = self.referral else { return }
        work.effects.append(
            .post(referral.call, .report(referral: referral.number, status, reason, isFinal: isFinal)))
    }

    /// Another call has something to say to this one.
    mutating func receive(_ post: CallPost, _ work: inout CallWork) {
        switch post {
        case .report(let number, let status, let reason, let isFinal):
            self.receiveReport(number, status, reason, isFinal: isFinal, &work)
        case .replaced(let other): self.hangUp(as: .replaced(by: other), &work)
        case .transferred: self.hangUp(&work)
        }
    }

    /// Ends a leg by BYE, as soon as that may be sent (RFC 3261 §15).
    mutating func release(_ i: Int, _ work: inout CallWork) {
        guard self.legs[i].isLive else { return }
        if self.legs[i].success != nil {
            self.legs[i].wantsBye = true
            return
        }
        self.legs[i].state = .releasing
        self.settle(i, &work)
        let builder = self.legs[i].dialog.request(.bye)
        self.send(i, .bye, builder, &work)
    }

    /// A leg is over at once.
    mutating func drop(_ i: Int, _ work: inout CallWork) {
        guard self.legs[i].state != .gone else { return }
        self.legs[i].state = .gone
        self.settle(i, &work)
        self.releaseDialog(i, &work)
    }

    /// Lets go of a dialog that nothing uses any more: no session, no transfer of either side (RFC 5057 §3).
    mutating func releaseDialog(_ i: Int, _ work: inout CallWork) {
        guard i >= 0, self.legs[i].state == .gone, !self.hasTransfer(i) else { return }
        work.effects.append(.removeDialog(self.legs[i].dialog.id))
    }

    /// Whether a transfer of either side uses the dialog of a leg.
    private func hasTransfer(_ i: Int) -> Bool {
        self.transfers.contains { $0.leg == i } || self.referrals.contains { $0.leg == i }
    }

    /// Adds the dialog of a subscription alone, in the place of one that is over: there may be many in a long call.
    mutating func addLeg(_ leg: Leg, _ work: inout CallWork) -> Int {
        work.effects.append(.addDialog(leg.dialog.id))
        let unused = self.legs.indices.dropFirst().first { i in
            i != self.chosen && self.legs[i].state == .gone && self.legs[i].incoming == nil && !self.hasTransfer(i)
        }
        guard let unused else {
            self.legs.append(leg)
            return self.legs.count - 1
        }
        self.legs[unused] = leg
        return unused
    }

    /// Nothing goes on in a leg any more.
    private mutating func settle(_ i: Int, _ work: inout CallWork) {
        // A 2xx is acknowledged though no answer to its offer is wanted any more (RFC 5407 §3.2.4, appendix D).
        if case .ack(let number)? = self.legs[i].question { self.acknowledge(i, number, nil, &work) }
        self.legs[i].timer = nil
        self.legs[i].success = nil
        self.legs[i].question = nil
        self.legs[i].questionEndsAt = .never
        self.legs[i].wish = nil
        self.legs[i].wantsBye = false
        self.legs[i].acknowledgingBodies = nil
        self.setRingback(i, &work) { $0.end() }
        self.endEarlySession(i, &work)
        if let incoming = self.legs[i].incoming {
            self.legs[i].incoming = nil
            work.respond(
                incoming.transaction, 487,
                work.response(487, to: incoming.request, tag: self.legs[i].dialog.id.localTag))
        }
    }

    /// The leg that a request names; `nil` when there is none.
    func leg(_ id: DialogID) -> Int? {
        self.legs.indices.first { i in
            self.legs[i].dialog.id == id && (self.legs[i].state != .gone || self.hasTransfer(i))
        }
    }

    // MARK: Requests of ours

    mutating func send(_ i: Int, _ purpose: RequestPurpose, _ builder: MessageBuilder, _ work: inout CallWork) {
        var builder = builder
        if !work.configuration.product.isEmpty { builder.add(.userAgent, FieldText(work.configuration.product)) }
        work.effects.append(
            .request(
                leg: i, purpose, purpose.method, builder, nextHop: self.legs[i].dialog.nextHop,
                near: self.legs[i].way))
    }

    /// The CSeq number of a request that is sent once more as another one.
    mutating func nextSequence(_ i: Int) -> UInt32 {
        if i >= 0 { return self.legs[i].dialog.nextSequence() }
        self.sequence &+= 1
        return self.sequence
    }

    /// Acknowledges a 2xx (RFC 3261 §13.2.2.4).
    mutating func acknowledge(_ i: Int, _ number: UInt32, _ description: [UInt8]?, _ work: inout CallWork) {
        var builder = self.legs[i].dialog.acknowledgement(of: number)
        if let description { builder.setBody(description, type: .sessionDescription) }
        let reading = self.legs[i].usage.descriptions.pass(
            .ack, from: .local, hasDescription: description != nil)
        work.effects.append(
            .request(
                leg: i, nil, .ack, builder, nextHop: self.legs[i].dialog.nextHop, near: self.legs[i].way))
        self.legs[i].acknowledging = number
        if reading == .answer { self.agreed(i, &work) }
    }

    /// The ACK is written: it is kept for copies of the 2xx.
    mutating func acknowledged(_ i: Int, _ octets: [UInt8], _ flow: Flow) {
        guard let number = self.legs[i].acknowledging else { return }
        self.legs[i].acknowledgement = Acknowledgement(number: number, octets: octets, flow: flow)
    }

    // MARK: Media

    /// Asks the media for a description.
    mutating func ask(_ i: Int, _ question: Leg.Question, offer: [UInt8]?, _ work: inout CallWork) {
        self.questionNumber &+= 1
        self.legs[i].question = question
        self.legs[i].questionNumber = self.questionNumber
        self.legs[i].questionEndsAt = work.now.advanced(by: work.configuration.describingLimit)
        self.hasMedia = true
        var asked = MediaQuestion(number: self.questionNumber, leg: i, offer: offer)
        asked.session = question.session
        work.tell(.describeMedia(self.handle, asked))
    }

    /// The offer of the other side has our answer, or ours has theirs.
    mutating func agreed(_ i: Int, remote: [UInt8]? = nil, _ work: inout CallWork) {
        guard let description = remote ?? self.legs[i].remoteOffer, !self.isEnded else { return }
        self.legs[i].remoteOffer = nil
        work.tell(.mediaStart(self.handle, leg: i, remote: description))
    }

    /// The media has answered a question.
    mutating func described(_ number: UInt32, _ description: MediaDescription, _ work: inout CallWork) {
        if let setup = self.setup, setup.isDescribing, setup.questionNumber == number {
            return self.describedSetup(description, &work)
        }
        guard let i = self.legs.firstIndex(where: { $0.question != nil && $0.questionNumber == number }),
            let question = self.legs[i].question
        else { return }
        self.legs[i].question = nil
        self.legs[i].questionEndsAt = .never
        guard case .description(let octets) = description else {
            self.refused(i, question, description, &work)
            return
        }
        switch question {
        case .modification, .earlyOffer, .earlyAnswer: break
        case .provisional, .success, .ack, .prack, .answer: self.legs[i].localDescription = octets
        }
        switch question {
        case .provisional(let status): self.sendProvisional(i, status, octets, &work)
        case .success: self.sendSuccess(i, octets, &work)
        case .ack(let number):
            self.acknowledge(i, number, octets, &work)
            self.confirmed(i, &work)
        case .prack(let rack): self.completePRACK(i, rack, octets, &work)
        case .answer(let transaction, let request, let carrier):
            self.answer(i, transaction, request, carrier, octets, &work)
        case .modification: self.sendModification(i, octets, &work)
        case .earlyOffer(let status): self.sendEarlyOffer(i, status, octets, &work)
        case .earlyAnswer: self.completePRACK(i, early: octets, &work)
        }
        self.advance(i, &work)
    }

    /// The media cannot do what was asked.
    private mutating func refused(
        _ i: Int, _ question: Leg.Question, _ description: MediaDescription, _ work: inout CallWork
    ) {
        let tag = self.legs[i].dialog.id.localTag
        switch question {
        case .provisional, .success:
            guard let incoming = self.legs[i].incoming else { return }
            let (status, reason) = description.refusal
            self.refuse(i, status, reason, &work) { description.explain(in: &$0) }
            if incoming.isInitial { self.end(.rejected(status, reason ?? status.reasonPhrase), &work) }
        case .ack(let number):
            // The 2xx must be acknowledged; without an answer there is no session (RFC 3261 §13.2.2.4).
            self.acknowledge(i, number, nil, &work)
            self.release(i, &work)
            if i == self.chosen || !self.isCaller { self.end(.failed("no answer to the offer in the 2xx"), &work) }
        case .prack(let rack): self.completePRACK(i, rack, nil, &work)
        case .earlyAnswer: self.completePRACK(i, early: nil, &work)
        // Without a session of its own there is a provisional response like any other.
        case .earlyOffer(let status): self.sendProvisional(i, status, nil, &work)
        case .answer(let transaction, let request, let carrier):
            self.legs[i].usage.descriptions.offerRefused(in: carrier == .prackSuccess ? .prack : .update)
            let (status, reason) = description.refusal
            var builder = work.response(status, to: request, tag: tag, reason: reason)
            description.explain(in: &builder)
            work.respond(transaction, status, builder)
        case .modification:
            self.legs[i].wish = nil
            work.tell(.modificationRefused(self.handle, description.refusal.status))
        }
    }

    // MARK: Time

    /// Time has passed.
    mutating func wake(_ work: inout CallWork) {
        self.wakeSetup(&work)
        self.wakeTransfers(&work)
        self.wakeReferrals(&work)
        for i in self.legs.indices {
            if self.legs[i].questionEndsAt <= work.now, self.legs[i].question != nil {
                if let question = self.legs[i].question {
                    self.legs[i].question = nil
                    self.legs[i].questionEndsAt = .never
                    self.refused(i, question, .refused(500, "Media Did Not Answer"), &work)
                }
            }
            self.wakeSuccess(i, &work)
            self.wakeIncoming(i, &work)
            self.wakeSession(i, &work)
            self.advance(i, &work)
        }
    }

    /// Goes on with what had to wait.
    mutating func advance(_ i: Int, _ work: inout CallWork) {
        self.advanceIncoming(i, &work)
        self.advanceWish(i, &work)
    }

    private mutating func wakeSuccess(_ i: Int, _ work: inout CallWork) {
        guard var success = self.legs[i].success else { return }
        switch success.repetition.wake(at: work.now) {
        case .nothing: break
        case .sendAgain:
            self.legs[i].success?.repetition = success.repetition
            work.effects.append(.respond(success.transaction, 200, success.octets))
        case .giveUp:
            self.legs[i].success = nil
            self.legs[i].usage.awaitsACK = false
            self.release(i, &work)
            self.end(.unacknowledged, &work)
        }
    }

    private mutating func wakeSession(_ i: Int, _ work: inout CallWork) {
        guard self.legs[i].isLive, var timer = self.legs[i].timer else { return }
        let step = timer.wake(at: work.now)
        self.legs[i].timer = timer
        switch step {
        case .nothing: break
        case .refresh: if self.legs[i].wish == nil { self.wish(i, .refresh, at: work.now) }
        case .expire:
            self.legs[i].timer = nil
            self.release(i, &work)
            self.end(.sessionExpired, &work)
        }
    }
}

extension MediaDescription {
    /// The response that says so.
    fileprivate var refusal: (status: StatusCode, reason: String?) {
        switch self {
        case .description, .unacceptable: (488, nil)
        case .refused(let status, let reason): (status.number >= 400 ? status : 500, reason)
        }
    }

    /// Adds to the response what could be agreed on instead.
    fileprivate func explain(in builder: inout MessageBuilder) {
        guard case .unacceptable(let warning, let capabilities) = self else { return }
        builder.add(.warning, warning)
        if !capabilities.isEmpty { builder.setBody(capabilities, type: .sessionDescription) }
    }
}

extension MediaType {
    /// `application/sdp`
    static let sessionDescription = MediaType("application", "sdp")
}
