import SIPDialogs
import SIPMessages
import SIPTransactions

/// Our re-INVITEs and UPDATEs: changes of the session and refreshes of it (RFC 3261 §14.1, RFC 3311, RFC 4028 §10,
/// RFC 6141).
extension Call {
    /// The application wants the session changed: the media will be asked for a new offer.
    mutating func modify(_ work: inout CallWork) {
        guard !self.isEnded else { return }
        // An INVITE that has no answer yet is followed by the change.
        self.wantsChange = self.isCaller && !self.isToldEstablished && self.legs.isEmpty
        // Before one of several forks has answered it is wished of each.
        for i in self.legs.indices where self.legs[i].isLive && (self.chosen < 0 || i == self.chosen) {
            self.wish(i, .modify, at: work.now)
            self.advanceWish(i, &work)
        }
    }

    mutating func wish(_ i: Int, _ wish: Leg.Wish, at moment: MonotonicInstant) {
        // A change refreshes the session too, so it takes the place of a refresh.
        if self.legs[i].wish != .modify { self.legs[i].wish = wish }
        (self.legs[i].wishAt, self.legs[i].isWishDue) = (moment, false)
    }

    /// Does what was wished for, when nothing is in the way.
    mutating func advanceWish(_ i: Int, _ work: inout CallWork) {
        guard let wish = self.legs[i].wish, self.legs[i].isLive, self.legs[i].question == nil, !self.isEnded else {
            return
        }
        if self.legs[i].wishAt <= work.now { self.legs[i].isWishDue = true }
        guard self.legs[i].isWishDue else { return }
        let usage = self.legs[i].usage
        let mayUpdate = self.legs[i].peer.updates && usage.mayUpdate(offers: wish == .modify)
        let mayInvite = self.legs[i].state == .confirmed && usage.mayInvite
        switch wish {
        case .modify:
            // Within an early dialog only UPDATE can change the session (RFC 3311 §5.1).
            guard mayInvite || (self.legs[i].state == .early && mayUpdate && usage.descriptions.isEstablished) else {
                return
            }
            self.ask(i, .modification, offer: nil, &work)
        case .refresh:
            if mayUpdate {
                self.legs[i].wish = nil
                self.sendUpdate(i, nil, &work)
            } else if mayInvite {
                self.legs[i].wish = nil
                self.sendReinvite(i, self.legs[i].localDescription, &work)
            }
        }
    }

    /// The offer for a change is there.
    mutating func sendModification(_ i: Int, _ offer: [UInt8], _ work: inout CallWork) {
        let usage = self.legs[i].usage
        if self.legs[i].state == .confirmed, usage.mayInvite {
            self.legs[i].wish = nil
            self.sendReinvite(i, offer, &work)
        } else if self.legs[i].state == .early, usage.mayUpdate(offers: true) {
            self.legs[i].wish = nil
            self.sendUpdate(i, offer, &work)
        } else {
            // The other side was faster: its offer is answered, then ours is made anew.
            work.tell(.mediaUnchanged(self.handle, leg: i))
        }
    }

    private mutating func sendReinvite(_ i: Int, _ offer: [UInt8]?, _ work: inout CallWork) {
        var builder = self.legs[i].dialog.request(.invite)
        work.addCapabilities(to: &builder)
        builder.add(.accept, work.configuration.mediaTypes)
        self.addTimer(i, to: &builder, work.configuration)
        if let offer { builder.setBody(offer, type: .sessionDescription) }
        self.legs[i].offered = offer
        self.legs[i].usage.sentInvite(hasDescription: offer != nil)
        self.send(i, .reinvite, builder, &work)
    }

    private mutating func sendUpdate(_ i: Int, _ offer: [UInt8]?, _ work: inout CallWork) {
        var builder = self.legs[i].dialog.request(.update)
        work.addCapabilities(to: &builder)
        self.addTimer(i, to: &builder, work.configuration)
        if let offer { builder.setBody(offer, type: .sessionDescription) }
        self.legs[i].offered = offer
        self.legs[i].usage.sentUpdate(hasDescription: offer != nil)
        self.send(i, .update, builder, &work)
    }

