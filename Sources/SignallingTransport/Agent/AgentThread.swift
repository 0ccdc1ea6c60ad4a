import CLinuxIO
import Glibc
import SIPMessages
import SIPTransactions
import Synchronization

/// The thread of an agent: receives what comes over UDP, and does what is due.
final class AgentThread: @unchecked Sendable {
    // Invariant: `thread` and `isStarted` are touched by whoever starts and stops; the rest never changes or is atomic.
    private let sockets: [UDPSocket?]
    private let epoll: Int32
    private let wakeUp: Int32
    private let isStopping = Atomic(false)
    /// When the thread will wake by itself; while it is awake, the distant past. Set and compared within turns.
    private let wakesAt = Atomic<Int64>(.min)
    private var thread = pthread_t()
    private var isStarted = false

    init(_ sockets: [UDPSocket?]) throws(TransportError) {
        self.sockets = sockets
        self.epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        self.wakeUp = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        guard self.epoll >= 0, self.wakeUp >= 0 else { throw .system("agent thread", "epoll_create1", errno) }
        for (i, socket) in sockets.enumerated() {
            // A socket that has several local addresses stands at each of their end points.
            if let socket, Int(socket.endpoint) == i { self.watch(socket.descriptor, as: UInt64(i)) }
        }
        self.watch(self.wakeUp, as: .max)
    }

    deinit {
        close(self.epoll)
        close(self.wakeUp)
    }

    private func watch(_ descriptor: Int32, as number: UInt64) {
        var event = epoll_event()
        event.events = EPOLLIN.rawValue
        event.data.u64 = number
        epoll_ctl(self.epoll, EPOLL_CTL_ADD, descriptor, &event)
    }

    func start(_ host: AgentHost) {
        let context = Unmanaged.passRetained(Start(thread: self, host: host))
        self.isStarted =
            pthread_create(
                &self.thread, nil,
                { @Sendable raw in
                    guard let raw else { return nil }
                    let start = Unmanaged<Start>.fromOpaque(raw).takeRetainedValue()
                    start.thread.loop(start.host)
                    return nil
                }, context.toOpaque()) == 0
        if !self.isStarted { context.release() }
    }

    private final class Start {
        let thread: AgentThread
        let host: AgentHost
        init(thread: AgentThread, host: AgentHost) { (self.thread, self.host) = (thread, host) }
    }

    func stop() {
        guard self.isStarted else { return }
        self.isStopping.store(true, ordering: .relaxed)
        self.signal()
        pthread_join(self.thread, nil)
        self.isStarted = false
    }

    /// Something is due at this moment: the thread is woken when it would sleep longer.
    func needsWake(at moment: MonotonicInstant?) {
        guard let moment, moment.nanoseconds < self.wakesAt.load(ordering: .relaxed) else { return }
        self.signal()
    }

    private func signal() {
        var one: UInt64 = 1
        write(self.wakeUp, &one, 8)
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
            let wait = next.map { Swift.max(0, $0.since(SystemClock.now()).nanoseconds / 1_000_000 + 1) } ?? -1
            let count = epoll_wait(self.epoll, &events, Int32(events.count), Int32(clamping: wait))
            self.wakesAt.store(.min, ordering: .relaxed)
            for i in 0..<Int(Swift.max(0, count)) {
                let number = events[i].data.u64
                if number == .max {
                    var ignored: UInt64 = 0
                    read(self.wakeUp, &ignored, 8)
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
        socket.takeErrors { if !remotes.contains($0) { remotes.append($0) } }
        for remote in remotes { socket.takeRecent(to: remote) { failures.append($0) } }
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
