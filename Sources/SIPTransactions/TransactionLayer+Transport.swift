import Containers
public import SIPMessages

/// What the transport could not deliver: RFC 3261 §17.1.4 and §17.2.4, the latter as RFC 6026 §8.8 has it.
extension TransactionLayer {
    /// A message did not reach its destination.
    ///
    /// - Parameter sender: What the outbox said of the message. Where that transaction is over, nothing happens.
    /// - Returns: What the transaction user must see; `nil` when nothing.
    public mutating func transportFailed(_ sender: Outbox.Sender, at now: MonotonicInstant) -> TransactionEvent? {
        switch sender {
        case .nobody: nil
        case .client(let id): self.transportFailed(client: id, at: now)
        case .server(let id): self.transportFailed(server: id, at: now)
        }
    }

    private mutating func transportFailed(client id: TransactionID, at now: MonotonicInstant) -> TransactionEvent? {
        guard self.isLive(client: id) else { return nil }
        let owner = self.clients[id.slot].owner
        let effects: TransactionEffects
        switch self.clients[id.slot].machine {
        case .opened: return nil
        case .invite(var machine):
            effects = machine.handle(.transportFailed, timers: self.timers, at: now)
            self.clients[id.slot].machine = .invite(machine)
        case .nonInvite(var machine):
            effects = machine.handle(.transportFailed, timers: self.timers, at: now)
            self.clients[id.slot].machine = .nonInvite(machine)
        }
        let isCancel = self.clients[id.slot].method == .cancel
        if effects.contains(.terminate) { self.removeClient(id.slot) }
        return effects.contains(.transportFailed) && !isCancel ? .clientTransportFailed(id, owner: owner) : nil
    }

    private mutating func transportFailed(server id: TransactionID, at now: MonotonicInstant) -> TransactionEvent? {
        guard self.isLive(server: id) else { return nil }
        let effects = self.handle(id.slot, .transportFailed, at: now)
        guard effects.contains(.transportFailed) else { return nil }
        // A 2xx that has failed is not kept any more, nor is what says where else its client is; but its server sends it
        // again until the ACK comes (§13.3.1.4), and that one can take the next way (RFC 3263 §5).
        self.servers[id.slot].keepsSuccess = true
        return .serverTransportFailed(id, owner: self.servers[id.slot].owner)
    }
}