    private func addTimer(_ i: Int, to builder: inout MessageBuilder, _ configuration: AgentConfiguration) {
        guard let policy = configuration.sessionTimer else { return }
        let timer = self.legs[i].timer
        // Who refreshes now goes on with it (RFC 4028 §7.4).
        self.addTimer(
            to: &builder, interval: Swift.max(timer?.interval ?? policy.interval, self.legs[i].minimumInterval),
            minimum: Swift.max(policy.minimum, self.legs[i].minimumInterval),
            refresher: timer.map { $0.isRefresher ? .uac : .uas })
    }

    // MARK: Responses

    /// A response came to a request of ours within a dialog.
    mutating func receive(
        _ i: Int, _ purpose: RequestPurpose, _ response: SIPMessage, to request: SIPMessage, _ work: inout CallWork
    ) {
        guard let status = response.status else { return }
        switch purpose {
        case .invite: self.receiveSetup(response, to: request, &work)
        case .reinvite: self.receiveReinvite(i, response, status, to: request, &work)
        case .update: if status.isFinal { self.receiveUpdateResponse(i, response, status, &work) }
        case .prack: if status.isFinal { self.receivePRACKResponse(i, response, status, &work) }
        case .bye: if status.isFinal { self.drop(i, &work) }
        case .refer(let number):
            if status.isFinal { self.receiveReferResponse(number, response, status, to: request, &work) }
        case .notify(let number): if status.isFinal { self.notified(number, status, &work) }
        case .subscribe(let number):
            if status.isFinal { self.receiveSubscribeResponse(number, response, status, &work) }
        case .info, .message: if status.isFinal { self.receiveInformationResponse(purpose, response, status, &work) }
        }
        if i >= 0 { self.advance(i, &work) }
    }

    private mutating func receiveReinvite(
        _ i: Int, _ response: SIPMessage, _ status: StatusCode, to request: SIPMessage, _ work: inout CallWork
    ) {
        guard status.isFinal, let number = request.first(.cseq)?.number else { return }
        guard status.isSuccess else {
            self.legs[i].usage.inviteEnded(isSuccess: false)
            return self.changeFailed(i, response, status, &work)
        }
        if let ack = self.legs[i].acknowledgement, ack.number == number {
            work.effects.append(.sendAgain(ack.octets, ack.flow))
            return
        }
        guard self.legs[i].usage.hasLocalInvite else { return }
        self.legs[i].usage.inviteEnded(isSuccess: true)
        self.legs[i].dialog.refreshTarget(by: response)
        self.legs[i].learnPeer(from: response)
        guard self.legs[i].isLive else {
            // BYE overtook it: the 2xx is acknowledged all the same (RFC 5407 §3.2.2).
            return self.acknowledge(i, number, nil, &work)
        }
        self.legs[i].timer = SessionTimerPolicy.timer(by: response, at: work.now)
        let description = response.sessionDescription
        switch self.legs[i].usage.descriptions.pass(.success, from: .remote, hasDescription: description != nil) {
        case .offer:
            self.legs[i].remoteOffer = description
            self.ask(i, .ack(number), offer: description, &work)
        case .missing:
            self.acknowledge(i, number, nil, &work)
            self.release(i, &work)
            self.end(.failed("the 2xx brings no session description"), &work)
        case .answer:
            self.legs[i].localDescription = self.legs[i].offered ?? self.legs[i].localDescription
            self.acknowledge(i, number, nil, &work)
            self.agreed(i, remote: description, &work)
        case .nothing, .preview, .ignored, .collision, .overlap: self.acknowledge(i, number, nil, &work)
        }
    }

