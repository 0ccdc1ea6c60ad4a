import Containers
public import SIPMessages
public import SIPTransactions

extension Proxy {
    /// Gives up all requests that have no final response: their clients are told 503, and nothing rings on.
    ///
    /// - Parameter fields: Whole lines to add to the answer.
    public mutating func giveUp(
        fields: [UInt8], transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        for number in 0..<self.contexts.extent where self.contexts.isInUse(number) {
            guard !self.contexts[number].isAnswered else { continue }
            self.contexts[number].isAnswered = true
            self.contexts[number].isStopped = true
            self.unansweredCount -= 1
            if let succession = self.successions[number] { self.outcomes.append(.failed(succession.token)) }
            transactions.reply(
                self.contexts[number].server, 503, "Server Is Stopping", fields: fields, at: now, into: &outbox)
            self.cancelPending(number, reason: [], &transactions, at: now, into: &outbox)
            self.finishIfDone(number, &transactions, at: now, into: &outbox)
        }
    }
}
