import CallRouting
import LocationService
import ProxyCore
import SIPAuthentication
import SIPMessages
import SIPTransactions

/// What was found out about a request before it is routed.
struct Passage: BitwiseCopyable {
    /// What its Route has proved.
    var proof: RouteProof
    /// Whether a user of ours has sent it, and proved it.
    var isFromUser = false
    /// Whether it stands in `rewritten`.
    var isRewritten = false
    /// The home that it goes to, where we are an edge proxy; -1 elsewhere.
    var home = -1

    /// Whether it is a REGISTER to that home, on whose Path we want to be.
    var isRegistration = false

    init(proof: RouteProof) { self.proof = proof }

    /// The same for the proxy core.
    var traits: RequestTraits {
        var traits: RequestTraits = []
        if self.proof.isOfOurDialog { traits.insert(.isOfOurDialog) }
        if self.isFromUser { traits.insert(.isFromUser) }
        if self.proof.flow != nil { traits.insert(.isOverFlowToken) }
        if self.proof.isOfOurDialog, self.proof.receiver.raisesCSeq { traits.insert(.raisesCSeq) }
        if self.isRegistration { traits.insert(.wantsPath) }
        return traits
    }
}

/// Who may call whom: RFC 3261 §22.3, RFC 3325, and the rule that nobody is relayed for a stranger.
extension CallShard {
    /// Decides whether a request may go on.
    ///
    /// A request of a dialog that was set up through us proves that by the token in our Route, which says where it may go.
    /// A user of ours must be who From says, and that is asserted to the next element. A stranger may reach our users,
    /// nobody else, and where these are to be reached by users only, he may prove to be one whatever From says.
    ///
    /// - Returns: whether it may; if not, it has been answered. Where it needs other fields, these are rewritten into
    ///   `rewritten`, and `passage.isRewritten` is set.
    mutating func authorise(
        _ octets: Span<UInt8>, _ workspace: inout Workspace, _ passage: inout Passage
    ) -> Bool {
        self.callerKind = .stranger
        if !passage.proof.isOfOurDialog, passage.proof.flow == nil, let home = self.home(of: octets, workspace.index) {
            guard self.checkPathSupport(octets, home, &workspace) else { return false }
            passage.home = home
            passage.isRegistration =
                workspace.index.method == .register && self.settings.homes[home].isOnPath
            self.dropClaims(octets, &workspace, &passage)
            return true
        }
        guard self.settings.requiresAuthentication else {
            self.noteUnprovedCaller(octets, workspace)
            return true
        }
        if self.permits(&passage.proof, octets, workspace) {
            passage.isFromUser = passage.proof.isFromUser(over: workspace.flow)
            // The token proves the dialog, and not who speaks in it.
            self.dropClaims(octets, &workspace, &passage)
            return true
        }
        guard let requestURI = try? URIIndex(parsing: octets, in: workspace.index.requestURI.range),
            let from = self.fromURI(octets, workspace.index)
        else {
            self.refuse(octets, 400, "Malformed From", &workspace)
            return false
        }
        let isForOurs = self.settings.isOurs(requestURI, octets) && !workspace.index.has(.route)
        let isWelcome = self.settings.inbound != .nobody && self.settings.trustsSender(workspace)
        if isForOurs, !requestURI.hasUser || isWelcome {
            if self.settings.trunk(of: workspace) != nil { self.callerKind = .trunk }
            return true
        }
        // Who is of another domain may be a user here too, and prove that (RFC 3665 §3.3).
        let isGuest = isForOurs && self.settings.inbound == .users
        let home = self.settings.homeDomain(of: from, octets)
        let isOfOurs = home != nil
        guard let domain = home ?? (isGuest ? self.settings.homeDomain(of: requestURI, octets) : nil) else {
            let mayCall = isForOurs && self.settings.inbound == .anyone
            if !mayCall { self.refuse(octets, 403, "Relaying Is For Users Of This Server", &workspace) }
            if mayCall { self.dropClaims(octets, &workspace, &passage) }
            return mayCall
        }
        let verdict = self.authenticator.judge(
            octets, workspace.index, field: .proxyAuthorization, domain: domain, from: workspace.flow.remote.ip,
            self.settings, ruling: workspace.ruling, wasRelayed: workspace.index.hasVia(below: workspace.via),
            acceptsRepeats: self.settings.proxy.isStateless, isRetargeted: passage.proof.isRetargeted, at: workspace.now
        )
        if case .elsewhere(let use) = verdict {
            workspace.ask(.calls(Int(use.place)), about: use, domain: domain, for: .calls(self.number))
            return false
        }
        guard verdict != .misdirected else {
            self.refuse(octets, 400, "Digest URI Is Not The Request-URI", &workspace)
            return false
        }
        guard verdict == .user else {
            if case .wrong(let provesAddress) = verdict { workspace.noteWrongCredentials(provesAddress) }
            // A request of a user of ours that has come back by another server has lost the credentials to us; it may
            // reach whom anybody may.
            if verdict == .unknown, isForOurs, self.settings.inbound == .anyone,
                self.isSpiral(octets, workspace.index)
            {
                self.dropClaims(octets, &workspace, &passage)
                return true
            }
            self.challenge(octets, domain: domain, isStale: verdict == .stale, &workspace)
            return false
        }
        guard !isOfOurs || self.isOwner(of: from, octets) else {
            self.refuse(octets, 403, "From Is Not The Authenticated User", &workspace)
            return false
        }
        guard self.hasOwnGRUU(octets, workspace.index) else {
            self.refuse(octets, 403, "Contact Is The GRUU Of Another User", &workspace)
            return false
        }
        self.callerKind = .user
        self.rewrite(octets, workspace.index, identity: self.authenticator.identity)
        (passage.isRewritten, passage.isFromUser) = (true, true)
        return true
    }

