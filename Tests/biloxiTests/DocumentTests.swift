import Foundation
import SIPMessages
import ServerConfiguration
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

    @Test("The service manager is told when the server is ready and when it stops (sd_notify(3))")
    func notifies() throws {
        let directory = try TestDirectory()
        let path = directory.path + "/notify"
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        let isBound = LocalSocket.withAddress(of: path) { bind(descriptor, $0, $1) } == 0
        try #require(isBound)
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        func told() -> String {
            var buffer = [UInt8](repeating: 0, count: 256)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            return String(decoding: buffer[..<Swift.max(0, count)], as: UTF8.self)
        }
        let server = try RunningCommand(
            ["serve", "--listen", "udp:127.0.0.1:0", "--data", directory.path + "/data"],
            environment: ["NOTIFY_SOCKET": path])
        #expect(told() == "READY=1")
        #expect(server.finish(SIGTERM).status == 0)
        #expect(told() == "STOPPING=1")
    }
}
