import Glibc
public import LocationService
import SIPMessages
import ProxyCore
import SIPTransactions
public import ServerCore

/// The driver of a server: threads that receive, run the shards, and carry out what they decided.
///
/// Whoever receives a message runs it to completion (there is no hop to another thread), and does the timers of its
/// share of the shards.
public final class SignallingServer: Sendable {
    let calls: [Shard<CallShard>]
    let locations: [Shard<LocationShard>]
    let udpThreads: [UDPThread]
    let store: @Sendable ([BindingChange], _ token: UInt64) -> Bool
    let withdraw: @Sendable (UInt64) -> Bool

    /// A server that does not listen yet.
    ///
    /// - Parameters:
    ///   - settings: What the server is. Its end points are the listeners, UDP ones with the address to bind.
    ///   - threads: How many threads receive UDP.
    ///   - seeds: A source of numbers that nobody can predict.
    ///   - store: Takes the changes of one REGISTER, to be followed by `complete`; `false` when it cannot.
    ///   - withdraw: Takes them back before they are written; `false` when it is too late.
    /// - Throws: `TransportError` when a socket cannot be opened.
    public init(
        settings: ServerSettings, threads: Int, seeds: () -> UInt64,
        store: @escaping @Sendable ([BindingChange], _ token: UInt64) -> Bool = { _, _ in false },
        withdraw: @escaping @Sendable (UInt64) -> Bool = { _ in false }
    ) throws(TransportError) {
        let now = SystemClock.now()
        var calls: [Shard<CallShard>] = []
        var locations: [Shard<LocationShard>] = []
        for number in 0..<settings.shardCount {
            let seed = (SipHashKey(seeds(), seeds()), SipHashKey(seeds(), seeds()))
            calls.append(Shard(CallShard(number: number, settings: settings, seed: seed, at: now)))
            locations.append(Shard(LocationShard(number: number, settings: settings, seed: SipHashKey(seeds(), seeds()))))
        }
        self.calls = calls
        self.locations = locations
        self.store = store
        self.withdraw = withdraw
        var udpThreads: [UDPThread] = []
        for number in 0..<threads {
            var sockets: [UDPSocket?] = []
            for (endpoint, description) in settings.proxy.endpoints.enumerated() {
                guard description.transport == .udp else {
                    sockets.append(nil)
                    continue
                }
                // SO_REUSEPORT would hide that another program has the port: the first socket finds it out.
                if number == 0 { try UDPSocket.probe(description.local) }
                sockets.append(
                    try UDPSocket(address: description.local, endpoint: UInt16(endpoint), sharesPort: threads > 1))
            }
            udpThreads.append(
                try UDPThread(number: number, of: threads, sockets: sockets, reception: Reception(settings: settings)))
        }
        self.udpThreads = udpThreads
    }

    /// Starts the threads.
    public func start() {
        for thread in self.udpThreads { thread.start(self) }
    }

    /// Ends the threads and waits until they have.
    public func stop() {
        for thread in self.udpThreads { thread.stop() }
    }

    /// Runs the shards until the workspace has nothing more to do.
    func run(_ octets: Span<UInt8>, _ workspace: inout Workspace, _ thread: UDPThread) {
        while let address = workspace.next {
            switch address {
            case .calls(let number):
                self.calls[number].run(
                    { $0.run(octets, &workspace) }, thenSend: { thread.send(&workspace) })
            case .locations(let number):
                self.locations[number].run(
                    { $0.run(octets, &workspace) }, thenSend: { thread.send(&workspace) })
                if !workspace.changes.isEmpty { self.storeChanges(&workspace, thread) }
            }
        }
        if !workspace.outbox.messages.isEmpty { thread.send(&workspace) }
    }

    /// Does what is due in every `step`th shard from `first` on; returns when something is due next.
    func wake(from first: Int, step: Int, _ workspace: inout Workspace, _ thread: UDPThread) -> MonotonicInstant {
        var earliest = MonotonicInstant.never
        for number in stride(from: first, to: self.locations.count, by: step) {
            var overdue: [UInt64] = []
            self.locations[number].run(
                { overdue = $0.wake(&workspace) }, thenSend: { thread.send(&workspace) })
            // What is being written right now will be told by the store; only what still waits can be taken back.
            self.complete(overdue.filter(self.withdraw), isStored: false, &workspace, thread)
        }
        for number in stride(from: first, to: self.calls.count, by: step) {
            self.calls[number].run(
                { shard in
                    guard let due = shard.nextWakeUp else { return }
                    if due <= workspace.now { shard.wake(&workspace) }
                    if let next = shard.nextWakeUp, next < earliest { earliest = next }
                },
                thenSend: { thread.send(&workspace) })
        }
        return earliest
    }
}
