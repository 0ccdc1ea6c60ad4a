public import SIPMessages

/// The two ends of a dialog that a request may make, as the proxy that forwards it sees them: what our Record-Route says.
package struct DialogEnds {
    private let token: FlowToken
    /// What `FlowToken.dialog` gives for the dialog.
    private let subject: UInt64
    /// The end point the request came in at, and the one it leaves by.
    private let (incoming, outgoing): (Int, Int)
    /// Whether requests within the dialog can reach an end only through us.
    private let isNeeded: Bool
    /// Whether the route back must be of SIPS URIs (RFC 3261 §16.6 step 4).
    private let isSecure: Bool

    /// The ends of the dialog that `request` may make.
    ///
    /// - Parameters:
    ///   - source: The way the request came.
    ///   - block: The octets that the target lies in.
    ///   - flow: The way the request goes.
    ///   - raisesCSeq: Whether its CSeq is raised, and so are those of all that follow it.
    package init(
        _ request: Span<UInt8>, _ index: borrowing MessageIndex, via: ViaIndex, _ source: Flow, _ traits: RequestTraits,
        block: Span<UInt8>, _ target: Target, _ flow: Flow, raisesCSeq: Bool = false,
        _ configuration: borrowing ProxyConfiguration, key: SipHashKey
    ) {
        let caller = Self.caller(request, index, via, source, traits, configuration, key)
        var callee = Self.callee(request, index, block, target, flow, key)
        callee.raisesCSeq = raisesCSeq
        self.token = FlowToken(caller: caller, callee: callee)
        let from = index.value(.from).flatMap { AddressIndex(firstOf: request, in: $0.range, field: .from) }
        self.subject = FlowToken.dialog(
            request, callID: index.value(.callID)?.range ?? 0..<0, tag: from?.tag.range ?? 0..<0, key: key)
        (self.incoming, self.outgoing) = (Int(source.endpoint), Int(flow.endpoint))
        let hop =
            target.route.isEmpty
            ? index.value(.route).flatMap { URIIndex(firstAddressOf: request, in: $0.range, field: .route) }
            : URIIndex(firstAddressOf: block, in: target.route.range, field: .route)
        self.isSecure =
            hop?.scheme == .sips || (try? URIIndex(parsing: block, in: target.uri.range))?.scheme == .sips
        self.isNeeded =
            caller.isPinned || callee.isPinned || raisesCSeq
            || Self.isRequiredByGRUU(request, index, target)
    }

    /// Appends the Record-Route lines, where we stay in the dialog: one value where the request leaves by the end point it
    /// came in at, else one for each side, the nearer to the callee on top (RFC 5658 §4).
    ///
    /// Where we need not, we stay for the sake of an end that nobody else can reach (RFC 5626 §5.3), and where RFC 5627
    /// §6.2 wants it; and where the CSeq is ours to raise.
    package func writeRecordRoute(
        _ configuration: borrowing ProxyConfiguration, key: SipHashKey, into output: inout [UInt8]
    ) {
        guard configuration.recordRoute || self.isNeeded else { return }
        self.write(configuration, self.outgoing, key, into: &output)
        if self.incoming != self.outgoing { self.write(configuration, self.incoming, key, into: &output) }
    }

    private func write(
        _ configuration: borrowing ProxyConfiguration, _ endpoint: Int, _ key: SipHashKey, into output: inout [UInt8]
    ) {
        guard endpoint < configuration.endpoints.count else { return }
        output.append("Record-Route: <")
        let isSecure = self.isSecure && configuration.endpoints[endpoint].transport.isSecure
        output.append(
            contentsOf: isSecure
                ? configuration.endpoints[endpoint].secureRouteURI : configuration.endpoints[endpoint].routeURI)
        output.append(";d=")
        self.token.write(for: self.subject, configuration, key: key, into: &output)
        output.append(">\r\n")
    }

    /// The end that has sent the request: a client of ours where there is no other Via, else one behind proxies.
    private static func caller(
        _ request: Span<UInt8>, _ index: borrowing MessageIndex, _ via: ViaIndex, _ source: Flow,
        _ traits: RequestTraits, _ configuration: borrowing ProxyConfiguration, _ key: SipHashKey
    ) -> DialogSide {
        var side = DialogSide()
        side.flow = source
        side.isUser = traits.contains(.isFromUser)
        let hop = index.value(.recordRoute) ?? index.value(.contact)
        let uri = hop.flatMap { URIIndex(firstAddressOf: request, in: $0.range, field: .contact) }
        guard !index.hasVia(below: via), !index.has(.recordRoute) else {
            side.hop = uri.map { FlowToken.hop($0, request, key: key) } ?? 0
            return side
        }
        let isOutbound = uri?.parameter("ob", in: request) != nil || traits.contains(.isOutbound)
        let way = ClientWay(to: uri, request, over: source, isOutbound: isOutbound, configuration)
        // A name may lead to the client as well as its source does; without `rport` it does not say that it listens there
        // (RFC 3581 §3).
        let isNamed =
            source.connection == 0 && !isOutbound && !via.hasRport
            && uri.map { $0.hostAddress(in: request) == nil && !$0.isInvalidName(request) } ?? false
        if way.isPinned, !isNamed {
            (side.flow, side.isPinned) = (way.flow, true)
        } else {
            side.hop = uri.map { FlowToken.hop($0, request, key: key) } ?? 0
        }
        return side
    }

    /// The end that the request goes to, or the proxy before it.
    private static func callee(
        _ request: Span<UInt8>, _ index: borrowing MessageIndex, _ block: Span<UInt8>, _ target: Target, _ flow: Flow,
        _ key: SipHashKey
    ) -> DialogSide {
        var side = DialogSide()
        side.flow = flow
        side.isUser = target.traits.contains(.isUser)
        side.isPinned = target.traits.contains(.isPinned)
        guard !side.isPinned else { return side }
        let isPushed = !target.route.isEmpty
        if let route = isPushed ? target.route : index.value(.route) {
            let octets = isPushed ? block : request
            if let uri = URIIndex(firstAddressOf: octets, in: route.range, field: .route) {
                side.hop = FlowToken.hop(uri, octets, key: key)
            }
        } else if let uri = try? URIIndex(parsing: block, in: target.uri.range) {
            side.hop = FlowToken.hop(uri, block, key: key)
        }
        return side
    }

    /// Whether RFC 5627 §6.2 wants us in the dialog: where the caller's Contact is a GRUU and others record-route, and
    /// where the callee is a device with a GRUU behind a Path.
    private static func isRequiredByGRUU(
        _ request: Span<UInt8>, _ index: borrowing MessageIndex, _ target: Target
    ) -> Bool {
        if target.traits.contains(.isUser), target.traits.contains(.hasInstance), !target.route.isEmpty { return true }
        guard index.has(.recordRoute), let contact = index.value(.contact),
            let uri = URIIndex(firstAddressOf: request, in: contact.range, field: .contact)
        else { return false }
        return uri.parameter("gr", in: request) != nil
    }
}

extension URIIndex {
    /// Whether the host is a name that leads nowhere: that of a client which knows no address of its own (RFC 7118 §5,
    /// RFC 6761 §6.4).
    func isInvalidName(_ octets: Span<UInt8>) -> Bool {
        let suffix: StaticString = ".invalid"
        guard self.host.count > suffix.utf8CodeUnitCount else { return false }
        return octets.equals(self.host.upper - suffix.utf8CodeUnitCount..<self.host.upper, ignoringCase: suffix)
    }
}

extension Proxy {
    /// The key of the proofs in our Record-Route.
    ///
    /// - Parameter key: The server's key.
    public static func tokenKey(of key: SipHashKey) -> SipHashKey { key.derived(for: "flow token") }
}
