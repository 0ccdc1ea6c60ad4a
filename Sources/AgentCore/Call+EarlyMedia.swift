import SIPDialogs
import SIPMessages

/// What a PRACK is to bring beside the number that it acknowledges.
struct AcknowledgingBodies {
    let rack: RAck
    /// The answer to an offer for the regular session.
    var description: [UInt8]?
    /// The offer for a session of early media.
    var earlyOffer: [UInt8]?
}

/// Early media: the tone that the caller hears (RFC 3960), and sessions for it alone (RFC 3959).
extension Call {
    // MARK: Ringing tone

    /// Changes what is known about an early dialog, and tells when the tone begins or ends by that.
    mutating func setRingback(_ i: Int, _ work: inout CallWork, _ change: (inout Ringback) -> Void) {
        guard self.isCaller, self.legs.indices.contains(i) else { return }
        let before = self.legs[i].ringback.isPlaying
        change(&self.legs[i].ringback)
        let isPlaying = self.legs[i].ringback.isPlaying
        if isPlaying != before { work.tell(.ringback(self.handle, leg: i, isPlaying: isPlaying)) }
    }

    // MARK: Caller

    /// Acknowledges a reliable provisional response, when the media has answered what it offers (RFC 3262 §4, §5).
    mutating func acknowledge(
        _ i: Int, _ rack: RAck, _ response: SIPMessage, isOffer: Bool, _ work: inout CallWork
    ) {
        guard self.legs[i].isLive else { return }
        var bodies = AcknowledgingBodies(rack: rack)
        if work.configuration.features.contains(.earlySessions), !self.isEnded, self.legs[i].earlySession.mayOffer,
            let offer = response.earlySessionDescription
        {
            self.legs[i].earlySession.offered()
            bodies.earlyOffer = offer
        }
        self.legs[i].acknowledgingBodies = bodies
        if isOffer, !self.isEnded {
            self.ask(i, .prack(rack), offer: self.legs[i].remoteOffer, &work)
        } else {
            self.completePRACK(i, rack, nil, &work)
        }
    }

    /// The answer for the regular session is there, or none is due.
    mutating func completePRACK(_ i: Int, _ rack: RAck, _ description: [UInt8]?, _ work: inout CallWork) {
        guard self.legs[i].acknowledgingBodies?.rack == rack else { return }
        self.legs[i].acknowledgingBodies?.description = description
        guard let offer = self.legs[i].acknowledgingBodies?.earlyOffer else {
            return self.completePRACK(i, early: nil, &work)
        }
        self.ask(i, .earlyAnswer, offer: offer, &work)
    }

    /// The answer for early media is there, or none is due.
    mutating func completePRACK(_ i: Int, early: [UInt8]?, _ work: inout CallWork) {
        guard let bodies = self.legs[i].acknowledgingBodies else { return }
        self.legs[i].acknowledgingBodies = nil
        guard self.legs[i].isLive else { return }
        var builder = self.legs[i].dialog.request(.prack)
        builder.add(.rack, bodies.rack)
        builder.setDescriptions(bodies.description, early: early, boundary: work.makeTag())
        let reading = self.legs[i].usage.descriptions.pass(
            .prack, from: .local, hasDescription: bodies.description != nil)
        self.send(i, .prack, builder, &work)
        if reading == .answer { self.agreed(i, &work) }
        guard let offer = bodies.earlyOffer else { return }
        guard early != nil, self.legs[i].earlySession.answered() else {
            return self.legs[i].earlySession.refused()
        }
        work.tell(.earlyMediaStart(self.handle, leg: i, remote: offer))
    }

    // MARK: Callee

    /// Offers a session for early media in a reliable 183: where the caller knows of such, else the media comes in the
    /// regular session (RFC 3960 §2, §3).
    mutating func announce(answers: Bool, _ work: inout CallWork) {
        guard !self.isCaller, let i = self.legs.indices.first, let incoming = self.legs[i].incoming,
            incoming.isInitial, !incoming.isAccepted
        else { return }
        let request = incoming.request
        guard request.all(.supported).contains("early-session") || request.requires("early-session"),
            request.all(.supported).contains("100rel") || request.requires("100rel")
        else { return self.progress(183, hasMedia: true, &work) }
        guard self.legs[i].question == nil, incoming.sender.outstanding == nil else {
            self.legs[i].incoming?.queued = .announcement(answers: answers)
            return
        }
        if answers, self.legs[i].usage.descriptions.duty(in: .reliable) == .mayAnswer, incoming.preview == nil {
            self.legs[i].incoming?.announces = true
            return self.ask(i, .provisional(183), offer: self.legs[i].remoteOffer, &work)
        }
        self.ask(i, .earlyOffer(183), offer: incoming.earlyOffer, &work)
    }

    /// Our description for early media is there: an offer, or the answer to one in the INVITE.
    mutating func sendEarlyOffer(_ i: Int, _ status: StatusCode, _ offer: [UInt8], _ work: inout CallWork) {
        let answer = self.legs[i].incoming?.answer
        let theirs = self.legs[i].incoming?.earlyOffer
        self.legs[i].incoming?.answer = nil
        self.legs[i].incoming?.earlyOffer = nil
        self.legs[i].earlySession.offered()
        self.sendProvisional(i, status, answer, early: offer, &work)
        if let theirs, self.legs[i].earlySession.answered() {
            work.tell(.earlyMediaStart(self.handle, leg: i, remote: theirs))
        }
    }

    /// A PRACK came that may answer our offer for early media.
    mutating func receiveEarlyAnswer(_ i: Int, _ request: SIPMessage, _ work: inout CallWork) {
        guard let answer = request.earlySessionDescription else { return self.legs[i].earlySession.refused() }
        guard self.legs[i].earlySession.answered() else { return }
        self.hasMedia = true
        work.tell(.earlyMediaStart(self.handle, leg: i, remote: answer))
    }

    // MARK: Both

    /// A dialog is early no more.
    mutating func endEarlySession(_ i: Int, _ work: inout CallWork) {
        if self.legs[i].earlySession.end() { work.tell(.earlyMediaStop(self.handle, leg: i)) }
    }
}

extension MessageBuilder {
    /// Sets the body: a description for the regular session, one for early media, or both (RFC 3959 §4).
    ///
    /// - Parameter boundary: What tells the parts of one with both.
    mutating func setDescriptions(_ description: [UInt8]?, early: [UInt8]?, boundary: String) {
        guard let early else {
            if let description { self.setBody(description, type: .sessionDescription) }
            return
        }
        guard let description else {
            self.setBody(early, type: .sessionDescription)
            return self.set(.contentDisposition, .earlySession)
        }
        let parts = [(description, ContentDisposition.session), (early, .earlySession)].compactMap {
            body, disposition in
            try? BodyPart(body, type: .sessionDescription, disposition: disposition)
        }
        let (body, type) = Multipart(parts).write(boundary: boundary)
        self.setBody(body, type: type)
    }
}