    private mutating func receiveUpdateResponse(
        _ i: Int, _ response: SIPMessage, _ status: StatusCode, _ work: inout CallWork
    ) {
        self.legs[i].usage.updateEnded(isSuccess: status.isSuccess)
        guard self.legs[i].isLive else { return }
        guard status.isSuccess else { return self.changeFailed(i, response, status, &work) }
        self.legs[i].dialog.refreshTarget(by: response)
        self.legs[i].learnPeer(from: response)
        self.legs[i].timer = SessionTimerPolicy.timer(by: response, at: work.now)
        let description = response.sessionDescription
        switch self.legs[i].usage.descriptions.pass(
            .updateSuccess, from: .remote, hasDescription: description != nil)
        {
        case .answer:
            self.legs[i].localDescription = self.legs[i].offered ?? self.legs[i].localDescription
            self.agreed(i, remote: description, &work)
        case .missing:
            self.legs[i].usage.descriptions.offerRefused(in: .update)
            work.tell(.mediaUnchanged(self.handle, leg: i))
        case .nothing, .offer, .preview, .ignored, .collision, .overlap: break
        }
    }

    private mutating func receivePRACKResponse(
        _ i: Int, _ response: SIPMessage, _ status: StatusCode, _ work: inout CallWork
    ) {
        guard status.isSuccess else { return self.legs[i].usage.descriptions.offerRefused(in: .prack) }
        let description = response.sessionDescription
        let reading = self.legs[i].usage.descriptions.pass(
            .prackSuccess, from: .remote, hasDescription: description != nil)
        if reading == .answer { self.agreed(i, remote: description, &work) }
    }

    /// A re-INVITE or UPDATE was refused: the session stays as it was, unless there is no dialog any more
    /// (RFC 3261 §12.2.1.2, §14.1, RFC 6141 §3.4).
    private mutating func changeFailed(
        _ i: Int, _ response: SIPMessage, _ status: StatusCode, _ work: inout CallWork
    ) {
        guard self.legs[i].isLive else { return }
        let hadOffer = self.legs[i].offered != nil
        let isChange = hadOffer && self.legs[i].offered != self.legs[i].localDescription
        self.legs[i].offered = nil
        if isChange { work.tell(.mediaUnchanged(self.handle, leg: i)) }
        let wish: Leg.Wish = isChange ? .modify : .refresh
        if status == 408 || status == 481 {
            self.release(i, &work)
            self.end(status == 408 ? .timedOut : .rejected(status, response.reasonPhrase), &work)
        } else if status == 491 {
            let delay = InviteUsage.glareDelay(isCaller: self.isCaller, random: work.random.next())
            self.wish(i, wish, at: work.now.advanced(by: delay))
        } else if status == 422, let minimum = response.first(.minSE)?.seconds,
            minimum > self.legs[i].minimumInterval
        {
            self.legs[i].minimumInterval = minimum
            self.wish(i, wish, at: work.now)
        } else if status == 500, let retryAfter = response.first(.retryAfter) {
            let seconds = Int64(Swift.max(1, Swift.min(retryAfter.seconds, 30)))
            self.wish(i, wish, at: work.now.advanced(by: .seconds(seconds)))
        } else if isChange {
            work.tell(.modificationRefused(self.handle, status))
        }
    }

    /// A request of ours had no response, or could not be sent: as if with 408 or 503 (RFC 3261 §8.1.3.1).
    mutating func failed(_ i: Int, _ purpose: RequestPurpose, _ end: CallEnd, _ work: inout CallWork) {
        switch purpose {
        case .invite: return self.setupFailed(end, &work)
        case .bye: return self.drop(i, &work)
        case .prack: return
        case .subscribe(let number): return self.subscribeFailed(number, &work)
        case .refer(let number): return self.referFailed(number, end, &work)
        case .notify(let number): return self.notified(number, nil, &work)
        case .info, .message: return work.tell(.informationFailed(self.handle, end))
        case .reinvite: self.legs[i].usage.inviteEnded(isSuccess: false)
        case .update: self.legs[i].usage.updateEnded(isSuccess: false)
        }
        // The other side is gone, or so it seems (RFC 3261 §12.2.1.2).
        guard self.legs[i].isLive else { return }
        self.release(i, &work)
        self.end(end, &work)
    }
}
