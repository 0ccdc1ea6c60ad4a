public import CallRecords
import Foundation
import GRDB

extension ServerDatabase {
    /// Reads the records of calls, the oldest first, and hands each on as it is read.
    ///
    /// - Parameters:
    ///   - since: Calls that began before are left out: milliseconds since 1970, UTC.
    ///   - last: Only that many of them, the latest; `nil` for all.
    ///   - body: Is lent each record.
    /// - Throws: `StorageError`, or what `body` throws.
    public func forEachCall(since: Int64 = 0, last: Int? = nil, _ body: (CallRecord) throws -> Void) throws {
        let columns = CallRow.columns.joined(separator: ", ")
        try self.queue.read { database in
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT \(columns) FROM (SELECT * FROM calls WHERE started >= ? ORDER BY started DESC, id DESC LIMIT ?)
                    ORDER BY started, id
                    """,
                arguments: [since, last ?? -1])
            while let row = try rows.next() {
                if let record = CallRow.record(row) { try body(record) }
            }
        }
    }
}

extension ServerDatabase {
    /// Makes records of the calls that had no end when the last run broke off: they end at this moment, with
    /// `serverRestarted`. For the one server of the database, before it serves.
    ///
    /// - Parameter moment: The present: milliseconds since 1970, UTC.
    /// - Returns: how many there were.
    /// - Throws: `StorageError`.
    public func endInterruptedCalls(at moment: Int64) throws(StorageError) -> Int {
        try self.write { database in
            try database.execute(sql: CallRow.interruptSQL, arguments: [moment])
            let count = database.changesCount
            if count > 0 { try database.execute(sql: "DELETE FROM open_calls") }
            return count
        }
    }
}

extension Database {
    /// Writes what has become of calls within the transaction that is open.
    func write(_ calls: CallBatch) throws {
        guard !calls.isEmpty else { return }
        let open = try self.cachedStatement(sql: CallRow.openSQL)
        for call in calls.answered { try open.execute(arguments: CallRow.arguments(call)) }
        let close = try self.cachedStatement(sql: CallRow.closeSQL)
        for name in calls.closed { try close.execute(arguments: [Data(name.callID), Data(name.fromTag)]) }
        let insert = try self.cachedStatement(sql: CallRow.insertSQL)
        for call in calls.ended { try insert.execute(arguments: CallRow.arguments(call)) }
    }

    /// Deletes records of calls that began before a moment, at most so many; returns how many there were.
    func deleteCalls(before moment: Int64, rows: Int) throws -> Int {
        try self.execute(
            sql: "DELETE FROM calls WHERE id IN (SELECT id FROM calls WHERE started < ? ORDER BY started LIMIT ?)",
            arguments: [moment, rows])
        return self.changesCount
    }
}
