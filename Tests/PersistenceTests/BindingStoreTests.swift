import Dispatch
import GRDB
import LocationService
import SIPMessages
import Synchronization
import Testing

@testable import Persistence

@Suite("Group commit of bindings")
struct BindingStoreTests {
    private let directory: TemporaryDirectory
    private let database: ServerDatabase
    private let completions = Completions()

    init() throws {
        self.directory = try TemporaryDirectory()
        self.database = try self.directory.database()
    }

    private func store(_ limits: BindingStore.Limits = .init()) throws -> BindingStore {
        try BindingStore(database: self.database, limits: limits) { [completions] in completions.append($0, $1) }
    }

    /// A store that has reported token 0 and goes on when `release` is signalled: until then what is submitted waits.
    private func pausedStore(
        _ limits: BindingStore.Limits = .init()
    ) throws -> (store: BindingStore, release: DispatchSemaphore) {
        let (reached, release) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let store = try BindingStore(database: self.database, limits: limits) { [completions] tokens, outcome in
            completions.append(tokens, outcome)
            if tokens == [0] {
                reached.signal()
                release.wait()
            }
        }
        #expect(store.submit([.store(binding("first"))], token: 0))
        reached.wait()
        return (store, release)
    }

    @Test("A record comes back as it was stored, whatever is in it")
    func keepsEveryField() throws {
        var everything = binding("élise", instance: "urn:uuid:f81d4fae", regID: .max, cseq: 0x7FFF_FFFF)
        everything.flow = StoredFlow(
            transport: .tls, local: SocketAddress(IPAddress(v6: 0x2001_0DB8_0000_0000, 1), 5061),
            remote: SocketAddress(IPAddress(v6: 0xFE80_0000_0000_0000, .max), .max))
        everything.userAgent = [0, 0xFF, 0x27, 0x22]
        var nothing = binding("bob")
        (nothing.parameters, nothing.callID, nothing.path, nothing.userAgent) = ([], [], [], [])
        (nothing.q, nothing.cseq) = (0, 0)
        let store = try self.store()
        #expect(store.submit([.store(nothing), .store(everything)], token: 1))
        self.completions.wait(for: 1)
        #expect(try self.database.bindings() == [nothing, everything])
        store.close()
    }

    @Test("A refresh replaces the binding with the same contact (RFC 3261 §10.3)")
    func replacesByContact() throws {
        let store = try self.store()
        let other = binding("bob", contact: "sip:bob@192.0.2.9")
        let refresh = binding("bob", instance: "urn:uuid:1", cseq: 2)
        #expect(store.submit([.store(binding("bob")), .store(other), .store(refresh)], token: 1))
        self.completions.wait(for: 1)
        #expect(try self.database.bindings() == [refresh, other])
        store.close()
    }

    @Test("With instance and reg-id, these say what is replaced, not the contact (RFC 5626 §6)")
    func replacesByInstance() throws {
        let store = try self.store()
        let flow1 = binding("bob", contact: "sip:bob@192.0.2.1:1", instance: "urn:uuid:1", regID: 1)
        let flow2 = binding("bob", contact: "sip:bob@192.0.2.1:1", instance: "urn:uuid:1", regID: 2)
        let flow1Again = binding("bob", contact: "sip:bob@192.0.2.1:2", instance: "urn:uuid:1", regID: 1, cseq: 2)
        #expect(store.submit([.store(flow1), .store(flow2), .store(flow1Again)], token: 1))
        self.completions.wait(for: 1)
        #expect(try self.database.bindings() == [flow1Again, flow2])
        #expect(store.submit([.remove(flow2)], token: 2))
        self.completions.wait(for: 1)
        #expect(try self.database.bindings() == [flow1Again])
        store.close()
    }

