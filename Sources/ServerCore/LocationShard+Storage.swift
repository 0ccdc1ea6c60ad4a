public import LocationService
import ProxyCore
public import SIPMessages
import SIPTransactions

/// A REGISTER that came while another one of the same AOR was being stored, and whose credentials were right.
public struct DeferredRequest: Hashable, Sendable {
    /// The message.
    public let octets: [UInt8]
    /// The way it came.
    public let flow: Flow
}

/// What the store has done, and what waits for it.
extension LocationShard {
    /// REGISTERs that may wait for one in front of them.
    static let deferredLimit = 1024

    /// Keeps a REGISTER until the one that is being stored is done.
    mutating func deferRequest(_ octets: Span<UInt8>, tag: UInt64, _ workspace: inout Workspace) {
        let request = DeferredRequest(octets: octets.octets(0..<octets.count), flow: workspace.flow)
        guard self.deferred.count < Self.deferredLimit else {
            var fields: [UInt8] = []
            fields.append("Retry-After: 2\r\n")
            return workspace.reply(octets, 503, "Too Many Registrations At Once", fields: fields, tag: tag)
        }
        self.deferred.append(request)
    }

    /// Whether a REGISTER is being stored, or waits: a retransmission, which is absorbed (RFC 3261 §17.2.2).
    func isBeingHandled(_ octets: Span<UInt8>, hash: UInt64, _ workspace: borrowing Workspace) -> Bool {
        if self.service.isBeingStored(octets, workspace.index, aor: workspace.mail.span, hash: hash) { return true }
        guard !self.deferred.isEmpty else { return false }
        return self.deferred.contains(
            DeferredRequest(octets: octets.octets(0..<octets.count), flow: workspace.flow))
    }

    /// The changes with this token are stored, or never will be. It may leave further changes in the workspace.
    ///
    /// - Returns: REGISTERs of the same AOR that waited; they are to be received again.
    public mutating func complete(
        _ token: UInt64, isStored: Bool, _ workspace: inout Workspace
    ) -> [DeferredRequest] {
        if isStored {
            self.service.committed(token, wall: workspace.wall, into: &workspace.outbox)
        } else {
            self.service.failed(token, into: &workspace.outbox)
        }
        workspace.changes += self.service.takeChanges()
        defer { self.deferred = [] }
        return self.deferred
    }

    /// Does what time asks for: 100s, keep-alives, and dropping what has expired.
    ///
    /// - Returns: tokens whose writes have taken too long, to be withdrawn.
    public mutating func wake(_ workspace: inout Workspace) -> [UInt64] {
        if workspace.wall >= self.nextSweep {
            self.nextSweep = workspace.wall + 1000
            self.service.sweep(wall: workspace.wall)
        }
        if workspace.now >= self.nextKeepAlive {
            self.nextKeepAlive = workspace.now.advanced(by: Self.keepAliveTick)
            self.keepAlive(&workspace)
        }
        guard self.service.isWaiting else { return [] }
        return self.service.overdue(at: workspace.now, into: &workspace.outbox)
    }

    /// Takes a binding that an earlier run has stored.
    ///
    /// A flow over UDP is good as long as we listen where it came in; a connection is gone (RFC 5626 §7).
    public mutating func restore(_ record: BindingRecord, hash: UInt64) {
        let endpoints = self.settings.proxy.endpoints
        let endpoint = endpoints.firstIndex {
            $0.transport == record.flow.transport && $0.local == record.flow.local
        }
        let flow = Flow(
            endpoint: endpoint.map { UInt16($0) } ?? .max, transport: record.flow.transport,
            connection: record.flow.transport.isReliable ? .max : 0, remote: record.flow.remote)
        self.service.restore(record, hash: hash, flow: flow)
    }
}
