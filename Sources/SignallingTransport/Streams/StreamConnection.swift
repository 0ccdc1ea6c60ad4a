import NIOConcurrencyHelpers
import NIOCore
import SIPMessages
import SIPTransactions

/// One connection: what waits to be written, in the order in which the shards decided it.
///
/// Any thread queues messages; the connection's event loop writes them, as many at once as there are.
final class StreamConnection: @unchecked Sendable {
    // Invariant: what is marked so is touched under `lock`, or on the connection's event loop; the rest never changes.

    /// How it was left after a message was to be queued.
    enum Outcome {
        /// It is queued, and will be written without further ado.
        case queued
        /// It is queued, and a flush must be asked for.
        case needsFlush
        /// Too much waits for the connection to be there; the message is lost.
        case full
        /// The reader is too slow: the connection must be closed, the message is lost.
        case overflow
        /// The connection is gone.
        case closed
    }

    private enum State { case opening, open, closed }

    /// How messages are told apart on the connection.
    enum Framing {
        /// By Content-Length (RFC 3261 §18.3).
        case contentLength
        /// Each message is a WebSocket message (RFC 7118 §5).
        case webSocket
    }

    /// The way messages come over it: end point, number, the other side.
    let flow: Flow
    /// Whether we have opened it.
    let isOutgoing: Bool
    /// The domain or address that the certificate of the other side must be for (RFC 5922 §7.3); `nil` for none.
    let identity: Host?
    let loop: StreamLoop
    let framing: Framing
    private let pendingLimit: Int

    private let lock = NIOLock()
    // Under the lock.
    private var state = State.opening
    private var queue = ByteBuffer()
    private var unsent: [Unreached] = []
    private var written = WrittenRequests()
    private var isFlushDue = false

    // Under the lock of the connection table.
    /// Where the table has it.
    var addresses: [ConnectionTable.Address] = []

    // On the event loop.
    /// What the certificate of the other side has proved; `nil` when it has shown none that was verified.
    var identities: CertificateIdentities?
    /// The handler next to the socket, or to TLS: what is written there is octets.
    var writer: ChannelHandlerContext?
    var openedAt: MonotonicInstant
    var lastActivity: MonotonicInstant
    /// When the message began that has not come to its end; `nil` between messages.
    var messageBegan: MonotonicInstant?
    /// Whether a whole message or keep-alive came over it.
    var hasSpoken = false
    /// Whether a REGISTER came over it.
    var hasRegistered = false
    /// Whether it can carry messages.
    var isReady = false
    private var isEnded = false

    /// A connection that came.
    init(
        accepting flow: Flow, _ loop: StreamLoop, framing: Framing, pendingLimit: Int, at now: MonotonicInstant
    ) {
        (self.isOutgoing, self.identity) = (false, nil)
        self.flow = flow
        self.loop = loop
        self.framing = framing
        self.pendingLimit = pendingLimit
        self.openedAt = now
        self.lastActivity = now
    }

    /// A connection that is to be opened, to a server with this identity.
    init(opening flow: Flow, to identity: Host?, _ loop: StreamLoop, pendingLimit: Int, at now: MonotonicInstant) {
        (self.isOutgoing, self.identity) = (true, identity)
        self.flow = flow
        self.loop = loop
        self.framing = .contentLength
        self.pendingLimit = pendingLimit
        self.openedAt = now
        self.lastActivity = now
    }

    // MARK: From any thread

    /// Queues a message.
    func queue(_ octets: UnsafeBufferPointer<UInt8>, _ message: Outbox.Message) -> Outcome {
        self.lock.withLock {
            guard self.state != .closed else { return .closed }
            guard self.queue.readableBytes + octets.count <= self.pendingLimit else {
                return self.state == .opening ? .full : .overflow
            }
            if self.framing == .webSocket { WebSocketFraming.writeHeader(for: octets, into: &self.queue) }
            self.queue.writeBytes(octets)
            self.unsent.add(message)
            return self.noteQueued()
        }
    }

    /// Queues octets that are no message: keep-alives and control frames.
    func queue(control octets: [UInt8]) -> Outcome {
        self.lock.withLock {
            guard self.state != .closed else { return .closed }
            guard self.queue.readableBytes + octets.count <= self.pendingLimit else { return .overflow }
            self.queue.writeBytes(octets)
            return self.noteQueued()
        }
    }

    private func noteQueued() -> Outcome {
        guard self.state == .open, !self.isFlushDue else { return .queued }
        self.isFlushDue = true
        return .needsFlush
    }

    /// Closes the connection.
    func close() {
        self.loop.eventLoop.execute { self.closeNow() }
    }

    // MARK: On the event loop

    /// The connection is there and can carry messages: writes what waited for it.
    func opened(at now: MonotonicInstant) {
        self.isReady = true
        self.messageBegan = nil
        self.lastActivity = now
        self.lock.withLock {
            if self.state == .opening { self.state = .open }
            self.isFlushDue = true
        }
        self.flush()
    }

    /// Writes what is queued, unless the reader is behind: then it is written when the channel is writable again.
    func flush() {
        guard let writer = self.writer, writer.channel.isWritable else { return }
        var buffer = ByteBuffer()
        self.lock.withLock {
            self.isFlushDue = false
            guard self.state == .open else { return }
            swap(&buffer, &self.queue)
            guard !self.unsent.isEmpty else { return }
            let now = SystemClock.now()
            for message in self.unsent { self.written.add(message, at: now) }
            self.unsent.removeAll(keepingCapacity: true)
        }
        guard buffer.readableBytes > 0 else { return }
        writer.writeAndFlush(NIOAny(buffer), promise: nil)
    }

    /// Writes what is queued and closes then.
    func closeAfterFlush() {
        self.flush()
        self.closeNow()
    }

    func closeNow() {
        guard let writer = self.writer else { return }
        writer.close(mode: .all, promise: nil)
    }

    /// The connection is gone: returns the messages that never left, and the requests that left lately and may not have
    /// arrived (RFC 3261 §18.4); `nil` when that is known.
    func ended() -> [Unreached]? {
        guard !self.isEnded else { return nil }
        self.isEnded = true
        self.isReady = false
        self.writer = nil
        return self.lock.withLock {
            self.state = .closed
            self.queue = ByteBuffer()
            defer { (self.unsent, self.written) = ([], WrittenRequests()) }
            return self.written.recent(at: SystemClock.now()) + self.unsent
        }
    }
}
