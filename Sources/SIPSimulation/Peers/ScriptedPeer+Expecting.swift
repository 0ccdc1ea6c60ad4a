public import SIPMessages
public import SIPTransactions

/// The lines of a script in which a peer expects.
extension ScriptedPeer {
    /// Waits for a request, which must be what comes next.
    ///
    /// - Parameters:
    ///   - method: Its method.
    ///   - span: How long at most; 64*T1 when nothing is said.
    /// - Returns: The request, with `received` and `rport` in its topmost Via.
    /// - Throws: `SimulationFailure` when something else comes or nothing does.
    @discardableResult
    public func expects(_ method: Method, within span: TimeSpan? = nil) throws(SimulationFailure) -> SIPMessage {
        let arrival = try self.next("\(method)", within: span) { $0.method == method }
        let request = arrival.message
        if method == .ack { return request }
        let callID = request.first(.callID)?.value
        let tag = self.unpredictableText()
        if let known = self.dialogs.firstIndex(where: { $0.callID == callID }) {
            self.current = known
            if let contact = request.first(.contact)?.uri { self.dialogs[known].target = contact }
        } else if let dialog = PeerDialog(request: request, localTag: tag) {
            self.dialogs.append(dialog)
            self.current = self.dialogs.count - 1
        }
        if let flow = arrival.flow {
            let toTag = self.dialogs[self.current].local.tag ?? tag
            let pending = Pending(request: request, transaction: arrival.transaction, flow: flow, toTag: toTag)
            self.pending.append(pending)
        }
        return request
    }

    /// Waits for a response, which must be what comes next.
    ///
    /// - Parameters:
    ///   - status: Its status.
    ///   - method: Of the request that it answers, where that matters.
    ///   - span: How long at most; 64*T1 when nothing is said.
    /// - Throws: `SimulationFailure` when something else comes or nothing does.
    @discardableResult
    public func expects(
        _ status: StatusCode, for method: Method? = nil, within span: TimeSpan? = nil
    ) throws(SimulationFailure) -> SIPMessage {
        let what = method.map { "\(status) for \($0)" } ?? "\(status)"
        return try self.next(what, within: span) {
            $0.status == status && (method == nil || $0.first(.cseq)?.method == method)
        }.message
    }

    /// Lets time pass in which nothing may come that was not expected before.
    ///
    /// - Throws: `SimulationFailure` when something does.
    public func expectsNothing(for span: TimeSpan) throws(SimulationFailure) {
        self.world.run(for: span)
        try self.world.verify()
        if let arrival = self.inbox.first(where: { !$0.isOptional }) {
            throw self.world.failure("\(self.name) expected nothing, but got \(Self.summary(arrival.message))")
        }
    }

    /// Waits until a transaction of this peer has ended without answer or without ACK.
    ///
    /// - Throws: `SimulationFailure` when none does before all is over.
    public func expectsTimeout() throws(SimulationFailure) {
        let before = self.timeouts
        while self.timeouts == before, self.world.step() {}
        try self.world.verify()
        if self.timeouts == before { throw self.world.failure("\(self.name) expected a timeout, but none came") }
    }

    /// Takes the next arrival, which must match.
    private func next(
        _ what: String, within span: TimeSpan?, where matches: (SIPMessage) -> Bool
    ) throws(SimulationFailure) -> Arrival {
        let deadline = self.world.now.advanced(by: span ?? self.timers.timeout)
        while true {
            try self.world.verify()
            if let position = self.inbox.firstIndex(where: { matches($0.message) || !$0.isOptional }) {
                let arrival = self.inbox[position]
                guard matches(arrival.message) else {
                    throw self.world.failure(
                        "\(self.name) expected \(what), but got \(Self.summary(arrival.message))")
                }
                self.inbox.removeSubrange(...position)
                return arrival
            }
            guard self.world.step(until: deadline) else {
                throw self.world.failure("\(self.name) expected \(what), but nothing came")
            }
        }
    }

    private static func summary(_ message: SIPMessage) -> String {
        if let method = message.method { return "\(method)" }
        let cseq = message.first(.cseq)?.method.name ?? "?"
        return "\(message.status?.number ?? 0) \(message.reasonPhrase) for \(cseq)"
    }
}

extension SimulatedWorld {
    /// Adds a scripted peer that listens on UDP, TCP, TLS and WebSocket at an address.
    ///
    /// - Parameters:
    ///   - name: Its name in the ladder and, unless `uri` is given, the user of its address of record.
    ///   - address: An IP address as text; a text that is none stands for 127.0.0.1.
    ///   - uri: Its address of record; `sip:NAME@ADDRESS` when nothing is said. A domain in it is added to the DNS.
    ///   - transport: What it sends by.
    ///   - box: The NAT box that it is behind.
    ///   - timers: How long its transactions wait.
    public func peer(
        _ name: String, at address: String, uri: URI? = nil, transport: TransportProtocol = .udp,
        behind box: Int? = nil, timers: TransactionTimers = TransactionTimers()
    ) -> ScriptedPeer {
        let address = IPAddress(address) ?? .loopback
        let uri = uri ?? .sip(SIPURI(user: name, host: Host(address)))
        if let host = uri.sip?.host, host.address == nil { self.services.dns.add(host.name, .address(address)) }
        let peer = ScriptedPeer(name, uri: uri, transport: transport, in: self, timers: timers)
        self.addHost(name, listening: SimulatedListener.standard(address), behind: box, running: peer)
        return peer
    }
}
