public import SIPMessages
import SIPTransactions

/// The lines of a script in which a peer sends.
extension ScriptedPeer {
    /// Sends a request to another peer's address of record, in a call of its own.
    ///
    /// - Parameters:
    ///   - method: Its method.
    ///   - peer: Who is called.
    ///   - edit: Changes the message before it leaves; it has no Via yet.
    /// - Throws: `SimulationFailure` when there is no way to send it.
    public func sends(
        _ method: Method, to peer: ScriptedPeer, edit: (inout MessageBuilder) -> Void = { _ in }
    ) throws(SimulationFailure) {
        try self.sends(method, to: peer.uri, edit: edit)
    }

    /// Sends a request to a URI, in a call of its own.
    ///
    /// - Throws: `SimulationFailure` when there is no way to send it.
    public func sends(
        _ method: Method, to uri: URI, edit: (inout MessageBuilder) -> Void = { _ in }
    ) throws(SimulationFailure) {
        var from = NameAddress(self.uri)
        from.tag = self.unpredictableText()
        self.dialogs.append(PeerDialog(callID: "\(self.unpredictableText())@\(self.name)", from: from, to: uri))
        self.current = self.dialogs.count - 1
        try self.sends(method, edit: edit)
    }

    /// Sends a request in the present call: the one that the peer began last, or that its last expected request belongs
    /// to. CANCEL cancels the INVITE of the call, ACK acknowledges its 2xx.
    ///
    /// - Throws: `SimulationFailure` when there is no call or no way to send it.
    public func sends(
        _ method: Method, edit: (inout MessageBuilder) -> Void = { _ in }
    ) throws(SimulationFailure) {
        try self.world.verify()
        guard self.dialogs.indices.contains(self.current) else {
            throw self.world.failure("\(self.name) sends \(method) without a call")
        }
        if method == .cancel {
            self.world.perform(as: self.name) { _, outbox in
                self.cancel(self.inviteTransaction, at: self.world.now, into: &outbox)
            }
            return try self.world.verify()
        }
        let flow = try self.flow(to: self.dialogs[self.current].nextHop)
        var request = self.dialogs[self.current].request(method, contact: self.contact(over: flow))
        edit(&request)
        let call = self.dialogs[self.current]
        self.world.perform(as: self.name) { _, outbox in
            if method == .ack {
                let octets = self.sendStatelessly(request, over: flow, into: &outbox)
                let key = "\(call.callID) \(call.inviteNumber) \(call.remote.tag ?? "")"
                self.acknowledgements[key] = (octets, flow)
                return
            }
            let id = self.send(request, method, over: flow, owner: 0, at: self.world.now, into: &outbox)
            if method == .invite { self.inviteTransaction = id ?? .none }
        }
        try self.world.verify()
    }

    /// Sends a response to the last expected request that has no final response, or to the last one of a method.
    ///
    /// - Parameters:
    ///   - status: Its status.
    ///   - method: Which of several requests is answered: the INVITE, after the CANCEL has been.
    ///   - edit: Changes the message before it leaves.
    /// - Throws: `SimulationFailure` when there is no such request.
    public func sends(
        _ status: StatusCode, to method: Method? = nil, edit: (inout MessageBuilder) -> Void = { _ in }
    ) throws(SimulationFailure) {
        try self.world.verify()
        guard let position = self.pending.lastIndex(where: { method == nil || $0.request.method == method }) else {
            throw self.world.failure("\(self.name) sends \(status) but has no request to answer")
        }
        let pending = self.pending[position]
        var response = MessageBuilder(status, to: pending.request, toTag: pending.toTag)
        // Where an answer sets up or keeps a dialog, and nowhere else (RFC 3261 §12.1.1, §20 table 2).
        if status > 100, status.number < 300, pending.request.method != .bye, pending.request.method != .cancel {
            response.copy(.recordRoute, from: pending.request)
            response.add(.contact, Contact(self.contact(over: pending.flow)))
        }
        edit(&response)
        if status.isFinal { self.pending.remove(at: position) }
        self.world.perform(as: self.name) { _, outbox in
            let now = self.world.now
            self.respond(response, status, in: pending.transaction, at: now, into: &outbox)
            guard status.isSuccess, pending.request.method == .invite, let sent = outbox.messages.last else { return }
            let key = Self.inviteKey(pending.request)
            self.unacknowledged[key] = Unacknowledged(
                octets: response.octets, flow: sent.flow, interval: self.timers.t1,
                until: now.advanced(by: self.timers.timeout))
            self.timerKeys.append(key)
            self.setTimer(at: now.advanced(by: self.timers.t1), payload: UInt64(self.timerKeys.count - 1))
        }
        try self.world.verify()
    }

    /// Lets the last expected request of a method go without an answer.
    public func ignores(_ method: Method) {
        guard let position = self.pending.lastIndex(where: { $0.request.method == method }) else { return }
        self.abandon(self.pending.remove(at: position).transaction)
    }

    /// Sends octets as they are, whatever they are.
    public func sendsOctets(
        _ octets: [UInt8], to remote: SocketAddress, over transport: TransportProtocol? = nil
    ) throws(SimulationFailure) {
        let transport = transport ?? self.transport
        guard let endpoint = self.place.endpoint(transport) else {
            throw self.world.failure("\(self.name) has no end point for \(transport)")
        }
        let flow = Flow(endpoint: endpoint, transport: transport, remote: remote)
        self.world.perform(as: self.name) { _, outbox in self.send(octets: octets, over: flow, into: &outbox) }
        try self.world.verify()
    }

    // MARK: Where to

    private func flow(to uri: URI) throws(SimulationFailure) -> Flow {
        let isRouted = self.dialogs.indices.contains(self.current) && !self.dialogs[self.current].routes.isEmpty
        let named = uri.sip?.parameters["transport"].map { TransportProtocol($0) }
        // An outbound proxy is spoken to over the peer's own transport, whatever the URI says.
        let transport =
            self.outboundProxy != nil && !isRouted
            ? self.transport : named ?? (uri.sip?.isSecure == true ? .tls : self.transport)
        guard let endpoint = self.place.endpoint(transport) else {
            throw self.world.failure("\(self.name) has no end point for \(transport)")
        }
        if let proxy = self.outboundProxy, !isRouted {
            return Flow(endpoint: endpoint, transport: transport, remote: proxy)
        }
        guard let sip = uri.sip, let address = self.world.services.dns.address(of: sip.host) else {
            throw self.world.failure("\(self.name) knows no address for \(uri)")
        }
        let remote = SocketAddress(address, sip.port ?? transport.defaultPort)
        return Flow(endpoint: endpoint, transport: transport, remote: remote)
    }

    private func contact(over flow: Flow) -> URI {
        let address = self.place.listeners[Int(flow.endpoint)].address
        var uri = SIPURI(user: self.uri.sip?.user, host: Host(address.ip), port: address.port)
        if let name = self.hostName {
            uri.host = name
            if address.port == flow.transport.defaultPort { uri.port = nil }
        }
        if flow.transport != .udp { uri.parameters["transport"] = String(describing: flow.transport) }
        return .sip(uri)
    }
}
