import Containers
import SIPMessages
import SIPTransactions

/// What the caller of `Proxy.begin` has found out about a request.
public struct RequestTraits: OptionSet, BitwiseCopyable, Sendable {
    /// The bits.
    public let rawValue: UInt8
    /// The traits with these bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A Route of ours shows that its dialog was set up through us.
    public static var isOfOurDialog: RequestTraits { RequestTraits(rawValue: 1) }
    /// A user of ours has sent it, and proved it.
    public static var isFromUser: RequestTraits { RequestTraits(rawValue: 2) }
    /// A token in our Route names the flow that it goes over: when that has failed, the sender is told 430 (RFC 5626
    /// §5.3.1).
    public static var isOverFlowToken: RequestTraits { RequestTraits(rawValue: 4) }
    /// Its client has asked by `ob` that the dialog stay on the flow that the request came over (RFC 5626 §5.3.2).
    public static var isOutbound: RequestTraits { RequestTraits(rawValue: 8) }
    /// Its Request-URI is a SIPS URI.
    public static var isSecure: RequestTraits { RequestTraits(rawValue: 16) }
    /// Its CSeq is raised by one, as that of the request was which made its dialog (`DialogSide.raisesCSeq`).
    public static var raisesCSeq: RequestTraits { RequestTraits(rawValue: 64) }
    /// It is a REGISTER, on whose Path we want to be (RFC 3327 §5.2).
    public static var wantsPath: RequestTraits { RequestTraits(rawValue: 32) }
}

/// What a proxy knows of one request and the branches it was forwarded on (RFC 3261 §16.7).
struct ResponseContext: BitwiseCopyable {
    /// The server transaction; it may end before the last branch does.
    var server: TransactionID
    var method: Method.Code
    /// The first of the branches, which are linked.
    var firstBranch: Int32 = -1
    /// Branches that have no final response yet.
    var pendingCount: Int32 = 0
    /// Branches that live: those, and the ones whose 2xx may come again.
    var branchCount: Int32 = 0
    /// The status of the best response so far; 0 for none.
    var bestStatus: UInt16 = 0
    /// The best response so far, as it would be passed on.
    var best: PooledOctets = .none
    /// The challenges of all 401 and 407, as whole lines (§16.7 step 7).
    var challenges: PooledOctets = .none
    /// Targets that have not been tried, and how far they are read.
    var targets: PooledOctets = .none
    var nextTarget: UInt32 = 0
    /// Where the request came from.
    var source: Flow
    /// What is left of Max-Breadth.
    var maxBreadth: UInt32
    /// Whether a final response has been passed on.
    var isAnswered = false
    /// Whether the client has cancelled, or a 6xx forbids to try on.
    var isStopped = false
    /// Whether it may make a dialog, on whose path we want to stay (§16.6 step 4).
    var mayMakeDialog = false
    /// Whether its targets take each other's place, by what `Proxy.successions` says.
    var hasSuccession = false
    /// How long the targets of one preference may ring while there are others after them, in milliseconds; 0 for as long as
    /// timer C lets them.
    var ringLimit: UInt32 = 0
    /// How many targets were tried, and where the one lies that is begun at present.
    var targetCount: UInt16 = 0
    var currentTarget: UInt32 = 0
    /// How often answers that redirect have been followed.
    var redirectCount: UInt8 = 0
    /// What is known of the request.
    var traits: RequestTraits = []

    /// The status that goes to the client for a response of this one.
    ///
    /// A 503 says "not me", which the client would take as "not this server": it becomes 500 (§16.7 step 6). That a flow
    /// has failed matters to who has chosen it: where that is us, to the client nobody is there (RFC 5626 §7).
    func outward(_ status: UInt16) -> UInt16 {
        switch status {
        case 503: 500
        case 430 where !self.traits.contains(.isOverFlowToken): 480
        default: status
        }
    }

    /// The order of preference among final responses (§16.7 step 6): the lower the better.
    static func rank(_ status: UInt16) -> UInt16 {
        switch status {
        case 600...: 0
        case 401, 407, 415, 420, 484: 400
        // A timeout says less than any answer of its class, a 503 less than any other failure.
        case 430: 455
        case 408: 460
        case 503: 590
        default: (status / 100) * 100 + 50
        }
    }
}

/// One forwarded copy of a request.
struct Branch: BitwiseCopyable {
    var context: Int32
    var next: Int32
    var client: TransactionID
    /// Timer C while an INVITE is pending; -1 for none.
    var timerC: Int32 = -1
    /// Where the targets lie in those of its context that may take its place when its flow fails.
    var alternates: OctetRange = .absent
    /// What it was given of Max-Breadth.
    var maxBreadth: UInt32 = 0
    /// The number of what knows its servers; 0 where the way was known from the start.
    var resolution: UInt64 = 0
    /// Where its target lies in the targets of its context.
    var target: UInt32 = 0
    /// The place that it was sent to over TCP for its size alone, and that has not answered yet.
    var streamTo: SocketAddress?
    /// Whether it is to be cancelled as soon as that is allowed (§9.1).
    var isCancelWanted = false
    /// Whether it was cancelled: what it waits for then is short.
    var isCancelled = false
    /// Whether it has had a final response.
    var isFinal = false
    /// Whether its server has given any sign of life.
    var hasResponded = false
    /// Whether it has answered a challenge.
    var hasLoggedIn = false
    /// The timer of a succession that waits for that sign; -1 for none.
    var patience: Int32 = -1
    /// The number of its target in the order in which they are tried.
    var ordinal: UInt16 = 0
    /// Whether it goes over a flow that nothing can take the place of (RFC 5626 §5.3).
    var isPinned = false
    /// Whether it goes to a user's device, or an end of a dialog, by the flow that is known of it.
    var isBoundToFlow = false
}
