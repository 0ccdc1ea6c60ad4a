import NIOConcurrencyHelpers
import NIOCore
import SIPMessages
import ServerCore

/// An event loop with what it needs to run messages, and its connections.
final class StreamLoop: @unchecked Sendable {
    // Invariant: `worker` and `connections` are touched on the event loop only; `flushes` and `isFlushScheduled` under
    // `lock`.
    let eventLoop: any EventLoop
    var worker: Worker
    /// What the loop has received and sent.
    let counters: TrafficCounters
    private var connections: [UInt32: StreamConnection] = [:]

    private let lock = NIOLock()
    private var flushes: [StreamConnection] = []
    private var isFlushScheduled = false

    init(_ eventLoop: any EventLoop, _ worker: Worker) {
        (self.eventLoop, self.worker, self.counters) = (eventLoop, worker, worker.counters)
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
    func sweep(_ settings: StreamSettings) {
        let now = SystemClock.now()
        for connection in self.connections.values where connection.isOverdue(settings, at: now) {
            connection.closeNow()
        }
    }

    /// Closes all connections.
    func closeAll() {
        for connection in self.connections.values { connection.closeNow() }
    }
}

extension StreamConnection {
    /// Notes whether the message at hand is a REGISTER.
    func noteRegistration(_ workspace: borrowing Workspace) {
        if workspace.index.isRequest, workspace.index.method == .register { self.hasRegistered = true }
    }

    /// Whether a handshake, a message or a silence lasts too long.
    func isOverdue(_ settings: StreamSettings, at now: MonotonicInstant) -> Bool {
        guard self.isReady else { return now.since(self.openedAt) > settings.handshake }
        if let began = self.messageBegan, now.since(began) > settings.message { return true }
        return now.since(self.lastActivity) > (self.hasRegistered ? settings.idleRegistered : settings.idle)
    }
}
