/// Offer and answer of one session (RFC 3264, with RFC 6337): which description is whose turn, and what is agreed on.
///
///     initial ──makeOffer──▶ offered ──receiveAnswer──▶ stable ──makeOffer / receiveOffer──▶ …
///        └───receiveOffer──▶ asked ────makeAnswer─────▶ stable
///                offered ──offerRejected──▶ what it was before;  asked ──rejectOffer──▶ what it was before
///
/// It is a value: a UAC whose INVITE forks copies it for each early dialog, since each has its own answer
/// (RFC 3261 §13.2.2.4). A description that cannot be used throws and changes nothing; what is wrong with one that can
/// be used is returned.
public struct OfferAnswer: Sendable {
    /// Whose turn it is.
    public enum State: Hashable, Sendable {
        /// Nothing has been offered.
        case initial
        /// We have offered and wait for the answer.
        case offered
        /// The peer has offered and waits for the answer.
        case asked
        /// The last offer is answered.
        case stable
    }

    /// How an answer lists formats.
    public struct AnswerStyle: Hashable, Sendable {
        /// Whether formats stand in our order of preference instead of the offer's, which is recommended (RFC 3264 §6.1).
        public var usesOwnOrder = false
        /// Whether only the first encoding is listed, with events and comfort noise, so that none can follow in
        /// mid-call.
        public var listsOneEncoding = false

        /// The style that is recommended.
        public init() {}
    }

    /// Whose turn it is.
    public var state: State {
        if self.offer != nil { return self.isOffererUs ? .offered : .asked }
        return self.local == nil ? .initial : .stable
    }

    /// Who we are.
    public let identity: DescriptionIdentity
    /// How we answer.
    public var style = AnswerStyle()
    /// The offer that is not answered yet, of either side.
    public internal(set) var offer: SessionDescription?
    /// Our description in the last exchange that was completed.
    public internal(set) var local: SessionDescription?
    /// The peer's description in the last exchange that was completed.
    public internal(set) var remote: SessionDescription?
    /// What is agreed on, in the order of the media.
    public internal(set) var streams: [NegotiatedStream] = []

    var isOffererUs = false
    /// What we sent last, answered or not: the next version counts from it (RFC 6337 §5.2.5).
    var lastSent: SessionDescription?
    /// What dynamic payload types mean in each medium, for the rest of the session (RFC 3264 §8.3.2).
    var bindings = PayloadTypeBindings()

    /// The machine before the first offer.
    public init(identity: DescriptionIdentity) { self.identity = identity }

    // MARK: We offer

    /// Makes an offer of what we want now. A medium that exists stays at its place: `nil`, or nothing at the end,
    /// ends it; a new one may take the place of one that ended, or comes behind the last.
    ///
    /// - Throws: `OfferAnswerError` when it is not our turn.
    public mutating func makeOffer(_ wanted: [LocalStream?]) throws(OfferAnswerError) -> SessionDescription {
        try self.expectNoOffer()
        var media: [MediaDescription] = []
        let slots = self.local?.media ?? []
        for i in 0..<Swift.max(slots.count, wanted.count) {
            if i < wanted.count, let stream = wanted[i] {
                media.append(self.offered(stream, at: i))
            } else if i < slots.count {
                media.append(Self.disabled(slots[i].line))
            }
        }
        let description = self.finish(media, timing: Timing())
        (self.offer, self.isOffererUs) = (description, true)
        return description
    }

    /// Takes the answer to our offer.
    ///
    /// - Returns: What is wrong with it although it can be used.
    /// - Throws: `OfferAnswerError` when it cannot be used; the offer stays unanswered.
    public mutating func receiveAnswer(_ answer: SessionDescription) throws(OfferAnswerError) -> [OfferAnswerError] {
        guard let offer = self.offer, self.isOffererUs else { throw OfferAnswerError(.noOffer) }
        var problems = try Self.check(answer: answer, to: offer)
        problems += self.checkOrigin(answer)
        problems += self.bindings.learn(answer)
        self.conclude(local: offer, remote: answer)
        return problems
    }

    /// Our offer was rejected (488, 491 …): what was agreed on before holds on (RFC 3264 §4, RFC 6141).
    public mutating func offerRejected() {
        if self.isOffererUs { self.offer = nil }
    }

    // MARK: The peer offers

    /// Takes an offer, which is then to be answered or rejected.
    ///
    /// - Returns: What is wrong with it although it can be used.
    /// - Throws: `OfferAnswerError` when it cannot be used; the state stays as it is.
    public mutating func receiveOffer(_ offer: SessionDescription) throws(OfferAnswerError) -> [OfferAnswerError] {
        try self.expectNoOffer()
        if offer.violations.contains(where: { $0.rule == .unknownType }) { throw OfferAnswerError(.unknownType) }
        if let remote = self.remote, offer.media.count < remote.media.count { throw OfferAnswerError(.mediaCount) }
        var problems = self.checkOrigin(offer)
        problems += self.bindings.learn(offer)
        (self.offer, self.isOffererUs) = (offer, false)
        return problems
    }

    /// Makes the answer to the peer's offer.
    ///
    /// - Parameter wanted: For each medium of the offer what we want; `nil` refuses it. One that has no format in common
    ///   with the offer, or was offered with port 0, is refused too. More than the offer has are ignored.
    /// - Throws: `OfferAnswerError` when there is no offer.
    public mutating func makeAnswer(_ wanted: [LocalStream?]) throws(OfferAnswerError) -> SessionDescription {
        guard let offer = self.offer, !self.isOffererUs else { throw OfferAnswerError(.noOffer) }
        var media: [MediaDescription] = []
        for (i, medium) in offer.media.enumerated() {
            let stream = i < wanted.count ? wanted[i] : nil
            media.append(
                stream.flatMap { self.accepted($0, medium, in: offer) } ?? Self.disabled(medium.line))
        }
        let answer = self.finish(media, timing: offer.timing ?? Timing(), groups: Self.groups(offer, media))
        self.conclude(local: answer, remote: offer)
        return answer
    }

    /// We reject the peer's offer: what was agreed on before holds on.
    public mutating func rejectOffer() {
        if !self.isOffererUs { self.offer = nil }
    }

    // MARK: Both

    private func expectNoOffer() throws(OfferAnswerError) {
        guard self.offer != nil else { return }
        throw OfferAnswerError(self.isOffererUs ? .glare : .offerPending)
    }

    private mutating func conclude(local: SessionDescription, remote: SessionDescription) {
        (self.local, self.remote, self.offer) = (local, remote, nil)
        self.streams = zip(local.media, remote.media).map {
            NegotiatedStream(local: (local, $0), remote: (remote, $1))
        }
    }
}
