import Foundation
import GRDB
import Synchronization

/// The SQLite database of a server: bindings and subscribers.
///
/// It is in write-ahead mode with `synchronous=FULL`: when a transaction has been committed, its pages are on the disk
/// (https://www.sqlite.org/pragma.html#pragma_synchronous). Any number of processes may use it at a time.
public final class ServerDatabase: Sendable {
    /// Where the database lies.
    public let path: String
    /// How long a transaction waits for another that writes.
    public let busyTimeout: Duration

    let queue: DatabaseQueue
    static let pageOctets = 1024

    /// Opens the database, makes it when it is missing, and brings its schema up to date.
    ///
    /// - Parameters:
    ///   - path: The file. Its directory must exist.
    ///   - busyTimeout: How long to wait for another process that writes.
    /// - Throws: `StorageError`, of code `newerVersion` when a newer program has changed the schema.
    public init(path: String, busyTimeout: Duration = .seconds(5)) throws(StorageError) {
        self.path = path
        self.busyTimeout = busyTimeout
        self.queue = try Self.connect(path: path, busyTimeout: busyTimeout)
        do {
            try Schema.migrate(self.queue, path: path)
        } catch {
            throw StorageError(error, path: path)
        }
    }

    /// Opens one more connection, with a lock and a cache of its own.
    func connect(busyTimeout: Duration? = nil) throws(StorageError) -> DatabaseQueue {
        try Self.connect(path: self.path, busyTimeout: busyTimeout ?? self.busyTimeout)
    }

    private static func connect(path: String, busyTimeout: Duration) throws(StorageError) -> DatabaseQueue {
        var configuration = GRDB.Configuration()
        configuration.label = "Biloxi"
        // SQLite's own waiting looks ever more rarely, and would miss the gaps between the groups of a busy store.
        // The time counts and not the tries, each of which takes longer where the machine is busy.
        let deadline = BusyDeadline()
        configuration.busyMode = .callback { tries in
            if tries == 0 { deadline.moment.withLock { $0 = .now + busyTimeout } }
            usleep(1000)
            return deadline.moment.withLock { .now < $0 }
        }
        // A roll-back that fails must not end the program (GRDB's answer): the next group tries it again.
        configuration.allowsUnsafeTransactions = true
        configuration.prepareDatabase { database in
            // The secrets of the subscribers are in it. The other files of the database take over its mode.
            _ = chmod(path, 0o600)
            // A refresh changes some octets of one leaf, and the log takes whole pages: small ones are cheaper. Only
            // a new database takes over the size.
            try database.execute(sql: "PRAGMA page_size = \(Self.pageOctets)")
            guard try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL") == "wal" else {
                throw StorageError(.failed, "database \(path) cannot use a write-ahead log: use a local disk")
            }
            try database.execute(sql: "PRAGMA synchronous = FULL")
            // A write of a page that is not in the cache reads it first: 64 MiB hold the pages of 200,000 bindings.
            try database.execute(sql: "PRAGMA cache_size = -65536")
            // A page that several groups change is written back from the log once.
            try database.execute(sql: "PRAGMA wal_autocheckpoint = 65536")
        }
        do {
            return try DatabaseQueue(path: path, configuration: configuration)
        } catch {
            throw StorageError(error, path: path)
        }
    }

    /// Runs `body` in one transaction that takes the right to write at once.
    func write<Value>(_ body: (Database) throws -> Value) throws(StorageError) -> Value {
        do {
            return try self.queue.writeWithoutTransaction { database in
                var value: Value?
                try database.leaveTransaction()
                try database.inTransaction(.immediate) {
                    value = try body(database)
                    return .commit
                }
                guard let value else { throw StorageError(.failed, "database \(self.path): no transaction ran") }
                return value
            }
        } catch {
            throw StorageError(error, path: self.path)
        }
    }

    /// Runs `body`, which only reads.
    func read<Value>(_ body: (Database) throws -> Value) throws(StorageError) -> Value {
        do {
            return try self.queue.read(body)
        } catch {
            throw StorageError(error, path: self.path)
        }
    }
}

/// Until when a connection waits for another one that writes.
private final class BusyDeadline: Sendable {
    let moment = Mutex(ContinuousClock.now)
}

extension Database {
    /// Rolls back what an earlier failure has left open.
    func leaveTransaction() throws {
        if self.isInsideTransaction { try self.rollback() }
    }
}
