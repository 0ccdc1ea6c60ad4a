public import SIPMessages

/// Notices audio that flows one way only: nothing comes although it should, or the peer's reports say that ours does not
/// arrive.
public struct FlowWatch: Hashable, Sendable {
    /// Which direction is dead.
    public enum Finding: Hashable, Sendable {
        /// Nothing comes from the peer.
        case nothingComes
        /// The peer says that nothing of ours arrives.
        case nothingArrives
    }

    /// What is known at a moment.
    public struct Situation: Hashable, Sendable {
        /// Whether the peer is to send.
        public var isExpecting: Bool
        /// Whether the peer pauses on purpose: it has described its silence.
        public var isPausing: Bool
        /// Packets that have come.
        public var received: UInt64
        /// Packets that we have sent.
        public var sent: UInt64
        /// Reports of the peer that have come, and the newest packet of ours that the last one knows; `nil` where it knows
        /// none.
        public var reports: UInt64, reported: UInt32?

        /// A situation.
        public init(
            isExpecting: Bool, isPausing: Bool = false, received: UInt64, sent: UInt64, reports: UInt64 = 0,
            reported: UInt32? = nil
        ) {
            (self.isExpecting, self.isPausing, self.received) = (isExpecting, isPausing, received)
            (self.sent, self.reports, self.reported) = (sent, reports, reported)
        }
    }

    /// How long nothing may come.
    public static let patience = TimeSpan.seconds(4)
    /// Packets of ours of which a report has to know one: two seconds of them are on their way by then.
    public static let sentBetween: UInt64 = 100

    private var received: UInt64 = 0
    private var lastChange: MonotonicInstant
    private var hasToldComing = false
    private var reports: UInt64 = 0
    private var reported: UInt32?
    private var sentBefore: UInt64 = 0
    private var hasToldArriving = false

    /// A watch that begins now.
    public init(at now: MonotonicInstant) { self.lastChange = now }

    /// The call has changed: what was dead gets another chance.
    public mutating func restart(at now: MonotonicInstant) {
        (self.lastChange, self.hasToldComing, self.hasToldArriving) = (now, false, false)
    }

    /// Looks at the situation, a few times a second.
    ///
    /// - Returns: What is wrong, once until it has been right again.
    public mutating func look(_ situation: Situation, at now: MonotonicInstant) -> Finding? {
        if situation.received != self.received || !situation.isExpecting || situation.isPausing {
            (self.received, self.lastChange, self.hasToldComing) = (situation.received, now, false)
        } else if !self.hasToldComing, now.since(self.lastChange) >= Self.patience {
            self.hasToldComing = true
            return .nothingComes
        }
        guard situation.reports != self.reports else { return nil }
        let isDead = situation.reported == nil || situation.reported == self.reported
        let isDue = situation.sent &- self.sentBefore >= Self.sentBetween
        self.reports = situation.reports
        if !isDead {
            (self.reported, self.sentBefore, self.hasToldArriving) = (situation.reported, situation.sent, false)
        } else if isDue, !self.hasToldArriving {
            self.hasToldArriving = true
            return .nothingArrives
        }
        return nil
    }
}
