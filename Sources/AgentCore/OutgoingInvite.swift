public import SIPMessages

/// What a call of ours is to be.
public struct CallPlan: Hashable, Sendable {
    /// Whom it is for: the first Request-URI, and To.
    public var target: URI
    /// Who calls: From, without tag.
    public var from: NameAddress
    /// To, where it is not the target.
    public var to: NameAddress?
    /// Proxies that the INVITE passes first: those of an outbound proxy or Service-Route (RFC 3608).
    public var routes: [NameAddress] = []
    /// The user part of our Contact; that of From unless set.
    public var contactUser: String?
    /// Whether the INVITE holds an offer; otherwise the other side makes one.
    public var offers = true
    /// More header lines of the INVITE, by name and value.
    public var fields: [Field] = []
    /// The account that the call is of, with its Service-Route, GRUU, flow and password; `nil` for none.
    public var account: RegistrationHandle?
    /// The dialog at the other side that the call is to take the place of (RFC 3891).
    public var replaces: Replaces?
    /// The dialog at the other side that the call is to be mixed into (RFC 3911).
    public var joins: Join?
    /// Whether we mix the call with others: our Contact says that we are a focus (RFC 4579 §5.1).
    public var isFocus = false
    /// What is done about a redirection; as the configuration says unless set.
    public var redirections: Redirections?

    /// What is done about a redirection (RFC 3261 §8.1.3.4).
    public enum Redirections: Hashable, Sendable {
        /// Its Contacts are called, the preferred first.
        case follow
        /// The application is asked: `AgentAction.redirected`.
        case offer
        /// The call is over.
        case end
    }

    /// One more header line.
    public struct Field: Hashable, Sendable {
        /// The name.
        public var name: String
        /// The value.
        public var value: String

        /// A line.
        public init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
    }

    /// A call from one to another.
    public init(to target: URI, from: NameAddress) { (self.target, self.from) = (target, from) }
}

/// Our INVITE that begins a call, through its redirections and repetitions (RFC 3261 §8.1.3.4, §13.2).
struct OutgoingInvite {
    let plan: CallPlan
    let callID: CallID
    let tag: String
    /// The addresses that it is for.
    var targets: TargetList
    /// The proxy that a 305 named, and the address that it is the way to (RFC 3261 §21.3.4).
    var proxy: (target: URI, route: NameAddress)?
    /// Whether what is decided about is a 305.
    var namesProxy = false
    /// What it may not have or be any more, as responses said.
    var repairs = RequestRepairs()
    /// When the application has thought about a redirection for too long.
    var decidingEndsAt = MonotonicInstant.never
    var isDescribing = false
    var questionNumber: UInt32 = 0
    var describingEndsAt = MonotonicInstant.never
    /// The offer in the INVITE; `nil` when it has none.
    var offer: [UInt8]?
    /// Whether the offer was made anew, within what a 488 allowed.
    var isLimited = false
    /// Whether an INVITE is underway.
    var isOpen = false
    var hasProvisional = false
    var wantsCancel = false
    /// When nobody waits for the final response after a CANCEL any more (RFC 3261 §9.1).
    var cancelEndsAt = MonotonicInstant.never
    /// Session-Expires and Min-SE, raised by 422 (RFC 4028 §7.3).
    var interval: UInt32?
    var minimum: UInt32 = 90
    /// The last failure, for when no address is left.
    var failure: CallEnd?

    /// The proxies on the way to an address.
    func routes(to target: URI) -> [NameAddress] {
        guard let proxy = self.proxy, proxy.target == target else { return self.plan.routes }
        return [proxy.route]
    }

    /// Lets the present address be called by way of the proxy that a 305 names, once.
    mutating func use(_ proxies: [Contact]) {
        guard let target = self.targets.current, self.proxy?.target != target,
            var uri = proxies.lazy.compactMap({ $0.uri?.sip }).first
        else { return }
        uri.isLooseRouter = true
        self.proxy = (target, NameAddress(.sip(uri)))
        self.targets.repeatCurrent()
    }

    var wakeAt: MonotonicInstant { Swift.min(self.describingEndsAt, self.cancelEndsAt, self.decidingEndsAt) }
}
