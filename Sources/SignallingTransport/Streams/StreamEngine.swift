import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NIOSSL
import ProxyCore
import SIPMessages
import SIPTransactions

/// The connections of a server or agent: listeners, event loops, and the way from a message to its connection.
final class StreamEngine: @unchecked Sendable {
    // Invariant: `channels` and `descriptors` are touched under `lock`, all else never changes.
    let settings: StreamSettings
    let table: ConnectionTable
    let endpoints: EndpointTable
    private let tls: TLSContexts?
    private let group: MultiThreadedEventLoopGroup
    let loops: [StreamLoop]
    private let listeners: [ListeningSocket]
    let reporter: EventReporter
    private let addresses: AddressWatch
    private let lock = NIOLock()
    private var channels: [any Channel] = []
    private var isStarted = false
    private var isStopped = false

    init(
        listeners: [ListeningSocket], endpoints: EndpointTable, settings: StreamSettings, threads: Int,
        report: @escaping @Sendable (TransportEvent, _ withheld: Int) -> Void
    ) throws(TransportError) {
        self.settings = settings
        let reporter = EventReporter(report)
        self.reporter = reporter
        self.addresses = AddressWatch(settings.localAddresses())
        self.listeners = listeners
        self.endpoints = endpoints
        if let tls = settings.tls {
            self.tls = try TLSContexts(tls) { reporter.report(.uselessCertificate("\($0)")) }
        } else {
            self.tls = nil
            for listener in listeners where listener.transport.isSecure {
                throw TransportError("\(listener.transport):\(listener.local) needs a certificate and its key")
            }
        }
        self.table = ConnectionTable(limit: settings.connections, perSource: settings.connectionsPerSource)
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: listeners.isEmpty ? 1 : threads)
        var number = 0
        self.loops = Array(self.group.makeIterator()).map { eventLoop in
            defer { number += 1 }
            return StreamLoop(eventLoop, number: number, letsMessagesGather: settings.letsMessagesGather)
        }
    }

    deinit {
        if !self.isStarted {
            for listener in self.listeners { close(listener.descriptor) }
        }
        if !self.isStopped { self.group.shutdownGracefully { _ in } }
    }

    /// Accepts connections from now on.
    ///
    /// - Throws: `TransportError`.
    func start(_ user: any StreamUser) throws(TransportError) {
        self.lock.withLock { self.isStarted = true }
        for listener in self.listeners {
            let bootstrap = ServerBootstrap(group: self.group)
                .serverChannelOption(.backlog, value: ListeningSocket.backlog)
                .serverChannelInitializer { channel in
                    // Without descriptors accepting pauses; it does not spin.
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(AcceptBackoffHandler())
                    }
                }
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try self.accept(channel, listener, user)
                    }
                }
            do {
                let channel = try bootstrap.withBoundSocket(listener.descriptor).wait()
                self.lock.withLock { self.channels.append(channel) }
            } catch {
                throw TransportError("\(listener.transport):\(listener.local): \(error)")
            }
        }
        for loop in self.loops {
            let interval = TimeAmount.nanoseconds(self.settings.sweepInterval.nanoseconds)
            loop.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) {
                [settings = self.settings, reporter = self.reporter, weak self, weak user] _ in
                user?.swept(loop)
                if loop.number == 0, let user { self?.lookAtAddresses(user) }
                loop.sweep(settings) { connection, delay in
                    let flow = connection.flow
                    reporter.report(.tooSlow(flow.remote, flow.transport, delay))
                }
            }
        }
    }

    /// Closes listeners and connections and waits for the event loops to end.
    func stop() {
        let channels = self.lock.withLock {
            self.isStopped = true
            defer { self.channels = [] }
            return self.channels
        }
        for channel in channels { try? channel.close().wait() }
        for loop in self.loops {
            try? loop.eventLoop.submit { loop.closeAll() }.wait()
        }
        try? self.group.syncShutdownGracefully()
    }

    /// Takes note of addresses of the machine that have gone or are back. Connections of our own that one has gone from
    /// under are closed, so that they are opened again from another.
    private func lookAtAddresses(_ user: any StreamUser) {
        guard let change = self.addresses.look(at: self.settings.localAddresses()) else { return }
        let (gone, back) = self.endpoints.note(change)
        if !gone.isEmpty || !back.isEmpty { user.addressesChanged() }
        for ip in gone { self.reporter.report(.addressGone(ip)) }
        for ip in back { self.reporter.report(.addressBack(ip)) }
        guard !change.lost.isEmpty else { return }
        for loop in self.loops { loop.eventLoop.execute { loop.close(openedFrom: change.lost) } }
    }

    /// Octets have come over a connection. Where they came to is an address of the machine, also before it is looked for
    /// again: the answer must not stay here.
    func heard(_ connection: StreamConnection, _ user: any StreamUser) {
        guard !connection.isOutgoing, self.endpoints.isDown(connection.flow.endpoint),
            let ip = self.endpoints.raise(connection.flow.endpoint)
        else { return }
        user.addressesChanged()
        self.reporter.report(.addressBack(ip))
    }

    // MARK: Connections that come

    /// Takes a connection that was accepted; runs on its event loop.
    private func accept(_ channel: any Channel, _ listener: ListeningSocket, _ user: any StreamUser) throws {
        guard let loop = self.loop(of: channel.eventLoop), let address = channel.remoteAddress,
            let remote = SIPMessages.SocketAddress(address)
        else { throw TransportError("a connection from nowhere") }
        guard user.admits(remote.ip) else { throw TransportError("a source that is banned") }
        let number: UInt32
        switch self.table.admit(from: remote.ip) {
        case .number(let admitted): number = admitted
        case .full:
            self.reporter.report(.tooManyConnections(remote, limit: self.settings.connections))
            throw TransportError("too many connections")
        case .fullForSource:
            self.reporter.report(.tooManyFromSource(remote, limit: self.settings.connectionsPerSource))
            throw TransportError("too many connections from one source")
        }
        let flow = Flow(
            endpoint: self.endpoint(of: channel, at: listener, loop, user), transport: listener.transport,
            connection: number, remote: remote)
        let isWebSocket = flow.transport == .ws || flow.transport == .wss
        let connection = StreamConnection(
            accepting: flow, loop, framing: isWebSocket ? .webSocket : .contentLength,
            pendingLimit: self.settings.pendingOctets,
            at: SystemClock.now())
        do {
            if flow.transport.isSecure, let tls = self.tls {
                try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls.server))
            }
            if isWebSocket {
                try WebSocketUpgrade.configure(channel, user, connection)
            } else {
                try channel.pipeline.syncOperations.addHandler(StreamHandler(user, connection, isOutgoing: false))
            }
        } catch {
            self.table.release(connection)
            throw error
        }
        loop.add(connection)
    }

    /// The end point of a connection that was accepted.
    private func endpoint(
        of channel: any Channel, at listener: ListeningSocket, _ loop: StreamLoop, _ user: any StreamUser
    ) -> UInt16 {
        guard self.endpoints.wildcard(of: listener.number) != nil, let address = channel.localAddress,
            let local = SIPMessages.SocketAddress(address)
        else { return listener.number }
        return user.endpoint(of: local.ip, at: listener.number, loop)
    }

    private func loop(of eventLoop: any EventLoop) -> StreamLoop? {
        self.loops.first { $0.eventLoop === eventLoop }
    }

    /// Learns what the certificate of the other side proves, once the TLS handshake is done; a server that is not whom
    /// we wanted is not spoken to (RFC 5922 §7.3, §7.4).
    ///
    /// - Returns: whether the connection may carry messages; if not, it is closed.
    @discardableResult
    func identify(_ connection: StreamConnection, _ pipeline: ChannelPipeline.SynchronousOperations) -> Bool {
        guard let tls = self.tls, tls.isVerified(connection) else { return true }
        if let certificate = try? pipeline.nioSSL_peerCertificate(), let octets = try? certificate.toDERBytes() {
            connection.identities = CertificateIdentities(certificate: octets.span)
        }
        guard let expected = connection.identity else { return true }
        if connection.identities?.prove(expected) == true { return true }
        let shown = connection.identities.map { $0.domains + $0.addresses.map(\.description) } ?? []
        self.reporter.report(.wrongCertificate(connection.flow.remote, expected: expected, shown: shown))
        connection.closeNow()
        return false
    }

    /// Reports an error of the TLS library.
    func noteFailure(_ error: any Error, of connection: StreamConnection) {
        guard let error = error as? NIOSSLError, case .handshakeFailed(let cause) = error else { return }
        self.reporter.report(.handshakeFailed(connection.flow.remote, Self.text(of: cause)))
    }

    /// The words of the TLS library, without the place in its sources: `… error:100000f7:SSL routines:…:WRONG_VERSION_NUMBER
    /// at /…/tls_record.cc:127`.
    static func text(of cause: BoringSSLError) -> String {
        guard case .sslError(let errors) = cause, let first = errors.first else { return "\(cause)" }
        let words = "\(first)"
        let code = words.split(separator: ":").last { word in
            let name = word.prefix { $0 != " " }
            return !name.isEmpty && name.allSatisfy { $0.isUppercase || $0.isNumber || $0 == "_" }
        }
        let name = code.map { $0.prefix { $0 != " " } } ?? "unknown error"
        return name.lowercased().replacing("_", with: " ")
    }

    /// The connection can carry messages.
    func opened(_ connection: StreamConnection) {
        guard !connection.isReady else { return }
        self.table.add(connection, proving: connection.identities)
        connection.opened(at: SystemClock.now())
    }

    /// The connection is gone: what never left is reported.
    func ended(_ connection: StreamConnection, _ user: any StreamUser) {
        guard let unsent = connection.ended() else { return }
        self.table.release(connection)
        connection.loop.remove(connection)
        user.ended(connection, unsent: unsent)
    }

    // MARK: Connections that are opened

    /// Opens a connection to where a flow leads, beside those that are there.
    ///
    /// - Parameter domain: As that of `send`.
    /// - Returns: Its number; `nil` when there must be none.
    func open(_ flow: Flow, domain: String?, _ user: any StreamUser) -> UInt32? {
        let identity = Self.identity(of: flow, domain)
        guard let connection = self.table.open(flow, make: { self.connection($0, flow, to: identity) }) else {
            return nil
        }
        self.connect(connection, user)
        return connection.flow.connection
    }

    /// Whose certificate is wanted.
    private static func identity(of flow: Flow, _ domain: String?) -> Host? {
        flow.transport.isSecure ? domain.map { Host($0) } ?? Host(flow.remote.ip) : nil
    }

    private func connection(_ number: UInt32, _ flow: Flow, to identity: Host?) -> StreamConnection? {
        guard Int(flow.endpoint) < self.endpoints.count, flow.transport == .tcp || self.tls != nil else { return nil }
        var flow = flow
        flow.connection = number
        let loop = self.loops[Int(number) % self.loops.count]
        return StreamConnection(
            opening: flow, to: identity, loop, pendingLimit: self.settings.pendingOctets, at: SystemClock.now())
    }

    private func connect(_ connection: StreamConnection, _ user: any StreamUser) {
        let eventLoop = connection.loop.eventLoop
        eventLoop.execute {
            connection.loop.add(connection)
            // Bound to all addresses, the system chooses the one that reaches the other side.
            let local = self.endpoints.source(of: connection.flow.endpoint)
            let bootstrap = ClientBootstrap(group: eventLoop)
                .connectTimeout(
                    .nanoseconds(
                        connection.flow.isTrial
                            ? Swift.min(Flow.trialPatience.nanoseconds, self.settings.connect.nanoseconds)
                            : self.settings.connect.nanoseconds)
                )
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if connection.flow.transport == .tls, let tls = self.tls {
                            // The name lets a server of many domains show the right certificate (RFC 5922 §7.8).
                            let name = connection.identity.flatMap { $0.address == nil ? $0.name : nil }
                            try channel.pipeline.syncOperations.addHandler(
                                NIOSSLClientHandler(context: tls.client, serverHostname: name))
                        }
                        try channel.pipeline.syncOperations.addHandler(
                            StreamHandler(user, connection, isOutgoing: true))
                    }
                }
            do {
                let remote = try NIOCore.SocketAddress(connection.flow.remote)
                let source = try local.map { try NIOCore.SocketAddress(SIPMessages.SocketAddress($0, 0)) }
                let bound = source.map { bootstrap.bind(to: $0) } ?? bootstrap
                bound.connect(to: remote).whenFailure { _ in self.ended(connection, user) }
            } catch {
                self.ended(connection, user)
            }
        }
    }

    // MARK: Sending

    /// Queues a message on its connection, which is opened where that is possible and none is there.
    ///
    /// - Returns: `false` when the message cannot be sent.
    ///
    /// - Parameter domain: Over TLS, the domain that the certificate must be for; `nil` where the URI named an address.
    func send(
        _ octets: UnsafeBufferPointer<UInt8>, _ message: Outbox.Message, domain: String?, _ user: any StreamUser
    ) -> Bool {
        let identity = Self.identity(of: message.flow, domain)
        // A connection that closes while it is looked up is looked up again, once.
        for _ in 0..<2 {
            let found = self.table.find(message.flow, identity: identity) {
                self.connection($0, message.flow, to: identity)
            }
            guard let (connection, isNew) = found else { return false }
            if isNew { self.connect(connection, user) }
            // What came to an address that is gone may carry messages again when that is back.
            guard connection.isOutgoing || !self.endpoints.isDown(connection.flow.endpoint) else { return false }
            switch connection.queue(octets, message) {
            case .queued: return true
            case .needsFlush:
                connection.loop.requestFlush(connection)
                return true
            case .full: return false
            case .overflow:
                self.table.remove(connection)
                connection.close()
                return false
            case .closed:
                self.table.remove(connection)
            }
        }
        return false
    }

    /// Answers a ping (RFC 5626 §3.5.1).
    func pong(_ connection: StreamConnection) { self.send(control: [0x0D, 0x0A], over: connection) }

    /// Queues octets that are no SIP message.
    func send(control octets: [UInt8], over connection: StreamConnection) {
        switch connection.queue(control: octets) {
        case .needsFlush: connection.loop.requestFlush(connection)
        case .overflow: connection.close()
        case .queued, .full, .closed: break
        }
    }
}
