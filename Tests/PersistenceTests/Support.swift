import Foundation
import LocationService
import Persistence
import SIPMessages
import Synchronization

/// A directory that goes with its owner.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        self.path = FileManager.default.temporaryDirectory.path + "/biloxi-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }

    func database(busyTimeout: Duration = .seconds(5)) throws -> ServerDatabase {
        try ServerDatabase(path: self.path + "/biloxi.db", busyTimeout: busyTimeout)
    }
}

/// What a store has reported, and a way to wait for it.
final class Completions: Sendable {
    private let state = Mutex<[(tokens: [UInt64], outcome: BindingStore.Outcome)]>([])
    private let signal = DispatchSemaphore(value: 0)

    func append(_ tokens: [UInt64], _ outcome: BindingStore.Outcome) {
        self.state.withLock { $0.append((tokens, outcome)) }
        for _ in tokens { self.signal.signal() }
    }

    /// Waits for that many more tokens.
    func wait(for count: Int) { for _ in 0..<count { self.signal.wait() } }

    var committed: [UInt64] { self.state.withLock { $0.filter { $0.outcome == .committed }.flatMap(\.tokens) } }
    var failures: [String] {
        self.state.withLock {
            $0.compactMap { if case .failed(let reason) = $0.outcome { reason } else { nil } }
        }
    }
    var groups: [[UInt64]] { self.state.withLock { $0.map(\.tokens) } }
}

/// A binding of `user@example.test` to a device behind 192.0.2.1, which ends far in the future.
func binding(
    _ user: String, contact: String? = nil, instance: String = "", regID: UInt32 = 0, cseq: UInt32 = 1,
    expiresAt: Int64 = .max, userAgent: [UInt8] = Array("Phone/1.0".utf8)
) -> BindingRecord {
    BindingRecord(
        aor: Array("\(user)@example.test".utf8), contact: Array((contact ?? "sip:\(user)@192.0.2.1:5062").utf8),
        parameters: Array(";+sip.instance=\"<urn:uuid:1>\"".utf8), instanceID: Array(instance.utf8), regID: regID,
        callID: Array("a84b4c76e66710@192.0.2.1".utf8), cseq: cseq, q: 700, expiresAt: expiresAt,
        path: Array("<sip:edge.example.test;lr>".utf8), userAgent: userAgent,
        flow: StoredFlow(
            transport: .udp, local: SocketAddress(IPAddress(v4: 0xC633_6401), 5060),
            remote: SocketAddress(IPAddress(v4: 0xC000_0201), 5062)))
}

extension ServerDatabase {
    /// All bindings that have not ended by `now`.
    func bindings(at now: Int64 = 0) throws -> [BindingRecord] {
        var records: [BindingRecord] = []
        try self.forEachBinding(at: now) { records.append($0) }
        return records
    }
}
