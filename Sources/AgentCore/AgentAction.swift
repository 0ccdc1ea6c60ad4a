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
    /// The call is over; its handle means nothing any more.
    case ended(CallHandle, CallEnd)
    /// The registrar has taken our binding, the first time or once more.
    case registered(RegistrationHandle, RegistrationGrant)
    /// It has not: it will be tried again after this time, or never when it was refused for good.
    case registrationFailed(RegistrationHandle, StatusCode, retryAfter: TimeSpan?)
    /// The registration is kept no more; its handle means nothing any more.
    case unregistered(RegistrationHandle)
    /// What a call or registration has asked for was refused, for now or for good; the message is the final response. What
    /// came of it follows: another try, or an end.
    case refused(Refused, SIPMessage)
    /// A response came to a request of the application's, and more will unless it is final.
    case response(RequestHandle, SIPMessage)
    /// No response comes to a request of the application's: nobody answered, or it could not be sent.
    case unanswered(RequestHandle, CallEnd)
    /// A MESSAGE came outside of calls; it has been answered with 200 (RFC 3428 §7).
    case message(SIPMessage)
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
    /// What `described` gives back, so that an answer to a question of the past is none.
    public let number: UInt32
    /// Which leg of the call it is for.
    public let leg: Int
    /// The offer that is to be answered; `nil` when an offer is to be made.
    public let offer: [UInt8]?
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
}
