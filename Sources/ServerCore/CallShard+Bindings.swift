import CallRouting
import LocationService
import ProxyCore
import SIPMessages
import SIPTransactions

/// From an address of ours to the devices of its user: RFC 3261 §16.5, RFC 5626 §7, RFC 5627 §6.1.
extension CallShard {
    /// Asks for the bindings of the AOR or GRUU that a Request-URI names.
    mutating func lookUp(
        _ uri: URIIndex, _ octets: Span<UInt8>, _ workspace: inout Workspace, _ passage: Passage
    ) {
        let key = self.settings.appendAOR(of: uri, octets, into: &workspace.mail)
        guard let goal = self.goal(of: uri, octets, key, workspace.mail.span) else {
            return self.refuse(octets, 404, "No Such GRUU", &workspace)
        }
        guard let server = self.createServer(octets, &workspace) else { return }
        let breadth = workspace.index.value(.maxBreadth).map { octets.maxForwards($0) }
        var traits = passage.traits
        if uri.scheme == .sips { traits.insert(.isSecure) }
        var asker = Asker(shard: self.number, server: server, maxBreadth: breadth, traits: traits)
        asker.hasRoute = workspace.index.has(.route)
        if case .temporary = goal.selection { asker.isTemporary = true }
        asker.aor = goal.key
        workspace.posts.append(
            .lookUp(
                shard: self.settings.shard(of: goal.hash), hash: goal.hash, key: goal.key, selection: goal.selection,
                asker: asker))
    }

    /// What is to be looked up for a URI of ours.
    struct Goal {
        var hash: UInt64
        /// Where the AOR lies in the mail; empty where only its hash is known.
        var key: OctetRange
        var selection: Registrar.Selection
    }

    /// - Parameter key: Where the AOR that the URI names lies in `mail`.
    /// - Returns: `nil` for a URI with `gr` that is no GRUU of ours, or one of a user who is none any more.
    func goal(of uri: URIIndex, _ octets: Span<UInt8>, _ key: OctetRange, _ mail: Span<UInt8>) -> Goal? {
        let hash = SipHash13.hash(mail, key.range, key: self.settings.hashKey)
        guard uri.parameter("gr", in: octets) != nil else { return Goal(hash: hash, key: key, selection: .all) }
        let aor = mail.octets(key.range)
        switch self.gruus.read(uri, octets, aor: aor.span) {
        case .device(let instance):
            guard !self.settings.requiresAuthentication || self.settings.subscribers.contains(aor) else { return nil }
            return Goal(hash: hash, key: key, selection: .device(instance))
        case .temporary(let hash, let instance, let since):
            return Goal(hash: hash, key: .absent, selection: .temporary(instance, since: since))
        case nil: return nil
        }
    }

    /// The bindings of a callee are there: forks to them.
    mutating func fork(_ asker: Asker, _ octets: Span<UInt8>, _ block: OctetRange, _ workspace: inout Workspace) {
        let server = asker.server
        if server.isNone { return self.forwardStateless(asker, block, &workspace) }
        // One that was cancelled meanwhile has its answer.
        guard let method = self.transactions.method(of: server), !self.transactions.request(of: server).isEmpty else {
            return
        }
        if asker.isRedirected { return self.resume(asker, block, &workspace) }
        guard !block.isEmpty else {
            let (status, reason) = self.absence(asker, workspace)
            self.transactions.reply(server, status, reason, at: workspace.now, into: &workspace.outbox)
            return
        }
        guard asker.redirectStatus == 0 else { return self.redirect(asker, block, &workspace) }
        workspace.targets.removeAll(keepingCapacity: true)
        let isSecure = asker.traits.contains(.isSecure)
        self.appendTargets(
            workspace.mail, block, hasRoute: asker.hasRoute, isSecure: isSecure, into: &workspace.targets)
        guard !workspace.targets.isEmpty else {
            let others = Self.contacts(workspace, block) { $0?.scheme == .other }
            guard others.isEmpty else {
                self.transactions.reply(
                    server, 302, Self.elsewhere, fields: others, at: workspace.now, into: &workspace.outbox)
                return
            }
            let refusal = Self.unfitContacts(isSecure: isSecure)
            self.transactions.reply(
                server, 480, refusal.reason, fields: refusal.fields, at: workspace.now, into: &workspace.outbox)
            return
        }
        self.begin(server, method, workspace.flow, maxBreadth: asker.maxBreadth, asker.traits, &workspace)
    }

    /// The reason of a 302 to where no SIP leads.
    static let elsewhere: StaticString = "Moved Temporarily"

    /// The lines with those bindings in `block` as contacts that are wanted, each with its preference and what is left of its
    /// time.
    static func contacts(
        _ workspace: borrowing Workspace, _ block: OctetRange, where isWanted: (URIIndex?) -> Bool
    ) -> [UInt8] {
        let mail = workspace.mail.span
        var fields: [UInt8] = []
        var position = block.lower
        while position < block.upper {
            let binding = StoredBinding(mail, at: position)
            position = binding.whole.upper
            guard isWanted(try? URIIndex(parsing: mail, in: binding.contact.range, field: .contact)) else { continue }
            let seconds = Swift.max(0, binding.expiresAt - workspace.wall) / 1000
            Redirection.writeContact(
                mail.octets(binding.contact.range), q: QValue(thousandths: binding.q), expires: UInt64(seconds),
                into: &fields)
        }
        return fields
    }

