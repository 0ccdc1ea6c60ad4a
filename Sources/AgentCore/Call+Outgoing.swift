import SIPDialogs
import SIPMessages
import SIPTransactions

/// The INVITE that we begin a call with (RFC 3261 §13.2).
extension Call {
    /// Begins the call.
    mutating func start(_ plan: CallPlan, _ work: inout CallWork) {
        var setup = OutgoingInvite(
            plan: plan, callID: work.makeCallID(), tag: work.makeTag(), targets: TargetList(plan.target))
        setup.interval = work.configuration.sessionTimer?.interval
        setup.minimum = work.configuration.sessionTimer?.minimum ?? 90
        guard plan.offers else {
            self.setup = setup
            return self.tryNext(&work)
        }
        self.setup = setup
        self.describeSetup(limits: nil, &work)
    }

    /// Asks the media for the offer of the INVITE.
    private mutating func describeSetup(limits: [UInt8]?, _ work: inout CallWork) {
        self.setup?.isDescribing = true
        self.setup?.questionNumber = self.questionNumber &+ 1
        self.setup?.describingEndsAt = work.now.advanced(by: work.configuration.describingLimit)
        self.questionNumber &+= 1
        self.hasMedia = true
        let question = MediaQuestion(number: self.questionNumber, leg: 0, offer: nil, limits: limits)
        work.tell(.describeMedia(self.handle, question))
    }

    mutating func describedSetup(_ description: MediaDescription, _ work: inout CallWork) {
        self.setup?.isDescribing = false
        self.setup?.describingEndsAt = .never
        guard case .description(let octets) = description else {
            return self.end(self.setup?.failure ?? .failed("the media cannot make an offer"), &work)
        }
        self.setup?.offer = octets
        self.tryNext(&work)
    }

    /// Sends the INVITE to the next address.
    private mutating func tryNext(_ work: inout CallWork) {
        guard var setup = self.setup, !self.isEnded else { return }
        guard let target = setup.targets.next() else { return self.end(setup.failure ?? .timedOut, &work) }
        let number = self.nextSequence(-1)
        setup.isOpen = true
        setup.hasProvisional = false
        self.setup = setup
        var builder = MessageBuilder(.invite, target)
        let routes = setup.routes(to: target)
        builder.add(.route, routes)
        builder.add(.maxForwards, 70)
        var from = setup.plan.from
        from.tag = setup.tag
        builder.add(.from, from)
        builder.add(.to, setup.plan.to ?? NameAddress(setup.plan.target))
        builder.add(.callID, setup.callID)
        builder.add(.cseq, CSeq(number, .invite))
        work.addCapabilities(to: &builder)
        builder.add(.accept, work.configuration.mediaTypes)
        self.addTimer(to: &builder, interval: setup.interval, minimum: setup.minimum, refresher: nil)
        if !work.configuration.product.isEmpty { builder.add(.userAgent, FieldText(work.configuration.product)) }
        for field in setup.plan.fields { builder.add(named: field.name, field.value) }
        if let replaces = setup.plan.replaces { builder.add(.replaces, replaces) }
        if let joins = setup.plan.joins { builder.add(.join, joins) }
        if let offer = setup.offer { builder.setBody(offer, type: .sessionDescription) }
        setup.repairs.apply(to: &builder)
        let nextHop = routes.first?.uri ?? target
        work.effects.append(.request(leg: -1, .invite, .invite, builder, nextHop: nextHop, near: nil))
    }

    /// Session-Expires and Min-SE of a request of ours (RFC 4028 §7.1, §7.4).
    func addTimer(
        to builder: inout MessageBuilder, interval: UInt32?, minimum: UInt32, refresher: SessionExpires.Refresher?
    ) {
        guard let interval else { return }
        builder.set(.sessionExpires, SessionExpires(interval, refresher: refresher))
        if minimum > 90 { builder.set(.minSE, DeltaSeconds(minimum)) }
    }

    // MARK: Responses

    /// A response came to the INVITE that began the call.
    mutating func receiveSetup(_ response: SIPMessage, to request: SIPMessage, _ work: inout CallWork) {
        guard let status = response.status else { return }
        if status.isProvisional { return self.receiveProvisional(response, status, to: request, &work) }
        if status.isSuccess { return self.receiveSuccess(response, to: request, &work) }
        self.setup?.isOpen = false
        self.setup?.cancelEndsAt = .never
        for i in self.legs.indices where self.legs[i].state == .early { self.drop(i, &work) }
        guard !self.isEnded else { return }
        work.tell(.refused(.call(self.handle), response))
        self.setupFailed(status, response, to: request, &work)
    }

