public import LoadCore
import ProxyCore
public import SIPMessages
import SIPTransactions
import Synchronization

/// The driver of a load generator: sockets, threads and connections around `LoadEngine`.
///
///     let host = try LoadHost(plan, settings)
///     try host.start()
///     while !host.isDone { show(host.takeSeconds()) }
///     host.stop()
public final class LoadHost: StreamUser {
    /// Where it sends from and to.
    public struct Settings: Sendable {
        /// The transport to the server; a responder listens with it.
        public var transport: TransportProtocol = .udp
        /// Where first requests go; of no meaning to a responder.
        public var server: SocketAddress
        /// The address to send from, and the port of the first socket; 0 lets the system choose.
        public var local: SocketAddress
        /// UDP sockets of each thread: a server that shares its work by source address sees as many clients.
        public var sockets = 4
        /// Connections to the server, where it is reached over such; what begins takes turns over them.
        public var connections = 1
        /// Threads; one over connections.
        public var threads = 1
        /// How connections are treated, and certificates.
        public var streams = StreamSettings()

        /// Settings with the values that stand beside each.
        public init(server: SocketAddress, local: SocketAddress) { (self.server, self.local) = (server, local) }
    }

    let streams: StreamEngine
    private let threads: [LoadThread]
    /// Its addresses.
    public let addresses: [SocketAddress]
    /// When it has begun, by the clock of the system.
    public let began: MonotonicInstant
    let usesConnections: Bool
    private let server: SocketAddress
    /// How many end points connections have.
    private let endpointCount: UInt16
    /// The numbers of the connections to the server that sources take turns over; 0 while one is not there.
    private let lanes: Mutex<[UInt32]>

    /// A generator that has its addresses and does not run yet.
    ///
    /// - Throws: `TransportError` when a socket cannot be opened.
    public init(_ plan: LoadPlan, _ settings: Settings) throws(TransportError) {
        let isUDP = settings.transport == .udp
        (self.usesConnections, self.server) = (!isUDP, settings.server)
        let threadCount = isUDP ? Swift.max(1, settings.threads) : 1
        let flow = Flow(endpoint: 0, transport: settings.transport, remote: settings.server)
        let begin = SystemClock.now().advanced(by: .milliseconds(20))
        self.began = begin
        var endpoints: [Endpoint] = []
        var listeners: [ListeningSocket] = []
        var wildcards: [UInt16: [LocalAddress]] = [:]
        var socketsOfThreads: [[UDPSocket?]] = []
        if isUDP {
            socketsOfThreads = try Self.openSockets(plan, settings, threads: threadCount)
        } else {
            endpoints = [Endpoint(settings.transport, local: settings.local)]
            let opened = try OpenedSockets(&endpoints, threads: 1)
            (listeners, wildcards) = (opened.listeners, opened.wildcards)
            socketsOfThreads = [[nil]]
        }
        let laneCount = isUDP || plan.scenario == nil ? 1 : Swift.max(1, settings.connections)
        self.endpointCount = UInt16(clamping: Swift.max(1, endpoints.count))
        self.lanes = Mutex(Array(repeating: 0, count: laneCount * Swift.max(1, endpoints.count)))
        var generator = SystemRandomNumberGenerator()
        func key() -> SipHashKey { SipHashKey(generator.next(), generator.next()) }
        var threads: [LoadThread] = []
        for number in 0..<threadCount {
            let sockets = socketsOfThreads[number]
            let sources =
                isUDP
                ? sockets.compactMap { socket in socket.map { LoadSource(.udp, $0.local) } }
                : (0..<laneCount).flatMap { _ in endpoints.map { LoadSource($0.transport, $0.local) } }
            let engine = LoadEngine(
                plan, sources: sources, server: flow, share: (number, threadCount), seed: (key(), key()),
                beginning: begin)
            threads.append(try LoadThread(engine, sockets: sockets))
        }
        self.threads = threads
        self.addresses =
            isUDP ? socketsOfThreads.flatMap { $0.compactMap { $0?.local } } : endpoints.map { $0.local }
        self.streams = try StreamEngine(
            listeners: listeners, endpoints: EndpointTable(endpoints, wildcards: wildcards), settings: settings.streams,
            threads: 1,
            report: { _, _ in })
    }

