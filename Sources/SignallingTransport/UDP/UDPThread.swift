import AgentCore
import CLinuxIO
import Glibc
import ProxyCore
import SIPMessages
import SIPRouting
import SIPTransactions
import ServerCore
import Synchronization
import SystemSockets

/// One thread that receives on its own socket of every UDP listener and runs what comes in.
final class UDPThread: @unchecked Sendable {
    // Invariant: `worker`, `backlogs`, `windowBegan` and `nextLocations` are touched by the thread itself only, once it has started; the
    // sockets never change.
    private let threadCount: Int
    private let sockets: [UDPSocket?]
    private let poller: Poller
    private let timer: Int32
    /// What waits in each socket.
    private var backlogs: [Backlog]
    private var windowBegan = MonotonicInstant.start
    private var worker: Worker
    /// When the shards of locations, whose times are seconds, are looked at next.
    private var nextLocations = MonotonicInstant.start
    /// What the thread has received and sent.
    let counters: TrafficCounters
    private let thread = SystemThread()
    private let errands = Mutex<[Errand]>([])

    /// What another thread leaves for this one.
    enum Errand: Sendable {
        case stored([UInt64], Bool)
        case settings(ServerSettings)
        case answered(shard: Int, ProxyQuestion, DNSAnswer)
        case hangUp(CallHandle, shard: Int)
        case endCalls(givesUp: Bool)
        case decided(HandlerDecision, shard: Int, number: UInt64)
        case pulse(@Sendable () -> Void)
        case stop
    }

    /// How late a timer may be that another thread has set: shards are looked at this often at least.
    private static let patience: TimeSpan = .milliseconds(50)
    /// How late a timer of our own may be: looking at all shards costs as much as a message, and with many calls some
    /// timer is due in every millisecond. Those of SIP are half a second and more.
    private static let coarseness: TimeSpan = .milliseconds(16)

    init(of threadCount: Int, sockets: [UDPSocket?], worker: Worker) throws(TransportError) {
        self.threadCount = threadCount
        self.sockets = sockets
        self.backlogs = sockets.map { _ in Backlog() }
        self.worker = worker
        self.counters = worker.counters
        guard let poller = Poller() else { throw .system("UDP thread", "epoll_create1", errno) }
        self.poller = poller
        self.timer = cio_timer()
        guard self.timer >= 0 else { throw .system("UDP thread", "timerfd_create", errno) }
        for (i, socket) in sockets.enumerated() {
            // A socket that has several local addresses stands at each of their end points.
            if let socket, Int(socket.endpoint) == i { poller.watch(socket.descriptor, as: UInt64(i)) }
        }
        // Told once when it fires; it is not read.
        poller.watch(self.timer, as: Self.timerNumber, tellsOnce: true)
    }

    /// What the events of the timer are numbered.
    private static let timerNumber = Poller.wakeNumber - 1

    deinit { close(self.timer) }

    /// The thread's socket of an end point; `nil` when that is not UDP's.
    func socket(_ endpoint: UInt16) -> UDPSocket? {
        Int(endpoint) < self.sockets.count ? self.sockets[Int(endpoint)] : nil
    }

    func start(_ server: SignallingServer) {
        self.thread.start { self.loop(server) }
    }

    func stop() {
        self.leave(.stop)
        self.thread.join()
    }

    /// Leaves something to be done by the thread. Any thread may call it.
    func leave(_ errand: Errand) {
        self.errands.withLock { $0.append(errand) }
        self.poller.wake()
    }

    /// Does what others have left; returns whether to go on.
    private func doErrands(_ server: SignallingServer) -> Bool {
        self.poller.noteWake()
        let errands = self.errands.withLock { list in
            defer { list = [] }
            return list
        }
        for errand in errands {
            switch errand {
            case .stored(let tokens, let isStored):
                server.complete(tokens, isStored: isStored, &self.worker)
            case .answered(let shard, let question, let answer):
                server.answered(shard: shard, question, answer, &self.worker)
                server.ask(&self.worker)
            case .settings(let settings): self.worker.reception.settings = settings
            case .hangUp(let call, let shard): server.hangUp(call, inShard: shard, &self.worker)
            case .endCalls(let givesUp): server.endCalls(givesUp: givesUp, &self.worker)
            case .decided(let decision, let shard, let number):
                server.decided(decision, shard: shard, number: number, &self.worker)
            case .pulse(let arrived):
                server.visitShards(from: self.worker.number, step: self.threadCount, &self.worker)
                arrived()
            case .stop: return false
            }
        }
        return true
    }

