public import CallRecords
import Foundation
import GRDB
public import LocationService
import Synchronization

/// Writes bindings by *group commit*: one thread takes all that waits, writes it in one transaction, and then says
/// which requests are on the disk, so that one fsync serves many REGISTERs.
///
///     submit ──▶ queue ──▶ BEGIN, rows, COMMIT (fsync) ──▶ completion(tokens, .committed)
///       │full                      └─error─▶ ROLLBACK ───▶ completion(tokens, .failed)
///       ▼
///     false: 503
///
/// Records of calls go with the group, or in one of their own.
///
/// Changes are written in the order in which they were submitted. After a failed group the next one is tried afresh.
public final class BindingStore: Sendable {
    /// What became of a group.
    public enum Outcome: Hashable, Sendable {
        /// All of it is on the disk.
        case committed
        /// Nothing of it is stored. The reason is one line, safe to log.
        case failed(reason: String)
    }

    /// Is told what became of each request: the tokens of a group in the order of submission.
    ///
    /// Runs on the store's thread, which writes nothing before it has returned. It may call the store.
    public typealias Completion = @Sendable (_ tokens: [UInt64], _ outcome: Outcome) -> Void

    /// Like `Completion`, with the changes of each request, for a caller that finds the AOR in them.
    public typealias RequestCompletion = @Sendable (_ requests: [Request], _ outcome: Outcome) -> Void

    /// The changes of one request, written together or not at all.
    public struct Request: Hashable, Sendable {
        /// The name that the caller gave it.
        public var token: UInt64
        /// What is written.
        public var changes: [BindingChange]
    }

    /// The bounds of a store.
    public struct Limits: Hashable, Sendable {
        /// How many changes may wait: a tenth of a second's work. One request of more changes than this is refused.
        public var waitingChanges: Int
        /// How long a group waits for another process that writes before it fails.
        public var busyTimeout: Duration

        /// How many records of calls may wait, also for a database that is full or locked; further ones are lost.
        public var waitingCalls = 65_536

        /// How long the write-ahead log grows before it is written back into the database: 64 MiB. A page that changes
        /// often is written back once for all of its changes, so a long log saves work, and costs room and start-up
        /// time.
        public var logOctets: Int

        /// The limits, where nothing else is said those that suit most servers.
        public init(
            waitingChanges: Int = 16_384, busyTimeout: Duration = .seconds(2), logOctets: Int = 64 << 20
        ) {
            self.waitingChanges = waitingChanges
            self.busyTimeout = busyTimeout
            self.logOctets = logOctets
        }
    }

    /// Counts since the start.
    public struct Statistics: Hashable, Sendable {
        /// Groups committed.
        public var groups: UInt64 = 0
        /// Changes committed.
        public var changes: UInt64 = 0
        /// Groups that failed.
        public var failures: UInt64 = 0
        /// Requests that found the queue full.
        public var refusals: UInt64 = 0
        /// Changes that wait now.
        public var waiting = 0
        /// Records of calls that have been written.
        public var calls: UInt64 = 0
        /// Records of calls that were lost, since too many waited.
        public var lostCalls: UInt64 = 0
        /// Whether the last group failed: nothing is stored at present.
        public var isFailing = false
        /// How long the groups took to write, those that failed included.
        public var latency = LatencyHistogram()

        /// No counts.
        public init() {}
    }

    private struct State {
        var queue = BindingQueue()
        var calls: CallQueue
        var callsEndBefore: Int64?
        var statistics = Statistics()
        var purge: BindingPurge?
        var isThreadWaiting = false
        var isClosed = false
    }

    private let state: Mutex<State>
    private let wakeUp = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    private let limits: Limits
    private let completion: RequestCompletion
    /// The store's own connection; tests make it fail.
    let connection: DatabaseQueue?
    private let checkpointer: Checkpointer?
    private let path: String

    /// Starts the thread, which runs until `close`.
    ///
    /// - Parameters:
    ///   - database: Where bindings are kept; `nil` keeps none, so that every group is committed as it is.
    ///   - limits: The bounds.
    ///   - completion: Is told what became of each request.
    /// - Throws: `StorageError` when the database cannot be opened once more.
    public convenience init(
        database: ServerDatabase?, limits: Limits = Limits(), completion: @escaping Completion
    ) throws(StorageError) {
        try self.init(database, limits) { completion($0.map(\.token), $1) }
    }

