import LocationService
import ProxyCore
import SIPMessages
import SIPTransactions

/// Routes, next hops and ways: RFC 3261 §16.4, §16.6 steps 6 and 7.
extension CallShard {
    /// What preprocessing did.
    enum Preprocessing {
        case unchanged
        /// The request stands in `preprocessed`; what the Route values of ours say of it.
        case changed(RouteProof)
    }

    /// Takes our own values off the Route (§16.4).
    mutating func preprocess(_ octets: Span<UInt8>, _ workspace: inout Workspace) -> Preprocessing {
        guard workspace.index.has(.route) else { return .unchanged }
        var proof = RouteProof()
        if let uri = try? URIIndex(parsing: octets, in: workspace.index.requestURI.range),
            uri.parameter("lr", in: octets) != nil, self.settings.isOurAddress(uri, octets)
        {
            self.note(uri, octets, workspace.index, into: &proof)
            self.removedRoutes = nil
            guard self.undoStrictRoute(octets, workspace.index) else { return .unchanged }
            proof.isRetargeted = true
            self.removeRoutesOfRetargeted(&proof)
            return .changed(proof)
        }
        return self.removeRoutes(octets, workspace.index, &proof) ? .changed(proof) : .unchanged
    }

    /// What a strict router has sent goes on as if it had come with the URI that has taken the place of ours: another value
    /// of ours may be the first, where both our sides are on the route (§16.4, RFC 5658 §4).
    private mutating func removeRoutesOfRetargeted(_ proof: inout RouteProof) {
        var request: [UInt8] = []
        swap(&request, &self.preprocessed)
        var index = MessageIndex()
        var isChanged = false
        do {
            try index.parse(request.span)
            isChanged = self.removeRoutes(request.span, index, &proof)
        } catch {}  // It goes on as it is, and is refused by who reads it next.
        if !isChanged { swap(&request, &self.preprocessed) }
        self.removedRoutes = nil
    }

    /// Writes the request without our values at the front of its Route.
    ///
    /// - Returns: whether there are any.
    private mutating func removeRoutes(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, _ proof: inout RouteProof
    ) -> Bool {
        var position = index.first(.route)
        var isChanged = false
        // Where the Route that stays begins: a field, and an offset in its value.
        var firstKept: (field: Int, offset: Int)?
        search: while let field = position {
            let value = index.fields[field].value
            var address = AddressIndex()
            var start: Int? = value.lower
            while let from = start {
                guard let next = try? Self.nextAddress(octets, from, value.upper, &address),
                    let uri = try? URIIndex(parsing: octets, in: address.uri.range, field: .route)
                else { return false }
                guard self.settings.isOurs(uri, octets) else {
                    firstKept = (field, from)
                    break search
                }
                isChanged = true
                self.note(uri, octets, index, into: &proof)
                start = next < 0 ? nil : next
            }
            position = index.next(.route, from: field + 1)
        }
        guard isChanged else { return false }
        self.preprocessed.removeAll(keepingCapacity: true)
        self.writeWithoutRoute(octets, index, keepingFrom: firstKept)
        return true
    }

    /// The offset of the next value, -1 after the last.
    private static func nextAddress(
        _ octets: Span<UInt8>, _ start: Int, _ end: Int, _ address: inout AddressIndex
    ) throws(SIPParseError) -> Int {
        try AddressIndex.parse(octets, in: start..<end, field: .route, into: &address) ?? -1
    }

    private mutating func writeWithoutRoute(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, keepingFrom kept: (field: Int, offset: Int)?
    ) {
        var copied = 0
        self.removedRoutes = nil
        for i in index.fields.indices where index.fields[i].id == .route {
            let field = index.fields[i]
            guard kept == nil || i <= kept?.field ?? 0 else { break }
            self.removedRoutes = copied == 0 && kept == nil ? i..<i + 1 : nil
            self.preprocessed.append(octets, copied..<field.name.lower)
            copied = index.startOfLine(i + 1)
            if let kept, kept.field == i {
                self.preprocessed.append("Route: ")
                copied = kept.offset
            }
        }
        self.preprocessed.append(octets, copied..<index.body.upper)
    }

