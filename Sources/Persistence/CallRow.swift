import CallRecords
import Foundation
import GRDB
import SIPMessages

/// A row of the table of calls. Octets that came off the wire are kept as they came, since they need not be UTF-8.
enum CallRow {
    static let columns = [
        "started", "rang", "answered", "ended", "ending", "status", "reason", "caller", "callee", "call_id",
        "from_tag", "to_tag", "target", "branch", "source_ip", "source_port", "answered_ip", "answered_port",
        "transport",
    ]

    static let insertSQL = "INSERT INTO calls" + Self.valuesSQL
    static let openSQL = "INSERT OR REPLACE INTO open_calls" + Self.valuesSQL
    static let closeSQL = "DELETE FROM open_calls WHERE call_id = ? AND from_tag = ?"
    /// Makes records of all that is open; its argument is the present.
    static let interruptSQL =
        "INSERT INTO calls (\(Self.columns.joined(separator: ", "))) SELECT "
        + Self.columns.map { $0 == "ended" ? "max(ended, ?)" : $0 }.joined(separator: ", ") + " FROM open_calls"

    private static let valuesSQL =
        " (\(Self.columns.joined(separator: ", ")))"
        + " VALUES (\(Self.columns.map { _ in "?" }.joined(separator: ", ")))"

    static func arguments(_ record: CallRecord) -> StatementArguments {
        [
            record.started, record.rang, record.answered, record.ended, record.ending.rawValue, Int(record.status),
            Data(record.reason), Data(record.caller), Data(record.callee), Data(record.callID), Data(record.fromTag),
            Data(record.toTag), Data(record.target), Data(record.branch), record.source.ip.description,
            Int(record.source.port), record.answeredBy?.ip.description, record.answeredBy.map { Int($0.port) },
            record.transport.description,
        ]
    }

    /// The record in a row of `columns`; `nil` when the row was damaged by someone.
    static func record(_ row: Row) -> CallRecord? {
        func octets(_ column: Int) -> [UInt8] { (row[column] as Data?).map { Array($0) } ?? [] }
        func address(_ column: Int) -> SocketAddress? {
            guard let text = row[column] as String?, let ip = IPAddress(text), let port = row[column + 1] as Int? else {
                return nil
            }
            return SocketAddress(ip, UInt16(truncatingIfNeeded: port))
        }
        guard let source = address(14) else { return nil }
        let transport = Array(((row[18] as String?) ?? "").utf8)
        return CallRecord(
            started: row[0], rang: row[1], answered: row[2], ended: row[3],
            ending: CallRecord.Ending(rawValue: row[4]), status: UInt16(truncatingIfNeeded: row[5] as Int),
            reason: octets(6), caller: octets(7), callee: octets(8), callID: octets(9), fromTag: octets(10),
            toTag: octets(11), target: octets(12), branch: octets(13), source: source, answeredBy: address(16),
            transport: TransportProtocol(transport.span, 0..<transport.count))
    }
}
