import SIPDialogs
public import SIPMessages
import SIPTransactions

/// What a transfer of ours is to be (RFC 3515, RFC 5589).
public struct TransferPlan: Hashable, Sendable {
    /// What we want to be told about the call that the transfer asks for.
    public enum Reports: Hashable, Sendable {
        /// Its outcome, by a subscription that the REFER makes.
        case wanted
        /// Its outcome, by a subscription of its own where the other side knows of such (RFC 7614 §4).
        case subscribed
        /// Nothing, where the other side can do without (RFC 4488, RFC 7614 §5).
        case unwanted
    }

    /// Whom the other side is to call; feature tags of the target are parameters (RFC 4508).
    public var target: NameAddress
    /// The dialog at the target that the new call takes the place of (RFC 3891).
    public var replaces: Replaces?
    /// What we want to be told.
    public var reports = Reports.wanted
    /// Whether the target is told who asked for the call (RFC 3892).
    public var namesReferrer = true
    /// Whether our call ends when the target has answered; otherwise it goes on, as in a conference (RFC 5589 §9).
    public var endsCall = true
    /// More header lines of the REFER, by name and value.
    public var fields: [CallPlan.Field] = []

    /// A transfer to a URI.
    public init(to target: URI) { self.target = NameAddress(target) }

    /// A transfer to a URI with feature tags.
    public init(to target: NameAddress) { self.target = target }

    /// The value of Refer-To: the dialog to replace stands in the header fields of the URI (RFC 3891 §7, RFC 5589 §7.3).
    var referTo: NameAddress {
        guard let replaces, case .sip(var uri) = self.target.uri else { return self.target }
        uri.headers.append(URIParameter("Replaces", replaces.text))
        uri.headers.append(URIParameter("Require", "replaces"))
        var target = self.target
        target.uri = .sip(uri)
        return target
    }
}

/// How a transfer of ours ended.
public enum TransferEnd: Hashable, Sendable {
    /// The target has answered the call.
    case succeeded(StatusCode)
    /// The target has refused it, or could not be reached.
    case failed(StatusCode, String)
    /// The other side does not do it.
    case refused(StatusCode, String)
    /// It was taken, and nobody says how the call went.
    case unreported
}

/// What the other side wants us to do: call someone (RFC 3515 §2.4.2).
public struct TransferRequest: Hashable, Sendable {
    /// Whom we are to call, without what the URI says beside: feature tags of the target are parameters (RFC 4508).
    public let target: NameAddress
    /// Who asks for it, as the target will be told (RFC 3892).
    public let referrer: NameAddress?
    /// The dialog at the target that the new call is to take the place of.
    public let replaces: Replaces?
    /// The REFER.
    public let message: SIPMessage
    /// Header lines of the INVITE that the URI asks for.
    let fields: [CallPlan.Field]

    /// What of a URI's header fields an INVITE may be given: nothing that says who calls, over which way or in which
    /// dialog (RFC 3261 §19.1.5).
    private static let permitted: Set<HeaderID> = [
        .replaces, .join, .require, .acceptContact, .rejectContact, .requestDisposition, .subject, .priority,
        .inReplyTo,
    ]

    /// What a REFER asks for.
    ///
    /// - Returns: `nil` when it names nobody that can be called; `refusal` says how that is answered.
    init?(_ message: SIPMessage) {
        guard Self.refusal(of: message) == nil, let address = message.first(.referTo), case .sip(var uri) = address.uri
        else { return nil }
        self.fields = uri.headers.compactMap { header in
            guard let value = header.value, Self.permitted.contains(HeaderID(name: header.name)) else { return nil }
            return CallPlan.Field(header.name, value)
        }
        self.replaces = uri.headers["Replaces"].flatMap { try? Replaces(parsing: $0, field: .replaces) }
        uri.headers = URIParameters()
        uri.parameters.remove("method")
        self.target = NameAddress(.sip(uri), displayName: address.displayName, parameters: address.parameters)
        self.referrer = message.first(.referredBy)
        self.message = message
    }

    /// How a REFER is refused that asks for nothing we can do; `nil` for others.
    static func refusal(of message: SIPMessage) -> (status: StatusCode, reason: String?)? {
        let references = message.all(.referTo)
        guard references.count == 1, let reference = references.first else {
            return (400, references.isEmpty ? "Missing Refer-To" : "Several Refer-To")  // RFC 3515 §2.4.2
        }
        guard let uri = reference.uri.sip else { return (416, "Unsupported Scheme In Refer-To") }
        if let method = uri.method, method != .invite { return (403, "Only INVITE Can Be Referred") }
        if let replaces = uri.headers["Replaces"], (try? Replaces(parsing: replaces, field: .replaces)) == nil {
            return (400, "Malformed Replaces In Refer-To")
        }
        return nil
    }
}

/// A transfer that we asked for: the REFER, and the subscription that it makes.
struct OutgoingTransfer {
    let number: UInt32
    let plan: TransferPlan
    /// The call that is transferred; `nil` when the request is about none of ours.
    let subject: CallHandle?
    /// The leg in whose dialog the reports come; -1 before the first of a dialog of its own.
    var leg: Int
    /// A dialog of which we know our half only: that of a REFER or SUBSCRIBE whose first report is to come
    /// (RFC 6665 §4.4.1).
    var half: DialogID?
    /// The CSeq of the REFER, which tells its reports from those of others in the dialog (RFC 3515 §2.4.6).
    var sequence: UInt32
    var usage: SubscriberUsage
    /// What was reported last.
    var status: StatusCode?
    var reason = ""
    /// Whether the application knows how it ended.
    var isTold = false
}

/// A transfer that the other side asks us for: its REFER, and the subscription that it makes.
struct IncomingReferral {
    /// What the application has said.
    enum Decision { case open, accepted, refused }

    /// How the other side learns of the outcome.
    enum Reports: Hashable {
        /// By a subscription that the REFER makes.
        case wanted
        /// Not at all.
        case unwanted
        /// By subscriptions to a user of ours that nobody can guess (RFC 7614 §4.3).
        case subscribed(user: String)
    }

    let number: UInt32
    let request: TransferRequest
    /// The leg in whose dialog the reports go; -1 for none.
    var leg: Int
    /// The REFER as long as it has no final response.
    var transaction: TransactionID?
    /// Our Contact in the response.
    let contact: URI
    let reports: Reports
    var event: EventType
    /// What is to be reported at present, and the reason of the last report.
    var status: [UInt8] = (100 as StatusCode).report("Trying")
    var ending: String?
    /// Until when the outcome is kept for those who subscribe to it late (RFC 7614 §4.7).
    var keptUntil = MonotonicInstant.never
    var decision = Decision.open
    /// When the REFER is answered without the application, and later, when it has not decided by then.
    var answersAt = MonotonicInstant.never
    var usage: NotifierUsage?
    /// Who we are in the call that it asks for.
    let from: NameAddress
    let account: RegistrationHandle?
    let contactUser: String?

    var wakeAt: MonotonicInstant { Swift.min(self.answersAt, self.usage?.wakeAt ?? self.keptUntil) }
}

extension StatusCode {
    /// The body of a report: a status line (RFC 3515 §2.4.5).
    func report(_ reason: String) -> [UInt8] { SIPFragment(self, reasonPhrase: reason).octets }
}