    /// A strict router put our own Route value into the Request-URI: the last Route is the Request-URI (§16.4).
    private mutating func undoStrictRoute(_ octets: Span<UInt8>, _ index: borrowing MessageIndex) -> Bool {
        var last: (field: Int, start: Int, previousEnd: Int)?
        var address = AddressIndex()
        var uri = OctetRange.absent
        for i in index.fields.indices where index.fields[i].id == .route {
            let value = index.fields[i].value
            var start = value.lower
            var previousEnd = -1
            while start >= 0 {
                guard let next = try? Self.nextAddress(octets, start, value.upper, &address) else { return false }
                last = (i, start, previousEnd)
                uri = address.uri
                previousEnd = address.whole.upper
                start = next
            }
        }
        guard let last else { return false }
        self.preprocessed.removeAll(keepingCapacity: true)
        self.preprocessed.append(octets, 0..<index.requestURI.lower)
        self.preprocessed.append(octets, uri.range)
        let field = index.fields[last.field]
        let next =
            last.field + 1 < index.fields.count ? index.fields[last.field + 1].name.lower : index.headerOctets - 2
        if last.previousEnd < 0 {
            self.preprocessed.append(octets, index.requestURI.upper..<field.name.lower)
        } else {
            self.preprocessed.append(octets, index.requestURI.upper..<last.previousEnd)
            self.preprocessed.append("\r\n")
        }
        self.preprocessed.append(octets, next..<index.body.upper)
        return true
    }

    /// The URI that decides where a request goes: its first Route, else its Request-URI (§16.6 step 6).
    func nextHop(_ octets: Span<UInt8>, _ index: borrowing MessageIndex, _ requestURI: URIIndex) -> URIIndex? {
        guard let route = index.value(.route) else { return requestURI }
        var address = AddressIndex()
        guard (try? Self.nextAddress(octets, route.lower, route.upper, &address)) != nil else { return nil }
        return try? URIIndex(parsing: octets, in: address.uri.range, field: .route)
    }

    /// The way to a binding: where a Path leads (RFC 3327 §5.4), else the client's own.
    ///
    /// - Parameter isSecure: Whether its Contact is a SIPS URI.
    func way(
        to binding: StoredBinding, _ mail: Span<UInt8>, isSecure: Bool
    ) -> (flow: Flow?, traits: Target.Traits) {
        var traits: Target.Traits = .isUser
        if !binding.instance.isEmpty { traits.insert(.hasInstance) }
        guard binding.path.isEmpty else {
            var address = AddressIndex()
            guard (try? Self.nextAddress(mail, binding.path.lower, binding.path.upper, &address)) != nil,
                let uri = try? URIIndex(parsing: mail, in: address.uri.range, field: .path)
            else { return (nil, traits) }
            return (self.settings.proxy.flow(to: uri, mail, near: binding.flow, isSecure: isSecure), traits)
        }
        let contact = try? URIIndex(parsing: mail, in: binding.contact.range, field: .contact)
        let way = ClientWay(
            to: contact, mail, over: binding.flow, isOutbound: binding.regID != 0, self.settings.proxy)
        if way.isPinned { traits.insert(.isPinned) }
        return (way.flow, traits)
    }

    // MARK: Requests to the server itself

    /// Answers a request whose target is the server and none of its users (§8.2).
    mutating func answerLocally(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        var fields: [UInt8] = []
        if workspace.index.writeUnsupported(
            .require, of: octets, knowing: ServerSettings.registrarOptions, into: &fields)
        {
            return self.refuse(octets, 420, "Bad Extension", fields: fields, &workspace)
        }
        guard workspace.index.method == .options else {
            guard workspace.index.method != .other else {
                return self.refuse(octets, 501, "Not Implemented", &workspace)
            }
            // What it does for others as a proxy is not what it does as a UAS (§8.2.1).
            fields.append("Allow: OPTIONS, REGISTER\r\n")
            return self.refuse(octets, 405, "Method Not Allowed Here", fields: fields, &workspace)
        }
        fields.append(Self.capabilities)
        self.refuse(octets, 200, "OK", fields: fields, &workspace)
    }

    /// What the server itself understands, and the methods that it relays (§11.2).
    private static let capabilities: StaticString =
        """
        Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, INFO, PRACK, UPDATE, SUBSCRIBE, NOTIFY, REFER, MESSAGE, PUBLISH\r
        Accept: */*\r
        Accept-Encoding: identity\r
        Accept-Language: en\r
        Supported: path, outbound, gruu\r

        """
}
