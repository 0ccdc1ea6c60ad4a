import Containers
import SIPMessages
import SIPTransactions

/// Several flows of one device are one target: one of them is tried at a time (RFC 5626 §7).
extension Proxy {
    /// Whether a branch that ended so says nothing of the device, only of the way to it.
    static func isFailureOfFlow(_ status: UInt16) -> Bool { status == 430 || status == 408 }

    /// Forwards the request to a target and, where that fails at once, to its alternates.
    mutating func forwardWithAlternates(
        _ number: Int32, _ block: [UInt8], _ target: Target, maxBreadth: UInt32,
        _ transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) {
        var target = target
        var end = target.whole.upper
        while end < block.count {
            let next = Target(block.span, at: end)
            guard next.traits.contains(.isAlternate) else { break }
            end = next.whole.upper
        }
        while true {
            let pending = self.contexts[number].pendingCount
            self.contexts[number].currentTarget = UInt32(target.whole.lower)
            self.forward(
                number, block, target, alternates: OctetRange(target.whole.upper, end), maxBreadth: maxBreadth,
                &transactions, at: now, into: &outbox)
            // A branch that was opened sees to its alternates itself.
            guard self.contexts[number].pendingCount == pending, target.whole.upper < end,
                !self.contexts[number].isAnswered
            else { return }
            target = Target(block.span, at: target.whole.upper)
        }
    }

    /// Tries another way to the device of a branch whose flow has failed.
    ///
    /// - Returns: whether there was one: then how the branch ended is of no interest.
    mutating func tryAlternate(
        _ slot: Int32, _ transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) -> Bool {
        let branch = self.branches[slot]
        let context = self.contexts[branch.context]
        guard !branch.alternates.isEmpty, !branch.isCancelled, !branch.isCancelWanted, !context.isStopped,
            !context.isAnswered, branch.alternates.upper <= context.targets.count
        else { return false }
        var block: [UInt8] = []
        transactions.pool.append(context.targets, to: &block)
        // The alternates of one device end where the next target begins.
        block.removeLast(block.count - branch.alternates.upper)
        self.forwardWithAlternates(
            branch.context, block, Target(block.span, at: branch.alternates.lower), maxBreadth: branch.maxBreadth,
            &transactions, at: now, into: &outbox)
        return true
    }
}
