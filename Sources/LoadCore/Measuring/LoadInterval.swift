/// What was counted in one second of a run.
public struct LoadInterval: Sendable {
    /// The second, from 0 on.
    public var second: Int
    /// What began: calls, registrations, messages.
    public var started: UInt64 = 0
    /// What began more than 20 ms later than it should have: as much was under way as may be, or the generator had no
    /// processor.
    public var heldBack: UInt64 = 0
    /// What ended as it should.
    public var succeeded: UInt64 = 0
    /// What was refused, by a status that `statuses` counts.
    public var rejected: UInt64 = 0
    /// What got no answer in time.
    public var timedOut: UInt64 = 0
    /// What could not be sent.
    public var unreachable: UInt64 = 0
    /// What was given up because the run was interrupted.
    public var abandoned: UInt64 = 0
    /// Calls that the other side hung up; they are among those that succeeded.
    public var endedByPeer: UInt64 = 0
    /// Calls that were answered by more than one: all but the first were acknowledged and hung up.
    public var forks: UInt64 = 0
    /// Challenges that were answered.
    public var challenges: UInt64 = 0
    /// Requests and answers to calls that were sent again.
    public var retransmissions: UInt64 = 0
    /// Messages that came again, and messages that belong to nothing.
    public var repeated: UInt64 = 0
    /// Requests that were answered: calls, messages, options.
    public var answered: UInt64 = 0
    /// Calls that were answered and never acknowledged.
    public var unacknowledged: UInt64 = 0
    /// Messages that were sent and received.
    public var messagesSent: UInt64 = 0
    /// Messages that were received.
    public var messagesReceived: UInt64 = 0
    /// The most that was under way at once.
    public var peak = 0
    /// What was under way when the second ended.
    public var underWay = 0
    /// Final responses by status code: of what was begun, and of what was answered.
    public var statuses: [UInt16: UInt64] = [:]
    /// From the moment at which it should have begun to its final answer: 200 to INVITE, REGISTER, MESSAGE or OPTIONS.
    public var answer = LatencyHistogram()
    /// From the moment at which a call should have begun until it rang.
    public var ringing = LatencyHistogram()
    /// From BYE to its answer.
    public var ending = LatencyHistogram()

    /// An empty second.
    public init(second: Int) { self.second = second }

    /// What failed.
    public var failed: UInt64 { self.rejected + self.timedOut + self.unreachable }
    /// What came to an end.
    public var ended: UInt64 { self.succeeded + self.failed }

    /// Adds what another has counted; of what was under way at once, that of the same second.
    public mutating func add(_ other: LoadInterval) {
        let isSameSecond = self.second == other.second
        self.started += other.started
        self.heldBack += other.heldBack
        self.succeeded += other.succeeded
        self.rejected += other.rejected
        self.timedOut += other.timedOut
        self.unreachable += other.unreachable
        self.abandoned += other.abandoned
        self.endedByPeer += other.endedByPeer
        self.forks += other.forks
        self.challenges += other.challenges
        self.retransmissions += other.retransmissions
        self.repeated += other.repeated
        self.answered += other.answered
        self.unacknowledged += other.unacknowledged
        self.messagesSent += other.messagesSent
        self.messagesReceived += other.messagesReceived
        self.peak = isSameSecond ? self.peak + other.peak : Swift.max(self.peak, other.peak)
        self.underWay = isSameSecond ? self.underWay + other.underWay : other.underWay
        self.statuses.merge(other.statuses, uniquingKeysWith: +)
        self.answer.add(other.answer)
        self.ringing.add(other.ringing)
        self.ending.add(other.ending)
    }
}
