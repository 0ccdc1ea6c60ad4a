public import AgentCore
import NIOConcurrencyHelpers
import ProxyCore
public import SIPMessages
import SIPRouting
import SIPTransactions

/// The driver of a user agent: sockets, connections, timers and the DNS around one `Agent`.
///
/// Whoever has something for the agent, a message that came or an application that wants something, takes its turn with it
/// and leaves with what is to be sent, as with a shard of a server. One thread receives UDP and wakes the timers, one event
/// loop serves the connections.
public final class AgentHost: StreamUser {
    /// Its addresses, with the ports that the system chose.
    public let endpoints: [AgentEndpoint]
    /// Shown every message.
    public typealias Observer = @Sendable (Span<UInt8>, TappedMessage.Direction, Flow, _ wall: Int64) -> Void
    let state: AgentState
    let streams: StreamEngine
    let resolver: Resolver
    let capabilities: RoutingCapabilities
    private let sockets: [UDPSocket?]
    private let thread: AgentThread
    private let user: any AgentUser
    private let watching = NIOLockedValueBox(Watching())

    /// Who is shown every message. The closure lies in a structure: one that stands for itself in a generic box is wrapped
    /// anew, in two closures more, each time it is looked at.
    private struct Watching: Sendable {
        var observer: Observer?
    }

    /// An agent that has its addresses and does not run yet.
    ///
    /// - Parameters:
    ///   - listeners: The addresses to bind; port 0 lets the system choose, 0.0.0.0 and :: stand for all addresses.
    ///   - advertise: The host that others reach us by, where it is not the address that is bound.
    ///   - streams: How connections are treated, and certificates.
    ///   - resolver: Which DNS servers are asked.
    ///   - user: Told what the agent tells. It is kept until `stop`.
    ///   - report: Told what happens to connections.
    ///   - configure: Says what the agent is; its end points are set already.
    /// - Throws: `TransportError` when a socket cannot be opened.
    public init(
        listeners: [(transport: TransportProtocol, address: SocketAddress)], advertise: IPAddress? = nil,
        streams: StreamSettings = StreamSettings(), resolver: Resolver.Settings = Resolver.Settings(),
        user: any AgentUser, report: @escaping @Sendable (TransportEvent) -> Void = { _ in },
        configure: (inout AgentConfiguration) -> Void
    ) throws(TransportError) {
        var endpoints = listeners.map { Endpoint($0.transport, local: $0.address) }
        let opened = try OpenedSockets(&endpoints, threads: 1)
        self.endpoints = endpoints.map {
            AgentEndpoint($0.transport, SocketAddress(advertise ?? $0.local.ip, $0.local.port))
        }
        var configuration = AgentConfiguration(endpoints: self.endpoints)
        if advertise == nil { configuration.source = { LocalAddresses.source(towards: $0) } }
        configure(&configuration)
        var generator = SystemRandomNumberGenerator()
        func key() -> SipHashKey { SipHashKey(generator.next(), generator.next()) }
        let now = SystemClock.now()
        let agent = Agent(configuration: configuration, seed: key())
        let transactions = TransactionLayer(seed: (key(), key()), at: now)
        self.state = AgentState(AgentTurn(agent, transactions, at: now))
        self.capabilities = RoutingCapabilities(
            self.endpoints.map {
                .init($0.transport, hasIPv4: !$0.address.ip.isIPv6, hasIPv6: $0.address.ip.isIPv6)
            })
        self.streams = try StreamEngine(
            listeners: opened.listeners, endpoints: EndpointTable(endpoints, wildcards: opened.wildcards),
            settings: streams, threads: 1,
            report: { event, _ in report(event) })
        self.resolver = try Resolver(resolver)
        self.sockets = opened.sockets[0]
        self.user = user
        self.thread = try AgentThread(opened.sockets[0])
    }

    /// Receives from now on.
    ///
    /// - Throws: `TransportError` when a listener cannot accept connections.
    public func start() throws(TransportError) {
        try self.streams.start(self)
        self.thread.start(self)
    }

    /// Ends the threads, closes all sockets and connections, and waits until that is done. Nothing is told to the user
    /// from now on.
    public func stop() {
        self.state.run { $0.isClosed = true }
        self.streams.stop()
        self.thread.stop()
        self.resolver.stop()
    }

    /// Shows every message from now on, in the order in which they come and go; wall time is in milliseconds since 1970,
    /// UTC. It must not call the host.
    public func observe(_ body: @escaping Observer) { self.watching.withLockedValue { $0.observer = body } }

    func show(_ octets: Span<UInt8>, _ direction: TappedMessage.Direction, _ flow: Flow) {
        guard let body = self.watching.withLockedValue({ $0.observer }) else { return }
        body(octets, direction, flow, SystemClock.wall())
    }

    /// The address of ours that a peer at an address sees: what a session description should name.
    public func localAddress(towards ip: IPAddress) -> IPAddress {
        let configuration = self.state.run { $0.agent.configuration }
        for transport in [TransportProtocol.udp, .tcp, .tls] {
            if let number = configuration.endpoint(transport, to: ip) {
                return configuration.endpoints[Int(number)].address.ip
            }
        }
        return LocalAddresses.source(towards: ip) ?? ip
    }

