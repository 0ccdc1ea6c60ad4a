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

    init(proof: RouteProof) { self.proof = proof }

    /// The same for the proxy core.
    var traits: RequestTraits {
        var traits: RequestTraits = []
        if self.proof.isOfOurDialog { traits.insert(.isOfOurDialog) }
        if self.isFromUser { traits.insert(.isFromUser) }
        if self.proof.flow != nil { traits.insert(.isOverFlowToken) }
        return traits
    }
}

/// Who may call whom: RFC 3261 §22.3, RFC 3325, and the rule that nobody is relayed for a stranger.
extension CallShard {
    /// Decides whether a request may go on.
    ///
    /// A request of a dialog that was set up through us proves that by the token in our Route, which says where it may go.
    /// A user of ours must be who From says, and that is asserted to the next element. A stranger may reach our users,
    /// nobody else.
    ///
    /// - Returns: whether it may; if not, it has been answered. Where it needs other fields, these are rewritten into
    ///   `rewritten`, and `passage.isRewritten` is set.
    mutating func authorise(
        _ octets: Span<UInt8>, _ workspace: inout Workspace, _ passage: inout Passage
    ) -> Bool {
        self.callerKind = .stranger
        guard self.settings.requiresAuthentication else {
            self.noteUnprovedCaller(octets, workspace)
            return true
        }
        if self.permits(&passage.proof, octets, workspace.index, over: workspace.flow) {
            passage.isFromUser = passage.proof.isFromUser(over: workspace.flow)
            // The token proves the dialog, and not who speaks in it (RFC 3325 §5).
            if workspace.index.has(.pAssertedIdentity), !self.settings.trustsSender(workspace) {
                self.rewrite(octets, workspace.index, identity: [])
                passage.isRewritten = true
            }
            return true
        }
        guard let requestURI = try? URIIndex(parsing: octets, in: workspace.index.requestURI.range),
            let from = self.fromURI(octets, workspace.index)
        else {
            self.refuse(octets, 400, "Malformed From", &workspace)
            return false
        }
        let isForOurs = self.settings.isOurs(requestURI, octets) && !workspace.index.has(.route)
        if isForOurs, !requestURI.hasUser || self.settings.trustsSender(workspace) {
            if self.settings.trunk(of: workspace) != nil { self.callerKind = .trunk }
            return true
        }
        guard let domain = self.authenticator.domain(of: from, octets) else {
            let mayCall = isForOurs && self.settings.inbound == .anyone
            if !mayCall { self.refuse(octets, 403, "Relaying Is For Users Of This Server", &workspace) }
            if mayCall, workspace.index.has(.pAssertedIdentity) {
                self.rewrite(octets, workspace.index, identity: [])
                passage.isRewritten = true
            }
            return mayCall
        }
        let verdict = self.authenticator.judge(
            octets, workspace.index, field: .proxyAuthorization, domain: domain, self.settings.subscribers,
            at: workspace.now)
        guard verdict == .user else {
            self.challenge(octets, domain: domain, isStale: verdict == .stale, &workspace)
            return false
        }
        guard self.isOwner(of: from, octets) else {
            self.refuse(octets, 403, "From Is Not The Authenticated User", &workspace)
            return false
        }
        self.callerKind = .user
        self.rewrite(octets, workspace.index, identity: self.authenticator.identity)
        (passage.isRewritten, passage.isFromUser) = (true, true)
        return true
    }

    func fromURI(_ octets: Span<UInt8>, _ index: borrowing MessageIndex) -> URIIndex? {
        guard let value = index.value(.from),
            let address = try? AddressIndex(parsing: octets, in: value.range, field: .from)
        else { return nil }
        return try? URIIndex(parsing: octets, in: address.uri.range, field: .from)
    }

    private func isOwner(of from: URIIndex, _ octets: Span<UInt8>) -> Bool {
        var aor: [UInt8] = []
        CallShard.appendAOR(from, octets, into: &aor)
        return aor == self.authenticator.identity
    }

    private mutating func challenge(
        _ octets: Span<UInt8>, domain: Int, isStale: Bool, _ workspace: inout Workspace
    ) {
        var fields: [UInt8] = []
        self.authenticator.writeChallenges(
            .proxy, to: octets, workspace.index, domain: domain, isStale: isStale, at: workspace.now, into: &fields)
        self.refuse(octets, 407, "Proxy Authentication Required", fields: fields, &workspace)
    }

    /// Writes the request without the credentials for us and the identities that the sender claims, and with the one
    /// that was proved (RFC 3261 §22.3, RFC 3325 §9.1).
    private mutating func rewrite(_ octets: Span<UInt8>, _ index: borrowing MessageIndex, identity: [UInt8]) {
        self.rewritten.removeAll(keepingCapacity: true)
        var copied = 0
        for i in index.fields.indices {
            let field = index.fields[i]
            let isClaim = field.id == .pAssertedIdentity || (!identity.isEmpty && field.id == .pPreferredIdentity)
            guard isClaim || (field.id == .proxyAuthorization && self.isForUs(field.value, octets)) else { continue }
            let next = i + 1 < index.fields.count ? index.fields[i + 1].name.lower : index.headerOctets - 2
            self.rewritten.append(octets, copied..<field.name.lower)
            copied = next
        }
        self.rewritten.append(octets, copied..<index.headerOctets - 2)
        if !identity.isEmpty {
            self.rewritten.append("P-Asserted-Identity: <sip:")
            self.rewritten.append(contentsOf: identity)
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
