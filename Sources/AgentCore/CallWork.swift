import SIPDialogs
import SIPMessages
import SIPTransactions

/// What a call wants done. The agent does it when the call has had its turn.
enum CallEffect {
    /// Send a request; its responses come back with the purpose. An ACK has none: the call keeps it.
    case request(leg: Int, RequestPurpose?, Method, MessageBuilder, nextHop: URI, near: Flow?)
    /// Send an ACK once more.
    case sendAgain([UInt8], Flow)
    case respond(TransactionID, UInt16, [UInt8])
    /// Cancel our INVITE.
    case cancelInvite
    /// Give up our INVITE: nobody will answer it.
    case abandonInvite
    /// Tell another call.
    case post(CallHandle, CallPost)
    /// Requests of this dialog belong to the call.
    case addDialog(DialogID)
    case removeDialog(DialogID)
    /// Subscriptions to this user are for the outcome of a transfer.
    case addEventServer(user: String, ReferralHandle)
    case removeEventServer(user: String)
    case tell(AgentAction)
}

/// What a request of ours is for.
enum RequestPurpose: Hashable {
    case invite
    case reinvite
    case prack
    case update
    case bye
    case info
    case message
    /// Our REFER of this number.
    case refer(UInt32)
    /// A report on the transfer of this number.
    case notify(UInt32)
    /// More time for the reports on our transfer of this number.
    case subscribe(UInt32)

    var method: Method {
        switch self {
        case .invite, .reinvite: .invite
        case .prack: .prack
        case .update: .update
        case .bye: .bye
        case .info: .info
        case .message: .message
        case .refer: .refer
        case .notify: .notify
        case .subscribe: .subscribe
        }
    }

    /// Whether the request says where we can be reached (RFC 3261 §12.2.1.1, RFC 6665 §8.2, RFC 3515 §2.2).
    var hasContact: Bool {
        switch self {
        case .invite, .reinvite, .update, .refer, .notify, .subscribe: true
        case .prack, .bye, .info, .message: false
        }
    }
}

/// What one call has to say to another. It is told when the call has had its turn.
enum CallPost {
    /// A call that a transfer asked for has come to this.
    case report(referral: UInt32, StatusCode, String, isFinal: Bool)
    /// Another call has taken this one's place.
    case replaced(by: CallHandle)
    /// The target that the other side was sent to has answered it.
    case transferred
}

/// What is lent to a call for its turn: the time, what the UA is, and a place for effects.
struct CallWork {
    var effects: [CallEffect] = []
    var random: RandomSource
    let timers: TransactionTimers
    var configuration: AgentConfiguration
    var now = MonotonicInstant.start
    /// Counts transfers of both directions.
    var referralNumber: UInt32 = 0

    /// A Call-ID that nobody else makes (RFC 3261 §8.1.1.4).
    mutating func makeCallID() -> CallID {
        CallID(String(self.random.next(), radix: 36) + String(self.random.next(), radix: 36))
    }

    /// A tag (RFC 3261 §19.3).
    mutating func makeTag() -> String { String(self.random.next(), radix: 36) }

    mutating func tell(_ action: AgentAction) { self.effects.append(.tell(action)) }

    mutating func respond(_ transaction: TransactionID, _ status: StatusCode, _ builder: MessageBuilder) {
        self.effects.append(.respond(transaction, status.number, builder.octets))
    }

    /// A response with what every response of ours has.
    func response(
        _ status: StatusCode, to request: SIPMessage, tag: String?, reason: String? = nil
    ) -> MessageBuilder {
        var builder = MessageBuilder(status, to: request, reasonPhrase: reason, toTag: tag)
        if !self.configuration.product.isEmpty { builder.add(.server, FieldText(self.configuration.product)) }
        return builder
    }

    /// Adds what we can do: Allow and Supported (RFC 3261 §13.2.1, §13.3.1.4).
    func addCapabilities(to builder: inout MessageBuilder) {
        builder.add(named: "Allow", self.configuration.methods.map(\.name).joined(separator: ", "))
        builder.add(named: "Supported", self.configuration.extensions.map(\.value).joined(separator: ", "))
        // An empty field says that INFO is understood, and no package of it wanted (RFC 6086 §5.2.2).
        builder.add(named: "Recv-Info", self.configuration.infoPackages.joined(separator: ", "))
    }

    /// A number from 0 to 10, for Retry-After (RFC 3261 §14.2).
    mutating func retryDelay() -> UInt32 { UInt32(truncatingIfNeeded: self.random.next() % 11) }
}

extension SIPMessage {
    /// The session description in the body, also within a multipart body (RFC 5621 §4); `nil` when there is none.
    var sessionDescription: [UInt8]? {
        self.description(where: { $0.isSession })
    }

    /// The description of a session for early media in the body (RFC 3959 §4); `nil` when there is none.
    var earlySessionDescription: [UInt8]? {
        self.description(where: { $0.map { Token($0.type) == "early-session" } ?? false })
    }

    private func description(where isMeant: (ContentDisposition?) -> Bool) -> [UInt8]? {
        guard !self.index.body.isEmpty, let type = self.contentType else { return nil }
        if type.isSessionDescription { return isMeant(self.first(.contentDisposition)) ? self.body : nil }
        guard let multipart = try? Multipart(parsing: self.body, type: type) else { return nil }
        return multipart.description(where: isMeant)
    }

    /// Whether the sender requires an extension.
    func requires(_ tag: Token) -> Bool { self.all(.require).contains(tag) }
}

extension Multipart {
    fileprivate func description(where isMeant: (ContentDisposition?) -> Bool) -> [UInt8]? {
        for part in self.parts {
            if part.type.isSessionDescription, isMeant(part.disposition) { return part.body }
            if let nested = try? self.nested(in: part), let found = nested.description(where: isMeant) { return found }
        }
        return nil
    }
}

extension MediaType {
    /// `application/sdp` in any case.
    var isSessionDescription: Bool { self.matches(MediaType("application", "sdp")) }

    /// Whether both are the same type, in any case and whatever their parameters; `*` of this one is any.
    func matches(_ other: MediaType) -> Bool {
        (self.type == "*" || Token(self.type) == Token(other.type))
            && (self.subtype == "*" || Token(self.subtype) == Token(other.subtype))
    }
}

extension ContentDisposition? {
    /// `session`, which a session description without Content-Disposition is meant for (RFC 3261 §20.11).
    fileprivate var isSession: Bool { self.map { Token($0.type) == "session" } ?? true }
}
