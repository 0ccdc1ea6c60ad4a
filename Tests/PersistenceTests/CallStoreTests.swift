import CallRecords
import Dispatch
import GRDB
import LocationService
import SIPMessages
import Testing

@testable import Persistence

@Suite("Records of calls in the database")
struct CallStoreTests {
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

    private func call(_ number: Int64) -> CallRecord {
        CallRecord(
            started: number, ended: number + 1, ending: .failed, status: 486, caller: Array("sip:a@a.test".utf8),
            callee: Array("sip:b@b.test".utf8), callID: Array("call \(number)".utf8), fromTag: [0x61],
            source: SocketAddress(IPAddress(v4: 0xC000_0201), 5060), transport: .udp)
    }

    private func calls(since: Int64 = 0, last: Int? = nil) throws -> [CallRecord] {
        var calls: [CallRecord] = []
        try self.database.forEachCall(since: since, last: last) { calls.append($0) }
        return calls
    }

    @Test("A record comes back as it was stored, whatever is in it")
    func keepsEveryField() throws {
        let everything = CallRecord(
            started: 1_900_000_000_000, rang: 1_900_000_000_100, answered: 1_900_000_003_000,
            ended: 1_900_000_063_000, ending: .calleeHungUp, status: 200, reason: [0, 0xFF, 0x27],
            caller: Array("sip:élise@a.test".utf8), callee: [0x80], callID: [1], fromTag: [2], toTag: [3],
            target: Array("sip:b@[2001:db8::1]".utf8), branch: Array("z9hG4bK1".utf8),
            source: SocketAddress(IPAddress(v6: 0x2001_0DB8_0000_0000, 1), .max),
            answeredBy: SocketAddress(IPAddress(v4: 0xC000_0202), 5070), transport: .wss)
        let store = try self.store()
        store.record([everything, self.call(7)])
        store.close()
        #expect(try self.calls() == [self.call(7), everything])
    }

    @Test("Records go into the transaction of the registrations that wait with them")
    func sharesGroups() throws {
        let (reached, release) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let store = try BindingStore(database: self.database) { [completions] tokens, outcome in
            completions.append(tokens, outcome)
            if tokens == [0] {
                reached.signal()
                release.wait()
            }
        }
        #expect(store.submit([.store(binding("first"))], token: 0))
        reached.wait()
        for number in 1...5 as ClosedRange<Int64> { store.record([self.call(number)]) }
        #expect(store.submit([.store(binding("second"))], token: 1))
        release.signal()
        store.close()
        #expect(store.statistics.groups == 2)
        #expect(store.statistics.calls == 5)
        #expect(store.statistics.latency.count == 2)
        #expect(try self.calls().map(\.started) == [1, 2, 3, 4, 5])
    }

    @Test("What a locked database refuses is kept and written later, up to the limit")
    func keepsAfterFailure() throws {
        var limits = BindingStore.Limits(busyTimeout: .milliseconds(1))
        limits.waitingCalls = 3
        let failed = DispatchSemaphore(value: 0)
        let store = try BindingStore(database: self.database, limits: limits) { _, outcome in
            if outcome != .committed { failed.signal() }
        }
        try self.database.write { _ in
            store.record([self.call(1), self.call(2)])
            failed.wait()
            store.record([self.call(3), self.call(4)])
            failed.wait()
        }
        #expect(store.statistics.lostCalls == 1)
        store.close()
        #expect(try self.calls().map(\.started) == [1, 2, 3])
        #expect(store.statistics.failures == 2)
    }

    @Test(
        "They are read since a moment, and the latest only",
        arguments: [(0, nil, [1, 2, 3]), (2, nil, [2, 3]), (0, 2, [2, 3]), (4, 2, [])] as [(Int64, Int?, [Int64])])
    func selects(since: Int64, last: Int?, expected: [Int64]) throws {
        let store = try self.store()
        store.record([self.call(3), self.call(1), self.call(2)])
        store.close()
        #expect(try self.calls(since: since, last: last).map(\.started) == expected)
    }

