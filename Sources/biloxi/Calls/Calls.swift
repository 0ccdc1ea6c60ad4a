import ArgumentParser
import CallRecords
import Foundation
import Persistence
import ServerConfiguration

/// `biloxi calls`
struct Calls: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the records of ended calls, the oldest first.",
        discussion: """
            One record for each call, however many devices rang: who called whom, when it began, rang, was answered \
            and ended, and why it ended. --json prints NDJSON and --csv a table for other programs. Nothing is shown \
            where callRecords.enabled is false.
            """)

    @Option(
        help: ArgumentHelp(
            "Only calls that began then or later: 2026-01-31, 2026-01-31T12:00:00Z, or 90m, 12h, 7d ago.",
            valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("Only the latest so many.", valueName: "n"))
    var last: Int?

    @Flag(help: "Print comma-separated values (RFC 4180).")
    var csv = false

    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        if self.csv, self.common.json { throw ValidationError("--csv and --json exclude each other") }
        if let last = self.last, last < 1 { throw ValidationError("--last must be 1 or more") }
    }

    mutating func run() throws {
        let since = try self.since.map { try CallTime.parse($0, now: Date()) } ?? 0
        let settings = self.common.settings()
        let configuration = try settings.loadOrFail().configuration
        let path = settings.dataPath(of: configuration)
        guard access(path + "/biloxi.db", F_OK) == 0 else {
            throw CommandError(.failed, "there is no database in \(path): name the server's directory with --data")
        }
        let data = try withExitStatus { try DataDirectory(path: path) }
        let database = try withExitStatus { try ServerDatabase(path: data.databasePath) }
        let (output, last) = (self.common.output, self.last)
        if self.csv { Output.write(CallColumns.header) }
        let isCSV = self.csv
        try withExitStatus {
            try database.forEachCall(since: since, last: last) { record in
                if isCSV {
                    Output.write(CallColumns.csv(record))
                } else {
                    output.emit("call", CallColumns.members(record), text: CallColumns.text(record))
                }
            }
        }
    }
}

/// Moments as people write them.
enum CallTime {
    /// - Returns: Milliseconds since 1970, UTC.
    /// - Throws: `CommandError` of status `usage`.
    static func parse(_ text: String, now: Date) throws(CommandError) -> Int64 {
        let units: [Character: Double] = ["m": 60, "h": 3600, "d": 86_400]
        if let unit = text.last.flatMap({ units[$0] }), let count = UInt32(text.dropLast()) {
            return Self.milliseconds(now.addingTimeInterval(-Double(count) * unit))
        }
        let day = Date.ISO8601FormatStyle(timeZone: .gmt).year().month().day()
        if let date = (try? Date(text, strategy: .iso8601)) ?? (try? Date(text, strategy: day)) {
            return Self.milliseconds(date)
        }
        throw CommandError(
            .usage, "--since \"\(text)\" is no time: write 2026-01-31, 2026-01-31T12:00:00Z, or 90m, 12h, 7d")
    }

    private static func milliseconds(_ date: Date) -> Int64 { Int64((date.timeIntervalSince1970 * 1000).rounded()) }

    /// `2026-01-31T12:00:00.250Z`
    static func text(_ milliseconds: Int64) -> String {
        LogLines.time(Date(timeIntervalSince1970: Double(milliseconds) / 1000))
    }
}
