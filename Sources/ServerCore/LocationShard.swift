public import LocationService
import ProxyCore
import SIPMessages
import SIPTransactions

/// The shard of some AORs: their bindings, and what is done with a REGISTER for them.
public struct LocationShard: ~Copyable {
    /// The registrar and its bindings.
    public var service: LocationService
    /// What the server is.
    public var settings: ServerSettings
    let number: Int

    /// An empty shard.
    public init(number: Int, settings: ServerSettings) {
        self.number = number
        self.settings = settings
        self.service = LocationService(
            policy: settings.registrar, shard: UInt8(truncatingIfNeeded: number), isDurable: settings.isDurable,
            hashKey: settings.hashKey)
    }

    /// Handles the next event of the workspace, which is for this shard.
    public mutating func run(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        switch workspace.takePost() {
        case .register: self.register(octets, &workspace)
        case .lookUp(_, let hash, let key, let caller, let server):
            let start = workspace.mail.count
            let aor = workspace.mail.span.octets(key.range)
            _ = self.service.appendTargets(of: aor.span, hash: hash, wall: workspace.wall, into: &workspace.mail)
            workspace.posts.append(
                .bindings(
                    shard: caller, server: server, block: OctetRange(start, workspace.mail.count), isKnown: true))
        case .message, .bindings, nil: break
        }
    }

    private mutating func register(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        let hash = SipHash13.hash(workspace.mail.span, 0..<workspace.mail.count, key: self.settings.hashKey)
        var replyFlow = workspace.flow
        replyFlow.remote = workspace.via.replyAddress(
            source: workspace.flow.remote, isReliable: workspace.flow.transport.isReliable)
        let local = self.settings.proxy.endpoints[Int(workspace.flow.endpoint)].local
        let circumstances = LocationService.Circumstances(
            hash: hash, flow: workspace.flow, replyFlow: replyFlow, local: local, now: workspace.now,
            wall: workspace.wall)
        do throws(RegisterRefusal) {
            _ = try Self.register(&self.service, octets, &workspace, circumstances)
            workspace.changes += self.service.takeChanges()
        } catch {
            var fields: [UInt8] = []
            if let minExpires = error.minExpires {
                fields.append("Min-Expires: ")
                fields.append(decimal: minExpires)
                fields.append("\r\n")
            }
            if let retryAfter = error.retryAfter {
                fields.append("Retry-After: ")
                fields.append(decimal: retryAfter)
                fields.append("\r\n")
            }
            workspace.reply(octets, error.status, error.reason, fields: fields, tag: hash)
        }
    }

    private static func register(
        _ service: inout LocationService, _ octets: Span<UInt8>, _ workspace: inout Workspace,
        _ circumstances: LocationService.Circumstances
    ) throws(RegisterRefusal) -> RegisterOutcome {
        var mail: [UInt8] = []
        swap(&mail, &workspace.mail)
        defer { swap(&mail, &workspace.mail) }
        return try service.register(
            octets, workspace.index, via: workspace.via, aor: mail.span, circumstances, into: &workspace.outbox)
    }
}
