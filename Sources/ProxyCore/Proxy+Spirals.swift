import Containers
public import SIPMessages
public import SIPTransactions

extension Proxy {
    /// Whether a branch is one on which a request of a user of ours is under way, who has proved to be one: a request that
    /// bears it has come back to us by another server (RFC 3261 §16.3 item 4, a spiral).
    public func isUnderWay(
        fromUser branch: OctetRange, _ octets: Span<UInt8>, _ transactions: borrowing TransactionLayer
    ) -> Bool {
        guard let owner = transactions.owner(ofBranch: branch, octets), owner <= UInt64(Int32.max) else { return false }
        let slot = Int32(truncatingIfNeeded: owner)
        guard self.branches.isInUse(slot) else { return false }
        return self.contexts[self.branches[slot].context].traits.contains(.isFromUser)
    }
}
