import LocationService
import ProxyCore
import SIPMessages
import SIPTransactions

/// Routes, next hops and ways: RFC 3261 §16.4, §16.6 steps 6 and 7.
extension CallShard {
    /// What preprocessing did.
    enum Preprocessing {
        case unchanged
        /// The request stands in `preprocessed`; whether a Route of ours bore the mark of its dialog.
        case changed(isOfOurDialog: Bool)
    }

    /// Takes our own values off the Route (§16.4).
    mutating func preprocess(_ octets: Span<UInt8>, _ workspace: inout Workspace) -> Preprocessing {
        guard workspace.index.has(.route) else { return .unchanged }
        var mark: [UInt8] = []
        // The mark is no key to more than its dialog: everyone who calls a user of ours learns one for his Call-ID, and
        // could begin calls to anywhere with it.
        if let callID = workspace.index.value(.callID), workspace.index.hasToTag(octets) {
            mark.append(
                hexadecimal: Proxy.dialogMark(octets, callID.range, key: self.settings.hashKey))
        }
        if let uri = try? URIIndex(parsing: octets, in: workspace.index.requestURI.range),
            uri.parameter("lr", in: octets) != nil, self.settings.isOurAddress(uri, octets)
        {
            let isOfOurDialog = self.bears(mark, uri, octets)
            guard self.undoStrictRoute(octets, workspace.index) else { return .unchanged }
            return .changed(isOfOurDialog: isOfOurDialog)
        }
        var position = workspace.index.first(.route)
        var (isChanged, isOfOurDialog) = (false, false)
        // Where the Route that stays begins: a field, and an offset in its value.
        var firstKept: (field: Int, offset: Int)?
        search: while let field = position {
            let value = workspace.index.fields[field].value
            var address = AddressIndex()
            var start: Int? = value.lower
            while let from = start {
                guard let next = try? Self.nextAddress(octets, from, value.upper, &address),
                    let uri = try? URIIndex(parsing: octets, in: address.uri.range, field: .route)
                else { return .unchanged }
                guard self.settings.isOurs(uri, octets) else {
                    firstKept = (field, from)
                    break search
                }
                isChanged = true
                if self.bears(mark, uri, octets) { isOfOurDialog = true }
                start = next < 0 ? nil : next
            }
            position = workspace.index.next(.route, from: field + 1)
        }
        guard isChanged else { return .unchanged }
        self.preprocessed.removeAll(keepingCapacity: true)
        self.writeWithoutRoute(octets, workspace.index, keepingFrom: firstKept)
        return .changed(isOfOurDialog: isOfOurDialog)
    }

