import Foundation
import Logging
import Synchronization

/// Writes log records to standard error, one a line: `2026-01-31T12:00:00Z info serve: listening address=…`, or as
/// JSON.
struct LogLines: LogHandler {
    /// The level that all loggers share, so that a reload can change it.
    final class SharedLevel: Sendable {
        private let level = Mutex(Logger.Level.info)
        func load() -> Logger.Level { self.level.withLock { $0 } }
        func store(_ level: Logger.Level) { self.level.withLock { $0 = level } }
    }
    static let level = SharedLevel()

    private let label: String
    private let isJSON: Bool
    var metadata: Logger.Metadata = [:]

    init(label: String, isJSON: Bool) {
        self.label = label
        self.isJSON = isJSON
    }

    private var least = Logger.Level.trace

    /// The level of all loggers, unless this one was told to say less.
    var logLevel: Logger.Level {
        get { Swift.max(self.least, Self.level.load()) }
        set { self.least = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = self.metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let time = Self.time(Date())
        let line: String
        if self.isJSON {
            var members: [String: JSONValue] = [
                "time": .string(time), "level": .string(event.level.rawValue), "from": .string(self.label),
                "message": .string("\(event.message)"),
            ]
            for (key, value) in all { members[key] = .string("\(value)") }
            line = JSONValue.object(members).line
        } else {
            let pairs = all.map { " \($0.key)=\(Self.escaped("\($0.value)"))" }.joined()
            line = "\(time) \(event.level.rawValue) \(self.label): \(Self.escaped("\(event.message)"))\(pairs)"
        }
        try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8))
    }

    /// `2026-01-31T12:00:00.250Z`
    static func time(_ date: Date) -> String {
        date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true, timeZone: .gmt))
    }

    /// A record stays one line, whatever a peer put into it.
    private static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else { return text }
        return text.unicodeScalars.map { scalar in
            scalar.value < 0x20 || scalar.value == 0x7F ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
        }.joined()
    }
}
