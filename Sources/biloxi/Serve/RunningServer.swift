import CallRecords
import Foundation
import LocationService
import Logging
import MediaTransport
import Persistence
import ProxyCore
import SIPAuthentication
import SIPMessages
import ServerConfiguration
import ServerCore
import SignallingTransport
import Synchronization

/// The server as the configuration wants it: listeners, users, bindings and their store.
final class RunningServer: Sendable {
    private let server: SignallingServer
    /// The driver, for questions.
    var signalling: SignallingServer { self.server }
    private let store: BindingStore
    private let echo: EchoDesk
    private let database: ServerDatabase
    private let key: ServerKey
    private let keepDays: Mutex<Int>

    /// Opens the listeners and reads what earlier runs have stored.
    ///
    /// - Throws: `TransportError` for a listener, `StorageError` for the database.
    init(
        _ configuration: Configuration, database: ServerDatabase, directory: DataDirectory, key: ServerKey,
        logger: Logger
    ) throws {
        self.database = database
        self.key = key
        self.keepDays = Mutex(configuration.callRecords.keepDays)
        let settings = try Self.settings(configuration, database: database, key: key)
        let completion = CompletionTarget()
        let complaints = StoreComplaints(logger: logger)
        self.store = try BindingStore(database: settings.isDurable ? database : nil) { tokens, outcome in
            complaints.note(outcome, requests: tokens.count)
            completion.server?.complete(tokens, isStored: outcome == .committed)
        }
        let store = self.store
        self.echo = EchoDesk(try MediaServer(Self.media(configuration)))
        let echo = self.echo
        self.server = try SignallingServer(
            settings: settings, threads: configuration.threads ?? ProcessInfo.processInfo.activeProcessorCount,
            segmentation: configuration.segmentation, streams: try Self.streams(configuration, directory: directory),
            resolver: try Resolver.Settings(environment: ProcessInfo.processInfo.environment),
            seeds: { UInt64.random(in: 0...UInt64.max) },
            store: { changes, token in store.submit(changes, token: token) },
            withdraw: { token in store.withdraw(token) },
            answered: { calls in store.begin(calls) },
            record: { calls in
                for call in calls { logger.debug("call ended", metadata: .init(call)) }
                store.record(calls)
            },
            media: { request in echo.serve(request) },
            report: { event, withheld in
                let level: Logger.Level =
                    switch event.weight {
                    case .warning: .warning
                    case .info: .info
                    case .debug: .debug
                    }
                logger.log(
                    level: level, "\(event)", metadata: withheld == 0 ? nil : ["left out before": "\(withheld)"])
            })
        completion.server = self.server
        echo.server = self.server
        if settings.isDurable {
            let interrupted = try database.endInterruptedCalls(at: SystemClock.wall())
            if interrupted > 0 {
                logger.notice("calls went on when the last run broke off", metadata: ["calls": "\(interrupted)"])
            }
            try database.forEachBinding(at: SystemClock.wall()) { self.server.restore($0) }
        }
    }

    /// Where it listens, with the ports that the system chose: `udp:127.0.0.1:5060`.
    var listeners: [String] { self.server.settings.proxy.endpoints.map { "\($0.transport):\($0.local)" } }

    /// Begins to serve.
    func start() throws { try self.server.start() }

    /// Ends: what has been answered stays stored.
    func stop() {
        self.server.stop()
        self.echo.stop()
        self.store.close()
    }

    /// Begins nothing new, and ends the calls of its own; what others have in progress goes on.
    func beginStopping() {
        self.server.beginStopping()
        self.server.endCalls(givesUp: false)
    }

    /// Gives up what is in progress: whoever waits for an answer gets one.
    func giveUp() { self.server.endCalls(givesUp: true) }

    /// Whether nothing is in progress.
    var isIdle: Bool { self.server.isIdle }

    /// How the server is.
    var statistics: ServerStatistics { self.server.statistics }
    /// How the store is.
    var storeStatistics: BindingStore.Statistics { self.store.statistics }

    /// Deletes what is stored and has ended: registrations, and records of calls that have been kept long enough.
    func maintain() {
        let now = SystemClock.wall()
        self.store.purgeExpired(at: now)
        self.store.purgeCalls(before: now - Int64(self.keepDays.withLock { $0 }) * 86_400_000)
    }

    /// Goes on with another configuration, or with other users.
    ///
    /// - Parameter settings: What `currentSettings` gives for it.
    func apply(_ configuration: Configuration, _ settings: ServerCore.ServerSettings) {
        self.keepDays.withLock { $0 = configuration.callRecords.keepDays }
        self.server.apply(settings)
    }

