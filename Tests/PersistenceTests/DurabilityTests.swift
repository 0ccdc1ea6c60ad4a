import Foundation
import LocationService
import Persistence
import Synchronization
import Testing

@Suite("What was reported as committed is on the disk")
struct DurabilityTests {
    /// Puts files where a database looks for them.
    private func restore(_ disk: RecordingVFS.Disk) throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        for (name, octets) in disk.files {
            try Data(octets).write(to: URL(fileURLWithPath: directory.path + "/" + name))
        }
        return directory
    }

    private func stored(_ database: ServerDatabase) throws -> [String: UInt32] {
        var sequence: [String: UInt32] = [:]
        try database.forEachBinding(at: 0) { sequence[String(decoding: $0.aor, as: UTF8.self)] = $0.cseq }
        return sequence
    }

    @Test("If the power fails at the moment of the report, all that was reported is there: synced before the report")
    func survivesPowerLoss() throws {
        let directory = try TemporaryDirectory()
        RecordingVFS.record(directory.path)
        let database = try directory.database()
        let disks = Mutex<[(tokens: [UInt64], disk: RecordingVFS.Disk)]>([])
        let completions = Completions()
        let path = directory.path
        let store = try BindingStore(database: database, limits: .init(logOctets: 2 << 20)) { tokens, outcome in
            disks.withLock { $0.append((tokens, RecordingVFS.synced(in: path))) }
            completions.append(tokens, outcome)
        }
        // 300 devices register and refresh; with large rows the log is written back to the database on the way.
        for round in UInt64(0)..<24 {
            let userAgent = [UInt8](repeating: UInt8(0x41 + round), count: 2500)
            for user in UInt64(0)..<300 {
                let record = binding("user\(user)", cseq: UInt32(round + 1), userAgent: userAgent)
                #expect(store.submit([.store(record)], token: round * 300 + user))
            }
            completions.wait(for: 300)
        }
        store.close()
        #expect(completions.committed == Array(0..<7200))

        let moments = disks.withLock { $0 }
        #expect(moments.count >= 24)
        let final = try #require(moments.last?.disk.files["biloxi.db"])
        #expect(final.count > 300 * 2500, "the log was never written back")
        var reported: [String: UInt32] = [:]
        for (index, moment) in moments.enumerated() {
            for token in moment.tokens { reported["user\(token % 300)@example.test"] = UInt32(token / 300 + 1) }
            guard index % 5 == 0 || index == moments.count - 1 else { continue }
            let after = try self.restore(moment.disk)
            #expect(try self.stored(after.database()) == reported, "after group \(index)")
        }
    }

    @Test("What cannot be synced is reported as failed and not stored; when the disk works again, so does the store")
    func survivesBrokenDisk() throws {
        let directory = try TemporaryDirectory()
        RecordingVFS.record(directory.path)
        let database = try directory.database()
        let completions = Completions()
        let store = try BindingStore(database: database) { completions.append($0, $1) }
        #expect(store.submit([.store(binding("alice", cseq: 1))], token: 1))
        completions.wait(for: 1)
        RecordingVFS.failSyncs(in: directory.path, true)
        for token in UInt64(2)...4 {
            #expect(store.submit([.store(binding("alice", cseq: 2)), .store(binding("bob"))], token: token))
            completions.wait(for: 1)
        }
        RecordingVFS.failSyncs(in: directory.path, false)
        #expect(completions.committed == [1])
        #expect(completions.failures.count == 3)
        #expect(try self.stored(database) == ["alice@example.test": 1])
        #expect(store.submit([.store(binding("carol", cseq: 3))], token: 5))
        completions.wait(for: 1)
        #expect(completions.committed == [1, 5])
        let after = try self.restore(RecordingVFS.synced(in: directory.path))
        #expect(try self.stored(after.database()) == ["alice@example.test": 1, "carol@example.test": 3])
        store.close()
    }

    @Test("If the process is killed, all that was reported is there", arguments: [1, 40, 333, 1500, 4000])
    func survivesKill(after count: Int) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, count = count as Int] in
            let log = open(path + "/reported", O_WRONLY | O_CREAT | O_APPEND, 0o600)
            let reported = Atomic(0)
            let store = try BindingStore(database: ServerDatabase(path: path + "/biloxi.db")) { tokens, outcome in
                guard outcome == .committed else { return }
                _ = tokens.withUnsafeBytes { write(log, $0.baseAddress, $0.count) }
                reported.add(tokens.count, ordering: .relaxed)
            }
            // The storm goes on until it kills itself, wherever the store's thread then is.
            for token in UInt64(0)..<1_000_000 {
                let record = binding("user\(token)", cseq: UInt32(token))
                while !store.submit([.store(record)], token: token) {
                    if reported.load(ordering: .relaxed) >= count { kill(getpid(), SIGKILL) }
                }
                if reported.load(ordering: .relaxed) >= count { kill(getpid(), SIGKILL) }
            }
        }
        let log = try Data(contentsOf: URL(fileURLWithPath: path + "/reported"))
        let tokens = log.withUnsafeBytes { Array($0.bindMemory(to: UInt64.self)) }
        #expect(tokens.count >= count)
        let stored = try self.stored(directory.database())
        #expect(tokens.allSatisfy { stored["user\($0)@example.test"] == UInt32($0) })
    }
}