    @Test("What is submitted while a group is written becomes one group, in order")
    func groups() throws {
        let (store, release) = try self.pausedStore()
        for token in UInt64(1)...100 {
            #expect(store.submit([.store(binding("user\(token % 10)", cseq: UInt32(token)))], token: token))
        }
        release.signal()
        self.completions.wait(for: 101)
        #expect(self.completions.groups == [[0], Array(1...100)])
        #expect(try self.database.bindings().dropFirst().map(\.cseq) == [100] + Array(91...99))
        #expect(store.statistics.groups == 2)
        #expect(store.statistics.changes == 101)
        store.close()
    }

    @Test("A full queue refuses, and takes more when it has been written")
    func isBounded() throws {
        let (store, release) = try self.pausedStore(.init(waitingChanges: 3))
        let change = BindingChange.store(binding("bob"))
        #expect(store.submit([change, change], token: 1))
        #expect(!store.submit([change, change], token: 2))
        #expect(store.submit([change], token: 3))
        #expect(!store.submit([change], token: 4))
        release.signal()
        self.completions.wait(for: 3)
        #expect(store.submit([change, change, change], token: 5))
        self.completions.wait(for: 1)
        #expect(self.completions.committed == [0, 1, 3, 5])
        #expect(store.statistics.refusals == 2)
        store.close()
    }

    @Test("A request taken back is neither written nor reported, and makes room")
    func withdraws() throws {
        let (store, release) = try self.pausedStore(.init(waitingChanges: 3))
        for token in UInt64(1)...3 { #expect(store.submit([.store(binding("user\(token)"))], token: token)) }
        #expect(store.withdraw(2))
        #expect(!store.withdraw(2))
        #expect(store.withdraw(1))
        #expect(!store.withdraw(0))
        #expect(store.submit([.store(binding("user4"))], token: 4))
        release.signal()
        self.completions.wait(for: 3)
        #expect(!store.withdraw(3))
        #expect(self.completions.committed == [0, 3, 4])
        #expect(
            try self.database.bindings().map(\.aor)
                == ["first", "user3", "user4"].map { Array("\($0)@example.test".utf8) })
        store.close()
    }

    @Test("Closing writes what waits, and refuses what comes later")
    func closes() throws {
        let (store, release) = try self.pausedStore()
        #expect(store.submit([.store(binding("bob"))], token: 1))
        release.signal()
        store.close()
        #expect(self.completions.committed == [0, 1])
        #expect(!store.submit([.store(binding("carol"))], token: 2))
        #expect(try self.database.bindings().count == 2)
    }

    @Test("When the disk is full the whole group fails, and a later one is stored")
    func survivesFullDisk() throws {
        let store = try self.store()
        let connection = try #require(store.connection)
        try connection.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = 1") }
        let large = (0..<100).map {
            BindingChange.store(binding("user\($0)", userAgent: Array(repeating: 0x41, count: 500)))
        }
        #expect(store.submit([.store(binding("bob"))] + large, token: 1))
        self.completions.wait(for: 1)
        #expect(self.completions.failures.first?.contains("cannot grow: make room on its disk") == true)
        #expect(try self.database.bindings().isEmpty)
        try connection.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = 100000") }
        #expect(store.submit(large, token: 2))
        self.completions.wait(for: 1)
        #expect(self.completions.committed == [2])
        #expect(try self.database.bindings().count == 100)
        store.close()
    }

    @Test("While another process holds the right to write, groups fail after the timeout; then they are stored again")
    func survivesStall() throws {
        let store = try self.store(.init(busyTimeout: .milliseconds(20)))
        let other = try self.database.connect()
        try other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        #expect(store.submit([.store(binding("bob"))], token: 1))
        self.completions.wait(for: 1)
        #expect(self.completions.failures.first?.contains("is locked by another process") == true)
        try other.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
        #expect(store.submit([.store(binding("carol"))], token: 2))
        self.completions.wait(for: 1)
        #expect(try self.database.bindings().map(\.aor) == [Array("carol@example.test".utf8)])
        store.close()
    }

