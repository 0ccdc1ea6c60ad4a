import BiloxiKit
import Foundation
import ServerConfiguration

/// A line of the input that makes no sense; the reason says what to write.
struct RunProblem: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}

/// A member of a command.
struct RunKey: Sendable {
    /// What its value must be.
    enum Kind: String, Sendable {
        case text
        case number
        case flag = "true or false"
        /// Seconds, or a text such as `500ms`, `10s`, `2m`.
        case time
        /// A text, or several in an array.
        case texts
        /// An object of texts, or of arrays of texts.
        case headers
        /// An object of any values.
        case object
    }

    let name: String
    let kind: Kind
    let isRequired: Bool
    let help: String

    init(_ name: String, _ kind: Kind, required: Bool = false, _ help: String) {
        (self.name, self.kind, self.isRequired, self.help) = (name, kind, required, help)
    }

    /// Those that every command may have.
    static let common = [
        RunKey("do", .text, required: true, "the verb"),
        RunKey("id", .text, "comes back in what becomes of the command; a number will do as well"),
        RunKey("wait", .flag, "whether the commands that follow begin only when this one is done"),
    ]

    /// Whether a value is one of this kind.
    func accepts(_ value: JSONValue) -> Bool {
        switch (self.kind, value) {
        case (.text, .string), (.number, .number), (.flag, .boolean), (.object, .object): true
        case (.time, .number(let seconds)): seconds >= 0 && seconds < 1_000_000_000
        case (.time, .decimal(let seconds)): seconds.isFinite && seconds >= 0 && seconds < 1e9
        case (.time, .string(let text)): TimeOption(argument: text) != nil
        case (.texts, .string): true
        case (.texts, .array(let values)): values.allSatisfy { $0.text != nil }
        case (.headers, .object(let members)):
            members.values.allSatisfy { value in
                if case .array(let values) = value { return values.allSatisfy { $0.text != nil } }
                return value.text != nil
            }
        default: false
        }
    }
}

extension JSONValue {
    /// The text, where it is one.
    var text: String? { if case .string(let text) = self { text } else { nil } }
}

/// A command as it was read: its members are those of its verb, and of the right kinds.
struct RunArguments: Sendable {
    /// What comes back in the outcome, as it was written; `nil` for none.
    let id: JSONValue?
    /// Whether the commands that follow wait for it.
    let waits: Bool
    let verb: RunVerb
    /// Counts the commands.
    var number: UInt64 = 0
    private let members: [String: JSONValue]

    /// Reads a line.
    ///
    /// - Parameter id: Set as soon as it is known, for the complaint.
    /// - Throws: `RunProblem`.
    init(_ line: [UInt8], id: inout JSONValue?) throws(RunProblem) {
        let value: JSONValue
        do {
            value = try JSONDecoder().decode(JSONValue.self, from: Data(line))
        } catch {
            throw RunProblem("this is no JSON: write one object a line, such as {\"do\":\"status\"}")
        }
        guard case .object(let members) = value else {
            throw RunProblem("this is no object: write {\"do\":\"status\"}")
        }
        try self.init(members, id: &id)
    }