    /// Whether a request was forwarded by us before, for a user of ours, and is under way still.
    private func isSpiral(_ octets: Span<UInt8>, _ index: borrowing MessageIndex) -> Bool {
        var position = index.first(.via)
        var via = ViaIndex()
        while let field = position {
            let value = index.fields[field].value
            var start: Int? = value.lower
            while let from = start {
                do { start = try ViaIndex.parse(octets, in: from..<value.upper, into: &via) } catch { return false }
                if self.settings.isOurs(via, octets),
                    self.proxy.isUnderWay(fromUser: via.branch, octets, self.transactions)
                {
                    return true
                }
            }
            position = index.next(.via, from: field + 1)
        }
        return false
    }

    func fromURI(_ octets: Span<UInt8>, _ index: borrowing MessageIndex) -> URIIndex? {
        guard let value = index.value(.from),
            let address = try? AddressIndex(parsing: octets, in: value.range, field: .from)
        else { return nil }
        return try? URIIndex(parsing: octets, in: address.uri.range, field: .from)
    }

    /// Takes off the identities that a sender asserts, or prefers, whom we do not trust (RFC 3325 §5, §6), and the
    /// credentials for us: an ACK has those of its INVITE (RFC 3261 §13.2.2.4), and they have no business beyond us (§22.3).
    private mutating func dropClaims(
        _ octets: Span<UInt8>, _ workspace: inout Workspace, _ passage: inout Passage
    ) {
        guard self.settings.requiresAuthentication else { return }
        let hasClaims = workspace.index.has(.pAssertedIdentity) || workspace.index.has(.pPreferredIdentity)
        let isClaim = hasClaims && !self.settings.trustsSender(workspace)
        guard isClaim || self.hasCredentialsForUs(octets, workspace.index) else { return }
        self.rewrite(octets, workspace.index, identity: [], keepsClaims: !isClaim)
        passage.isRewritten = true
    }

