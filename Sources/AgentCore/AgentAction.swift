public import SIPMessages

/// What an agent wants done, or has to tell: the driver and the application carry it out in the order given.
public enum AgentAction: Hashable, Sendable {
    /// A call came. It is answered by `ring`, `progress`, `accept` or `reject`; the message is the INVITE.
    case incoming(CallHandle, SIPMessage)
    /// A session description is wanted; `described` answers.
    case describeMedia(CallHandle, MediaQuestion)
    /// Both sides have agreed: media goes by the description that was made last on this side, and by `remote`. It comes
    /// again when they agree anew, and for each leg of a call that forks.
    case mediaStart(CallHandle, leg: Int, remote: [UInt8])
    /// The description that was made last counts for nothing: what was agreed before stays.
    case mediaUnchanged(CallHandle, leg: Int)
    /// The media of the call ends.
    case mediaStop(CallHandle)
    /// A provisional response other than 100 came for a call of ours.
    case progress(CallHandle, leg: Int, SIPMessage)
    /// The call stands.
    case established(CallHandle, leg: Int)
    /// A change of the session that we asked for was refused; the session stays as it was (RFC 6141).
    case modificationRefused(CallHandle, StatusCode)
    /// An INFO came in the call; it has been answered.
    case information(CallHandle, SIPMessage)
    /// An INFO or MESSAGE of ours in the call has its final response.
    case informationAnswered(CallHandle, StatusCode)
    /// It has none.
    case informationFailed(CallHandle, CallEnd)
    /// A MESSAGE came, in a call or outside of calls; it has been answered.
    case message(CallHandle?, SIPMessage)
    /// A request outside of calls has its final response.
    case answered(RequestHandle, SIPMessage)
    /// It has none.
    case requestFailed(RequestHandle, CallEnd)
    /// A 3xx says where else to call, a 305 by which proxy; `follow` or `hangUp` answers.
    case redirected(CallHandle, [Contact])
    /// The caller is to hear a ringing tone of its own for this early dialog, or is not to any more (RFC 3960 §3.2).
    case ringback(CallHandle, leg: Int, isPlaying: Bool)
    /// Both sides have agreed on a session for early media alone (RFC 3959), beside that of `mediaStart`.
    case earlyMediaStart(CallHandle, leg: Int, remote: [UInt8])
    /// The session for early media ends.
    case earlyMediaStop(CallHandle, leg: Int)
    /// The other side asks us to call someone, as a rule instead of it; `acceptTransfer` or `refuseTransfer` answers.
    /// The call is the one that is to be transferred; `nil` when the request is about none.
    case transferRequested(ReferralHandle, of: CallHandle?, TransferRequest)
    /// A REFER of ours was taken: what comes of it is told by reports.
    case transferAccepted(TransferHandle)
    /// A report on a transfer of ours came (RFC 3515 §2.4.4); it has been answered. What it says follows.
    case transferReported(TransferHandle, SIPMessage)
    /// The call that a transfer of ours has asked for goes on.
    case transferProgress(TransferHandle, StatusCode, String)
    /// A transfer of ours is over; its handle means nothing any more.
    case transferDone(TransferHandle, TransferEnd)
    /// A subscription of ours was taken, the first time or once more; the message is the response.
    case subscribed(SubscriptionHandle, SIPMessage)
    /// A NOTIFY of it came; it has been answered.
    case notified(SubscriptionHandle, SIPMessage)
    /// It is over; its handle means nothing any more.
    case subscriptionEnded(SubscriptionHandle, SubscriptionEnd)
    /// A call that came, which is accepted at once, takes the place of another: what the user sees of that one is of
    /// the new one now. The other call ends when the new one stands (RFC 3891 §3).
    case replaces(CallHandle, other: CallHandle)
    /// A call that came is to be mixed into another (RFC 3911 §4); it is answered as any other.
    case joins(CallHandle, other: CallHandle)
    /// The call is over; its handle means nothing any more.
    case ended(CallHandle, CallEnd)
    /// The registrar has taken our binding, the first time or once more.
    case registered(RegistrationHandle, RegistrationGrant)
    /// It has not: it will be tried again after this time, or never when it was refused for good.
    case registrationFailed(RegistrationHandle, StatusCode, retryAfter: TimeSpan?)
    /// The registration is kept no more; its handle means nothing any more.
    case unregistered(RegistrationHandle)
    /// What a call or registration has asked for was refused, this once or for good; the message is the final response. What
    /// came of it follows: another try, or an end.
    case refused(Refused, SIPMessage)
    /// The way to the server of a URI is wanted (RFC 3263); `resolved` answers. Where the call came to us, the flow is the
    /// one it came over.
    case resolve(RequestHandle, URI, near: Flow?)
}

/// What a refusal is about.
public enum Refused: Hashable, Sendable {
    /// The INVITE that begins a call of ours.
    case call(CallHandle)
    /// A REGISTER.
    case registration(RegistrationHandle)
}

/// A description that is wanted from the media.
public struct MediaQuestion: Hashable, Sendable {
    /// The sessions that a call may have (RFC 3959 §4).
    public enum Session: Hashable, Sendable {
        case regular
        /// That of early media alone, with a transport address of its own.
        case early
    }
    /// What `described` gives back, so that an answer to a question of the past is none.
    public let number: UInt32
    /// Which leg of the call it is for.
    public let leg: Int
    /// The offer that is to be answered; `nil` when an offer is to be made.
    public let offer: [UInt8]?
    /// Which session it is for.
    public var session = Session.regular
    /// What the other side could agree to, as it said when it refused an offer (RFC 3261 §21.4.26): the new offer is for
    /// what both can do. `nil` as a rule.
    public var limits: [UInt8]?
}

/// What the media says to a question.
public enum MediaDescription: Hashable, Sendable {
    /// The offer or answer.
    case description([UInt8])
    /// The offer cannot be accepted: 488 with this Warning (RFC 3261 §20.43: 304, 305 …), and a description of what could
    /// be as its body (§21.4.26); empty for none.
    case unacceptable(Warning, capabilities: [UInt8])
    /// There is no description, for another reason: the status and reason phrase of the refusal.
    case refused(StatusCode, String)
}

/// How a call ended.
public enum CallEnd: Hashable, Sendable {
    /// We hung up.
    case hungUp
    /// Another call has taken its place (RFC 3891).
    case replaced(by: CallHandle)
    /// The other side did.
    case remoteHungUp
    /// The caller cancelled.
    case cancelled
    /// We refused it, or the other side did.
    case rejected(StatusCode, String)
    /// Nobody answered.
    case timedOut
    /// No request gets there.
    case unreachable
    /// No ACK came to our 2xx (RFC 3261 §13.3.1.4).
    case unacknowledged
    /// No refresh came in time (RFC 4028 §10).
    case sessionExpired
    /// What went wrong, in words.
    case failed(String)

    /// What a transfer that asked for the call reports (RFC 3515 §2.4.5).
    var outcome: (status: StatusCode, reason: String) {
        switch self {
        case .rejected(let status, let reason): (status, reason)
        case .timedOut: (408, "Request Timeout")
        case .hungUp, .cancelled, .remoteHungUp, .replaced: (487, "Request Terminated")
        case .unreachable: (503, "Service Unavailable")
        case .unacknowledged, .sessionExpired, .failed: (500, "Server Internal Error")
        }
    }
}
