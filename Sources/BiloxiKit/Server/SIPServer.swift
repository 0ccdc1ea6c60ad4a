import LocationService
import ProxyCore
import SIPAuthentication
import SIPMessages
import ServerCore
import SignallingTransport
import Synchronization

/// A registrar and proxy whose routing is a program's.
///
///     var server = SIPServer(domain: "example.test", listen: [.udp("127.0.0.1", 5060)])
///     server.users = ["alice": "secret", "bob": "secret"]
///     server.use(BlockList(blocked: ["spam"]))
///     server.on("INVITE") { request, context in
///         request.uri.user == "support"
///             ? .serial(["sip:alice@example.test", "sip:bob@example.test"], each: .seconds(15)) : .relay
///     }
///     try await server.run()
///
/// A handler returns a decision and never touches Via, branches or timers: the proxy core does what RFC 3261 §16 asks for.
/// Requests of methods without handler, and those within dialogs, go their way without asking anybody: as fast as with
/// `biloxi serve`. Registrations are kept in memory.
public struct SIPServer: Sendable {
    /// Decides what becomes of a request.
    public typealias Handler = @Sendable (Request, ServerContext) async throws -> Route

    /// The domains that it is responsible for.
    public var domains: [String]
    /// Where it listens.
    public var listeners: [Listener]
    /// The users and their passwords. Who says that he is one of them must prove it, and only they may register and call
    /// out; without any, nobody is asked who he is.
    public var users: [String: String] = [:]
    /// The shortest and the longest registration that is granted.
    public var expires: ClosedRange<Duration> = .seconds(60) ... .seconds(7_200)
    /// How long a handler may take; beyond, the request is answered with 500.
    public var patience: Duration = .seconds(30)
    /// DNS servers in place of those of the system.
    public var dnsServers: [String] = []
    /// Threads that receive.
    public var threads = 1

    private var middleware: [any Middleware] = []
    private var handlers: [String: Handler] = [:]

    /// A server that relays everything.
    public init(domain: String..., listen: [Listener] = [.udp("127.0.0.1", 5060)]) {
        (self.domains, self.listeners) = (domain, listen)
    }

    /// Gives some middleware a say, after that which is there already.
    public mutating func use(_ middleware: any Middleware...) { self.middleware += middleware }

    /// Lets a handler decide on requests of these methods that are outside of dialogs; one that is there is replaced.
    ///
    /// What the handler throws answers the request: a ``SIPError`` with its status, any other error with 500.
    public mutating func on(_ methods: String..., handler: @escaping Handler) {
        for method in methods { self.handlers[method] = handler }
    }

    // MARK: Running

    /// Runs it until the task is cancelled.
    ///
    /// - Parameter ready: Told where it listens, with the ports that the system chose, `udp:127.0.0.1:5060`, as soon as it
    ///   does.
    /// - Throws: `SIPError` when an address cannot be bound; `CancellationError` in the end.
    public func run(ready: ([String]) async throws -> Void = { _ in }) async throws {
        let desk = HandlerDesk(self.handlers, self.middleware, patience: self.patience)
        let server: SignallingServer
        do throws(TransportError) {
            server = try self.signallingServer(desk)
            try server.start()
        } catch {
            throw SIPError(.unreachable, error.description)
        }
        desk.server.withLock { $0 = server }
        defer {
            desk.close()
            server.stop()
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await desk.serve() }
            try await ready(server.settings.proxy.endpoints.map { "\($0.transport):\($0.local)" })
            try await group.waitForAll()
        }
        try Task.checkCancellation()
    }

    private func signallingServer(_ desk: HandlerDesk) throws(TransportError) -> SignallingServer {
        var streams = StreamSettings()
        let addresses = try self.listeners.map { (listener) throws(TransportError) in try listener.bound() }
        if addresses.contains(where: { $0.transport.isSecure }) {
            streams.tls = TLSSettings(
                selfSigned: try SelfSignedCertificate(
                    domains: self.domains, addresses: addresses.map(\.address.ip).filter { !$0.isUnspecified }))
        }
        var environment: [String: String] = [:]
        if !self.dnsServers.isEmpty {
            environment[Resolver.Settings.environmentVariable] = self.dnsServers.joined(separator: ",")
        }
        var generator = SystemRandomNumberGenerator()
        return try SignallingServer(
            settings: self.settings(addresses.map { Endpoint($0.transport, local: $0.address) }), threads: self.threads,
            streams: streams, resolver: try Resolver.Settings(environment: environment),
            seeds: { generator.next() }, handle: { [weak desk] in desk?.ask($0) })
    }

    private func settings(_ endpoints: [Endpoint]) -> ServerSettings {
        var generator = SystemRandomNumberGenerator()
        var settings = ServerSettings(
            domains: self.domains, proxy: ProxyConfiguration(endpoints: endpoints),
            hashKey: SipHashKey(generator.next(), generator.next()))
        settings.requiresAuthentication = !self.users.isEmpty
        settings.subscribers = self.subscribers
        settings.registrar.minExpires = UInt32(clamping: self.expires.lowerBound.components.seconds)
        settings.registrar.maxExpires = UInt32(clamping: self.expires.upperBound.components.seconds)
        settings.echoUser = []
        settings.handledMethods = self.handlers.keys.map { Array($0.utf8) }
        // The desk gives up first.
        settings.decidingLimit = .seconds(self.patience.components.seconds + 5)
        return settings
    }

    private var subscribers: Subscribers {
        var secrets: [[UInt8]: Subscribers.Secrets] = [:]
        for (name, password) in self.users {
            // Without a domain it is a user of each.
            let parts = name.split(separator: "@", maxSplits: 1).map(String.init)
            for domain in parts.count == 2 ? [parts[1]] : self.domains {
                let realm = domain.lowercased()
                func secret(_ algorithm: DigestAlgorithm) -> DigestSecret {
                    DigestSecret(username: parts[0], realm: realm, password: password, algorithm: algorithm)
                }
                secrets[Array("\(parts[0])@\(realm)".utf8)] = Subscribers.Secrets(
                    md5: secret(.md5), sha256: secret(.sha256), sha512256: nil)
            }
        }
        return Subscribers(secrets)
    }
}

extension Listener {
    fileprivate func bound() throws(TransportError) -> (transport: TransportProtocol, address: SocketAddress) {
        do throws(SIPError) {
            return try self.address()
        } catch {
            throw TransportError(error.reason)
        }
    }
}
