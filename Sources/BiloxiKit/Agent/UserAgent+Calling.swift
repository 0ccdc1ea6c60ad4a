import AgentCore
import SIPMessages
import SIPRouting
import SignallingTransport

/// Calling, and sending what needs no call.
extension UserAgent {
    /// A header line of one's own.
    public typealias Field = (name: String, value: String)

    /// Calls someone; returns when the call is answered.
    ///
    /// When the task is cancelled, the call is (CANCEL).
    ///
    /// - Parameters:
    ///   - address: `sip:bob@example.test`; with an account `bob` alone means someone of its domain.
    ///   - caller: Which of the accounts calls: its address; the first one unless given.
    ///   - limit: How long it may ring.
    ///   - fields: More header lines of the INVITE.
    ///   - begun: Given the call before it is answered, for its events.
    /// - Throws: `SIPError` when it comes to nothing; `CancellationError`.
    public func call(
        _ address: String, as caller: String? = nil, ringFor limit: Duration = .seconds(180), fields: [Field] = [],
        begun: (Call) -> Void = { _ in }
    ) async throws -> Call {
        let account = try self.engine.account(caller)
        let target = try self.uri(address, account)
        let routes = self.engine.routes(of: account)
        let local = try await self.localAddress(towards: routes.first?.uri.sip ?? target)
        let call = Call(self.engine, at: local, peer: NameAddress(target), isOutgoing: true)
        var plan = CallPlan(to: .sip(target), from: try self.identity(account, local))
        plan.routes = routes
        plan.fields = fields.map { .init($0.name, $0.value) }
        let engine = self.engine
        let isTaken = engine.perform { turn in
            guard
                let handle = turn.agent.call(
                    plan, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
            else { return false }
            call.core.begin(handle, turn.agent.callID(of: handle)?.value)
            engine.add(call, handle)
            return true
        }
        guard isTaken == true else { throw SIPError(.unavailable, "there are too many calls") }
        begun(call)
        let core = call.core
        switch await within(limit, { await core.answered.value() }) {
        case .success?: return call
        case .failure(let error)?: throw error
        case nil:
            call.hangUpNow()
            try Task.checkCancellation()
            throw SIPError(.timeout, "nobody answered within \(limit.components.seconds) s")
        }
    }

    /// Calls someone, and hangs up when `body` is done with the call.
    ///
    /// - Parameters:
    ///   - address: `sip:bob@example.test`; with an account `bob` alone means someone of its domain.
    ///   - caller: Which of the accounts calls: its address; the first one unless given.
    ///   - limit: How long it may ring.
    ///   - fields: More header lines of the INVITE.
    ///   - body: What to do in the call.
    /// - Throws: `SIPError` when it comes to nothing, and what the body throws.
    public func call<Value>(
        _ address: String, as caller: String? = nil, ringFor limit: Duration = .seconds(180), fields: [Field] = [],
        _ body: (Call) async throws -> Value
    ) async throws -> Value {
        let call = try await self.call(address, as: caller, ringFor: limit, fields: fields, begun: { _ in })
        defer { call.hangUpNow() }
        return try await body(call)
    }

    /// Sends a message (RFC 3428), as the first of the accounts unless another is named.
    ///
    /// - Throws: `SIPError` when it was not taken; `CancellationError`.
    /// - Returns: The response: 200 when it was delivered, 202 when somebody keeps it for later.
    @discardableResult
    public func message(
        _ address: String, _ text: String, contentType: String = "text/plain", as sender: String? = nil
    ) async throws -> Response {
        let response = try await self.request(
            "MESSAGE", address, as: sender, body: Array(text.utf8), contentType: contentType)
        guard response.isSuccess else { throw response.error }
        return response
    }

    /// Sends a request outside of calls and waits for its final response.
    ///
    /// - Parameters:
    ///   - method: Any that stands for itself: OPTIONS, MESSAGE, PUBLISH, REGISTER, or one of your own.
    ///   - address: Whom it is for: the Request-URI.
    ///   - sender: Which of the accounts sends it: its address; the first one unless given.
    ///   - to: Who stands in To, where it is not that.
    ///   - fields: More header lines.
    ///   - body: The body; none unless given.
    ///   - contentType: What the body is: `text/plain`.
    /// - Returns: The final response, whatever its status.
    /// - Throws: `SIPError` when none comes; `CancellationError`.
    public func request(
        _ method: String, _ address: String, as sender: String? = nil, to: String? = nil, fields: [Field] = [],
        body: [UInt8] = [], contentType: String? = nil
    ) async throws -> Response {
        let account = try self.engine.account(sender)
        let target = try self.uri(address, account)
        let routes = self.engine.routes(of: account)
        let local = try await self.localAddress(towards: routes.first?.uri.sip ?? target)
        var plan = RequestPlan(SIPMessages.Method(method), to: .sip(target), from: try self.identity(account, local))
        plan.routes = routes
        plan.to = try to.map { NameAddress(try self.uri($0, account)) }
        plan.fields = fields.map { .init($0.name, $0.value) }
        plan.body = body
        if let contentType { plan.type = try MediaType(typed: contentType) }
        // A MESSAGE has no Contact (RFC 3428 §4), and that of a REGISTER is its subject.
        plan.hasContact = plan.method != .message && plan.method != .register
        let final = Promise<Result<Response, SIPError>>()
        let engine = self.engine
        let handle = engine.perform { turn in
            let handle = turn.agent.send(
                plan, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
            if let handle { engine.add(final, handle) }
            return handle
        }
        guard case .some(.some(let handle)) = handle else {
            throw SIPError(
                .invalid, "\(method) belongs to calls and cannot be sent by itself, or too many requests wait")
        }
        switch await final.value() {
        case .success(let response)?: return response
        case .failure(let error)?: throw error
        case nil:
            engine.forget(handle)
            throw CancellationError()
        }
    }

    // MARK: Addresses

    /// One server that a URI leads to.
    public struct Server: Hashable, Sendable, CustomStringConvertible {
        /// `udp`, `tcp`, `tls`.
        public let transport: String
        /// The address and port: `192.0.2.1:5060`.
        public let address: String
        /// The domain or address that its certificate must be for.
        public let identity: String
        /// The name that the address was found under; `nil` when the URI named the address.
        public let name: String?

        /// `tls 192.0.2.1:5061 (server1.example.test, certificate for example.test)`
        public var description: String {
            let name = self.name.map {
                " (\($0)" + (self.transport == "tls" ? ", certificate for \(self.identity))" : ")")
            }
            return "\(self.transport) \(self.address)\(name ?? "")"
        }
    }

    /// The servers of an address in the order in which they are tried (RFC 3263).
    ///
    /// - Throws: `SIPError`: `unreachable`, with the reason when there is none.
    public func servers(of address: String) async throws -> [Server] {
        try await self.found(self.uri(address, self.engine.account)).map { server in
            Server(
                transport: server.transport.description, address: server.address.description,
                identity: server.identity.description, name: server.serverName?.description)
        }
    }

    func found(_ uri: SIPURI) async throws -> [ServerAddress] {
        guard let host = self.engine.host else { throw SIPError.ended("the user agent has ended") }
        let promise = Promise<Result<[ServerAddress], SIPError>>()
        host.findServers(of: uri) { servers, exhaustion in
            let error = SIPError(.unreachable, "\(uri.host): \(exhaustion.text)")
            promise.keep(servers.isEmpty ? .failure(error) : .success(servers))
        }
        guard let result = await promise.value() else { throw CancellationError() }
        return try result.get()
    }

    /// The address of ours that the server of a URI sees.
    func localAddress(towards uri: SIPURI) async throws -> IPAddress {
        guard let host = self.engine.host else { throw SIPError.ended("the user agent has ended") }
        guard let server = try await self.found(uri).first else {
            throw SIPError(.unreachable, "\(uri.host) has no address")
        }
        return host.localAddress(towards: server.address.ip)
    }

    /// A SIP URI as someone types it; a name alone is someone of the account's domain.
    func uri(_ text: String, _ account: Account.Parsed?) throws(SIPError) -> SIPURI {
        try Account.uri(text, of: account, "whom to reach")
    }

    func identity(_ account: Account.Parsed?, _ local: IPAddress) throws(SIPError) -> NameAddress {
        if let account { return account.identity }
        if let address = self.engine.settings.address { return NameAddress(try Account.uri(address, "who calls")) }
        return NameAddress(SIPURI(user: "anonymous", host: Host(local)), displayName: "Anonymous")
    }
}

extension MediaType {
    /// A media type as someone types it.
    init(typed text: String) throws(SIPError) {
        let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { throw SIPError(.invalid, "\"\(text)\" is no media type: write text/plain") }
        self.init(parts[0], parts[1])
    }
}

extension ServerSelection.Exhaustion {
    /// Why no server was found, for people.
    var text: String {
        switch self {
        case .allTried: "all servers have been tried"
        case .noAddress: "no such name, or it has no address for our transports"
        case .lookUpFailed: "the DNS did not answer"
        case .serviceDenied: "the domain says that it has no SIP service"
        case .refusing: "all servers asked to be left alone for a while"
        case .unsupportedTransport: "we do not listen with the transport that the address wants"
        case .insecureTransport: "a sips address cannot be reached over UDP"
        case .unusableAddress: "the address is of a family that we do not have, or none to send to"
        }
    }
}
