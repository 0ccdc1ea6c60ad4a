import CallRouting
import Containers
import LocationService
import ProxyCore
import SIPMessages
import SIPTransactions

/// Who sent the request at hand, as far as it matters for where it may go.
enum CallerKind: BitwiseCopyable {
    /// A user whose credentials were right, or, where nobody is asked for any, whom From names as one.
    case user
    /// A gateway, by its address.
    case trunk
    case stranger
}

/// Carrying out what the dial plan and the settings of users decide.
extension CallShard {
    /// Who calls, for the dial plan.
    func caller(_ octets: Span<UInt8>, _ workspace: borrowing Workspace) -> Route.Caller {
        switch self.callerKind {
        case .user:
            guard let uri = self.fromURI(octets, workspace.index) else { return .stranger }
            var aor: [UInt8] = []
            _ = self.settings.appendAOR(of: uri, octets, into: &aor)
            let text = String(decoding: aor, as: UTF8.self)
            guard let at = text.lastIndex(of: "@") else { return .stranger }
            return .user(String(text[..<at]), domain: String(text[text.index(after: at)...]))
        case .trunk:
            return self.settings.trunk(of: workspace).map { .trunk($0.name) } ?? .stranger
        case .stranger: return .stranger
        }
    }

    /// Notes who sends, where nobody is asked for a password.
    mutating func noteUnprovedCaller(_ octets: Span<UInt8>, _ workspace: borrowing Workspace) {
        guard self.settings.hasRouting else { return }
        if let from = self.fromURI(octets, workspace.index), self.settings.isOurDomain(from, octets) {
            self.callerKind = .user
        } else {
            self.callerKind = self.settings.trunk(of: workspace) != nil ? .trunk : .stranger
        }
    }

    /// Sends a request on its way by the dial plan or the settings of a user.
    ///
    /// - Returns: `false` where its Request-URI alone says where it goes.
    mutating func routeByPlan(
        _ uri: URIIndex, _ octets: Span<UInt8>, _ workspace: inout Workspace, _ passage: Passage
    ) -> Bool {
        let method = workspace.index.method
        // The ACK to a refusal has a tag, and goes the way of its INVITE (§16.11).
        guard self.settings.hasRouting, !workspace.index.has(.route),
            method == .ack || !workspace.index.hasToTag(octets)
        else { return false }
        var traits = passage.traits
        if uri.scheme == .sips { traits.insert(.isSecure) }
        let decision = self.settings.decide(uri, octets, from: self.caller(octets, workspace))
        if method == .ack || method == .cancel, !decision.action.isForwarding {
            self.refuse(octets, 481, "No Such Transaction", &workspace)
            return true
        }
        switch decision.action {
        case .server: self.answerLocally(octets, &workspace)
        case .echo: self.serve(octets, &workspace)
        case .user(let aor) where self.settings.proxy.isStateless:
            self.lookUpStateless(aor, octets, &workspace, traits)
        case .user(let aor): self.lookUp(aor, octets, &workspace, traits)
        case .elsewhere(let target): self.forward(to: target, octets, &workspace, traits)
        case .service(_, let target): self.forward(to: target, octets, &workspace, traits)
        case .trunk(let name, let number): self.seizeTrunk(name, number, octets, &workspace, traits)
        case .redirect(let redirection, let user):
            self.redirect(redirection, user, octets, &workspace, traits)
        case .refuse(let status, let phrase):
            guard let server = self.createServer(octets, &workspace, isTrying: false) else { return true }
            self.reply(server, status, phrase, &workspace)
        }
        return true
    }

    /// Forwards a request to a URI that takes the place of its Request-URI.
    private mutating func forward(
        to target: [UInt8], _ octets: Span<UInt8>, _ workspace: inout Workspace, _ traits: RequestTraits
    ) {
        let whole = 0..<target.count
        let uri = try? URIIndex(parsing: target.span, in: whole)
        let flow = uri.flatMap { self.settings.proxy.flow(to: $0, target.span, near: workspace.flow) }
        workspace.targets.removeAll(keepingCapacity: true)
        Target.append(
            uri: target.span, whole, route: target.span, 0..<0, q: 1000, flow: flow, to: &workspace.targets)
        self.send(octets, &workspace, traits)
    }

    // MARK: Redirecting (§8.3)

    private mutating func redirect(
        _ redirection: Redirection, _ user: [UInt8], _ octets: Span<UInt8>, _ workspace: inout Workspace,
        _ traits: RequestTraits
    ) {
        if redirection.contacts.isEmpty, !user.isEmpty {
            return self.lookUp(user, octets, &workspace, traits, redirecting: redirection.status)
        }
        guard let server = self.createServer(octets, &workspace, isTrying: false) else { return }
        var fields: [UInt8] = []
        redirection.writeContacts(into: &fields)
        self.transactions.reply(
            server, redirection.status, redirection.phrase, fields: fields, at: workspace.now, into: &workspace.outbox)
    }

    /// Answers with the bindings of a user as contacts, each with its preference and what is left of its time.
    mutating func redirect(_ asker: Asker, _ block: OctetRange, _ workspace: inout Workspace) {
        let fields = Self.contacts(workspace, block) { _ in true }
        let redirection = Redirection(asker.redirectStatus, [])
        self.transactions.reply(
            asker.server, redirection.status, redirection.phrase, fields: fields, at: workspace.now,
            into: &workspace.outbox)
    }

    /// Asks for the bindings of a user.
    mutating func lookUp(
        _ aor: [UInt8], _ octets: Span<UInt8>, _ workspace: inout Workspace, _ traits: RequestTraits,
        redirecting status: UInt16 = 0
    ) {
        guard let server = self.createServer(octets, &workspace, isTrying: status == 0) else { return }
        let start = workspace.mail.count
        workspace.mail += aor
        let key = OctetRange(start, workspace.mail.count)
        let hash = SipHash13.hash(workspace.mail.span, key.range, key: self.settings.hashKey)
        let breadth = workspace.index.value(.maxBreadth).map { octets.maxForwards($0) }
        var asker = Asker(shard: self.number, server: server, maxBreadth: breadth, traits: traits)
        asker.redirectStatus = status
        asker.aor = key
        workspace.posts.append(
            .lookUp(
                shard: self.settings.shard(of: hash), hash: hash, key: key, selection: .all, asker: asker))
    }

    /// Answers with a reason phrase that is not known before the program runs.
    mutating func reply(
        _ server: TransactionID, _ status: UInt16, _ phrase: String, fields: [UInt8] = [],
        _ workspace: inout Workspace
    ) {
        let start = workspace.outbox.octets.count
        self.transactions.writeReply(
            server, status, phrase: phrase, fields: fields, into: &workspace.outbox.octets)
        self.transactions.respond(
            server, status: status, from: start, at: workspace.now, into: &workspace.outbox)
    }
}