    private func loop(_ server: SignallingServer) {
        var events = [epoll_event](repeating: epoll_event(), count: 16)
        var nextTimers = MonotonicInstant.start
        var gathering = Gathering()
        while true {
            self.worker.setTime()
            if self.worker.workspace.now.since(self.windowBegan) >= Admission.window { self.endWindow(server) }
            if self.worker.workspace.now >= nextTimers {
                nextTimers = self.doTimers(server)
                // A timer of its own is cheaper than one that each wait sets and stops again.
                cio_set_timer(self.timer, nextTimers.nanoseconds)
                self.worker.setTime()
            }
            let count = self.poller.wait(&events)
            guard count > 0 else { continue }
            self.worker.setTime()
            var datagrams = 0
            for i in 0..<count {
                let number = events[i].data.u64
                if number == Self.timerNumber { continue }
                if number == Poller.wakeNumber {
                    if self.doErrands(server) { continue }
                    return server.finish(&self.worker)
                }
                guard let socket = self.sockets[Int(number)] else { continue }
                if events[i].events & EPOLLERR.rawValue != 0 { self.takeErrors(of: socket, server) }
                datagrams += self.receive(Int(number), socket, server)
            }
            server.finish(&self.worker)
            // More is there already where a batch was full.
            guard datagrams > 0, datagrams < UDPSocket.batch,
                let moment = gathering.end(ofBatchAt: self.worker.workspace.now, count: datagrams)
            else { continue }
            cio_sleep_until(moment.nanoseconds)
        }
    }

    /// Lets admission draw its conclusions from how long messages have waited for the thread.
    private func endWindow(_ server: SignallingServer) {
        let now = self.worker.workspace.now
        let wasOverloaded = self.worker.workspace.admission.isOverloaded
        self.windowBegan = now
        // One that is full is not helped by another that is empty.
        var wait = TimeSpan.zero
        for (i, socket) in self.sockets.enumerated() {
            if let socket { wait = Swift.max(wait, self.backlogs[i].endWindow(lost: socket.lost)) }
        }
        self.worker.workspace.admission.endWindow(at: now, wait: wait)
        let admission = self.worker.workspace.admission
        self.counters.note(admission)
        if self.worker.number == 0 { server.sourceGuard.expire(at: now) }
        guard admission.isOverloaded != wasOverloaded else { return }
        server.streams.reporter.report(
            wasOverloaded
                ? .overloadEnded(refused: admission.refused, dropped: admission.dropped) : .overloadBegan)
    }

    /// Does what is due; returns when to look again.
    private func doTimers(_ server: SignallingServer) -> MonotonicInstant {
        let now = self.worker.workspace.now
        if now >= self.nextLocations {
            self.nextLocations = now.advanced(by: Self.patience)
            server.wakeLocations(from: self.worker.number, step: self.threadCount, &self.worker)
        }
        let due = server.wakeCalls(from: self.worker.number, step: self.threadCount, &self.worker)
        server.finish(&self.worker)
        return Swift.max(Swift.min(due, now.advanced(by: Self.patience)), now.advanced(by: Self.coarseness))
    }

    /// Fails the requests that did not reach where they were sent (RFC 3261 §18.4). The error may come to another thread's
    /// socket than the request left from.
    private func takeErrors(of socket: UDPSocket, _ server: SignallingServer) {
        var remotes: [SocketAddress] = []
        socket.sender.takeErrors { if !remotes.contains($0) { remotes.append($0) } }
        for remote in remotes {
            for thread in server.udpThreads {
                thread.socket(socket.endpoint)?.sender.takeRecent(to: remote) { self.worker.unreached.append($0) }
            }
        }
    }

    /// Receives what is there, and runs it; returns how many datagrams that were.
    private func receive(_ number: Int, _ socket: UDPSocket, _ server: SignallingServer) -> Int {
        let count = socket.receive()
        if count > 0 {
            self.worker.workspace.admission.wait = self.backlogs[number].note(
                age: socket.age(ofBatchOf: count), at: self.worker.workspace.now)
        }
        for i in 0..<count {
            guard let (octets, source) = socket.datagram(i) else { continue }
            // Keep-alives hold no message (RFC 5626 §3.5.1 is for streams; phones send them over UDP all the same).
            guard octets.count > 4 else { continue }
            let endpoint = socket.endpoint(ofDatagram: i) {
                server.endpoint(of: $0, at: socket.endpoint, &self.worker)
            }
            server.heard(at: endpoint)
            let flow = Flow(endpoint: endpoint, transport: .udp, remote: source)
            let span = Span(_unsafeElements: octets)
            server.receive(span, over: flow, &self.worker)
        }
        return count
    }
}