    /// Whether there are credentials for a realm of ours.
    func hasCredentialsForUs(_ octets: Span<UInt8>, _ index: borrowing MessageIndex) -> Bool {
        var position = index.first(.proxyAuthorization)
        while let found = position {
            if self.isForUs(index.fields[found].value, octets) { return true }
            position = index.next(.proxyAuthorization, from: found + 1)
        }
        return false
    }

    /// Whether a GRUU of ours in Contact, if there is one, is one of the user who was proved (RFC 5627 §6.2).
    private func hasOwnGRUU(_ octets: Span<UInt8>, _ index: borrowing MessageIndex) -> Bool {
        guard let value = index.value(.contact),
            let uri = URIIndex(firstAddressOf: octets, in: value.range, field: .contact),
            self.settings.isOurs(uri, octets), uri.parameter("gr", in: octets) != nil
        else { return true }
        var aor: [UInt8] = []
        _ = self.settings.appendAOR(of: uri, octets, into: &aor)
        switch self.gruus.read(uri, octets, aor: aor.span) {
        case .device: return aor == self.authenticator.identity
        case .temporary(let hash, _, _):
            let identity = self.authenticator.identity
            return hash == SipHash13.hash(identity.span, 0..<identity.count, key: self.settings.hashKey)
        case nil: return true  // None of ours, and good for nothing.
        }
    }

    private func isOwner(of from: URIIndex, _ octets: Span<UInt8>) -> Bool {
        self.settings.aor(of: from, octets) == self.authenticator.identity
    }

    private mutating func challenge(
        _ octets: Span<UInt8>, domain: Int, isStale: Bool, _ workspace: inout Workspace
    ) {
        var fields: [UInt8] = []
        self.authenticator.writeChallenges(
            .proxy, to: octets, workspace.index, domain: domain, isStale: isStale, address: workspace.replyAddress.ip,
            at: workspace.now, into: &fields)
        self.refuse(octets, 407, "Proxy Authentication Required", fields: fields, &workspace)
    }

    /// Writes the request without the credentials for us and the identities that the sender claims, and with the one
    /// that was proved (RFC 3261 §22.3, RFC 3325 §9.1).
    mutating func rewrite(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, identity: [UInt8], keepsClaims: Bool = false
    ) {
        self.rewritten.removeAll(keepingCapacity: true)
        var copied = 0
        for i in index.fields.indices {
            let field = index.fields[i]
            let isClaim =
                (field.id == .pAssertedIdentity && !keepsClaims)
                || (field.id == .pPreferredIdentity && !(identity.isEmpty && keepsClaims))
            guard isClaim || (field.id == .proxyAuthorization && self.isForUs(field.value, octets)) else { continue }
            let next = i + 1 < index.fields.count ? index.fields[i + 1].name.lower : index.headerOctets - 2
            self.rewritten.append(octets, copied..<field.name.lower)
            copied = next
        }
        self.rewritten.append(octets, copied..<index.headerOctets - 2)
        if !identity.isEmpty {
            // The identity has no escapes, which a user part may need: the last @ is the one before the domain.
            let at = identity.lastIndex(of: 0x40) ?? identity.endIndex
            self.rewritten.append("P-Asserted-Identity: <sip:")
            self.rewritten.append(escapingUser: Array(identity[..<at]))
            self.rewritten.append(contentsOf: identity[at...])
            self.rewritten.append(">\r\n")
        }
        self.rewritten.append(octets, index.headerOctets - 2..<index.body.upper)
    }

    /// Whether credentials are for a realm of ours, which the next element has no use for.
    private func isForUs(_ value: OctetRange, _ octets: Span<UInt8>) -> Bool {
        guard let credentials = try? CredentialsIndex(parsing: octets, in: value.range, field: .proxyAuthorization)
        else { return false }
        for domain in self.settings.domains where octets.equalsLowercased(credentials.realm.range, domain) {
            return true
        }
        return false
    }
}
