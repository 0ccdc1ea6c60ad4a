public import SIPMessages
public import SIPTransactions

/// Several nodes that act as one host, each with the messages of the Call-IDs that fall to it, as a server with shards.
///
/// A world in which a host has one shard and one in which it has many must give the same ladder.
public final class ShardedNode: SimulatedNode {
    private let shards: [any SimulatedNode]
    private var index = MessageIndex()
    private var owners: [UInt64: (shard: Int, id: UInt64)] = [:]
    private var questionCount: UInt64 = 0

    /// A host of `count` shards, 1 or more, each made by `shard` from its number.
    public init(count: Int, shard: (Int) -> any SimulatedNode) { self.shards = (0..<Swift.max(count, 1)).map(shard) }

    /// Learns which host it is and which addresses it has.
    public func placed(at place: SimulatedPlace) { for shard in self.shards { shard.placed(at: place) } }

    /// Takes a message that came over a flow.
    public func receive(
        _ octets: Span<UInt8>, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        let shard = self.shard(of: octets)
        outbox.shard = UInt16(truncatingIfNeeded: shard)
        self.shards[shard].receive(octets, over: flow, at: now, into: &outbox)
    }

    /// Does what is due.
    public func wake(at now: MonotonicInstant, into outbox: inout Outbox) {
        for (number, shard) in self.shards.enumerated() where shard.nextWakeUp.map({ $0 <= now }) ?? false {
            outbox.shard = UInt16(truncatingIfNeeded: number)
            shard.wake(at: now, into: &outbox)
        }
    }

    /// When it must be woken; `nil` when nothing is due.
    public var nextWakeUp: MonotonicInstant? { self.shards.compactMap { $0.nextWakeUp }.min() }

    /// What is still alive, for the rule that nothing is left when all is over.
    public func audit() -> SimulationAudit {
        var audit = SimulationAudit()
        for shard in self.shards { audit.add(shard.audit()) }
        return audit
    }

    /// Tells the shard whose message did not reach its destination.
    public func transportFailed(
        _ sender: Outbox.Sender, shard: UInt16, over flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        outbox.shard = shard
        self.shards[Int(shard)].transportFailed(sender, shard: 0, over: flow, at: now, into: &outbox)
    }

    /// Learns that a connection has ended.
    public func connectionClosed(_ flow: Flow, at now: MonotonicInstant, into outbox: inout Outbox) {
        for (number, shard) in self.shards.enumerated() {
            outbox.shard = UInt16(truncatingIfNeeded: number)
            shard.connectionClosed(flow, at: now, into: &outbox)
        }
    }

    /// Hands out the questions that were asked since the last call.
    public func takeQuestions() -> [ServiceQuestion] {
        var questions: [ServiceQuestion] = []
        for (number, shard) in self.shards.enumerated() {
            for question in shard.takeQuestions() {
                self.questionCount += 1
                self.owners[self.questionCount] = (number, question.id)
                questions.append(ServiceQuestion(id: self.questionCount, question.subject))
            }
        }
        return questions
    }

    /// Takes the answer to a question.
    public func answered(_ answer: ServiceAnswer, at now: MonotonicInstant, into outbox: inout Outbox) {
        guard let owner = self.owners[answer.id] else { return }
        let own = ServiceAnswer(id: owner.id, answer.outcome)
        outbox.shard = UInt16(truncatingIfNeeded: owner.shard)
        self.shards[owner.shard].answered(own, at: now, into: &outbox)
    }

    private func shard(of octets: Span<UInt8>) -> Int {
        do { try self.index.parse(octets) } catch { return 0 }
        guard let callID = self.index.value(.callID) else { return 0 }
        let hash = SipHash13.hash(octets, callID.range, key: SipHashKey(1, 2))
        return Int(hash % UInt64(self.shards.count))
    }
}
