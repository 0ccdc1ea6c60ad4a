import GRDB
import GRDBSQLite
import LocationService
import SIPMessages

/// Moves binding records into and out of the rows of the table `bindings`, by SQLite's C functions: a row costs no
/// `String` and no copy but the one into SQLite's page.
///
/// The key of a row is the AOR and its *slot*, which says what a refresh replaces. That is `<instance>;reg-id=n` where
/// the device gave both (RFC 5626 §6), and else the contact URI (RFC 3261 §10.3); no URI begins with `<`.
struct BindingRow {
    /// Octets of the row that is being bound; kept from row to row.
    private var octets: [UInt8] = []
    /// Where each column's octets end in `octets`.
    private var ends = InlineArray<10, Int>(repeating: 0)
    private var count = 0

    static let upsertSQL = """
        INSERT INTO bindings (aor, slot, contact, parameters, instance, call_id, path, user_agent, local, remote,
            reg_id, cseq, q, expires_at, transport, since)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (aor, slot) DO UPDATE SET contact = excluded.contact, parameters = excluded.parameters,
            instance = excluded.instance, call_id = excluded.call_id, path = excluded.path,
            user_agent = excluded.user_agent, local = excluded.local, remote = excluded.remote,
            reg_id = excluded.reg_id, cseq = excluded.cseq, q = excluded.q, expires_at = excluded.expires_at,
            transport = excluded.transport, since = excluded.since
        """
    static let deleteSQL = "DELETE FROM bindings WHERE aor = ? AND slot = ?"
    static let selectSQL = """
        SELECT aor, slot, contact, parameters, instance, call_id, path, user_agent, local, remote,
            reg_id, cseq, q, expires_at, transport, since FROM bindings
        """

    init() { self.octets.reserveCapacity(1024) }

    /// Writes one change with statements of `upsertSQL` and `deleteSQL`.
    mutating func write(_ change: BindingChange, upsert: OpaquePointer, delete: OpaquePointer) -> CInt {
        self.octets.removeAll(keepingCapacity: true)
        self.count = 0
        switch change {
        case .store(let record):
            self.append(record.aor)
            let isByContact = self.appendSlot(of: record)
            if isByContact { self.append([]) } else { self.append(record.contact) }
            self.append(record.parameters)
            self.append(record.instanceID)
            self.append(record.callID)
            self.append(record.path)
            self.append(record.userAgent)
            self.append(record.flow.local)
            self.append(record.flow.remote)
            return self.octets.withUnsafeBufferPointer { buffer in
                self.bind(buffer, to: upsert, columns: 10)
                if isByContact { sqlite3_bind_null(upsert, 3) }
                sqlite3_bind_int64(upsert, 11, Int64(record.regID))
                sqlite3_bind_int64(upsert, 12, Int64(record.cseq))
                sqlite3_bind_int64(upsert, 13, Int64(record.q))
                sqlite3_bind_int64(upsert, 14, record.expiresAt)
                sqlite3_bind_int64(upsert, 15, Int64(record.flow.transport.rawValue))
                sqlite3_bind_int64(upsert, 16, record.since)
                return Self.run(upsert)
            }
        case .remove(let record):
            self.append(record.aor)
            _ = self.appendSlot(of: record)
            return self.octets.withUnsafeBufferPointer { buffer in
                self.bind(buffer, to: delete, columns: 2)
                return Self.run(delete)
            }
        }
    }

    /// Binds the columns as blobs that SQLite reads in place: they are valid until `run` has returned.
    private func bind(_ buffer: UnsafeBufferPointer<UInt8>, to statement: OpaquePointer, columns: Int) {
        var start = 0
        for column in 0..<columns {
            let end = self.ends[column]
            sqlite3_bind_blob(
                statement, CInt(truncatingIfNeeded: column &+ 1), buffer.baseAddress.map { $0 + start },
                CInt(truncatingIfNeeded: end &- start), nil)
            start = end
        }
    }

