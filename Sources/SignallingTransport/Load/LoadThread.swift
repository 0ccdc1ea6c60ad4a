import CLinuxIO
import Glibc
import LoadCore
import NIOConcurrencyHelpers
import SIPMessages
import SIPTransactions
import SystemSockets

/// A part of a load generator with its own sockets and its own thread, which begins what is due and receives what comes
/// over UDP. Connections enter it from their event loop.
final class LoadThread: @unchecked Sendable {
    // Invariant: `engine`, `outbox`, `unreached`, `isStopping` and `isInterrupted` are touched under `lock`; the rest never
    // changes.
    private let lock = NIOLock()
    private var engine: LoadEngine
    private var outbox = Outbox()
    private var unreached: [Unreached] = []
    private var isStopping = false
    private var isInterrupted = false
    private let sockets: [UDPSocket?]
    private let poller: Poller
    private let thread = SystemThread()

    /// How long the thread sleeps at most while connections may make something due.
    private static let patience: TimeSpan = .milliseconds(10)

    init(_ engine: consuming LoadEngine, sockets: [UDPSocket?]) throws(TransportError) {
        self.engine = engine
        self.sockets = sockets
        guard let poller = Poller() else { throw .system("load thread", "epoll_create1", errno) }
        self.poller = poller
        for (i, socket) in sockets.enumerated() {
            if let socket { poller.watch(socket.descriptor, as: UInt64(i)) }
        }
    }

    func start(_ host: LoadHost) {
        self.thread.start { self.loop(host) }
    }

    func stop() {
        self.lock.withLock { self.isStopping = true }
        self.poller.wake()
        self.thread.join()
    }

    /// Lets nothing begin any more and ends what is under way.
    func interrupt() {
        self.lock.withLock { self.isInterrupted = true }
        self.poller.wake()
    }

    /// Whether all is over.
    var isDone: Bool { self.lock.withLock { self.engine.isDone } }
    /// What is under way.
    var underWay: Int { self.lock.withLock { self.engine.underWay + self.engine.answering } }

    /// The seconds that are over since it was asked last; once the thread has ended, all that are left.
    func takeSeconds() -> [LoadInterval] {
        self.lock.withLock { self.isStopping ? self.engine.takeRest() : self.engine.takeSeconds() }
    }

    // MARK: The thread

    private func loop(_ host: LoadHost) {
        var events = [epoll_event](repeating: epoll_event(), count: 16)
        while true {
            guard let next = self.wake(host) else { return }
            var span = next.since(SystemClock.now())
            if host.usesConnections { span = Swift.min(span, Self.patience) }
            let count = self.poller.wait(&events, for: span)
            for i in 0..<count {
                let number = events[i].data.u64
                if number == Poller.wakeNumber {
                    self.poller.noteWake()
                } else if let socket = self.sockets[Int(number)] {
                    if events[i].events & EPOLLERR.rawValue != 0 { self.takeErrors(of: socket) }
                    self.receive(socket, number: UInt16(number), host)
                }
            }
        }
    }

    /// Does what is due; returns when to come again, `nil` when the thread is to end.
    private func wake(_ host: LoadHost) -> MonotonicInstant? {
        self.lock.lock()
        defer { self.lock.unlock() }
        guard !self.isStopping else { return nil }
        let now = SystemClock.now()
        if self.isInterrupted {
            self.isInterrupted = false
            self.engine.interrupt(at: now, into: &self.outbox)
        }
        self.engine.wake(at: now, into: &self.outbox)
        self.flush(host, now)
        return self.engine.nextWakeUp
    }

    private func receive(_ socket: UDPSocket, number: UInt16, _ host: LoadHost) {
        // A full batch means that there is more; what is due must not wait for all of it.
        for _ in 0..<4 {
            let count = socket.receive()
            guard count > 0 else { return }
            self.lock.lock()
            let now = SystemClock.now()
            for i in 0..<count {
                // Keep-alives hold no message.
                guard let (octets, source) = socket.datagram(i), octets.count > 4 else { continue }
                let flow = Flow(endpoint: number, transport: .udp, remote: source)
                self.engine.receive(Span(_unsafeElements: octets), over: flow, at: now, into: &self.outbox)
            }
            self.flush(host, now)
            self.lock.unlock()
            guard count == UDPSocket.batch else { return }
        }
    }

    /// Fails the requests that did not reach where they were sent (RFC 3261 §18.4).
    private func takeErrors(of socket: UDPSocket) {
        var remotes: [SocketAddress] = []
        var failures: [Unreached] = []
        socket.sender.takeErrors { if !remotes.contains($0) { remotes.append($0) } }
        for remote in remotes { socket.sender.takeRecent(to: remote) { failures.append($0) } }
        self.failed(failures)
    }

    // MARK: Connections

    /// Takes a message that came over a connection.
    func receive(_ octets: Span<UInt8>, over flow: Flow, _ host: LoadHost) {
        self.lock.lock()
        defer { self.lock.unlock() }
        let now = SystemClock.now()
        self.engine.receive(octets, over: flow, at: now, into: &self.outbox)
        self.flush(host, now)
    }

    /// Tells the engine of messages that did not get to their destination.
    func failed(_ failures: [Unreached]) {
        guard !failures.isEmpty else { return }
        self.lock.withLock {
            let now = SystemClock.now()
            for failure in failures { self.engine.transportFailed(failure.sender, at: now) }
        }
    }

    // MARK: Sending

    /// Sends what is to be sent, while it has the lock.
    private func flush(_ host: LoadHost, _ now: MonotonicInstant) {
        let count = self.outbox.messages.count
        guard count > 0 else { return }
        var first = 0
        while first < count {
            let flow = self.outbox.messages[first].flow
            var last = first + 1
            if flow.transport == .udp, let socket = self.sockets[Int(flow.endpoint)] {
                while last < count, self.outbox.messages[last].flow.endpoint == flow.endpoint { last += 1 }
                socket.sender.send(self.outbox, first, last) { self.unreached.append($0) }
            } else if flow.transport == .udp || !host.send(self.outbox.messages[first], self.outbox),
                let failure = Unreached(self.outbox.messages[first])
            {
                self.unreached.append(failure)
            }
            first = last
        }
        self.engine.noteSent(count)
        self.outbox.removeAll()
        while let failure = self.unreached.popLast() { self.engine.transportFailed(failure.sender, at: now) }
    }
}
