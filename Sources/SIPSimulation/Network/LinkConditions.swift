public import SIPMessages

/// What a way through the network does to what is sent over it. Probabilities are 0 to 1, drawn for each datagram.
///
/// Streams lose and reorder nothing: there, loss is delay.
public struct LinkConditions: Hashable, Sendable {
    /// How likely a datagram is lost.
    public var loss = 0.0
    /// How long anything takes at least.
    public var delay: TimeSpan = .zero
    /// How much longer it may take. Order is kept: what was sent later does not arrive earlier.
    public var jitter: TimeSpan = .zero
    /// How likely a datagram is held up for up to `reorderDelay` while others overtake it.
    public var reordering = 0.0
    /// How long a datagram may be held up.
    public var reorderDelay: TimeSpan = .milliseconds(200)
    /// How likely a datagram arrives twice, the second time up to `reorderDelay` later.
    public var duplication = 0.0
    /// Whether attempts to open a stream vanish, as where a firewall lets datagrams through alone.
    public var dropsStreams = false
    /// The largest datagram in octets; a larger one is lost, as where routers drop fragments.
    public var maximumDatagram = 65_507

    /// A link that does nothing to anything.
    public init() {}

    /// A link that does nothing to anything.
    public static let perfect = LinkConditions()

    /// A link that only loses datagrams, with this probability.
    public static func losing(_ probability: Double) -> LinkConditions {
        var conditions = LinkConditions()
        conditions.loss = probability
        return conditions
    }

    /// A link that only takes this long.
    public static func delaying(_ delay: TimeSpan) -> LinkConditions {
        var conditions = LinkConditions()
        conditions.delay = delay
        return conditions
    }

    /// A link that loses a fifth, holds up and doubles a tenth of all datagrams, and takes 5 to 100 ms.
    public static var poor: LinkConditions {
        var conditions = LinkConditions()
        (conditions.loss, conditions.reordering, conditions.duplication) = (0.2, 0.1, 0.1)
        (conditions.delay, conditions.jitter) = (.milliseconds(5), .milliseconds(95))
        return conditions
    }
}

/// What became of something that was sent.
public enum Fate: Hashable, Sendable {
    /// It has not arrived yet.
    case underway
    /// It arrived at this moment.
    case delivered(at: MonotonicInstant)
    /// The network lost it.
    case lost
    /// Sender and receiver were cut off from each other.
    case cutOff
    /// It was larger than the link takes.
    case tooLarge
    /// A NAT box had no mapping for it, or filtered it.
    case filtered
    /// No one listens there.
    case unreachable
}
