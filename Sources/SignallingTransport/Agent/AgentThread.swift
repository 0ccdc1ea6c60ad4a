import CLinuxIO
import Glibc
import SIPMessages
import SIPTransactions
import Synchronization
import SystemSockets

/// The thread of an agent: receives what comes over UDP, and does what is due.
final class AgentThread: @unchecked Sendable {
    // Invariant: what is here never changes, or is atomic.
    private let sockets: [UDPSocket?]
    private let poller: Poller
    private let isStopping = Atomic(false)
    /// When the thread will wake by itself; while it is awake, the distant past. Set and compared within turns.
    private let wakesAt = Atomic<Int64>(.min)
    private let thread = SystemThread()

    init(_ sockets: [UDPSocket?]) throws(TransportError) {
        self.sockets = sockets
        guard let poller = Poller() else { throw .system("agent thread", "epoll_create1", errno) }
        self.poller = poller
        for (i, socket) in sockets.enumerated() {
            // A socket that has several local addresses stands at each of their end points.
            if let socket, Int(socket.endpoint) == i { poller.watch(socket.descriptor, as: UInt64(i)) }
        }
    }

    func start(_ host: AgentHost) {
        self.thread.start { self.loop(host) }
    }

    func stop() {
        self.isStopping.store(true, ordering: .relaxed)
        self.poller.wake()
        self.thread.join()
    }

    /// Something is due at this moment: the thread is woken when it would sleep longer.
    func needsWake(at moment: MonotonicInstant?) {
        guard let moment, moment.nanoseconds < self.wakesAt.load(ordering: .relaxed) else { return }
        self.poller.wake()
    }

    private func loop(_ host: AgentHost) {
        var events = [epoll_event](repeating: epoll_event(), count: 16)
        while !self.isStopping.load(ordering: .relaxed) {
            host.wake()
            // What others set before this is seen here; what they set later they see to be earlier, and signal.
            let next = host.state.run { turn in
                let next = turn.transactions.nextWakeUp
                self.wakesAt.store(next?.nanoseconds ?? .max, ordering: .relaxed)
                return next
            }
            let count = self.poller.wait(&events, for: next?.since(SystemClock.now()))
            self.wakesAt.store(.min, ordering: .relaxed)
            for i in 0..<count {
                let number = events[i].data.u64
                if number == Poller.wakeNumber {
                    self.poller.noteWake()
                } else if let socket = self.sockets[Int(number)] {
                    if events[i].events & EPOLLERR.rawValue != 0 { self.takeErrors(of: socket, host) }
                    self.receive(socket, host)
                }
            }
        }
    }

    /// Fails the requests that did not reach where they were sent (RFC 3261 §18.4).
    private func takeErrors(of socket: UDPSocket, _ host: AgentHost) {
        var remotes: [SocketAddress] = []
        var failures: [Unreached] = []
        socket.sender.takeErrors { if !remotes.contains($0) { remotes.append($0) } }
        for remote in remotes { socket.sender.takeRecent(to: remote) { failures.append($0) } }
        host.failed(failures)
    }

    private func receive(_ socket: UDPSocket, _ host: AgentHost) {
        for i in 0..<socket.receive() {
            // Keep-alives hold no message.
            guard let (octets, source) = socket.datagram(i), octets.count > 4 else { continue }
            let flow = Flow(endpoint: socket.endpoint(ofDatagram: i), transport: .udp, remote: source)
            host.receive(Span(_unsafeElements: octets), over: flow)
        }
    }
}
