public import LocationService
import ProxyCore
import SIPAuthentication
public import SIPMessages
import SIPTransactions

/// The shard of some AORs: their bindings, and what is done with a REGISTER for them.
public struct LocationShard: ~Copyable {
    /// The registrar and its bindings.
    public var service: Registrar
    /// What the server is.
    public var settings: ServerSettings
    let number: Int
    var authenticator: Authenticator
    /// REGISTERs that wait for the one in front of them.
    var deferred: [DeferredRequest] = []
    var nextSweep: Int64 = 0
    var nextKeepAlive = MonotonicInstant.start
    var random: RandomSource

    /// An empty shard.
    ///
    /// - Parameter seed: 128 bits that no peer can know, others in each shard.
    public init(number: Int, settings: ServerSettings, seed: SipHashKey) {
        self.number = number
        var random = RandomSource(seed: seed)
        self.authenticator = Authenticator(settings: settings) { random.next() }
        self.random = random
        self.settings = settings
        self.service = Registrar(
            policy: settings.registrar, shard: UInt8(truncatingIfNeeded: number), isDurable: settings.isDurable,
            hashKey: settings.hashKey)
    }

    /// Takes new settings.
    public mutating func apply(_ settings: ServerSettings) {
        self.settings = settings
        self.service.policy = settings.registrar
    }

    /// What became of credentials.
    public var authenticationCounts: AuthenticationCounts { self.authenticator.counts }

    /// Handles the next event of the workspace, which is for this shard.
    public mutating func run(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        switch workspace.takePost() {
        case .register: self.register(octets, &workspace)
        case .lookUp(_, let hash, let key, let asker):
            let start = workspace.mail.count
            let aor = workspace.mail.span.octets(key.range)
            _ = self.service.appendTargets(of: aor.span, hash: hash, wall: workspace.wall, into: &workspace.mail)
            workspace.posts.append(.bindings(asker, block: OctetRange(start, workspace.mail.count)))
        case .message, .bindings, .seize, .seized, .release, .report, nil: break
        }
    }

    private mutating func register(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        let hash = SipHash13.hash(workspace.mail.span, 0..<workspace.mail.count, key: self.settings.hashKey)
        let tag = self.settings.statelessTag(octets, workspace.index)
        guard !self.settings.isStopping else {
            return workspace.reply(
                octets, 503, "Server Is Stopping", fields: Array(CallShard.laterField), tag: tag)
        }
        guard self.authorise(octets, &workspace, tag), self.validateSecurity(octets, &workspace, tag) else { return }
        var replyFlow = workspace.flow
        replyFlow.remote = workspace.via.replyAddress(
            source: workspace.flow.remote, isReliable: workspace.flow.transport.isReliable)
        let local = self.settings.proxy.endpoints[Int(workspace.flow.endpoint)].local
        workspace.noteClaim(octets)
        let circumstances = Registrar.Circumstances(
            hash: hash, tag: tag, flow: workspace.flow, replyFlow: replyFlow, local: local, now: workspace.now,
            wall: workspace.wall)
        do throws(RegisterRefusal) {
            switch try Self.register(&self.service, octets, &workspace, circumstances) {
            case .done: break
            case .committing: workspace.changes += self.service.takeChanges()
            case .busy: self.deferRequest(octets, tag: tag, &workspace)
            }
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
            workspace.reply(octets, error.status, error.reason, fields: fields, tag: tag)
        }
    }

    /// Decides whether the sender may change the bindings of the AOR (§10.3 steps 2 to 5).
    private mutating func authorise(_ octets: Span<UInt8>, _ workspace: inout Workspace, _ tag: UInt64) -> Bool {
        var fields: [UInt8] = []
        if workspace.index.writeUnsupported(.require, of: octets, knowsPath: true, into: &fields) {
            workspace.reply(octets, 420, "Bad Extension", fields: fields, tag: tag)
            return false
        }
        guard let to = workspace.index.value(.to),
            let address = try? AddressIndex(parsing: octets, in: to.range, field: .to),
            let aor = try? URIIndex(parsing: octets, in: address.uri.range, field: .to),
            aor.scheme == .sip || aor.scheme == .sips
        else {
            workspace.reply(octets, 400, "To Is No SIP Or SIPS URI", tag: tag)
            return false
        }
        guard let domain = self.authenticator.domain(of: aor, octets) else {
            workspace.reply(octets, 404, "Not A Domain Of This Server", tag: tag)
            return false
        }
        guard self.settings.requiresAuthentication else { return true }
        let verdict = self.authenticator.judge(
            octets, workspace.index, field: .authorization, domain: domain, self.settings.subscribers,
            at: workspace.now)
        guard verdict == .user else {
            self.authenticator.writeChallenges(
                .server, to: octets, workspace.index, domain: domain, isStale: verdict == .stale, at: workspace.now,
                into: &fields)
            workspace.reply(octets, 401, "Unauthorized", fields: fields, tag: tag)
            return false
        }
        guard self.authenticator.identity == workspace.mail else {
            workspace.reply(octets, 403, "Not Your Address", tag: tag)
            return false
        }
        return true
    }

    private static func register(
        _ service: inout Registrar, _ octets: Span<UInt8>, _ workspace: inout Workspace,
        _ circumstances: Registrar.Circumstances
    ) throws(RegisterRefusal) -> RegisterOutcome {
        var mail: [UInt8] = []
        swap(&mail, &workspace.mail)
        defer { swap(&mail, &workspace.mail) }
        return try service.register(
            octets, workspace.index, via: workspace.via, aor: mail.span, circumstances, into: &workspace.outbox)
    }
}

extension MessageIndex {
    /// Appends an Unsupported field that names the options of Require or Proxy-Require which we do not know
    /// (RFC 3261 §8.2.2.3, §16.3).
    ///
    /// - Parameter knowsPath: Whether `path` is one that we know (RFC 3327).
    /// - Returns: whether there are any; if not, nothing was appended.
    func writeUnsupported(
        _ id: HeaderID, of octets: Span<UInt8>, knowsPath: Bool, into fields: inout [UInt8]
    ) -> Bool {
        let start = fields.count
        var position = self.first(id)
        while let found = position {
            position = self.next(id, from: found + 1)
            let value = self.fields[found].value
            var option = value.lower
            while option < value.upper {
                while option < value.upper, !octets[option].isToken { option += 1 }
                var end = option
                while end < value.upper, octets[end].isToken { end += 1 }
                if end > option, !(knowsPath && octets.equals(option..<end, ignoringCase: "path")) {
                    fields.append(fields.count == start ? "Unsupported: " : ", ")
                    fields.append(octets, option..<end)
                }
                option = end
            }
        }
        guard fields.count > start else { return false }
        fields.append("\r\n")
        return true
    }
}