    /// What is said of an address without bindings. Users of ours learn that there is no such user (§21.4.5); to others
    /// everybody who cannot be reached is the same, so that nobody finds out who our users are.
    func absence(_ asker: Asker, _ workspace: borrowing Workspace) -> (UInt16, StaticString) {
        if asker.isTemporary { return (404, "No Such GRUU") }
        guard self.settings.requiresAuthentication, asker.traits.contains(.isFromUser), !asker.aor.isEmpty,
            !self.settings.subscribers.contains(Array(workspace.mail[asker.aor.range]))
        else { return (480, "Not Registered") }
        return (404, "No Such User")
    }

    /// Writes the bindings in `block` as targets, the preferred first.
    ///
    /// The bindings of one instance are one target: the one that was refreshed last, and after it the others, in case its
    /// flow has failed (RFC 5626 §7, RFC 5627 §6.1).
    ///
    /// - Parameters:
    ///   - hasRoute: Whether the request keeps a Route that it came with; then no Path is put before it.
    ///   - isSecure: Whether the request is for a SIPS URI, and so for SIPS contacts alone (RFC 5630 §5.3).
    func appendTargets(
        _ octets: [UInt8], _ block: OctetRange, hasRoute: Bool, isSecure: Bool, into targets: inout [UInt8]
    ) {
        let mail = octets.span
        var limit: UInt16 = .max
        // Most users have one or two bindings: from the highest q down, one pass for each value.
        while true {
            var best: UInt16?
            var position = block.lower
            while position < block.upper {
                let binding = StoredBinding(mail, at: position)
                position = binding.whole.upper
                guard binding.q < limit, best.map({ binding.q > $0 }) ?? true else { continue }
                if !Self.hasSuccessor(binding, mail, block) { best = binding.q }
            }
            guard let q = best else { return }
            limit = q
            position = block.lower
            while position < block.upper {
                let binding = StoredBinding(mail, at: position)
                position = binding.whole.upper
                guard binding.q == q, !Self.hasSuccessor(binding, mail, block) else { continue }
                let start = targets.count
                self.append(
                    binding, mail, q: q, hasRoute: hasRoute, isAlternate: false, isSecure: isSecure, into: &targets)
                guard !binding.instance.isEmpty else { continue }
                var rest = block
                while let other = Self.last(of: binding, mail, rest, below: binding.whole.lower) {
                    self.append(
                        other, mail, q: q, hasRoute: hasRoute, isAlternate: targets.count > start, isSecure: isSecure,
                        into: &targets)
                    rest = OctetRange(block.lower, other.whole.lower)
                }
            }
        }
    }

    /// Whether a later binding is one of the same instance.
    private static func hasSuccessor(_ binding: StoredBinding, _ mail: Span<UInt8>, _ block: OctetRange) -> Bool {
        guard !binding.instance.isEmpty else { return false }
        var position = binding.whole.upper
        while position < block.upper {
            let other = StoredBinding(mail, at: position)
            if mail.equals(other.instance.range, mail, binding.instance.range) { return true }
            position = other.whole.upper
        }
        return false
    }

    /// The last binding of the same instance that lies in `block` before `limit`.
    private static func last(
        of binding: StoredBinding, _ mail: Span<UInt8>, _ block: OctetRange, below limit: Int
    ) -> StoredBinding? {
        var found: StoredBinding?
        var position = block.lower
        while position < Swift.min(block.upper, limit) {
            let other = StoredBinding(mail, at: position)
            if mail.equals(other.instance.range, mail, binding.instance.range) { found = other }
            position = other.whole.upper
        }
        return found
    }

    private func append(
        _ binding: StoredBinding, _ mail: Span<UInt8>, q: UInt16, hasRoute: Bool, isAlternate: Bool, isSecure: Bool,
        into targets: inout [UInt8]
    ) {
        let contact = try? URIIndex(parsing: mail, in: binding.contact.range, field: .contact)
        // Nothing is forwarded to a page or a mailbox (§16.5): who wants to go there is told so.
        guard contact?.scheme != .other else { return }
        let isContactSecure = contact?.scheme == .sips
        guard isContactSecure || !isSecure else { return }
        var (flow, traits) = self.way(to: binding, mail, isSecure: isContactSecure)
        if isContactSecure, let flow, !flow.transport.isSecure { return }
        if isAlternate { traits.insert(.isAlternate) }
        if hasRoute {
            flow = nil
            traits.remove(.isPinned)
        }
        let route = hasRoute ? 0..<0 : binding.path.range
        guard isContactSecure, !isSecure else {
            return Target.append(
                contact: mail, binding.contact.range, contact, route: mail, route, q: q, flow: flow, traits: traits,
                to: &targets)
        }
        // A SIP URI is not upgraded: the device is sent its own URI as a SIP URI, over TLS all the same (RFC 5630 §5.3).
        var uri = Array("sip".utf8)
        uri.append(mail, binding.contact.lower + 4..<binding.contact.upper)
        let index = try? URIIndex(parsing: uri.span, in: 0..<uri.count)
        Target.append(
            contact: uri.span, 0..<uri.count, index, route: mail, route, q: q, flow: flow, traits: traits,
            to: &targets)
    }
}
