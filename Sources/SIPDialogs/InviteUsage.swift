public import SIPMessages

/// The session in a dialog, as far as its requests may get in each other's way: re-INVITE and UPDATE of both sides, the
/// ACK that is missing, the descriptions that are owed (RFC 3261 §14, RFC 3311 §5, RFC 5407).
public struct InviteUsage: BitwiseCopyable, Hashable, Sendable {
    /// What is done about a request of the other side that would change the session.
    public enum Admission: BitwiseCopyable, Hashable, Sendable {
        case accept(OfferExchange.Reading)
        /// 491: ours is underway.
        case requestPending
        /// 500 with Retry-After of 0 to 10 s: one of the other side is still unanswered.
        case retryLater
    }
    /// The descriptions.
    public var descriptions = OfferExchange()
    /// Whether an INVITE of ours in the dialog has no final response.
    public private(set) var hasLocalInvite = false
    /// Whether an INVITE of the other side in the dialog has no final response.
    public private(set) var hasRemoteInvite = false
    /// Whether an UPDATE of ours has no final response.
    public private(set) var hasLocalUpdate = false
    /// Whether our 2xx has no ACK yet.
    public var awaitsACK = false

    /// A session without descriptions.
    public init() {}

    // MARK: Of the other side

    /// An INVITE came in the dialog (RFC 3261 §14.2).
    ///
    /// A 2xx of ours whose ACK is missing is no obstacle: the other side has it, or it would not send this
    /// (RFC 5407 §3.1.4), unless it was an offer, whose answer is missing then (§3.1.5).
    public mutating func receivedInvite(hasDescription: Bool) -> Admission {
        if self.hasLocalInvite { return .requestPending }
        if self.hasRemoteInvite { return .retryLater }
        let admission = self.admit(.invite, hasDescription)
        if case .accept = admission { self.hasRemoteInvite = true }
        return admission
    }

    /// An UPDATE came (RFC 3311 §5.2). An INVITE that is underway is no obstacle in itself, only an open offer is.
    public mutating func receivedUpdate(hasDescription: Bool) -> Admission { self.admit(.update, hasDescription) }

    private mutating func admit(_ carrier: OfferExchange.Carrier, _ hasDescription: Bool) -> Admission {
        switch self.descriptions.pass(carrier, from: .remote, hasDescription: hasDescription) {
        case .collision: .requestPending
        case .overlap: .retryLater
        case let reading: .accept(reading)
        }
    }

    /// The INVITE of the other side has its final response.
    public mutating func answeredInvite(isSuccess: Bool) {
        self.hasRemoteInvite = false
        if isSuccess { self.awaitsACK = true } else { self.descriptions.inviteFailed() }
    }

    // MARK: Of ours

    /// Whether we may send an INVITE in the dialog now (RFC 3261 §14.1): none is underway in either direction, and the
    /// ACK to our 2xx is there.
    public var mayInvite: Bool {
        !self.hasLocalInvite && !self.hasRemoteInvite && !self.hasLocalUpdate && !self.awaitsACK
            && self.descriptions.mayOffer
    }

    /// Whether we may send an UPDATE now (RFC 3311 §5.1).
    ///
    /// - Parameter offers: Whether it is to hold an offer.
    public func mayUpdate(offers: Bool) -> Bool {
        !self.hasLocalUpdate && (!offers || self.descriptions.mayOffer)
    }

    /// We sent an INVITE in the dialog.
    public mutating func sentInvite(hasDescription: Bool) {
        self.hasLocalInvite = true
        _ = self.descriptions.pass(.invite, from: .local, hasDescription: hasDescription)
    }

    /// Our INVITE has its final response.
    public mutating func inviteEnded(isSuccess: Bool) {
        self.hasLocalInvite = false
        if !isSuccess { self.descriptions.inviteFailed() }
    }

    /// We sent an UPDATE.
    public mutating func sentUpdate(hasDescription: Bool) {
        self.hasLocalUpdate = true
        _ = self.descriptions.pass(.update, from: .local, hasDescription: hasDescription)
    }

    /// Our UPDATE has its final response.
    public mutating func updateEnded(isSuccess: Bool) {
        self.hasLocalUpdate = false
        if !isSuccess { self.descriptions.offerRefused(in: .update) }
    }

    /// How long we wait after a 491 (RFC 3261 §14.1): 2.1 to 4 s when the Call-ID is ours, else up to 2 s, in steps of
    /// 10 ms.
    ///
    /// - Parameter random: Any number.
    public static func glareDelay(isCaller: Bool, random: UInt64) -> TimeSpan {
        isCaller
            ? .milliseconds(2100 + Int64(random % 191) * 10)
            : .milliseconds(Int64(random % 201) * 10)
    }
}
