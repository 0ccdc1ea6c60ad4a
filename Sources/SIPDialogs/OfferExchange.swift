/// Who owes a session description to whom: the offer/answer model over SIP messages (RFC 3264, RFC 3261 §13.2.1,
/// RFC 3262 §5, RFC 3311 §5, all of them as RFC 6337 §2 sets them out).
///
///     pattern   offer            answer
///        1      INVITE           2xx
///        2      2xx              ACK
///        3      INVITE           reliable 1xx
///        4      reliable 1xx     PRACK
///        5      PRACK            2xx to PRACK
///        6      UPDATE           2xx to UPDATE
///
/// It looks at no description, only at where there is one. Both sides of a dialog see the same messages, so there is one
/// function for what was sent and what was received.
public struct OfferExchange: BitwiseCopyable, Hashable, Sendable {
    /// A side of the dialog.
    public enum Party: BitwiseCopyable, Hashable, Sendable {
        case local, remote
        /// The other one.
        public var other: Party { self == .local ? .remote : .local }
    }
    /// A message that may hold a description.
    public enum Carrier: BitwiseCopyable, Hashable, Sendable {
        case invite
        /// A provisional response that is not acknowledged.
        case provisional
        /// A provisional response with RSeq (RFC 3262).
        case reliable
        /// A 2xx to INVITE.
        case success
        /// The ACK to a 2xx.
        case ack
        case prack
        /// A 2xx to PRACK.
        case prackSuccess
        case update
        /// A 2xx to UPDATE.
        case updateSuccess
    }
    /// What a message meant.
    public enum Reading: BitwiseCopyable, Hashable, Sendable {
        /// It has no description and needs none.
        case nothing
        case offer
        case answer
        /// An answer in a provisional response that may get lost: the real one will say the same (RFC 6337 §3.1.1).
        case preview
        /// A description that says again what was said, or counts for nothing.
        case ignored
        /// An offer while one of the other side is open: 491.
        case collision
        /// An offer while one of the same side has no answer: 500 with Retry-After (RFC 3311 §5.2, RFC 3261 §14.2).
        case overlap
        /// The offer or answer that this message had to bring is missing.
        case missing
    }
    /// What a message that is about to be sent may or must bring.
    public enum Duty: BitwiseCopyable, Hashable, Sendable { case nothing, mayOffer, mustOffer, mayAnswer, mustAnswer }

    /// An offer without answer.
    private struct Offer: BitwiseCopyable, Hashable, Sendable {
        var by: Party
        var carrier: Carrier
    }
    private var open: Offer?
    /// The INVITE that is underway.
    private var inviter: Party?
    /// Whether an offer was made in its transaction, by the INVITE itself or by the answering side.
    private var hasInviteOffer = false

    /// Whether an offer was ever answered: there is a session.
    public private(set) var isEstablished = false

    /// No session, and no message yet.
    public init() {}

    /// The side whose offer has no answer; `nil` when there is none.
    public var offerer: Party? { self.open?.by }

    /// Whether a new offer may be made in an UPDATE or re-INVITE: no offer is open, and none is owed to an INVITE.
    public var mayOffer: Bool { self.open == nil && !self.isInviteOfferOwed }

    /// Whether an INVITE came without an offer, and the answering side has not made one yet.
    private var isInviteOfferOwed: Bool { self.inviter != nil && !self.hasInviteOffer }

    // MARK: Messages

    /// A message passes from one side to the other.
    ///
    /// - Returns: what it means. After `.collision` and `.overlap` the state is as before.
    public mutating func pass(_ carrier: Carrier, from party: Party, hasDescription: Bool) -> Reading {
        switch carrier {
        case .invite: self.passInvite(from: party, hasDescription)
        case .provisional: self.passProvisional(from: party, hasDescription)
        case .reliable, .success: self.passInviteResponse(carrier, from: party, hasDescription)
        case .ack: self.passACK(from: party, hasDescription)
        case .prack: self.passPRACK(from: party, hasDescription)
        case .prackSuccess: self.passAnswer(to: .prack, from: party, hasDescription)
        case .update: self.passUpdate(from: party, hasDescription)
        case .updateSuccess: self.passAnswer(to: .update, from: party, hasDescription)
        }
    }