    // MARK: Settings

    /// The ports of media, and the address that descriptions show.
    private static func media(_ configuration: Configuration) -> MediaSettings {
        var settings = MediaSettings()
        settings.advertise = configuration.advertise.map { Host($0) }
        return settings
    }

    /// How connections are treated, with the certificate of the configuration or one made on the first run.
    private static func streams(_ configuration: Configuration, directory: DataDirectory) throws -> StreamSettings {
        var streams = StreamSettings()
        streams.connections = configuration.connections.limit
        streams.connectionsPerSource = configuration.connections.perSource
        streams.idle = .seconds(configuration.connections.idle.components.seconds)
        let origins = configuration.connections.origins
        streams.webSocketOrigins.allowsAny = origins.contains("any")
        streams.webSocketOrigins.allowsSameHost = origins.contains("own")
        streams.webSocketOrigins.hosts = origins.contains("own") ? configuration.domains : []
        streams.webSocketOrigins.listed = origins.filter { $0 != "own" && $0 != "any" }
        guard configuration.listen.contains(where: { $0.transport.isSecure }) || configuration.tls != nil else {
            return streams
        }
        guard let tls = configuration.tls.map(TLSSettings.init) else {
            let made = TLSSettings(
                certificateFile: directory.path + "/certificate.pem", keyFile: directory.path + "/key.pem")
            try SelfSignedCertificate.make(
                certificateFile: made.certificateFile, keyFile: made.keyFile, domains: configuration.domains,
                addresses: configuration.listen.map(\.address.ip).filter { !$0.isUnspecified })
            streams.tls = made
            return streams
        }
        streams.tls = tls
        return streams
    }

    /// What the server is by a configuration, and by the users that are stored.
    ///
    /// - Throws: `CommandError` when a file with a password cannot be read, `StorageError` for the database.
    func currentSettings(_ configuration: Configuration) throws -> ServerCore.ServerSettings {
        try Self.settings(configuration, database: self.database, key: self.key)
    }

    private static func settings(
        _ configuration: Configuration, database: ServerDatabase, key: ServerKey
    ) throws -> ServerCore.ServerSettings {
        var settings = try Self.routingSettings(configuration, key: key.hashKey)
        settings.homes = try configuration.edge.map { try HomeDomain($0) }
        settings.offersIntegrity = configuration.authentication.offersIntegrity
        settings.isDurable = configuration.storage == .sqlite
        settings.callRecords.isOn = configuration.callRecords.isEnabled && settings.isDurable
        settings.callRecords.longestCall = .seconds(configuration.callRecords.longestCall.components.seconds)
        settings.requiresAuthentication = configuration.authentication.isRequired
        settings.algorithms = configuration.authentication.algorithms.map {
            switch $0 {
            case .md5: .md5
            case .sha256: .sha256
            case .sha512_256: .sha512256
            }
        }
        settings.offences.wrongCredentials = configuration.bans.wrongCredentials
        settings.offences.malformed = configuration.bans.malformed
        settings.offences.duration = .seconds(configuration.bans.duration.components.seconds)
        settings.registrar.minExpires = configuration.registrar.minExpires
        settings.registrar.defaultExpires = configuration.registrar.defaultExpires
        settings.registrar.maxExpires = configuration.registrar.maxExpires
        settings.registrar.maxContacts = configuration.registrar.maxContacts
        settings.registrar.flowTimer = configuration.registrar.flowTimer ?? 0
        settings.registrar.requiresPathSupport = configuration.registrar.requiresPathSupport
        let serviceRoute = configuration.registrar.serviceRoute.map { "<\($0)>" }.joined(separator: ", ")
        settings.registrar.serviceRoute = Array(serviceRoute.utf8)
        for user in configuration.users where !user.registersFor.isEmpty {
            settings.registrants[Array("\(user.user)@\(user.domain)".utf8)] = Set(
                user.registersFor.map { Array($0.utf8) })
        }
        settings.inbound =
            switch configuration.inbound {
            case .anyone: .anyone
            case .users: .users
            case .trusted: .trusted
            case .none: .nobody
            }
        let interval = TimeSpan.seconds(configuration.nat.interval.components.seconds)
        settings.keepAlive =
            switch configuration.nat.keepAlive {
            case .options: ServerCore.ServerSettings.KeepAlive(method: .options, interval: interval)
            case .emptyLines: ServerCore.ServerSettings.KeepAlive(method: .emptyLines, interval: interval)
            case .off: nil
            }
        settings.subscribers = try Self.subscribers(database)
        // A user of that name is not to lose his calls.
        if try database.subscribers().contains(where: { $0.aor.hasPrefix("echo@") }) { settings.echoUser = [] }
        return settings
    }