    @Test("Old ones are deleted, in slices")
    func purges() throws {
        let store = try self.store()
        store.record((1...5000).map { self.call($0) })
        store.purgeCalls(before: 4500)
        // The purge works while nothing else does; a request that waits for its commit shows that it goes on.
        for _ in 0..<10_000 where try self.calls(last: 1000).count > 501 { _ = store.statistics }
        store.close()
        #expect(try self.calls().map(\.started) == Array(4500...5000))
    }

    private func answeredCall(_ number: Int64) -> CallRecord {
        var call = self.call(number)
        (call.answered, call.ended, call.ending, call.status) = (number, number, .serverRestarted, 200)
        return call
    }

    @Test("A call that was answered and has no end yet is a record once the next run looks for such calls, once")
    func endsInterruptedCalls() throws {
        let store = try self.store()
        store.begin([self.answeredCall(1), self.answeredCall(2)])
        store.close()
        #expect(try self.calls().isEmpty)
        #expect(try self.database.endInterruptedCalls(at: 5000) == 2)
        var expected = [self.answeredCall(1), self.answeredCall(2)]
        for i in expected.indices { expected[i].ended = 5000 }
        #expect(try self.calls() == expected)
        #expect(try self.database.endInterruptedCalls(at: 6000) == 0)
        #expect(try self.calls().count == 2)
        // A clock that was set back makes no call end before it was answered.
        let other = try self.store()
        other.begin([self.answeredCall(9000)])
        other.close()
        #expect(try self.database.endInterruptedCalls(at: 6000) == 1)
        #expect(try self.calls().last?.ended == 9000)
    }

    @Test("A call that is over is one record, whether its answer was written before or not", arguments: [false, true])
    func closesOpenCalls(isWritten: Bool) throws {
        let completion = DispatchSemaphore(value: 0)
        let store = try BindingStore(database: self.database) { _, _ in completion.signal() }
        store.begin([self.answeredCall(1), self.answeredCall(2)])
        if isWritten {
            #expect(store.submit([.store(binding("any"))], token: 1))
            completion.wait()
            #expect(try self.database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM open_calls") } == 2)
        }
        var ended = self.answeredCall(1)
        (ended.ended, ended.ending) = (61_000, .callerHungUp)
        store.record([ended])
        store.close()
        #expect(try self.calls() == [ended])
        #expect(try self.database.endInterruptedCalls(at: 70_000) == 1)
        #expect(try self.calls().map(\.ending) == [.callerHungUp, .serverRestarted])
    }

    @Test("What a locked database refuses of calls that go on is written later, and their end after it")
    func keepsOpenCallsAfterFailure() throws {
        let failed = DispatchSemaphore(value: 0)
        let store = try BindingStore(database: self.database, limits: .init(busyTimeout: .milliseconds(1))) {
            if $1 != .committed { failed.signal() }
        }
        try self.database.write { _ in
            store.begin([self.answeredCall(1), self.answeredCall(2)])
            failed.wait()
            store.record([self.answeredCall(1)])
            failed.wait()
        }
        store.close()
        #expect(try self.database.endInterruptedCalls(at: 5000) == 1)
        #expect(try self.calls().map(\.started) == [1, 2])
    }

    @Test("Without a database nothing is kept, and a closed store takes nothing")
    func withoutDatabase() throws {
        let store = try BindingStore(database: nil) { _, _ in }
        store.record([self.call(1)])
        store.close()
        #expect(store.statistics.calls == 0)
        let other = try self.store()
        other.close()
        other.record([self.call(1)])
        #expect(try self.calls().isEmpty)
    }

    @Test(
        "Durations fall into the bucket of the first bound that is not below them",
        arguments: [(0, 0), (500, 0), (501, 1), (1000, 1), (4_000_000, 13), (4_000_001, 14)])
    func latencies(microseconds: Int, bucket: Int) {
        var histogram = LatencyHistogram()
        histogram.add(.microseconds(microseconds))
        #expect(histogram.counts.firstIndex(of: 1) == bucket)
        #expect(histogram.count == 1)
        #expect(abs(histogram.sum - Double(microseconds) / 1e6) < 1e-9)
    }
}