    private mutating func setupFailed(
        _ status: StatusCode, _ response: SIPMessage, to request: SIPMessage, _ work: inout CallWork
    ) {
        if status == 422, let minimum = response.first(.minSE)?.seconds, let setup = self.setup,
            minimum > setup.minimum || minimum > setup.interval ?? 0
        {
            // §7.3: the interval and Min-SE are raised to what was asked for, and the request is sent anew.
            self.setup?.minimum = Swift.max(minimum, setup.minimum)
            self.setup?.interval = Swift.max(minimum, setup.interval ?? 0)
            self.setup?.targets.repeatCurrent()
            return self.tryNext(&work)
        }
        self.setup?.failure = .rejected(status, response.reasonPhrase)
        if status == 488 || status == 606, let limits = response.sessionDescription, let setup = self.setup,
            setup.offer != nil, !setup.isLimited
        {
            // §21.4.26: the body says what could be; once, an offer is made within that.
            self.setup?.isLimited = true
            self.setup?.targets.repeatCurrent()
            return self.describeSetup(limits: limits, &work)
        }
        if let current = self.setup?.targets.current,
            // An INVITE without offer means the same: the other side makes one (RFC 3261 §13.2.1).
            let uri = self.setup?.repairs.repair(
                status, response, of: request, current: current, mayDropBody: request.sessionDescription != nil)
        {
            if self.setup?.repairs.hasNoBody == true { self.setup?.offer = nil }
            self.setup?.targets.repeatCurrent(as: uri)
            return self.tryNext(&work)
        }
        if status.isRedirection { return self.redirected(response, &work) }
        // A 6xx says that no other place will do better (§21.6).
        if status.statusClass == 6 { self.setup?.targets.giveUp() }
        self.tryNext(&work)
    }

    /// A 3xx says where else to call (RFC 3261 §8.1.3.4), or by which proxy (305, §21.3.4).
    private mutating func redirected(_ response: SIPMessage, _ work: inout CallWork) {
        let contacts = response.all(.contact)
        self.setup?.namesProxy = response.status == 305
        let policy = self.setup?.plan.redirections ?? (work.configuration.followsRedirections ? .follow : .end)
        switch policy {
        case .end: break
        case .follow: self.goOn(contacts, work.configuration)
        case .offer:
            guard !contacts.isEmpty else { break }
            self.setup?.decidingEndsAt = work.now.advanced(by: work.configuration.ringingLimit)
            return work.tell(.redirected(self.handle, contacts))
        }
        self.tryNext(&work)
    }

    /// The application has chosen where to go on; to none of them ends the call.
    mutating func follow(_ contacts: [Contact], _ work: inout CallWork) {
        guard self.setup?.decidingEndsAt != .never, !self.isEnded else { return }
        self.setup?.decidingEndsAt = .never
        self.goOn(contacts, work.configuration)
        self.tryNext(&work)
    }

    private mutating func goOn(_ contacts: [Contact], _ configuration: AgentConfiguration) {
        if self.setup?.namesProxy == true {
            self.setup?.use(contacts)
        } else {
            self.setup?.targets.add(contacts, limit: configuration.maximumTargets)
        }
    }

    /// The INVITE had no answer, or could not be sent.
    mutating func setupFailed(_ end: CallEnd, _ work: inout CallWork) {
        self.setup?.isOpen = false
        self.setup?.cancelEndsAt = .never
        for i in self.legs.indices where self.legs[i].state == .early { self.drop(i, &work) }
        guard !self.isEnded else { return }
        self.setup?.failure = end
        self.tryNext(&work)
    }

    /// No 2xx of the INVITE can come any more: early dialogs that had none are over (RFC 3261 §13.2.2.4).
    mutating func setupClosed(_ work: inout CallWork) {
        self.setup?.isOpen = false
        for i in self.legs.indices where self.legs[i].state == .early { self.drop(i, &work) }
    }

    private mutating func receiveProvisional(
        _ response: SIPMessage, _ status: StatusCode, to request: SIPMessage, _ work: inout CallWork
    ) {
        self.setup?.hasProvisional = true
        self.cancelIfWanted(&work)
        guard status != 100, let tag = response.first(.to)?.tag, !tag.isEmpty,
            let i = self.leg(of: response, to: request, &work), self.legs[i].state == .early
        else { return }
        let rseq = response.requires("100rel") ? response.first(.rseq) : nil
        if let rseq {
            // While the media answers the one before, this one waits: it comes again until it is acknowledged.
            guard self.legs[i].acknowledgingBodies == nil else { return }
            guard self.legs[i].receiver.receive(rseq) == .next else { return }
            self.legs[i].dialog.refreshTarget(by: response)
        }
        self.legs[i].learnPeer(from: response)
        let description = response.sessionDescription
        let reading = self.legs[i].usage.descriptions.pass(
            rseq == nil ? .provisional : .reliable, from: .remote, hasDescription: description != nil)
        if !self.isEnded {
            work.tell(.progress(self.handle, leg: i, response))
            self.report(status, response.reasonPhrase, isFinal: false, &work)
            if status == 180 { self.setRingback(i, &work) { $0.rings() } }
        }
        if reading == .answer || reading == .preview { self.agreed(i, remote: description, &work) }
        guard let rseq, let cseq = request.first(.cseq) else { return }
        if reading == .offer { self.legs[i].remoteOffer = description }
        self.acknowledge(i, RAck(rseq, cseq), response, isOffer: reading == .offer, &work)
    }

