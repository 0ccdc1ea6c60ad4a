import Foundation
import LocationService
import Persistence
import SIPMessages
import Synchronization

/// How many bindings are stored and loaded per second, and what a row costs in CPU time.
///
///     swift run -c release BindingStoreBenchmark [DIRECTORY] [ROWS]
///
/// Prints one line per size of group: groups of exactly that size are kept in flight one at a time, so the figure holds
/// for a server in which that many REGISTERs come during one commit.
@main
enum BindingStoreBenchmark {
    static func main() throws {
        let arguments = CommandLine.arguments
        let path = (arguments.count > 1 ? arguments[1] : NSTemporaryDirectory()) + "/biloxi-benchmark-\(getpid())"
        let rows = arguments.count > 2 ? Int(arguments[2]) ?? 1_000_000 : 1_000_000
        defer { try? FileManager.default.removeItem(atPath: path) }
        let database = try ServerDatabase(path: DataDirectory(path: path).databasePath)
        let done = DispatchSemaphore(value: 0)
        let store = try BindingStore(database: database) { tokens, outcome in
            if outcome != .committed { print(outcome) }
            for _ in tokens { done.signal() }
        }
        func storm(_ title: String, group: Int, count: Int, user: (Int) -> Int) {
            var tokens: UInt64 = 0
            let (start, cpu) = (ContinuousClock.now, Self.cpuTime())
            for first in stride(from: 0, to: count, by: group) {
                let size = min(group, count - first)
                // One token for the group: the store's thread must not start on a part of it.
                let changes = (first..<first + size).map { BindingChange.store(Self.record(user($0), UInt32(first))) }
                tokens += 1
                _ = store.submit(changes, token: tokens)
                done.wait()
            }
            let seconds = start.duration(to: .now) / .seconds(1)
            let perSecond = Int(Double(count) / seconds)
            let microseconds = (Self.cpuTime() - cpu) / Double(count) * 1e6
            print(
                "\(title), groups of \(group): \(perSecond) rows/s,",
                String(format: "%.2f µs CPU per row", microseconds)
            )
        }
        storm("first registration", group: 1000, count: rows) { $0 &* 7_919 % rows }
        for group in [1, 10, 100, 1000] {
            storm("refresh", group: group, count: min(group * 2000, 200_000)) { $0 &* 104_729 % rows }
        }
        let start = ContinuousClock.now
        var loaded = 0
        try database.forEachBinding(at: 0) { _ in loaded += 1 }
        print("load: \(loaded) rows in \(start.duration(to: .now))")
        store.close()
    }

    private static func cpuTime() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let (user, system) = (usage.ru_utime, usage.ru_stime)
        return Double(user.tv_sec + system.tv_sec) + Double(user.tv_usec + system.tv_usec) * 1e-6
    }

    private static func record(_ user: Int, _ cseq: UInt32) -> BindingRecord {
        BindingRecord(
            aor: Array("user\(user)@biloxi.example".utf8), contact: Array("sip:user\(user)@192.0.2.1:5062".utf8),
            callID: Array("a84b4c76e66710-\(user)@192.0.2.1".utf8), cseq: cseq, expiresAt: .max,
            userAgent: Array("Phone/1.0".utf8),
            flow: StoredFlow(
                transport: .udp, local: SocketAddress(.loopback, 5060), remote: SocketAddress(.loopback, 5062)))
    }
}