    /// What decides where calls go, of all that the server is.
    static func routingSettings(
        _ configuration: Configuration, key: SipHashKey = SipHashKey(0, 0)
    ) throws -> ServerCore.ServerSettings {
        let advertised = configuration.advertise.map { Host($0) }
        var endpoints: [ProxyCore.Endpoint] = []
        var addresses: [SocketAddress] = []
        for listener in configuration.listen {
            let advertised = listener.advertise.map { Host($0) } ?? advertised
            // Without another host each address of a listener on all of them shows itself.
            var endpoint = Endpoint(listener.transport, local: listener.address, advertised: advertised)
            endpoint.offersAlias = listener.transport == .tls
            endpoints.append(endpoint)
            if let ip = advertised?.address { addresses.append(SocketAddress(ip, listener.address.port)) }
            if listener.address.ip.isUnspecified {
                addresses += LocalAddresses.all.map { SocketAddress($0, listener.address.port) }
            }
        }
        var proxy = ProxyConfiguration(endpoints: endpoints)
        proxy.isStateless = configuration.proxy.mode == .stateless
        proxy.recordRoute = configuration.proxy.recordRoute
        proxy.serialByQ = configuration.proxy.forking == .sequential
        proxy.timerC = .seconds(configuration.proxy.timerC.components.seconds)
        proxy.followsRedirections = configuration.proxy.redirects == .follow
        var settings = ServerCore.ServerSettings(domains: configuration.domains, proxy: proxy, hashKey: key)
        settings.addresses = addresses
        try settings.takeRouting(configuration)
        return settings
    }

    private static func subscribers(_ database: ServerDatabase) throws -> Subscribers {
        var secrets: [[UInt8]: Subscribers.Secrets] = [:]
        for subscriber in try database.subscribers() {
            func secret(_ octets: [UInt8]?, _ algorithm: DigestAlgorithm) -> DigestSecret? {
                octets.flatMap { DigestSecret(octets: $0, algorithm: algorithm) }
            }
            secrets[Array(subscriber.aor.utf8)] = Subscribers.Secrets(
                md5: secret(subscriber.secrets.md5, .md5), sha256: secret(subscriber.secrets.sha256, .sha256),
                sha512256: secret(subscriber.secrets.sha512_256, .sha512256))
        }
        return Subscribers(secrets)
    }
}

/// Where the store's answers go: the store is there before the server is.
private final class CompletionTarget: Sendable {
    private let target = Mutex<SignallingServer?>(nil)

    var server: SignallingServer? {
        get { self.target.withLock { $0 } }
        set { self.target.withLock { $0 = newValue } }
    }
}

extension Logger.Metadata {
    /// What is logged of a call, at debug level only: it names the two who spoke.
    fileprivate init(_ call: CallRecord) {
        func text(_ octets: [UInt8]) -> Logger.MetadataValue { .string(String(decoding: octets, as: UTF8.self)) }
        self = [
            "caller": text(call.caller), "callee": text(call.callee), "callID": text(call.callID),
            "status": "\(call.status)", "ending": "\(call.ending)", "milliseconds": "\(call.duration)",
            "source": "\(call.source)",
        ]
    }
}

extension TLSSettings {
    /// The certificates that a configuration names.
    init(_ tls: Configuration.TLS) {
        self.init(certificateFile: tls.certificate, keyFile: tls.key)
        self.trustRootsFile = tls.authorities
        self.clientCertificates =
            switch tls.clientCertificates {
            case .none: .notRequested
            case .optional: .verifiedIfShown
            case .required: .required
            }
    }
}

extension HomeDomain {
    /// The home of a domain for which the configuration makes the server an edge proxy.
    ///
    /// - Throws: `CommandError` when its proxy is no SIP URI.
    fileprivate init(_ edge: Configuration.Edge) throws {
        // A proxy is a loose router: without `lr` it would find itself in the Request-URI (RFC 3261 §16.6 step 6).
        let proxy = edge.proxy.map { $0.contains(";lr") ? $0 : "\($0);lr" }
        guard var home = HomeDomain(edge.domain, proxy: proxy) else {
            throw CommandError(.usage, "edge.\(edge.domain).proxy must be a SIP URI such as sip:192.0.2.7")
        }
        home.isOnPath = edge.path != .none
        home.requiresPathSupport = edge.path == .known
        self = home
    }
}
