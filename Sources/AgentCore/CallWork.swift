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
    /// Nobody says where the requests go that wait for it.
    case giveUpResolving
    /// Requests of this dialog belong to the call.
    case addDialog(DialogID)
    case removeDialog(DialogID)
    case tell(AgentAction)
}

/// What a request of ours is for.
enum RequestPurpose: Hashable {
    case invite
    case reinvite
    case prack
    case update
    case bye

    var method: Method {
        switch self {
        case .invite, .reinvite: .invite
        case .prack: .prack
        case .update: .update
        case .bye: .bye
        }
    }
}

/// What is lent to a call for its turn: the time, what the UA is, and a place for effects.
struct CallWork {
    var effects: [CallEffect] = []
    var random: RandomSource
    let timers: TransactionTimers
    var configuration: AgentConfiguration
    var now = MonotonicInstant.start

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
    }

    /// A number from 0 to 10, for Retry-After (RFC 3261 §14.2).
    mutating func retryDelay() -> UInt32 { UInt32(truncatingIfNeeded: self.random.next() % 11) }
}

extension SIPMessage {
    /// The session description in the body, also within a multipart body (RFC 5621 §4); `nil` when there is none.
    var sessionDescription: [UInt8]? {
        guard !self.index.body.isEmpty, let type = self.contentType else { return nil }
        if type.isSessionDescription { return self.first(.contentDisposition).isSession ? self.body : nil }
        guard let multipart = try? Multipart(parsing: self.body, type: type) else { return nil }
        return multipart.sessionDescription
    }

    /// Whether the sender requires an extension.
    func requires(_ tag: Token) -> Bool { self.all(.require).contains(tag) }
}

extension Multipart {
    fileprivate var sessionDescription: [UInt8]? {
        for part in self.parts {
            if part.type.isSessionDescription, part.disposition.isSession { return part.body }
            if let nested = try? self.nested(in: part), let found = nested.sessionDescription { return found }
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
