import SIPDialogs
import SIPMessages
import SIPTransactions

/// One dialog of a call with the session in it.
struct Leg {
    enum State: Hashable {
        case early, confirmed
        /// Our BYE is underway.
        case releasing
        case gone
    }
    var dialog: Dialog
    var state = State.early
    var usage = InviteUsage()
    /// The INVITE of the other side that has no final response.
    var incoming: IncomingInvite?
    /// Our 2xx that has no ACK.
    var success: UnacknowledgedSuccess?
    /// The ACK to the 2xx that came last, with the number of its INVITE.
    var acknowledgement: Acknowledgement?
    /// The number of the INVITE whose 2xx was acknowledged last, or is about to be.
    var acknowledging: UInt32?
    var receiver = ReliableReceiver()
    var timer: SessionTimer?
    /// What the media is asked for at present.
    var question: Question?
    /// When the media has taken too long.
    var questionEndsAt = MonotonicInstant.never
    /// The offer of the other side that has no answer of ours.
    var remoteOffer: [UInt8]?
    /// What we described last.
    var localDescription: [UInt8]?
    /// The offer in our re-INVITE or UPDATE that is underway.
    var offered: [UInt8]?
    /// The shortest session interval that someone on the way insists on, in seconds (RFC 4028 §7.3).
    var minimumInterval: UInt32 = 0
    /// What is known of the other side.
    var peer = Peer()
    /// The number of the question to the media.
    var questionNumber: UInt32 = 0
    /// Whether the other side has asked for a transfer in the dialog before.
    var hasReferral = false
    /// Whether the caller hears a tone of its own.
    var ringback = Ringback()
    /// The session of early media alone.
    var earlySession = EarlySession()
    /// What the PRACK that is being made is to bring.
    var acknowledgingBodies: AcknowledgingBodies?
    /// What a request of ours is to do as soon as nothing is in its way.
    var wish: Wish?
    /// When the wish may be tried, after a 491; once it is due, it waits for what is in its way.
    var wishAt = MonotonicInstant.never
    var isWishDue = false
    /// BYE is to be sent as soon as the ACK is there (RFC 3261 §15).
    var wantsBye = false
    /// The way the other side's INVITE came, for where its Contact cannot be reached.
    var near: Flow?

    /// Whether there is, or was, a session in the dialog; in others there are subscriptions alone.
    let hasSession: Bool

    init(_ dialog: Dialog) { (self.dialog, self.hasSession) = (dialog, true) }

    /// The dialog of a subscription alone, that began with a message of the other side.
    init(subscription dialog: Dialog, near: Flow) {
        (self.dialog, self.hasSession, self.state, self.near) = (dialog, false, .gone, near)
        self.dialog.confirm()
    }

    enum Wish: Hashable { case modify, refresh }

    /// What a message of the other side says that it can do.
    struct Peer {
        /// Whether it takes UPDATE.
        var updates = false
        /// The packages of INFO that it takes; `nil` when it did not say (RFC 6086 §4.2.1).
        var infoPackages: [String]?
        private var extensions: Set<Token> = []

        func supports(_ tag: Token) -> Bool { self.extensions.contains(tag) }

        mutating func learn(from message: SIPMessage) {
            if message.has(.allow) { self.updates = message.all(.allow).contains(.update) }
            if message.has(.supported) { self.extensions = Set(message.all(.supported)) }
            if message.has(.recvInfo) { self.infoPackages = message.all(.recvInfo).map(\.token) }
        }
    }

    /// What a description is wanted for.
    enum Question {
        /// A provisional response to INVITE.
        case provisional(StatusCode)
        /// The 2xx to INVITE.
        case success
        /// The ACK to a 2xx.
        case ack(UInt32)
        /// The PRACK to a response with this RSeq to the INVITE with this number.
        case prack(RAck)
        /// The 2xx to a PRACK or UPDATE.
        case answer(TransactionID, SIPMessage, OfferExchange.Carrier)
        /// A re-INVITE or UPDATE of ours.
        case modification
        /// A provisional response that offers a session of early media (RFC 3959).
        case earlyOffer(StatusCode)
        /// The PRACK to one.
        case earlyAnswer

        var session: MediaQuestion.Session {
            switch self {
            case .earlyOffer, .earlyAnswer: .early
            case .provisional, .success, .ack, .prack, .answer, .modification: .regular
            }
        }
    }

    /// Whether requests can be sent in the dialog.
    var isLive: Bool { self.state == .early || self.state == .confirmed }

    /// When the leg must be woken.
    var wakeAt: MonotonicInstant {
        var wake = Swift.min(self.questionEndsAt, self.timer?.wakeAt ?? .never)
        if self.wish != nil, !self.isWishDue { wake = Swift.min(wake, self.wishAt) }
        if let success { wake = Swift.min(wake, success.repetition.wakeAt) }
        if let incoming { wake = Swift.min(wake, incoming.wakeAt) }
        return wake
    }

    /// The way to send requests by preference: that of the INVITE, where no proxy is in between and the Contact is not
    /// where the INVITE came from, or on a stream.
    /// A name is asked of the DNS, as for any request (RFC 3261 §12.2.1.1), unless it is one that means nothing
    /// (RFC 7118 §5.2).
    var way: Flow? {
        guard let near, self.dialog.routeSet.isEmpty, let host = self.dialog.remoteTarget.sip?.host else { return nil }
        if near.transport.isReliable { return near }
        guard let address = host.address else { return host.name.hasSuffix(".invalid") ? near : nil }
        return address == near.remote.ip ? nil : near
    }
}

/// A provisional response that the application wants.
enum QueuedProgress {
    case response(StatusCode, hasMedia: Bool)
    case announcement(answers: Bool)
}

/// An INVITE of the other side that has no final response.
struct IncomingInvite {
    let request: SIPMessage
    let transaction: TransactionID
    /// Our Contact.
    let contact: URI
    /// Whether it began the call.
    let isInitial: Bool
    var sender: ReliableSender
    /// The provisional response that waits for its PRACK.
    var unacknowledged: (octets: [UInt8], status: UInt16, repetition: Retransmission)?
    /// A provisional response that waits for the one before it to be acknowledged.
    var queued: QueuedProgress?
    /// Whether the next provisional response offers a session for early media, beside this answer.
    var announces = false
    /// The caller's offer for early media (RFC 3959 §4), which the next such response answers.
    var earlyOffer: [UInt8]?
    var answer: [UInt8]?
    /// Whether it is to be answered with 200.
    var isAccepted = false
    /// The answer that was told in an unreliable response already.
    var preview: [UInt8]?
    /// When nobody has answered for too long.
    var endsAt = MonotonicInstant.never
    /// Whether it was the caller who set that time (RFC 3261 §13.3.1).
    var expires = false
    /// When the provisional response is repeated, so that proxies keep waiting (RFC 3261 §13.3.1.1).
    var remindAt = MonotonicInstant.never
    /// The provisional response that was sent last.
    var last: (octets: [UInt8], status: UInt16)?

    var wakeAt: MonotonicInstant {
        Swift.min(self.endsAt, self.remindAt, self.unacknowledged?.repetition.wakeAt ?? .never)
    }
}

/// A 2xx of ours that has no ACK.
struct UnacknowledgedSuccess {
    let transaction: TransactionID
    let octets: [UInt8]
    let number: UInt32
    var repetition: Retransmission
}

/// An ACK of ours, to be sent again with each copy of its 2xx.
struct Acknowledgement {
    let number: UInt32
    let octets: [UInt8]
    let flow: Flow
}