    /// A store that reports the changes of each request with it.
    ///
    /// - Parameters:
    ///   - database: Where bindings are kept; `nil` keeps none, so that every group is committed as it is.
    ///   - limits: The bounds.
    ///   - completion: Is told what became of each request.
    /// - Throws: `StorageError` when the database cannot be opened once more.
    public static func reportingRequests(
        database: ServerDatabase?, limits: Limits = Limits(), completion: @escaping RequestCompletion
    ) throws(StorageError) -> BindingStore {
        try BindingStore(database, limits, completion)
    }

    private init(
        _ database: ServerDatabase?, _ limits: Limits, _ completion: @escaping RequestCompletion
    ) throws(StorageError) {
        self.limits = limits
        self.state = Mutex(State(calls: CallQueue(limit: limits.waitingCalls)))
        self.completion = completion
        self.connection = try database?.connect(busyTimeout: limits.busyTimeout)
        self.checkpointer = if let database { try Checkpointer(database, logOctets: limits.logOctets) } else { nil }
        self.path = database?.path ?? ""
        if let connection = self.connection { self.checkpointer?.watch(connection) }
        let thread = Thread { self.run() }
        thread.name = "bindings"
        thread.start()
    }

    /// Queues the changes of one request; returns at once.
    ///
    /// - Parameters:
    ///   - changes: Written together or not at all.
    ///   - token: Names the request to `completion` and `withdraw`. The caller sees to it that it is unique.
    /// - Returns: `false` when the queue is full or the store is closed; `completion` is not called then.
    public func submit(_ changes: [BindingChange], token: UInt64) -> Bool {
        let (isQueued, isThreadWaiting) = self.state.withLock { state -> (Bool, Bool) in
            guard !state.isClosed, state.queue.changeCount + changes.count <= self.limits.waitingChanges else {
                state.statistics.refusals += 1
                return (false, false)
            }
            state.queue.append(Request(token: token, changes: changes))
            let isThreadWaiting = state.isThreadWaiting
            state.isThreadWaiting = false
            return (true, isThreadWaiting)
        }
        if isThreadWaiting { self.wakeUp.signal() }
        return isQueued
    }

    /// Takes a request back before it is written, as when its time has run out.
    ///
    /// - Returns: `true` when nothing of it will be stored and `completion` will not name it; `false` when it is being
    ///   written or has been.
    public func withdraw(_ token: UInt64) -> Bool {
        self.state.withLock { $0.queue.withdraw(token) }
    }

    /// Lets the thread delete the bindings that have ended, a slice after each group, without delaying requests much.
    ///
    /// - Parameter now: Milliseconds since 1970, UTC.
    public func purgeExpired(at now: Int64) {
        guard self.connection != nil else { return }
        let isThreadWaiting = self.state.withLock { state -> Bool in
            guard !state.isClosed, state.purge == nil else { return false }
            state.purge = BindingPurge(before: now, rowsPerSlice: 2_000)
            let isThreadWaiting = state.isThreadWaiting
            state.isThreadWaiting = false
            return isThreadWaiting
        }
        if isThreadWaiting { self.wakeUp.signal() }
    }

    /// Queues records of calls that have been answered and go on; returns at once. They are written with the next group,
    /// and nobody is told. `ServerDatabase.endInterruptedCalls` finds those that `record` has not ended.
    public func begin(_ calls: [CallRecord]) { self.queue(calls) { $0.begin(calls) } }

    /// Queues records of calls that are over; returns at once. They are written with the next group, and nobody is told.
    public func record(_ calls: [CallRecord]) { self.queue(calls) { $0.end(calls) } }

    private func queue(_ calls: [CallRecord], _ take: (inout CallQueue) -> Void) {
        guard self.connection != nil, !calls.isEmpty else { return }
        let isThreadWaiting = self.state.withLock { state -> Bool in
            guard !state.isClosed else { return false }
            take(&state.calls)
            defer { state.isThreadWaiting = false }
            return state.isThreadWaiting
        }
        if isThreadWaiting { self.wakeUp.signal() }
    }

    /// Lets the thread delete the records of calls that began before a moment, a slice after each group.
    ///
    /// - Parameter moment: Milliseconds since 1970, UTC.
    public func purgeCalls(before moment: Int64) {
        guard self.connection != nil else { return }
        let isThreadWaiting = self.state.withLock { state -> Bool in
            guard !state.isClosed else { return false }
            state.callsEndBefore = moment
            defer { state.isThreadWaiting = false }
            return state.isThreadWaiting
        }
        if isThreadWaiting { self.wakeUp.signal() }
    }

