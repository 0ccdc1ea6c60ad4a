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
    private var challengeEpoch: UInt64 = 0
    /// REGISTERs whose credentials were accepted a moment ago.
    private var accepted = AcceptedRequests()
    /// Where an authenticator takes its secrets from.
    private var secrets: RandomSource
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
        self.authenticator = Authenticator(settings: settings, purpose: .registrar, shard: number, epoch: 0) {
            random.next()
        }
        self.secrets = RandomSource(seed: SipHashKey(random.next(), random.next()))
        self.random = random
        self.settings = settings
        self.service = Registrar(
            policy: settings.registrar, shard: UInt8(truncatingIfNeeded: number), isDurable: settings.isDurable,
            hashKey: settings.hashKey)
        self.service.locals = settings.proxy.endpoints.map(\.local)
    }

    /// Takes new settings. The bindings of users who are none any more are removed.
    ///
    /// - Returns: what is to be stored of that, under one token that nobody waits for.
    public mutating func apply(_ settings: ServerSettings) -> [(token: UInt64, change: BindingChange)] {
        let (old, new) = (self.settings.subscribers, settings.subscribers)
        if settings.challengesOtherwise(than: self.settings) {
            self.challengeEpoch += 1
            self.authenticator = Authenticator(
                settings: settings, purpose: .registrar, shard: self.number, epoch: self.challengeEpoch
            ) { self.secrets.next() }
        }
        self.settings = settings
        self.service.policy = settings.registrar
        self.service.locals = settings.proxy.endpoints.map(\.local)
        if old !== new { self.service.removeBindings { old.contains($0) && !new.contains($0) } }
        return self.service.takeChanges()
    }

    /// What became of credentials.
    public var authenticationCounts: AuthenticationCounts { self.authenticator.counts }

    /// Handles the next event of the workspace, which is for this shard.
    public mutating func run(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        switch workspace.takePost() {
        case .register, .judged: self.register(octets, &workspace)
        case .useNonce(_, let use, let domain, let asker):
            let isAccepted = self.authenticator.take(use, domain: domain, at: workspace.now)
            workspace.ruling = Authenticator.Ruling(use: use, isAccepted: isAccepted)
            workspace.posts.append(.judged(asker))
        case .lookUp(_, let hash, let key, let selection, let asker):
            self.lookUp(key, hash, selection, asker, &workspace)
        case .message, .bindings, .seize, .seized, .release, .report, nil: break
        }
    }

    private func lookUp(
        _ key: OctetRange, _ hash: UInt64, _ selection: Registrar.Selection, _ asker: Asker,
        _ workspace: inout Workspace
    ) {
        let start = workspace.mail.count
        if key.isEmpty {
            // The AOR of a temporary GRUU is known by its hash only.
            _ = self.service.appendTargets(
                of: nil, hash: hash, selection, wall: workspace.wall, into: &workspace.mail)
        } else {
            self.service.appendTargets(
                ofKeyAt: key.range, hash: hash, selection, wall: workspace.wall, into: &workspace.mail)
        }
        workspace.posts.append(.bindings(asker, block: OctetRange(start, workspace.mail.count)))
    }

    private mutating func register(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        let hash = SipHash13.hash(workspace.mail.span, 0..<workspace.mail.count, key: self.settings.hashKey)
        let tag = self.settings.statelessTag(octets, workspace.index)
        guard !self.settings.isStopping else {
            return workspace.reply(
                octets, 503, "Server Is Stopping", fields: Array(CallShard.laterField), tag: tag)
        }
        guard !self.isBeingHandled(octets, hash: hash, workspace),
            self.authorise(octets, &workspace, tag), self.validateSecurity(octets, &workspace, tag)
        else { return }
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
            if let unsupported = error.unsupported {
                fields.append("Unsupported: ")
                fields.append(unsupported)
                fields.append("\r\n")
            }
            workspace.reply(octets, error.status, error.reason, fields: fields, tag: tag)
        }
    }

    /// Decides whether the sender may change the bindings of the AOR (§10.3 steps 2 to 5).
    private mutating func authorise(_ octets: Span<UInt8>, _ workspace: inout Workspace, _ tag: UInt64) -> Bool {
        var fields: [UInt8] = []
        if workspace.index.writeUnsupported(
            .require, of: octets, knowing: ServerSettings.registrarOptions, into: &fields)
        {
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
        guard let domain = self.settings.homeDomain(of: aor, octets) else {
            workspace.reply(octets, 404, "Not A Domain Of This Server", tag: tag)
            return false
        }
        guard self.settings.requiresAuthentication else { return true }
        let verdict = self.authenticator.judge(
            octets, workspace.index, field: .authorization, domain: domain, from: workspace.flow.remote.ip,
            self.settings, ruling: workspace.ruling, wasRelayed: workspace.index.hasVia(below: workspace.via),
            at: workspace.now)
        switch verdict {
        case .user: self.accepted.add(octets, over: workspace.flow, key: self.settings.hashKey, at: workspace.now)
        case .stale
        where self.accepted.contains(octets, over: workspace.flow, key: self.settings.hashKey, at: workspace.now):
            break
        case .elsewhere(let use):
            workspace.ask(
                .locations(Int(use.place)), about: use, domain: domain, for: .locations(self.number))
            return false
        case .misdirected:
            workspace.reply(octets, 400, "Digest URI Is Not The Request-URI", tag: tag)
            return false
        case .stale, .wrong, .unknown:
            if case .wrong(let provesAddress) = verdict { workspace.noteWrongCredentials(provesAddress) }
            self.authenticator.writeChallenges(
                .server, to: octets, workspace.index, domain: domain, isStale: verdict == .stale,
                address: workspace.replyAddress.ip, at: workspace.now, into: &fields)
            workspace.reply(octets, 401, "Unauthorized", fields: fields, tag: tag)
            return false
        }
        let identity = self.authenticator.identity
        // Step 4: others may register for a user where the configuration says so.
        guard identity == workspace.mail || self.settings.registrants[identity]?.contains(workspace.mail) == true else {
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
    /// - Parameter known: The options that we know.
    /// - Returns: whether there are any; if not, nothing was appended.
    func writeUnsupported(
        _ id: HeaderID, of octets: Span<UInt8>, knowing known: [StaticString], into fields: inout [UInt8]
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
                let isKnown = known.contains { octets.equals(option..<end, ignoringCase: $0) }
                if end > option, !isKnown {
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
