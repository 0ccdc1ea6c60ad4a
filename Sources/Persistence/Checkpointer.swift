import Foundation
import GRDB
import GRDBSQLite
import Synchronization

/// Writes the log back into the database beside the commits, so that no request waits for it.
///
/// SQLite would do it within the commit that fills the log. Here a connection of its own does most of it when the log
/// is half full (https://www.sqlite.org/wal.html#ckpt). While commits go on it never gets to the end of the log, so a
/// commit that finds it full does the rest, which is little, and the log begins anew.
final class Checkpointer: Sendable {
    /// The pages of 1 KiB at which a commit writes the log back itself.
    private let fullLog: Int
    private let connection: DatabaseQueue
    private let queue = DispatchQueue(label: "checkpoint")
    private let logPages = Atomic(0)
    private let isRunning = Atomic(false)

    init(_ database: ServerDatabase, logOctets: Int) throws(StorageError) {
        self.fullLog = logOctets / ServerDatabase.pageOctets
        self.connection = try database.connect()
    }

    /// Has `connection` tell the length of the log after each commit. The checkpointer must outlive the connection.
    func watch(_ connection: DatabaseQueue) {
        connection.writeWithoutTransaction { database in
            // Takes the place of SQLite's own hook, which is the automatic checkpoint.
            _ = sqlite3_wal_hook(
                database.sqliteConnection,
                { context, _, _, pages in
                    if let context {
                        let checkpointer = Unmanaged<Checkpointer>.fromOpaque(context).takeUnretainedValue()
                        checkpointer.logPages.store(Int(pages), ordering: .relaxed)
                    }
                    return SQLITE_OK
                }, Unmanaged.passUnretained(self).toOpaque())
        }
    }

    /// Looks at the length of the log after a commit of `connection`.
    func committed(_ connection: DatabaseQueue) {
        let pages = self.logPages.load(ordering: .relaxed)
        if pages < self.fullLog / 2 { return }
        if pages >= self.fullLog {
            try? Self.writeBack(connection)
        } else if !self.isRunning.exchange(true, ordering: .acquiring) {
            self.queue.async {
                try? Self.writeBack(self.connection)
                self.isRunning.store(false, ordering: .releasing)
            }
        }
    }

    /// Waits for a checkpoint that runs.
    func stop() {
        self.queue.sync {}
        try? self.connection.close()
    }

    /// What cannot be written back now stays in the log, which is as safe, and the next one takes it.
    private static func writeBack(_ connection: DatabaseQueue) throws {
        try connection.writeWithoutTransaction { _ = try $0.checkpoint(.passive) }
    }
}