    /// What the store has done so far.
    public var statistics: Statistics {
        self.state.withLock { state in
            var statistics = state.statistics
            statistics.waiting = state.queue.changeCount
            statistics.lostCalls = state.calls.lost
            return statistics
        }
    }

    /// Takes no more requests, writes those that wait, calls `completion` for them, and ends the thread.
    ///
    /// Not to be called from `completion`.
    public func close() {
        let (wasClosed, isThreadWaiting) = self.state.withLock { state -> (Bool, Bool) in
            defer { (state.isClosed, state.isThreadWaiting, state.purge) = (true, false, nil) }
            if !state.isClosed { state.calls.retry() }
            return (state.isClosed, state.isThreadWaiting)
        }
        if isThreadWaiting { self.wakeUp.signal() }
        if wasClosed { return }
        self.ended.wait()
        try? self.connection?.close()
        self.checkpointer?.stop()
    }

    // MARK: - The thread

    private enum Work { case group, purge, wait, end }

    private func run() {
        var group: [Request] = []
        var calls = CallBatch()
        var row = BindingRow()
        while true {
            let work = self.state.withLock { state -> Work in
                if !state.queue.isEmpty || state.calls.hasNew {
                    state.queue.take(into: &group)
                    calls = state.calls.take()
                    return .group
                }
                if state.purge != nil || (state.callsEndBefore != nil && !state.isClosed) { return .purge }
                if state.isClosed { return .end }
                state.isThreadWaiting = true
                return .wait
            }
            switch work {
            case .group:
                self.commit(group, calls, through: &row)
                self.purgeSlice()
            case .purge: self.purgeSlice()
            case .wait: self.wakeUp.wait()
            case .end:
                _ = self.ended.signal()
                return
            }
        }
    }

    private func commit(_ group: [Request], _ calls: CallBatch, through row: inout BindingRow) {
        let began = ContinuousClock.now
        do {
            try self.connection?.writeWithoutTransaction { database in
                try database.leaveTransaction()
                try database.inTransaction(.immediate) {
                    try database.write(group, through: &row)
                    try database.write(calls)
                    return .commit
                }
            }
            self.state.withLock {
                $0.statistics.latency.add(began.duration(to: .now))
                $0.statistics.isFailing = false
                $0.statistics.calls += UInt64(calls.ended.count)
                $0.statistics.groups += 1
                $0.statistics.changes += group.reduce(0) { $0 + UInt64($1.changes.count) }
            }
            if !group.isEmpty { self.completion(group, .committed) }
            if let connection = self.connection { self.checkpointer?.committed(connection) }
        } catch {
            self.state.withLock {
                $0.statistics.latency.add(began.duration(to: .now))
                $0.statistics.isFailing = true
                $0.statistics.failures += 1
                $0.calls.hold(calls)
            }
            self.completion(group, .failed(reason: StorageError(error, path: self.path).description))
        }
    }

    /// Goes on with a purge; one that fails is given up, since the next will find the same rows.
    private func purgeSlice() {
        self.purgeCallSlice()
        guard let connection = self.connection, var purge = self.state.withLock({ $0.purge }) else { return }
        do {
            try connection.writeWithoutTransaction { database in
                try database.leaveTransaction()
                try database.inTransaction(.immediate) {
                    try purge.deleteSlice(database)
                    return .commit
                }
            }
            let rest = purge.isComplete ? nil : purge
            self.state.withLock { $0.purge = $0.isClosed ? nil : rest }
        } catch {
            self.state.withLock { $0.purge = nil }
        }
    }

    private func purgeCallSlice() {
        guard let connection = self.connection, let moment = self.state.withLock({ $0.callsEndBefore }) else { return }
        let rows = 2_000
        let deleted = try? connection.writeWithoutTransaction { database in
            try database.leaveTransaction()
            var count = 0
            try database.inTransaction(.immediate) {
                count = try database.deleteCalls(before: moment, rows: rows)
                return .commit
            }
            return count
        }
        if deleted ?? 0 < rows {
            self.state.withLock { if $0.callsEndBefore == moment { $0.callsEndBefore = nil } }
        }
    }
}