    /// The way to an address over a transport; `nil` when we have none.
    public func flow(to transport: TransportProtocol, _ address: SocketAddress) -> Flow? {
        let configuration = self.state.run { $0.agent.configuration }
        return configuration.endpoint(transport, to: address.ip).map {
            Flow(endpoint: $0, transport: transport, remote: address)
        }
    }

    // MARK: Turns

    /// Takes a turn with the agent: runs `body` on it, then does what it wants done and sends what is to be sent. Any
    /// thread may call it, but none within a turn.
    @discardableResult
    public func perform<Result>(_ body: (inout AgentTurn) -> Result) -> Result {
        var unreached: [Unreached] = []
        var questions: [(lookup: UInt64, id: UInt32, question: DNSQuestion)] = []
        func turn<Value>(_ body: (inout AgentTurn) -> Value) -> Value {
            self.state.run { turn in
                turn.now = SystemClock.now()
                let value = body(&turn)
                self.carryOut(&turn)
                Self.tellIdle(&turn)
                swap(&turn.questions, &questions)
                self.thread.needsWake(at: turn.transactions.nextWakeUp)
                self.send(&turn.outbox, &unreached)
                return value
            }
        }
        let result = turn(body)
        while true {
            if let failure = unreached.popLast() {
                turn { self.failed(failure, &$0) }
            } else if let question = questions.popLast() {
                // Too many questions at once: as if the DNS had failed.
                if !self.ask(question) { turn { self.answered(question.lookup, question.id, .failed, &$0) } }
            } else {
                break
            }
        }
        return result
    }

    private func carryOut(_ turn: inout AgentTurn) {
        while turn.agent.hasActions {
            for action in turn.agent.takeActions() {
                if case .resolve(let request, let uri, let near) = action {
                    self.look(for: request, uri, near: near, &turn)
                } else if !turn.isClosed {
                    self.user.carryOut(action, &turn)
                }
            }
        }
    }

    private static func tellIdle(_ turn: inout AgentTurn) {
        guard let idle = turn.idle, turn.agent.callCount == 0, turn.agent.registrationCount == 0,
            turn.agent.subscriptionCount == 0
        else { return }
        turn.idle = nil
        idle()
    }

    /// Tells once when there is no call, registration and subscription any more; at once when there is none.
    ///
    /// - Parameter body: Called within a turn.
    public func whenIdle(_ body: @escaping @Sendable () -> Void) {
        self.perform { $0.idle = body }
    }

    private func failed(_ failure: Unreached, _ turn: inout AgentTurn) {
        guard let event = turn.transactions.transportFailed(failure.sender, at: turn.now), Agent.owns(event) else {
            return
        }
        turn.agent.handle(event, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
    }

    /// Tells the transactions of messages that did not get to their destination.
    func failed(_ failures: [Unreached]) {
        guard !failures.isEmpty else { return }
        self.perform { turn in for failure in failures { self.failed(failure, &turn) } }
    }

    /// Does what is due.
    func wake() {
        self.perform { turn in
            while let event = turn.transactions.wake(at: turn.now, into: &turn.outbox) {
                if Agent.owns(event) {
                    turn.agent.handle(event, transactions: &turn.transactions, at: turn.now, into: &turn.outbox)
                }
            }
        }
    }

    // MARK: Sending

    /// Sends a message as it is, outside of any transaction: nobody waits for a response, and what is wrong with it stays
    /// so.
    ///
    /// - Returns: whether there is a way to send it.
    @discardableResult
    public func send(_ octets: [UInt8], over flow: Flow) -> Bool {
        guard Int(flow.endpoint) < self.endpoints.count else { return false }
        self.perform { turn in
            let start = turn.outbox.octets.count
            turn.outbox.octets.append(contentsOf: octets)
            turn.outbox.send(from: start, over: flow)
        }
        return true
    }

    private func send(_ outbox: inout Outbox, _ unreached: inout [Unreached]) {
        var first = 0
        while first < outbox.messages.count {
            let message = outbox.messages[first]
            self.show(outbox.octets.span.extracting(message.range.range), .sent, message.flow)
            if message.flow.transport == .udp, let socket = self.sockets[Int(message.flow.endpoint)] {
                socket.sender.send(outbox, first, first + 1) { unreached.append($0) }
            } else if message.flow.transport == .udp || !self.sendOverStream(message, outbox) {
                unreached.add(message)
            }
            first += 1
        }
        outbox.removeAll()
    }

    private func sendOverStream(_ message: Outbox.Message, _ outbox: borrowing Outbox) -> Bool {
        outbox.octets.withUnsafeBufferPointer { octets in
            let domain =
                message.domain.isEmpty ? nil : String(decoding: octets[message.domain.range], as: UTF8.self)
            return self.streams.send(
                UnsafeBufferPointer(rebasing: octets[message.range.range]), message, domain: domain, self)
        }
    }

    // MARK: For tests and diagnosis

    /// Transactions that live.
    public var transactionCount: Int {
        self.state.run { $0.transactions.clientCount + $0.transactions.serverCount }
    }
}
