import CLinuxIO
import NIOConcurrencyHelpers
import NIOCore
import SIPMessages

/// An event loop and its connections.
final class StreamLoop: @unchecked Sendable {
    // Invariant: `connections`, `gathering` and what is known of the batch are touched on the event loop only; `flushes`
    // and `isFlushScheduled` under `lock`.
    let eventLoop: any EventLoop
    /// Counts the loops of an engine, from 0.
    let number: Int
    private let letsMessagesGather: Bool
    private var connections: [UInt32: StreamConnection] = [:]
    private var gathering = Gathering()
    /// When the octets came that the loop handles at present; `nil` when it has written what they have led to.
    private var batchBegan: MonotonicInstant?
    /// How many times octets have come since.
    private var readings = 0

    private let lock = NIOLock()
    private var flushes: [StreamConnection] = []
    private var isFlushScheduled = false

    init(_ eventLoop: any EventLoop, number: Int, letsMessagesGather: Bool) {
        (self.eventLoop, self.number, self.letsMessagesGather) = (eventLoop, number, letsMessagesGather)
    }

    /// Sees to it that the connection's queue is written soon: one task for all connections that ask at the same time.
    func requestFlush(_ connection: StreamConnection) {
        let mustSchedule = self.lock.withLock {
            self.flushes.append(connection)
            defer { self.isFlushScheduled = true }
            return !self.isFlushScheduled
        }
        if mustSchedule { self.eventLoop.execute { self.flushAll() } }
    }

    /// Notes that octets have come. When all that the loop has found together is handled, it writes what that has led to,
    /// and lets messages gather where they come all the time.
    func noteReading(at now: MonotonicInstant) {
        self.readings += 1
        guard self.batchBegan == nil else { return }
        self.batchBegan = now
        self.lock.withLock { self.isFlushScheduled = true }
        self.eventLoop.execute { self.endBatch(began: now) }
    }

    private func endBatch(began: MonotonicInstant) {
        self.flushAll()
        let moment = self.gathering.end(ofBatchAt: began, count: self.readings)
        (self.batchBegan, self.readings) = (nil, 0)
        if self.letsMessagesGather, let moment, SystemClock.now() < moment { cio_sleep_until(moment.nanoseconds) }
    }

    private func flushAll() {
        var due: [StreamConnection] = []
        self.lock.withLock {
            self.isFlushScheduled = false
            swap(&due, &self.flushes)
        }
        for connection in due { connection.flush() }
        due.removeAll(keepingCapacity: true)
        self.lock.withLock { if self.flushes.isEmpty { swap(&due, &self.flushes) } }
    }

    // MARK: On the event loop

    func add(_ connection: StreamConnection) { self.connections[connection.flow.connection] = connection }

    func remove(_ connection: StreamConnection) { self.connections[connection.flow.connection] = nil }

    /// Closes the connections that have taken too long.
    ///
    /// - Parameter closing: Called with each and the reason.
    func sweep(_ settings: StreamSettings, closing: (StreamConnection, TransportEvent.Delay) -> Void) {
        let now = SystemClock.now()
        for connection in self.connections.values {
            guard let delay = connection.delay(settings, at: now) else { continue }
            closing(connection, delay)
            connection.closeNow()
        }
    }

    /// Closes the connections of our own that were opened from one of these addresses.
    func close(openedFrom addresses: Set<IPAddress>) {
        for connection in self.connections.values where connection.isOutgoing {
            if let local = connection.writer?.channel.localAddress, let ip = SIPMessages.SocketAddress(local)?.ip,
                addresses.contains(ip)
            {
                connection.closeNow()
            }
        }
    }

    /// Closes all connections.
    func closeAll() {
        for connection in self.connections.values { connection.closeNow() }
    }
}

extension StreamConnection {
    /// What lasts too long: a handshake, the first message, any message, or a silence.
    func delay(_ settings: StreamSettings, at now: MonotonicInstant) -> TransportEvent.Delay? {
        let age = now.since(self.openedAt)
        guard self.isReady else { return age > settings.handshake ? .handshake : nil }
        if !self.isOutgoing, !self.hasSpoken, age > settings.firstMessage { return .firstMessage }
        if let began = self.messageBegan, now.since(began) > settings.message { return .message }
        let limit = self.hasRegistered ? settings.idleRegistered : settings.idle
        return now.since(self.lastActivity) > limit ? .silence : nil
    }
}
