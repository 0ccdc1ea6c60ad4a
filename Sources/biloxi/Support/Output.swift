import Foundation

/// What commands print: results to standard output, for people or as NDJSON; complaints to standard error.
struct Output: Sendable {
    /// Whether results are printed as NDJSON.
    let isJSON: Bool
    /// Whether they go to standard error, because standard output is for something else.
    var isDiverted = false

    /// Prints a result: its text, or one JSON object with the member `event` and the version of the schema.
    func emit(_ event: String, _ members: [String: JSONValue] = [:], text: @autoclosure () -> String) {
        let file = self.isDiverted ? FileHandle.standardError : .standardOutput
        guard self.isJSON else { return Self.write(text(), to: file) }
        var members = members
        members["event"] = .string(event)
        members["schema"] = .number(1)
        Self.write(JSONValue.object(members).line, to: file)
    }

    /// Writes a line to standard output at once.
    static func write(_ text: String) { Self.write(text, to: .standardOutput) }

    /// Writes a line to standard error.
    static func complain(_ text: String, prefix: String = "biloxi: ") {
        Self.write(prefix + text, to: .standardError)
    }

    private static func write(_ text: String, to file: FileHandle) {
        // By octets: CR LF is one character.
        let line = text.utf8.last == 0x0A ? text : text + "\n"
        // A reader that has gone is no error of ours.
        try? file.write(contentsOf: Data(line.utf8))
    }
}

/// A JSON value.
enum JSONValue: Codable, Hashable, Sendable {
    case null
    case boolean(Bool)
    case number(Int)
    case decimal(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Int.self) {
            self = .number(value)
        } else if let value = try? container.decode(Double.self) {
            self = .decimal(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .boolean(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .decimal(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let values): try container.encode(values)
        case .object(let members): try container.encode(members)
        }
    }

    /// The value on one line, with the members in the order of their names.
    var line: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
    }
}
