import Foundation
import GRDB
import GRDBSQLite
public import LocationService

extension ServerDatabase {
    /// Reads the bindings that have not ended, in the order of their AORs; those of one AOR by their end, which is mostly
    /// the order in which they were refreshed.
    ///
    /// Each record is handed on as it is read; a million take seconds and the memory of one.
    ///
    /// - Parameters:
    ///   - now: Milliseconds since 1970, UTC. Bindings that end by then are left out.
    ///   - body: Is lent each record.
    /// - Throws: `StorageError`, or what `body` throws.
    public func forEachBinding(at now: Int64, _ body: (BindingRecord) throws -> Void) throws {
        try self.queue.read { database in
            let statement = try database.cachedStatement(
                sql: BindingRow.selectSQL + " WHERE expires_at > ? ORDER BY aor, expires_at, slot")
            let row = statement.sqliteStatement
            sqlite3_bind_int64(row, 1, now)
            defer { sqlite3_reset(row) }
            while true {
                switch sqlite3_step(row) {
                case SQLITE_ROW:
                    guard let record = BindingRow.record(in: row) else { continue }
                    try body(record)
                case SQLITE_DONE:
                    return
                case let code:
                    throw StorageError(database.error(code), path: self.path)
                }
            }
        }
    }

    /// Deletes the bindings that have ended, in slices, so that other writers wait for milliseconds only.
    ///
    /// - Parameter now: Milliseconds since 1970, UTC.
    /// - Returns: How many were deleted.
    @discardableResult
    public func purgeExpired(at now: Int64, rowsPerSlice: Int = 10_000) throws(StorageError) -> Int {
        var purge = BindingPurge(before: now, rowsPerSlice: rowsPerSlice)
        while !purge.isComplete {
            try self.write { try purge.deleteSlice($0) }
        }
        return purge.deleted
    }
}

extension Database {
    /// The error that SQLite has just reported with `code`.
    func error(_ code: CInt) -> DatabaseError {
        DatabaseError(
            resultCode: ResultCode(rawValue: code), message: self.lastErrorMessage)
    }

    /// Writes a group within the transaction that is open, in order.
    func write(_ group: [BindingStore.Request], through row: inout BindingRow) throws {
        let upsert = try self.cachedStatement(sql: BindingRow.upsertSQL).sqliteStatement
        let delete = try self.cachedStatement(sql: BindingRow.deleteSQL).sqliteStatement
        for item in group {
            for change in item.changes {
                let code = row.write(change, upsert: upsert, delete: delete)
                if code != SQLITE_OK { throw self.error(code) }
            }
        }
    }
}

/// The deletion of ended bindings, slice by slice in the order of the keys.
///
/// There is no index on the end of a binding, since it would make each refresh dearer.
struct BindingPurge {
    private let now: Int64
    private let rowsPerSlice: Int
    private var lastAOR: [UInt8] = []
    private var lastSlot: [UInt8] = []
    private(set) var isComplete = false
    private(set) var deleted = 0

    init(before now: Int64, rowsPerSlice: Int) {
        self.now = now
        self.rowsPerSlice = Swift.max(rowsPerSlice, 1)
    }

    /// Looks at the next rows and deletes the ended ones among them; runs in a transaction.
    mutating func deleteSlice(_ database: Database) throws {
        let end = try Row.fetchOne(
            database,
            sql: "SELECT aor, slot FROM bindings WHERE (aor, slot) > (?, ?) ORDER BY aor, slot LIMIT 1 OFFSET ?",
            arguments: [Data(self.lastAOR), Data(self.lastSlot), self.rowsPerSlice - 1])
        if let end {
            let (aor, slot): (Data, Data) = (end[0], end[1])
            try database.execute(
                sql: "DELETE FROM bindings WHERE (aor, slot) > (?, ?) AND (aor, slot) <= (?, ?) AND expires_at <= ?",
                arguments: [Data(self.lastAOR), Data(self.lastSlot), aor, slot, self.now])
            (self.lastAOR, self.lastSlot) = (Array(aor), Array(slot))
        } else {
            try database.execute(
                sql: "DELETE FROM bindings WHERE (aor, slot) > (?, ?) AND expires_at <= ?",
                arguments: [Data(self.lastAOR), Data(self.lastSlot), self.now])
            self.isComplete = true
        }
        self.deleted += database.changesCount
    }
}
