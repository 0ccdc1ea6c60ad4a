import Foundation
import SIPMessages
import ServerConfiguration
import SignallingTransport
import Testing

@testable import OperationsHTTP
@testable import biloxi

@Suite("docs/OPERATIONS.md says what the program does")
struct DocumentTests {
    private static let package = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private func text(_ path: String) throws -> String {
        try String(contentsOf: Self.package.appending(path: path), encoding: .utf8)
    }

    /// The table that follows a heading.
    private func table(_ heading: String) throws -> [String] {
        let lines = try self.text("docs/OPERATIONS.md").components(separatedBy: "\n")
        let start = try #require(lines.firstIndex(of: heading))
        return Array(lines[start...].drop { !$0.hasPrefix("|") }.prefix { $0.hasPrefix("|") })
    }

    @Test("Its table of metrics is that of the program")
    func metrics() throws {
        let rows = ServerMetrics().families.map { family in
            let labels = Set(family.samples.flatMap { $0.labels.map(\.name) }).sorted().joined(separator: ", ")
            return "| `\(family.name)` | \(family.kind.rawValue) | \(labels) | \(family.help) |"
        }
        // A server without listeners has no values by method; it has these labels all the same.
        let labels = [
            "biloxi_requests_received_total": "method", "biloxi_requests_sent_total": "method",
            "biloxi_responses_received_total": "class", "biloxi_responses_sent_total": "class",
            "biloxi_messages_received_total": "transport", "biloxi_messages_sent_total": "transport",
            "biloxi_connections": "transport",
        ]
        let expected =
            ["| name | type | labels | meaning |", "|---|---|---|---|"]
            + rows.map { row in
                let name = row.split(separator: "`")[1]
                return labels[String(name)].map { row.replacing("|  |", with: "| \($0) |") } ?? row
            }
        #expect(try self.table("## Metrics") == expected, "\(expected.joined(separator: "\n"))")
    }

    @Test("Its table of configuration keys is that of the program")
    func keys() throws {
        var rows = ["| key | form | meaning |", "|---|---|---|"]
        let lines = ConfigurationSchema.text.components(separatedBy: "\n").filter { !$0.isEmpty }
        for (number, line) in lines.enumerated() where !line.hasPrefix(" ") {
            func part(_ offset: Int) -> String {
                lines[number + offset].trimmingCharacters(in: .whitespaces).replacing("|", with: "\\|")
            }
            rows.append("| `\(line)` | \(part(1)) | \(part(2)) |")
        }
        #expect(try self.table("## Configuration keys") == rows, "\(rows.joined(separator: "\n"))")
    }

    @Test("The configuration that is packaged is valid")
    func packagedConfiguration() throws {
        let path = Self.package.appending(path: "Packaging/biloxi.yaml").path
        let result = try RunningCommand.run("config", "check", path)
        #expect(result.output == "\(path) is valid\n")
        #expect(result.errors.isEmpty)
    }

    @Test("The unit stops the server no sooner than its configuration may ask for")
    func unit() throws {
        let unit = try self.text("Packaging/biloxi.service")
        let limit = unit.components(separatedBy: "\n").first { $0.hasPrefix("TimeoutStopSec=") }
            .flatMap { Int($0.dropFirst("TimeoutStopSec=".count)) }
        #expect(try #require(limit) > 300)
        #expect(ConfigurationSchema.text.contains("0 to 300 seconds"))
    }

    @Test("The service manager hears when the server is ready, works, reloads and stops (sd_notify(3))")
    func notifies() throws {
        let manager = try FakeServiceManager()
        let file = try manager.directory.write("listen: [\"udp:127.0.0.1:0\"]\n", to: "biloxi.yaml")
        let server = try RunningCommand(
            ["serve", "--config", file, "--data", manager.directory.path + "/data"],
            environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000"])
        #expect(manager.told() == "READY=1")
        // Again and again, every 0.1 s.
        for _ in 0..<3 { #expect(manager.told() == "WATCHDOG=1") }
        let before = SystemClock.now().nanoseconds / 1000
        kill(server.processID, SIGHUP)
        let reloading = manager.told(exceptFor: "WATCHDOG=1").split(separator: "\n")
        #expect(reloading.first == "RELOADING=1")
        let moment = try #require(reloading.last.flatMap { Int64($0.dropFirst("MONOTONIC_USEC=".count)) })
        #expect(moment >= before && moment <= SystemClock.now().nanoseconds / 1000)
        #expect(manager.told(exceptFor: "WATCHDOG=1") == "READY=1")
        #expect(server.finish(SIGTERM).status == 0)
        #expect(manager.told(exceptFor: "WATCHDOG=1") == "STOPPING=1")
    }

    @Test("A reload that fails is over too, and only the process that is watched says that it works")
    func notifiesOfFailedReload() throws {
        let manager = try FakeServiceManager()
        let file = try manager.directory.write("listen: [\"udp:127.0.0.1:0\"]\n", to: "biloxi.yaml")
        let server = try RunningCommand(
            ["serve", "--config", file, "--data", manager.directory.path + "/data"],
            environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"])
        #expect(manager.told() == "READY=1")
        _ = try manager.directory.write("listen: nowhere\n", to: "biloxi.yaml")
        kill(server.processID, SIGHUP)
        #expect(manager.told().hasPrefix("RELOADING=1\n"))
        #expect(manager.told() == "READY=1")
        #expect(server.finish(SIGTERM).status == 0)
        #expect(manager.told() == "STOPPING=1")
    }

    @Test("Who did not ask is told nothing")
    func unwatched() {
        let asked = ["NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "30000000"]
        #expect(ServiceManager(environment: asked, processID: 7).pulse == .seconds(15))
        for changed in [["WATCHDOG_PID": "8"], ["WATCHDOG_USEC": "0"], ["WATCHDOG_USEC": "x"], ["NOTIFY_SOCKET": "x"]] {
            let environment = asked.merging(changed) { $1 }
            #expect(ServiceManager(environment: environment, processID: 7).pulse == nil)
        }
        #expect(ServiceManager(environment: [:]).pulse == nil)
    }
}

/// A socket as systemd has one, and what it is told.
private final class FakeServiceManager {
    let directory: TestDirectory
    let path: String
    private let descriptor: Int32

    init() throws {
        self.directory = try TestDirectory()
        self.path = self.directory.path + "/notify"
        self.descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        let isBound = LocalSocket.withAddress(of: self.path) { [descriptor] in bind(descriptor, $0, $1) } == 0
        try #require(isBound)
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(self.descriptor) }

    /// The next datagram, but for those of one text.
    func told(exceptFor skipped: String = "") -> String {
        while true {
            var buffer = [UInt8](repeating: 0, count: 256)
            let count = recv(self.descriptor, &buffer, buffer.count, 0)
            let text = String(decoding: buffer[..<Swift.max(0, count)], as: UTF8.self)
            if count <= 0 || text != skipped { return text }
        }
    }
}
