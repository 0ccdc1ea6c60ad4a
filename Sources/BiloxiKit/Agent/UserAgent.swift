import AgentCore
import MediaTransport
import SIPMessages
import SIPRouting
import SignallingTransport

/// Runs a user agent while `body` runs.
///
///     try await withUserAgent { ua in
///         let call = try await ua.call("sip:echo@biloxi.localhost")
///         try await call.play(.file("hello.wav"))
///     }
///
/// When the body returns or throws, nothing is left: calls are hung up, registrations removed, sockets closed.
///
/// - Parameters:
///   - listeners: The addresses to listen at; all of this machine's, on ports of the system's choice, where none is given.
///   - settings: How it is.
///   - handler: Has each call that comes, in a child task of its own, from the first moment until the body is done; as
///     with `UserAgent.serve`. Without one, calls are answered with 480 unless the body serves.
///   - body: What to do with it.
/// - Throws: `SIPError` when an address cannot be bound, and what the body throws.
public func withUserAgent<Value>(
    _ listeners: Listener..., settings: UserAgentSettings = UserAgentSettings(),
    answering handler: (@Sendable (Invitation) async throws -> Void)? = nil,
    _ body: (UserAgent) async throws -> Value
) async throws -> Value {
    try await withUserAgent(listeners, settings: settings, answering: handler, body)
}

/// Runs a user agent that listens at addresses that are in a list; otherwise the same as with some.
///
/// - Throws: `SIPError` when an address cannot be bound, and what the body throws.
public func withUserAgent<Value>(
    _ listeners: [Listener], settings: UserAgentSettings = UserAgentSettings(),
    answering handler: (@Sendable (Invitation) async throws -> Void)? = nil,
    _ body: (UserAgent) async throws -> Value
) async throws -> Value {
    let listeners = listeners.isEmpty ? Listener.standard : listeners
    let agent = try UserAgent.start(listeners, settings, isServing: handler != nil)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        if let handler { group.addTask { try await agent.serve(handler) } }
        do {
            let value = try await body(agent)
            await agent.end()
            group.cancelAll()
            return value
        } catch {
            await agent.end()
            group.cancelAll()
            throw error
        }
    }
}

/// A telephone without a case: it calls, is called, registers and sends messages. `withUserAgent` makes one.
public final class UserAgent: Sendable {
    let engine: Engine
    private let host: AgentHost

    private init(_ engine: Engine, _ host: AgentHost) { (self.engine, self.host) = (engine, host) }

    static func start(
        _ listeners: [Listener], _ settings: UserAgentSettings, isServing: Bool
    ) throws(SIPError) -> UserAgent {
        let engine = try Engine(settings)
        engine.isServing = isServing
        let addresses = try listeners.map { (listener) throws(SIPError) in try listener.address() }
        let advertise = try settings.advertise.map { (text) throws(SIPError) in
            guard let ip = IPAddress(text) else {
                throw SIPError(.invalid, "\"\(text)\" is no address to advertise: write 192.0.2.1")
            }
            return ip
        }
        do throws(TransportError) {
            var streams = StreamSettings()
            var tls = TLSSettings(
                selfSigned: try SelfSignedCertificate(domains: [], addresses: addresses.map(\.address.ip)))
            tls.trustRootsFile = settings.trustRootsFile
            tls.verifiesServers = settings.verifiesServers
            tls.showsCertificateToServers = false
            streams.tls = tls
            var environment: [String: String] = [:]
            if !settings.dnsServers.isEmpty {
                environment[Resolver.Settings.environmentVariable] = settings.dnsServers.joined(separator: ",")
            }
            let host = try AgentHost(
                listeners: addresses, advertise: advertise, streams: streams,
                resolver: Resolver.Settings(environment: environment), user: engine
            ) { configuration in
                configuration.product = settings.product
                configuration.features = [.messages, .transfers, .replacement]
                configuration.messageTypes = [MediaType("*", "*")]
                configuration.credentials = { [weak engine] in engine?.credentials($0) }
            }
            let agent = UserAgent(engine, host)
            engine.host = host
            host.observe { [weak engine] octets, direction, flow, wall in
                engine?.show(octets, direction, flow, at: wall)
            }
            try host.start()
            return agent
        } catch {
            engine.media.stop()
            throw SIPError(.unreachable, error.description)
        }
    }

