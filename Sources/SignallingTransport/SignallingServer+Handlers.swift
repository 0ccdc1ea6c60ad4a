import SIPMessages
public import ServerCore

/// Requests that whoever uses the server as a library decides on.
extension SignallingServer {
    /// Hands on what the shards want to know; called within no shard.
    func askHandlers(_ worker: inout Worker) {
        while !worker.workspace.handlerQuestions.isEmpty {
            var questions: [HandlerQuestion] = []
            swap(&questions, &worker.workspace.handlerQuestions)
            for question in questions { self.handle(question) }
        }
    }

    /// Says what becomes of a request that was asked about. Any thread may call it.
    ///
    /// - Parameters:
    ///   - shard: As the question has it.
    ///   - number: As the question has it.
    public func decide(_ decision: HandlerDecision, shard: Int, number: UInt64) {
        self.udpThreads.first?.leave(.decided(decision, shard: shard, number: number))
    }

    /// Hands a decision to the shard that waits for it, with the devices of the users that it names.
    func decided(_ decision: HandlerDecision, shard: Int, number: UInt64, _ worker: inout Worker) {
        guard self.calls.indices.contains(shard) else { return }
        worker.setTime()
        var decision = decision
        if case .targets(let groups, let limit) = decision {
            self.send(&worker)  // Who keeps locks of shards enters no other one.
            decision = .targets(groups.map { $0.map { self.lookedUp($0, worker) } }, each: limit)
        }
        self.enter(self.calls[shard], &worker) { $0.decided(number, decision, &$1) }
        self.deliverPosts(&worker)
        self.ask(&worker)
        self.askHandlers(&worker)
        self.finish(&worker)
    }

    private func lookedUp(_ target: HandlerDecision.Target, _ worker: borrowing Worker) -> HandlerDecision.Target {
        guard case .uri(let uri) = target, let aor = self.settings.ownAOR(of: uri) else { return target }
        let wall = worker.workspace.wall
        return .bindings(
            self.locations[self.settings.locationShard(of: aor)].run { $0.targetBlock(of: aor, wall: wall) })
    }
}
