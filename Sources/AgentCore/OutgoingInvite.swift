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
    /// The number of the INVITE that was sent last.
    var number: UInt32 = 0
    /// The addresses that are yet to be tried, the next one first.
    var targets: [URI]
    /// The address that is being tried.
    var current: URI?
    /// Every address that was tried or is to be.
    var known: [URI]
    var isDescribing = false
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

    var wakeAt: MonotonicInstant { Swift.min(self.describingEndsAt, self.cancelEndsAt) }
}