    /// Whether a Route value has the mark that only we could have written for this dialog.
    private func bears(_ mark: [UInt8], _ uri: URIIndex, _ octets: Span<UInt8>) -> Bool {
        guard !mark.isEmpty, let value = uri.parameter("d", in: octets) else { return false }
        return octets.equals(value.range, mark.span, 0..<mark.count)
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
        for i in index.fields.indices where index.fields[i].id == .route {
            let field = index.fields[i]
            guard kept == nil || i <= kept?.field ?? 0 else { break }
            let next = i + 1 < index.fields.count ? index.fields[i + 1].name.lower : index.headerOctets - 2
            self.preprocessed.append(octets, copied..<field.name.lower)
            copied = next
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

    /// The way to a URI whose host is an address; `nil` when it must be looked up, or no end point of ours fits.
    func flow(to uri: URIIndex, _ octets: Span<UInt8>, near incoming: Flow) -> Flow? {
        let maddr = uri.parameter("maddr", in: octets)
        guard let ip = maddr.flatMap({ IPAddress(octets, $0.range) }) ?? uri.hostAddress(in: octets), ip.isUnicast
        else {
            return nil
        }
        var transport: TransportProtocol = uri.scheme == .sips ? .tls : .udp
        if let named = uri.parameter("transport", in: octets), !named.isEmpty {
            transport = TransportProtocol(octets, named.range)
            if uri.scheme == .sips, transport == .tcp { transport = .tls }
        }
        let port = uri.port == 0 ? transport.defaultPort : uri.port
        let endpoint = self.settings.proxy.endpoint(for: transport, to: ip, preferred: incoming.endpoint)
        guard let endpoint else { return nil }
        return Flow(endpoint: endpoint, transport: transport, remote: SocketAddress(ip, port))
    }

    /// The way to a binding.
    ///
    /// It is the flow that the REGISTER came over (RFC 5626 §5.3), unless a Path leads elsewhere, or the Contact names
    /// the very address that the REGISTER came from, so that no NAT lies between, and another port there. Then datagrams
    /// go to that port; a connection is used while it lives, and the port is connected to when it is gone, but not where
    /// the binding is an outbound flow, which nothing can take the place of (RFC 5626 §5.3).
    func flow(to binding: StoredBinding, _ mail: Span<UInt8>) -> Flow? {
        if !binding.path.isEmpty {
            var address = AddressIndex()
            guard (try? Self.nextAddress(mail, binding.path.lower, binding.path.upper, &address)) != nil,
                let uri = try? URIIndex(parsing: mail, in: address.uri.range, field: .path)
            else { return nil }
            return self.flow(to: uri, mail, near: binding.flow)
        }
        var flow = binding.flow
        flow.mayConnect = false
        guard let uri = try? URIIndex(parsing: mail, in: binding.contact.range, field: .contact),
            uri.hostAddress(in: mail) == flow.remote.ip, let direct = self.direct(to: uri, mail, near: flow),
            direct.remote != flow.remote
        else { return flow }
        guard flow.connection != 0 else { return direct }
        // While the connection lives it is used; its number with another address says what takes its place.
        // A Contact that names no transport is one of the transport it was registered over.
        let isSameTransport =
            direct.transport == flow.transport || uri.parameter("transport", in: mail) == nil
        guard binding.regID == 0, isSameTransport else { return flow }
        flow.remote = direct.remote
        flow.mayConnect = true
        return flow
    }

    /// The way to the address in a contact. Where that names no transport, the one that the REGISTER came over is sure to
    /// be understood, and is taken before the UDP of RFC 3263 §4.1.
    private func direct(to uri: URIIndex, _ octets: Span<UInt8>, near flow: Flow) -> Flow? {
        guard uri.scheme == .sip, uri.parameter("transport", in: octets) == nil,
            uri.parameter("maddr", in: octets) == nil, let ip = uri.hostAddress(in: octets)
        else { return self.flow(to: uri, octets, near: flow) }
        let port = uri.port == 0 ? flow.transport.defaultPort : uri.port
        return Flow(endpoint: flow.endpoint, transport: flow.transport, remote: SocketAddress(ip, port))
    }

    // MARK: Requests to the server itself

    /// Answers a request whose target is the server and none of its users (§8.2).
    mutating func answerLocally(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        var fields: [UInt8] = []
        if workspace.index.writeUnsupported(.require, of: octets, knowsPath: true, into: &fields) {
            return self.refuse(octets, 420, "Bad Extension", fields: fields, &workspace)
        }
        fields.append(Self.capabilities)
        guard workspace.index.method == .options else {
            let isKnown = workspace.index.method != .other
            let status: UInt16 = isKnown ? 405 : 501
            return self.refuse(
                octets, status, isKnown ? "Method Not Allowed Here" : "Not Implemented", fields: fields, &workspace)
        }
        self.refuse(octets, 200, "OK", fields: fields, &workspace)
    }

    /// What the server itself understands (§11.2).
    private static let capabilities: StaticString =
        """
        Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, INFO, PRACK, UPDATE, SUBSCRIBE, NOTIFY, REFER, MESSAGE, PUBLISH\r
        Accept: */*\r
        Accept-Encoding: identity\r
        Accept-Language: en\r
        Supported: path\r

        """
}
