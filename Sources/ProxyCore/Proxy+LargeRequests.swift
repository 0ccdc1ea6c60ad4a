import Containers
import SIPMessages
import SIPRouting
import SIPTransactions

/// Requests that are too large for a datagram: RFC 3261 §18.1.1.
///
/// They go over TCP to the place that the datagram would go to, and as a datagram after all when that is refused, or is not
/// there after `Flow.trialPatience`. Which of both it was is remembered of the place. Each attempt is a transaction of its
/// own, whose Via and Record-Route name the transport that it takes. Where a name is looked up, `ServerSelection` does the
/// same by the order of its targets.
extension Proxy {
    /// The way that a request takes in the place of `flow`; `nil` where it stays.
    ///
    /// A device of a user of ours, and an end of a dialog that sits behind a NAT or on a connection, is reached by its own
    /// flow alone.
    ///
    /// - Parameter octets: The size of the request as it would leave over `flow`.
    func stream(insteadOf flow: Flow, to target: Target, octets: Int, at now: MonotonicInstant) -> Flow? {
        guard flow.transport == .udp, octets > self.configuration.maxDatagramOctets, target.flow != nil,
            !target.traits.contains(.isPinned), !target.traits.contains(.isUser)
        else { return nil }
        let takesStreams = self.memory.takesStreams(flow.remote, at: now)
        guard takesStreams != false,
            let endpoint = self.configuration.endpoint(for: .tcp, to: flow.remote.ip, preferred: flow.endpoint)
        else { return nil }
        var stream = Flow(endpoint: endpoint, transport: .tcp, remote: flow.remote)
        stream.isTrial = takesStreams != true
        return stream
    }

    /// Whether the request of a context is too large for a datagram on its way to a target that is yet to be looked up.
    func isLarge(
        _ number: Int32, _ block: [UInt8], _ target: Target, maxBreadth: UInt32,
        _ transactions: inout TransactionLayer
    ) -> Bool {
        let context = self.contexts[number]
        guard let endpoint = self.configuration.endpoints.firstIndex(where: { $0.transport == .udp }),
            transactions.indexRequest(of: context.server),
            let client = transactions.openClient(method: context.method, owner: 0)
        else { return false }
        defer { transactions.abandon(client: client) }
        var output: [UInt8] = []
        let flow = Flow(endpoint: UInt16(endpoint), transport: .udp, remote: context.source.remote)
        Self.write(
            context, client, block, target, flow, maxBreadth: maxBreadth, adding: [], raisesCSeq: false,
            self.configuration,
            (self.hashKey, self.tokenKey), transactions, into: &output)
        return output.count > self.configuration.maxDatagramOctets
    }

    /// Sends a request as a datagram whose connection was not to be had.
    ///
    /// - Returns: whether that was the case; otherwise the branch has failed.
    mutating func fallBack(
        _ slot: Int32, _ transactions: inout TransactionLayer, at now: MonotonicInstant, into outbox: inout Outbox
    ) -> Bool {
        guard let place = self.branches[slot].streamTo else { return false }
        let number = self.branches[slot].context
        self.branches[slot].streamTo = nil
        self.memory.noteTakesStreams(false, place, at: now)
        guard !self.contexts[number].isStopped, !self.contexts[number].isAnswered, !self.branches[slot].isCancelWanted,
            !self.branches[slot].isCancelled
        else { return false }
        var block: [UInt8] = []
        transactions.pool.append(self.contexts[number].targets, to: &block)
        let target = Target(block.span, at: Int(self.branches[slot].target))
        guard let flow = target.flow else { return false }
        self.branches[slot].client = .none
        return self.send(
            slot, block, target, over: flow, maxBreadth: self.branches[slot].maxBreadth, &transactions, at: now,
            into: &outbox)
    }

    /// Notes that a place has answered over TCP.
    mutating func noteStreamWorks(_ slot: Int32, at now: MonotonicInstant) {
        guard let place = self.branches[slot].streamTo else { return }
        self.branches[slot].streamTo = nil
        self.memory.noteTakesStreams(true, place, at: now)
    }
}