    /// Takes the members of a command.
    ///
    /// - Parameter id: Set as soon as it is known, for the complaint.
    /// - Throws: `RunProblem`.
    init(_ members: [String: JSONValue], id: inout JSONValue?) throws(RunProblem) {
        switch members["id"] {
        case .string, .number: id = members["id"]
        case nil: break
        default: throw RunProblem("\"id\" must be a text or a number")
        }
        guard let name = members["do"]?.text else {
            throw RunProblem("\"do\" is missing: it names the verb, as in {\"do\":\"call\",\"uri\":\"sip:bob@…\"}")
        }
        guard let verb = RunVerb.named(name) else {
            let near = Suggestion.nearest(to: name, among: RunVerb.all.map(\.name))
            throw RunProblem(
                "there is no verb \"\(name)\""
                    + (near.map { ": did you mean \"\($0)\"?" } ?? ": {\"do\":\"help\"} lists all"))
        }
        let keys = RunKey.common.filter { $0.name != "id" } + verb.keys
        for (name, value) in members.sorted(by: { $0.key < $1.key }) where name != "id" {
            guard let key = keys.first(where: { $0.name == name }) else {
                let names = keys.map(\.name) + ["id"]
                let near = Suggestion.nearest(to: name, among: names)
                throw RunProblem(
                    "\"\(verb.name)\" has no \"\(name)\""
                        + (near.map { ": did you mean \"\($0)\"?" } ?? ": it takes \(names.joined(separator: ", "))"))
            }
            guard key.accepts(value) else {
                throw RunProblem("\"\(name)\" of \"\(verb.name)\" must be \(Self.demand(key.kind))")
            }
        }
        for key in keys where key.isRequired && members[key.name] == nil {
            throw RunProblem("\"\(verb.name)\" needs \"\(key.name)\": \(key.help)")
        }
        (self.id, self.verb, self.members) = (id, verb, members)
        self.waits = members["wait"] == .boolean(true)
    }

    private static func demand(_ kind: RunKey.Kind) -> String {
        switch kind {
        case .text: "a text"
        case .number: "a whole number"
        case .flag: "true or false"
        case .time: "a time: seconds as a number, or a text such as \"500ms\""
        case .texts: "a text, or an array of texts"
        case .headers: "an object of texts: {\"Subject\":\"lunch\"}"
        case .object: "an object"
        }
    }

    // MARK: Members

    subscript(name: String) -> JSONValue? { self.members[name] }

    func text(_ name: String) -> String? { self.members[name]?.text }

    func number(_ name: String) -> Int? {
        if case .number(let number)? = self.members[name] { number } else { nil }
    }

    func flag(_ name: String) -> Bool { self.members[name] == .boolean(true) }

    func time(_ name: String) -> Duration? {
        switch self.members[name] {
        case .number(let seconds)?: .seconds(seconds)
        case .decimal(let seconds)?: .milliseconds(Int64((seconds * 1_000).rounded()))
        case .string(let text)?: TimeOption(argument: text)?.duration
        default: nil
        }
    }

    func texts(_ name: String) -> [String] {
        switch self.members[name] {
        case .array(let values)?: values.compactMap(\.text)
        case .string(let text)?: [text]
        default: []
        }
    }

    var headers: [UserAgent.Field] {
        guard case .object(let fields)? = self.members["headers"] else { return [] }
        return fields.sorted { $0.key < $1.key }.flatMap { name, value -> [UserAgent.Field] in
            if case .array(let values) = value { return values.compactMap(\.text).map { (name, $0) } }
            return value.text.map { [(name, $0)] } ?? []
        }
    }

    /// The sound that is named; `nil` for none.
    ///
    /// - Throws: `RunProblem` when there are several, or a tone is none.
    func sound() throws(RunProblem) -> Sound? {
        let names = ["file", "tone", "ringback"].filter { self.members[$0] != nil }
        guard names.count < 2 else { throw RunProblem("name one sound, not \(names.joined(separator: " and "))") }
        if let file = self.text("file") { return .file(file) }
        if let country = self.text("ringback") { return .ringback(country) }
        guard let tone = self.text("tone") else { return nil }
        guard let sound = Sound(tone: tone) else { throw RunProblem("\"tone\" must be as \"440\" or \"440+480\"") }
        return sound
    }
}

extension Sound {
    /// A tone as someone types it: `440`, `440+480`; `nil` when it is none.
    init?(tone text: String) {
        let frequencies = text.split(separator: "+").map { Double($0) }
        switch frequencies.count {
        case 1:
            guard let one = frequencies[0] else { return nil }
            self = .tone(one)
        case 2:
            guard let one = frequencies[0], let two = frequencies[1] else { return nil }
            self = .tone(one, two)
        default: return nil
        }
    }
}
