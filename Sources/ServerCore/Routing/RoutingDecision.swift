public import CallRouting
import LocationService
public import SIPMessages

/// Where a request outside a dialog goes, and what decided it (RFC 3261 §16.5).
public struct RoutingDecision: Hashable, Sendable {
    /// What is done with it.
    public enum Action: Hashable, Sendable {
        /// The server answers it itself.
        case server
        /// The server answers the call itself and returns what it hears.
        case echo
        /// To the devices of this user of ours, `user@domain` in canonical form.
        case user([UInt8])
        /// To the domain or address of this URI.
        case elsewhere([UInt8])
        /// Out by a trunk, with this number.
        case trunk(String, number: [UInt8])
        /// To a service, which listens at this URI.
        case service(String, at: [UInt8])
        /// The caller is to try elsewhere; without contacts in it, at the devices of this user.
        case redirect(Redirection, user: [UInt8])
        /// It is refused with this status and reason phrase.
        case refuse(UInt16, String)

        /// Whether the request goes on, to where a proxy without transactions would have sent it.
        var isForwarding: Bool {
            switch self {
            case .user, .elsewhere, .service: true
            case .server, .echo, .trunk, .redirect, .refuse: false
            }
        }
    }

    /// What decided.
    public enum Reason: Hashable, Sendable {
        /// This match of the dial plan.
        case route(DialPlan.Match)
        /// This match of a trunk's own plan.
        case inboundRoute(DialPlan.Match, trunk: String)
        /// The domain or address in the URI.
        case host
    }

    /// What is done.
    public var action: Action
    /// What decided.
    public var reason: Reason
    /// Whether the called user's own setting then redirected the caller.
    public var isByUser = false
}

extension ServerSettings {
    /// Whether anything but domains and addresses decides where requests go.
    var hasRouting: Bool { !self.plan.isEmpty || !self.redirections.isEmpty || !self.trunks.isEmpty }

    /// The trunk of this name.
    func trunk(named name: String) -> TrunkSettings? { self.trunks.first { $0.name == name } }

    /// The trunk whose calls come from where the message at hand came from: its address is one of the trunk's, or the
    /// certificate of its connection is for a domain of the trunk's (RFC 5922 §7.4).
    func trunk(of workspace: borrowing Workspace) -> TrunkSettings? {
        let (ip, identities) = (workspace.flow.remote.ip, workspace.identities)
        return self.trunks.first { trunk in
            trunk.allow.contains { $0.contains(ip) }
                || (identities.map { identities in trunk.domains.contains { identities.prove(Host($0)) } } ?? false)
        }
    }

    /// Decides where a request outside a dialog goes that has no Route left: the one place where that is done, for the
    /// request itself and for `biloxi route`.
    ///
    /// - Parameters:
    ///   - uri: Its Request-URI.
    ///   - caller: Who calls.
    public func decide(_ uri: URIIndex, _ octets: Span<UInt8>, from caller: Route.Caller) -> RoutingDecision {
        guard uri.scheme == .sip || uri.scheme == .sips || uri.scheme == .tel else {
            return RoutingDecision(action: .refuse(416, "Unsupported URI Scheme"), reason: .host)
        }
        let isOurs = self.isOurs(uri, octets)
        if isOurs, !uri.hasUser { return RoutingDecision(action: .server, reason: .host) }
        let dialled = DialledAddress(uri, octets, isLocal: isOurs || uri.scheme == .tel)
        if case .trunk(let name) = caller, let trunk = self.trunk(named: name),
            let match = trunk.inbound.match(dialled, from: caller)
        {
            return self.follow(match, uri, octets, .inboundRoute(match, trunk: name), from: caller)
        }
        if let match = self.plan.match(dialled, from: caller) {
            return self.follow(match, uri, octets, .route(match), from: caller)
        }
        if isOurs, self.isEcho(uri, octets) { return RoutingDecision(action: .echo, reason: .host) }
        if isOurs { return self.toUser(self.aor(of: uri, octets), .host) }
        if uri.scheme == .tel {
            return RoutingDecision(action: .refuse(404, "No Route For This Number"), reason: .host)
        }
        return RoutingDecision(action: .elsewhere(octets.octets(uri.whole.range)), reason: .host)
    }

    /// The user that a URI of ours names. One at an address of ours is of the first domain.
    func aor(of uri: URIIndex, _ octets: Span<UInt8>) -> [UInt8] {
        var aor: [UInt8] = []
        _ = self.appendAOR(of: uri, octets, into: &aor)
        return aor
    }