    /// The sockets of each thread. Those of a responder share one address, those of a generator have one each, or an
    /// answer would come to another thread than its request left from.
    private static func openSockets(
        _ plan: LoadPlan, _ settings: Settings, threads: Int
    ) throws(TransportError) -> [[UDPSocket?]] {
        var sockets: [[UDPSocket?]] = []
        if plan.scenario == nil {
            let address = try UDPSocket.freeAddress(settings.local)
            for _ in 0..<threads {
                sockets.append([try UDPSocket(address: address, endpoint: 0, sharesPort: threads > 1)])
            }
            return sockets
        }
        let count = Swift.max(1, settings.sockets)
        for thread in 0..<threads {
            var own: [UDPSocket?] = []
            for i in 0..<count {
                var address = settings.local
                if address.port != 0 { address.port &+= UInt16(truncatingIfNeeded: thread * count + i) }
                own.append(try UDPSocket(address: address, endpoint: UInt16(i), sharesPort: false))
            }
            sockets.append(own)
        }
        return sockets
    }

    /// Begins.
    ///
    /// - Throws: `TransportError` when a listener cannot accept connections.
    public func start() throws(TransportError) {
        try self.streams.start(self)
        for thread in self.threads { thread.start(self) }
    }

    /// Ends the threads and waits for them; what is under way is forgotten.
    public func stop() {
        for thread in self.threads { thread.stop() }
        self.streams.stop()
    }

    /// Lets nothing begin any more and ends what is under way: calls that are up are hung up, others cancelled.
    public func interrupt() {
        for thread in self.threads { thread.interrupt() }
    }

    /// Whether nothing more begins and all is over.
    public var isDone: Bool { self.threads.allSatisfy(\.isDone) }
    /// How many calls, registrations and messages are under way.
    public var underWay: Int { self.threads.reduce(0) { $0 + $1.underWay } }

    /// The seconds that are over since it was asked last, of each thread; after `stop`, all that are left.
    public func takeSeconds() -> [LoadInterval] { self.threads.flatMap { $0.takeSeconds() } }

    // MARK: Connections

    func send(_ message: Outbox.Message, _ outbox: borrowing Outbox) -> Bool {
        outbox.octets.withUnsafeBufferPointer { octets in
            let domain = message.domain.isEmpty ? nil : String(decoding: octets[message.domain.range], as: UTF8.self)
            var message = message
            message.flow = self.placed(message.flow, domain)
            return self.streams.send(
                UnsafeBufferPointer(rebasing: octets[message.range.range]), message, domain: domain, self)
        }
    }

    /// What goes to the server takes the connection of its source, which is opened where it is not there.
    private func placed(_ flow: Flow, _ domain: String?) -> Flow {
        var placed = flow
        placed.endpoint = flow.endpoint % self.endpointCount
        guard flow.connection == 0, flow.remote == self.server else { return placed }
        placed.connection = self.lanes.withLock { lanes in
            let lane = Int(flow.endpoint)
            if lanes[lane] == 0 { lanes[lane] = self.streams.open(placed, domain: domain, self) ?? 0 }
            return lanes[lane]
        }
        return placed
    }

    func receive(_ octets: Span<UInt8>, over connection: StreamConnection) {
        self.threads[0].receive(octets, over: connection.flow, self)
    }

    func refuse(_ header: Span<UInt8>, _ error: SIPParseError, over connection: StreamConnection) {}

    func admits(_ source: IPAddress) -> Bool { true }

    func endpoint(of ip: IPAddress, at listener: UInt16, _ loop: StreamLoop) -> UInt16 {
        self.streams.endpoints.known(ip, at: listener) ?? listener
    }

    func swept(_ loop: StreamLoop) {}

    func ended(_ connection: StreamConnection, unsent: [Unreached]) {
        self.lanes.withLock { lanes in
            if let lane = lanes.firstIndex(of: connection.flow.connection) { lanes[lane] = 0 }
        }
        self.threads[0].failed(unsent)
    }
}