    private mutating func passInvite(from party: Party, _ hasDescription: Bool) -> Reading {
        if let open { return open.by == party ? .overlap : .collision }
        if self.isInviteOfferOwed { return .collision }
        (self.inviter, self.hasInviteOffer) = (party, hasDescription)
        guard hasDescription else { return .nothing }
        self.open = Offer(by: party, carrier: .invite)
        return .offer
    }

    private func passProvisional(from party: Party, _ hasDescription: Bool) -> Reading {
        guard hasDescription else { return .nothing }
        return self.open == Offer(by: party.other, carrier: .invite) ? .preview : .ignored
    }

    private mutating func passInviteResponse(
        _ carrier: Carrier, from party: Party, _ hasDescription: Bool
    ) -> Reading {
        if self.open == Offer(by: party.other, carrier: .invite) {
            // Only the 2xx must bring the answer; a reliable provisional response may leave it to that (RFC 3262 §5).
            guard hasDescription else { return carrier == .success ? .missing : .nothing }
            return self.close()
        }
        if self.inviter == party.other, self.isInviteOfferOwed, self.open == nil {
            guard hasDescription else { return .missing }
            self.hasInviteOffer = true
            self.open = Offer(by: party, carrier: carrier)
            return .offer
        }
        return hasDescription ? .ignored : .nothing
    }

    private mutating func passACK(from party: Party, _ hasDescription: Bool) -> Reading {
        self.inviter = nil
        return self.passAnswer(to: .success, from: party, hasDescription)
    }

    private mutating func passPRACK(from party: Party, _ hasDescription: Bool) -> Reading {
        if self.open == Offer(by: party.other, carrier: .reliable) {
            return hasDescription ? self.close() : .missing
        }
        return self.passUpdate(as: .prack, from: party, hasDescription)
    }

    private mutating func passUpdate(
        as carrier: Carrier = .update, from party: Party, _ hasDescription: Bool
    ) -> Reading {
        guard hasDescription else { return .nothing }
        if let open { return open.by == party ? .overlap : .collision }
        if self.isInviteOfferOwed { return .collision }
        self.open = Offer(by: party, carrier: carrier)
        return .offer
    }

    private mutating func passAnswer(to carrier: Carrier, from party: Party, _ hasDescription: Bool) -> Reading {
        guard self.open == Offer(by: party.other, carrier: carrier) else {
            return hasDescription ? .ignored : .nothing
        }
        return hasDescription ? self.close() : .missing
    }

    private mutating func close() -> Reading {
        (self.open, self.isEstablished) = (nil, true)
        return .answer
    }

    // MARK: Failures

    /// The INVITE had a final response other than 2xx: an offer that was open in its transaction is withdrawn, and the
    /// session stays as it was before that offer (RFC 6141 §3.4).
    public mutating func inviteFailed() {
        self.inviter = nil
        guard let open else { return }
        switch open.carrier {
        case .invite, .reliable, .success: self.open = nil
        case .provisional, .ack, .prack, .prackSuccess, .update, .updateSuccess: break
        }
    }

    /// The offer in a PRACK or UPDATE was refused, or its answer never came: the session stays as it was.
    public mutating func offerRefused(in carrier: Carrier) {
        if self.open?.carrier == carrier { self.open = nil }
    }

    /// What we may or must put into a message.
    public func duty(in carrier: Carrier) -> Duty {
        switch carrier {
        case .invite, .update: return self.mayOffer ? .mayOffer : .nothing
        case .provisional: return self.open == Offer(by: .remote, carrier: .invite) ? .mayAnswer : .nothing
        case .reliable, .success:
            if self.open == Offer(by: .remote, carrier: .invite) {
                return carrier == .success ? .mustAnswer : .mayAnswer
            }
            return self.inviter == .remote && self.isInviteOfferOwed && self.open == nil ? .mustOffer : .nothing
        case .ack: return self.open == Offer(by: .remote, carrier: .success) ? .mustAnswer : .nothing
        case .prack:
            if self.open == Offer(by: .remote, carrier: .reliable) { return .mustAnswer }
            return self.mayOffer ? .mayOffer : .nothing
        case .prackSuccess: return self.open == Offer(by: .remote, carrier: .prack) ? .mustAnswer : .nothing
        case .updateSuccess: return self.open == Offer(by: .remote, carrier: .update) ? .mustAnswer : .nothing
        }
    }
}
