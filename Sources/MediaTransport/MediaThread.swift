import CLinuxIO
import Glibc
import SIPMessages
import Synchronization
import SystemSockets

/// What receives the packets of a stream on its thread.
protocol PacketHandler: AnyObject, Sendable {
    /// Takes the datagrams of a batch and marks those to be sent back.
    ///
    /// - Parameter isRTCP: Whether they came to the socket for RTCP.
    func receive(_ batch: PacketBatch, count: Int, isRTCP: Bool, at now: MonotonicInstant)
    /// Does what is due, now and then.
    func wake(at now: MonotonicInstant)
    /// Whether it wants `tick`.
    var isPaced: Bool { get }
    /// Sends what its clock says; called every `MediaThread.tick`.
    ///
    /// - Parameter now: When the turn was due, not when it came about: however late the thread is, a stream whose packets
    ///   are a multiple of the tick apart gets the same turn each time.
    func tick(at now: MonotonicInstant)
}

/// One thread that receives the packets of its streams, epoll and recvmmsg, and answers them at once.
final class MediaThread: Sendable {
    /// How late a timer may be.
    private static let patience = TimeSpan.milliseconds(100)
    /// How often streams that send by the clock get their turn. Their packets are spread over the ticks of a packet time.
    static let tick = TimeSpan.milliseconds(5)

    private struct Stream {
        let sockets: SocketPair
        let handler: any PacketHandler
    }

    private struct State {
        var streams: [UInt32: Stream] = [:]
        /// Those of them that send by the clock.
        var paced: [any PacketHandler] = []
        /// When the last of their turns was due.
        var lastTick = MonotonicInstant.start
        var nextNumber: UInt32 = 0
        var isStopping = false
    }

    private let poller: Poller
    private let ticker: Int32
    private let state = Mutex(State())
    private let thread = SystemThread()

    init() throws(MediaError) {
        guard let poller = Poller() else { throw MediaError("media thread: \(String(cString: strerror(errno)))") }
        self.poller = poller
        self.ticker = cio_ticker()
        guard self.ticker >= 0 else { throw MediaError("media thread: \(String(cString: strerror(errno)))") }
        poller.watch(self.ticker, as: Self.tickerNumber)
    }

    /// What the events of the clock are numbered.
    private static let tickerNumber = Poller.wakeNumber - 1

    deinit { close(self.ticker) }

    func start() throws(MediaError) {
        let result = self.thread.start { self.loop() }
        if result != 0 { throw MediaError("media thread: \(String(cString: strerror(result)))") }
    }

    /// Stops the thread and lets its streams go.
    func stop() {
        self.state.withLock { $0.isStopping = true }
        self.poller.wake()
        self.thread.join()
        self.state.withLock { ($0.streams, $0.paced) = ([:], []) }
    }

    /// Streams of this thread.
    var count: Int { self.state.withLock { $0.streams.count } }

    /// Lets a handler have the packets of its sockets; returns a number for `remove`.
    func add(_ sockets: SocketPair, _ handler: any PacketHandler) -> UInt32 {
        let number = self.state.withLock { state in
            state.nextNumber &+= 1
            state.streams[state.nextNumber] = Stream(sockets: sockets, handler: handler)
            if handler.isPaced { self.setPace(&state) }
            return state.nextNumber
        }
        self.poller.watch(sockets.rtp.descriptor, as: UInt64(number) << 1)
        self.poller.watch(sockets.rtcp.descriptor, as: UInt64(number) << 1 | 1)
        return number
    }

    /// Lets a stream go; its sockets are closed when the thread has left it.
    func remove(_ number: UInt32) {
        let stream = self.state.withLock { state in
            let stream = state.streams.removeValue(forKey: number)
            if stream?.handler.isPaced == true { self.setPace(&state) }
            return stream
        }
        guard let stream else { return }
        self.poller.forget(stream.sockets.rtp.descriptor)
        self.poller.forget(stream.sockets.rtcp.descriptor)
    }

    /// Lets the clock run as long as somebody sends by it.
    private func setPace(_ state: inout State) {
        let wasRunning = !state.paced.isEmpty
        state.paced = state.streams.values.map(\.handler).filter(\.isPaced)
        guard wasRunning == state.paced.isEmpty else { return }
        state.lastTick = MonotonicInstant(nanoseconds: cio_monotonic_nanoseconds())
        cio_set_ticker(self.ticker, state.paced.isEmpty ? 0 : Self.tick.nanoseconds)
    }

    private func tick() {
        let (handlers, due) = self.state.withLock { state -> ([any PacketHandler], MonotonicInstant) in
            var turns: UInt64 = 0
            // Nothing to read: the clock was set anew meanwhile.
            guard read(self.ticker, &turns, 8) == 8 else { return ([], state.lastTick) }
            state.lastTick = state.lastTick.advanced(by: Self.tick * Int64(clamping: turns))
            return (state.paced, state.lastTick)
        }
        for handler in handlers { handler.tick(at: due) }
    }

    private func loop() {
        let batch = PacketBatch()
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        var nextWake = cio_monotonic_nanoseconds()
        while true {
            let count = self.poller.wait(&events, for: Self.patience)
            let now = MonotonicInstant(nanoseconds: cio_monotonic_nanoseconds())
            for i in 0..<count {
                let number = events[i].data.u64
                if number == Poller.wakeNumber {
                    self.poller.noteWake()
                    if self.state.withLock({ $0.isStopping }) { return }
                    continue
                }
                if number == Self.tickerNumber {
                    self.tick()
                    continue
                }
                let stream = self.state.withLock { $0.streams[UInt32(truncatingIfNeeded: number >> 1)] }
                guard let stream else { continue }
                let isRTCP = number & 1 == 1
                let descriptor = (isRTCP ? stream.sockets.rtcp : stream.sockets.rtp).descriptor
                let received = batch.receive(descriptor)
                if received > 0 {
                    stream.handler.receive(batch, count: received, isRTCP: isRTCP, at: now)
                    batch.flush(descriptor)
                }
            }
            guard now.nanoseconds >= nextWake else { continue }
            nextWake = now.nanoseconds + Self.patience.nanoseconds
            let handlers = self.state.withLock { state in state.streams.values.map(\.handler) }
            for handler in handlers { handler.wake(at: now) }
        }
    }
}