    @Test("A database that may only be read fails the group")
    func reportsReadOnly() throws {
        let store = try self.store()
        try #require(store.connection).writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = 1") }
        #expect(store.submit([.store(binding("bob"))], token: 1))
        self.completions.wait(for: 1)
        #expect(self.completions.failures.first?.contains("cannot be written") == true)
        store.close()
    }

    @Test("Without a database every request is committed, and nothing is kept")
    func keepsNothingInMemory() throws {
        let store = try BindingStore(database: nil) { [completions] in completions.append($0, $1) }
        #expect(store.submit([.store(binding("bob"))], token: 7))
        store.close()
        #expect(self.completions.committed == [7])
        #expect(try self.database.bindings().isEmpty)
    }

    @Test("A store can report requests with their changes, so that the caller finds the AOR in them")
    func reportsRequests() throws {
        let reported = Mutex<[BindingStore.Request]>([])
        let store = try BindingStore.reportingRequests(database: self.database) { requests, outcome in
            if outcome == .committed { reported.withLock { $0 += requests } }
        }
        let changes: [BindingChange] = [.remove(binding("bob")), .store(binding("bob", cseq: 2))]
        #expect(store.submit(changes, token: 7))
        store.close()
        #expect(reported.withLock { $0 } == [BindingStore.Request(token: 7, changes: changes)])
    }

    @Test("From many threads, each request is reported once or taken back, and other writers get their turn")
    func survivesStorm() throws {
        let store = try self.store()
        let withdrawn = Mutex<Set<UInt64>>([])
        DispatchQueue.concurrentPerform(iterations: 5) { thread in
            if thread == 4 {
                for user in 0..<20 {
                    let subscriber = Subscriber(
                        user: "user\(user)", domain: "example.test", secrets: .init(), createdAt: 0)
                    #expect(throws: Never.self) { try self.database.add(subscriber) }
                }
                return
            }
            for index in UInt64(0)..<1000 {
                let token = UInt64(thread) * 1000 + index
                #expect(store.submit([.store(binding("user\(token)"))], token: token))
                if token % 7 == 0, store.withdraw(token) { _ = withdrawn.withLock { $0.insert(token) } }
            }
        }
        store.close()
        let committed = self.completions.committed
        let taken = withdrawn.withLock { $0 }
        #expect(Set(committed).count == committed.count)
        #expect(Set(committed).union(taken) == Set(0..<4000))
        #expect(Set(committed).isDisjoint(with: taken))
        #expect(try self.database.bindings().count == committed.count)
        #expect(try self.database.subscribers().count == 20)
    }

    @Test("Ended bindings are left out when loading, and purged slice by slice", arguments: [1, 3, 10, 1000])
    func purges(rowsPerSlice: Int) throws {
        let store = try self.store()
        let records = (0..<10).map { binding("user\($0)", expiresAt: Int64($0)) }
        #expect(store.submit(records.map { .store($0) }, token: 1))
        store.close()
        #expect(try self.database.bindings(at: 4) == Array(records[5...]))
        #expect(try self.database.purgeExpired(at: 4, rowsPerSlice: rowsPerSlice) == 5)
        #expect(try self.database.bindings(at: -1) == Array(records[5...]))
    }

    @Test("The store purges by itself, between groups")
    func purgesByItself() throws {
        let store = try self.store()
        #expect(store.submit([.store(binding("bob", expiresAt: 5)), .store(binding("carol", expiresAt: 6))], token: 1))
        self.completions.wait(for: 1)
        store.purgeExpired(at: 5)
        #expect(store.submit([.store(binding("dave", expiresAt: 1))], token: 2))
        self.completions.wait(for: 1)
        // The slice after this group, or the one before it, has run when the next group is reported.
        #expect(store.submit([.store(binding("erin"))], token: 3))
        self.completions.wait(for: 1)
        let left = try self.database.bindings(at: -1).map { String(decoding: $0.aor, as: UTF8.self) }
        #expect(!left.contains("bob@example.test"))
        #expect(left.contains("carol@example.test"))
        store.close()
    }
}