    private static func run(_ statement: OpaquePointer) -> CInt {
        let code = sqlite3_step(statement)
        sqlite3_reset(statement)
        return code == SQLITE_DONE ? SQLITE_OK : code
    }

    private mutating func append(_ octets: [UInt8]) {
        self.octets.append(contentsOf: octets)
        self.endColumn()
    }

    private mutating func append(_ address: SocketAddress) {
        if address.ip.isIPv6 { self.append(bigEndian: address.ip.high, octets: 8) }
        self.append(bigEndian: address.ip.low, octets: address.ip.isIPv6 ? 8 : 4)
        self.append(bigEndian: UInt64(address.port), octets: 2)
        self.endColumn()
    }

    private mutating func append(bigEndian value: UInt64, octets count: Int) {
        var shift = 8 &* (count &- 1)
        while shift >= 0 {
            self.octets.append(UInt8(truncatingIfNeeded: value &>> UInt64(shift)))
            shift &-= 8
        }
    }

    private mutating func endColumn() {
        self.ends[self.count] = self.octets.count
        self.count &+= 1
    }

    /// Whether the slot is the contact.
    private mutating func appendSlot(of record: BindingRecord) -> Bool {
        guard record.regID != 0, !record.instanceID.isEmpty else {
            self.append(record.contact)
            return true
        }
        self.octets.append(UInt8(ascii: "<"))
        self.octets.append(contentsOf: record.instanceID)
        self.octets.append(contentsOf: ">;reg-id=".utf8)
        self.octets.append(decimal: record.regID)
        self.endColumn()
        return false
    }

    /// The record in the current row of a statement of `selectSQL`; `nil` when the row was damaged by someone.
    static func record(in row: OpaquePointer) -> BindingRecord? {
        guard let local = Self.address(row, 8), let remote = Self.address(row, 9) else { return nil }
        let isByContact = sqlite3_column_type(row, 2) == SQLITE_NULL
        return BindingRecord(
            aor: Self.blob(row, 0), contact: Self.blob(row, isByContact ? 1 : 2), parameters: Self.blob(row, 3),
            instanceID: Self.blob(row, 4), regID: UInt32(truncatingIfNeeded: sqlite3_column_int64(row, 10)),
            callID: Self.blob(row, 5), cseq: UInt32(truncatingIfNeeded: sqlite3_column_int64(row, 11)),
            q: UInt16(truncatingIfNeeded: sqlite3_column_int64(row, 12)), expiresAt: sqlite3_column_int64(row, 13),
            path: Self.blob(row, 6), userAgent: Self.blob(row, 7),
            flow: StoredFlow(
                transport: TransportProtocol(rawValue: UInt8(truncatingIfNeeded: sqlite3_column_int64(row, 14) & 7)),
                local: local, remote: remote),
            since: sqlite3_column_int64(row, 15))
    }

    private static func octets(_ row: OpaquePointer, _ column: CInt) -> UnsafeRawBufferPointer {
        let start = sqlite3_column_blob(row, column)
        return UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(row, column)))
    }

    private static func blob(_ row: OpaquePointer, _ column: CInt) -> [UInt8] { Array(Self.octets(row, column)) }

    private static func address(_ row: OpaquePointer, _ column: CInt) -> SocketAddress? {
        let octets = Self.octets(row, column)
        guard octets.count == 6 || octets.count == 18 else { return nil }
        func number(_ range: Range<Int>) -> UInt64 { octets[range].reduce(0) { $0 << 8 | UInt64($1) } }
        let port = UInt16(truncatingIfNeeded: number(octets.count - 2..<octets.count))
        let ip =
            octets.count == 6
            ? IPAddress(v4: UInt32(truncatingIfNeeded: number(0..<4))) : IPAddress(v6: number(0..<8), number(8..<16))
        return SocketAddress(ip, port)
    }
}