    /// The leg of a response to the INVITE, made when it is new; `nil` when there are too many.
    private mutating func leg(of response: SIPMessage, to request: SIPMessage, _ work: inout CallWork) -> Int? {
        guard let id = DialogID(response: response) else { return nil }
        if let i = self.legs.firstIndex(where: { $0.dialog.id == id }) { return i }
        guard self.legs.count < work.configuration.maximumForks,
            let dialog = Dialog(request: request, response: response)
        else { return nil }
        var leg = Leg(dialog)
        _ = leg.usage.descriptions.pass(.invite, from: .local, hasDescription: self.setup?.offer != nil)
        leg.localDescription = self.setup?.offer
        self.legs.append(leg)
        work.effects.append(.addDialog(id))
        return self.legs.count - 1
    }

    /// A 2xx came to the INVITE: the first one makes the call; of other forks each is acknowledged and released
    /// (RFC 3261 §13.2.2.4).
    private mutating func receiveSuccess(_ response: SIPMessage, to request: SIPMessage, _ work: inout CallWork) {
        guard let number = request.first(.cseq)?.number, let i = self.leg(of: response, to: request, &work) else {
            return
        }
        if let ack = self.legs[i].acknowledgement, ack.number == number {
            work.effects.append(.sendAgain(ack.octets, ack.flow))
            return
        }
        guard self.legs[i].state == .early else { return }  // Its ACK waits for the media.
        self.setup?.isOpen = false
        self.setup?.cancelEndsAt = .never
        self.legs[i].state = .confirmed
        self.setRingback(i, &work) { $0.end() }
        self.endEarlySession(i, &work)
        self.legs[i].dialog.confirm(by: response)
        self.legs[i].learnPeer(from: response)
        self.legs[i].timer = SessionTimerPolicy.timer(by: response, at: work.now)
        if self.chosen < 0, !self.isEnded { self.chosen = i }
        let description = response.sessionDescription
        let reading = self.legs[i].usage.descriptions.pass(
            .success, from: .remote, hasDescription: description != nil)
        let isWanted = i == self.chosen && !self.isEnded
        if reading == .offer, isWanted {
            self.legs[i].remoteOffer = description
            return self.ask(i, .ack(number), offer: description, &work)
        }
        self.acknowledge(i, number, nil, &work)
        guard isWanted else { return self.release(i, &work) }
        guard reading != .missing else {
            self.release(i, &work)
            return self.end(.failed("the 2xx brings no session description"), &work)
        }
        if reading == .answer { self.agreed(i, remote: description, &work) }
        self.confirmed(i, &work)
    }

    /// A 2xx of ours or theirs is acknowledged.
    mutating func confirmed(_ i: Int, _ work: inout CallWork) {
        guard i == self.chosen, !self.isEnded, !self.isToldEstablished, self.legs[i].state == .confirmed else { return }
        self.isToldEstablished = true
        work.tell(.established(self.handle, leg: i))
        self.report(200, "OK", isFinal: true, &work)
        if self.wantsChange { self.wish(i, .modify, at: work.now) }
        self.wantsChange = false
        self.advance(i, &work)
    }

    // MARK: Hanging up

    /// Ends the call, whatever its state.
    mutating func hangUp(as end: CallEnd = .hungUp, _ work: inout CallWork) {
        guard !self.isEnded else { return }
        if !self.isCaller, let i = self.legs.indices.first, self.legs[i].incoming?.isInitial == true {
            return self.reject(603, nil, contacts: [], &work)
        }
        self.end(end, &work)
        for i in self.legs.indices { self.setRingback(i, &work) { $0.end() } }
        if self.setup?.isOpen == true {
            self.setup?.wantsCancel = true
            self.cancelIfWanted(&work)
        }
        for i in self.legs.indices where self.legs[i].state == .confirmed { self.release(i, &work) }
    }

    /// A CANCEL may only follow a provisional response (RFC 3261 §9.1).
    private mutating func cancelIfWanted(_ work: inout CallWork) {
        guard let setup = self.setup, setup.wantsCancel, setup.isOpen, setup.cancelEndsAt == .never else { return }
        if setup.hasProvisional {
            self.setup?.cancelEndsAt = work.now.advanced(by: work.timers.timeout)
            work.effects.append(.cancelInvite)
        }
    }

    mutating func wakeSetup(_ work: inout CallWork) {
        guard let setup = self.setup else { return }
        if setup.decidingEndsAt <= work.now { self.follow([], &work) }
        if setup.isDescribing, setup.describingEndsAt <= work.now {
            self.describedSetup(.refused(500, "Media Did Not Answer"), &work)
        }
        if setup.cancelEndsAt <= work.now {
            self.setup?.cancelEndsAt = .never
            self.setup?.isOpen = false
            work.effects.append(.abandonInvite)
            for i in self.legs.indices where self.legs[i].state == .early { self.drop(i, &work) }
        }
    }
}