    /// Hangs up, unregisters, waits a while for the answers, and closes everything.
    func end() async {
        for call in self.engine.openCalls { call.hangUpNow() }
        for subscription in self.engine.openSubscriptions { subscription.cancel() }
        for registration in self.engine.openRegistrations { registration.removeNow() }
        let idle = Promise<Void>()
        self.host.whenIdle { idle.keep(()) }
        // Also when the task is cancelled, as it often is by then.
        let limit = self.engine.settings.farewell
        await Task.detached { _ = await within(limit) { await idle.value() } }.value
        self.engine.host = nil
        self.host.stop()
        self.engine.close()
        self.engine.media.stop()
    }

    /// Where it listens: `udp:192.0.2.1:5060`.
    public var addresses: [String] { self.host.endpoints.map { "\($0.transport):\($0.address)" } }

    /// The port that it listens at with a transport, `udp`, `tcp` or `tls`; `nil` where it does not.
    public func port(_ transport: String) -> UInt16? {
        self.host.endpoints.first { $0.transport.description == transport }?.address.port
    }

    // MARK: Registering

    /// Makes an account known without registering it: its password answers challenges, its address is who calls.
    ///
    /// - Throws: `SIPError`: `invalid`.
    public func add(_ account: Account) throws { self.engine.add(try account.parsed()) }

    /// Registers an account, and keeps it registered until the scope of the user agent ends.
    ///
    /// - Throws: `SIPError` when the registrar refuses, or does not answer; `CancellationError`.
    @discardableResult
    public func register(_ account: Account) async throws -> Registration {
        let parsed = try account.parsed()
        self.engine.add(parsed)
        var plan = RegistrationPlan(parsed.identity, registrar: parsed.registrar)
        plan.expires = UInt32(clamping: account.expires.components.seconds)
        plan.routes = parsed.route.map { [$0] } ?? []
        let registration = Registration(parsed, self.engine)
        let engine = self.engine
        let isTaken = self.host.perform { turn in
            guard
                let handle = turn.agent.register(
                    plan, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
            else { return false }
            registration.begin(handle)
            engine.add(registration, handle)
            return true
        }
        guard isTaken else { throw SIPError(.unavailable, "there are too many registrations") }
        switch await registration.outcome.value() {
        case .success?: return registration
        case .failure(let error)?:
            registration.removeNow()
            throw error
        case nil:
            registration.removeNow()
            throw CancellationError()
        }
    }

    // MARK: Being called

    /// Lets a handler have each call that comes, in a child task of its own, until the task is cancelled. Calls that come
    /// while nobody serves are answered with 480.
    ///
    /// When the handler returns or throws, the call is hung up, or refused if it was not answered.
    ///
    /// - Parameters:
    ///   - failed: Told what a handler has thrown, unless it was only that the call is over.
    ///   - handler: What to do with a call.
    public func serve(
        failed: @escaping @Sendable (Invitation, any Error) -> Void = { _, _ in },
        _ handler: @escaping @Sendable (Invitation) async throws -> Void
    ) async throws {
        self.engine.isServing = true
        let invitations = self.engine.invitations
        await withDiscardingTaskGroup { group in
            while let invitation = await invitations.next() {
                group.addTask {
                    do {
                        try await handler(invitation)
                    } catch {
                        let isEnd = [.ended, .cancelled].contains((error as? SIPError)?.code)
                        if !isEnd, !(error is CancellationError) { failed(invitation, error) }
                    }
                    invitation.finish()
                }
            }
            group.cancelAll()
        }
        self.engine.isServing = false
        try Task.checkCancellation()
    }

    /// Messages that come (RFC 3428). Each goes to one listener; up to 256 wait.
    public var messages: Events<IncomingMessage> { self.engine.messages.sequence }
}