    /// The number of the domain whose user a URI names: an address of ours stands for the first. `nil` when it is none of
    /// ours.
    func homeDomain(of uri: URIIndex, _ octets: Span<UInt8>) -> Int? {
        for i in self.domains.indices where octets.equalsLowercased(uri.host.range, self.domains[i]) { return i }
        return !self.domains.isEmpty && self.isOurAddress(uri, octets) ? 0 : nil
    }

    /// Appends the same; returns where it lies.
    func appendAOR(of uri: URIIndex, _ octets: Span<UInt8>, into output: inout [UInt8]) -> OctetRange {
        let start = output.count
        Registrar.appendKey(uri, of: octets, into: &output)
        if self.isOurAddress(uri, octets), let domain = self.domains.first {
            while output.last != 0x40, output.count > start { output.removeLast() }
            output.append(contentsOf: domain)
        }
        return OctetRange(start, output.count)
    }

    private func toUser(_ aor: [UInt8], _ reason: RoutingDecision.Reason) -> RoutingDecision {
        if let redirection = self.redirections[aor] {
            return RoutingDecision(action: .redirect(redirection, user: aor), reason: reason, isByUser: true)
        }
        return RoutingDecision(action: .user(aor), reason: reason)
    }

    /// Goes where a route leads, if the caller may.
    private func follow(
        _ match: DialPlan.Match, _ uri: URIIndex, _ octets: Span<UInt8>, _ reason: RoutingDecision.Reason,
        from caller: Route.Caller
    ) -> RoutingDecision {
        func refuse(_ status: UInt16, _ phrase: String) -> RoutingDecision {
            RoutingDecision(action: .refuse(status, phrase), reason: reason)
        }
        // Who is not one of our users is let out only by a route that names him.
        let mayLeave = if case .user = caller { true } else { match.isForNamedCallers }
        switch match.destination {
        case .trunk(let name):
            guard mayLeave else { return refuse(403, "Trunks Are For Users Of This Server") }
            guard self.trunk(named: name) != nil else { return refuse(503, "No Trunk \(name)") }
            guard !match.number.isEmpty else { return refuse(484, "No Number Is Left To Dial") }
            return RoutingDecision(action: .trunk(name, number: match.number), reason: reason)
        case .service("echo") where !self.echoUser.isEmpty:
            return RoutingDecision(action: .echo, reason: reason)
        case .service(let name):
            guard let address = self.services[name] else { return refuse(404, "No Service \(name) Here") }
            return RoutingDecision(action: .service(name, at: address), reason: reason)
        case .redirect(let redirection):
            let aor = self.isOurs(uri, octets) ? self.aor(of: uri, octets) : []
            return RoutingDecision(action: .redirect(redirection, user: aor), reason: reason)
        case .refuse(let status, let phrase):
            return refuse(status, phrase)
        case .user(let name):
            let domain = self.domains.first.map { String(decoding: $0, as: UTF8.self) } ?? ""
            return self.follow("sip:" + (name.contains("@") ? name : "\(name)@\(domain)"), match, reason, mayLeave)
        case .host(let host):
            return self.follow("\(uri.scheme == .sips ? "sips" : "sip"):\(host)", match, reason, mayLeave)
        case .uri(let text):
            return self.follow(text, match, reason, mayLeave)
        }
    }

    /// Goes on to a URI, which gets the number where it has no user part.
    private func follow(
        _ text: String, _ match: DialPlan.Match, _ reason: RoutingDecision.Reason, _ mayLeave: Bool
    ) -> RoutingDecision {
        var octets = Array(text.utf8)
        if let uri = try? URIIndex(parsing: octets.span, in: 0..<octets.count), !uri.hasUser, uri.scheme != .tel,
            let colon = octets.firstIndex(of: 0x3A), !match.number.isEmpty
        {
            var user: [UInt8] = []
            user.append(escapingUser: match.number)
            octets.insert(contentsOf: user + [0x40], at: colon + 1)
        }
        guard let uri = try? URIIndex(parsing: octets.span, in: 0..<octets.count), uri.scheme != .other else {
            return RoutingDecision(action: .refuse(404, "Route Makes No URI Of This"), reason: reason)
        }
        if self.isOurs(uri, octets.span) {
            guard uri.hasUser else { return RoutingDecision(action: .server, reason: reason) }
            return self.toUser(self.aor(of: uri, octets.span), reason)
        }
        guard mayLeave else {
            return RoutingDecision(
                action: .refuse(403, "Relaying Is For Users Of This Server"), reason: reason)
        }
        return RoutingDecision(action: .elsewhere(octets), reason: reason)
    }
}
