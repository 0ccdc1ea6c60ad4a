import BiloxiKit

/// Something that a line of the input can ask for.
struct RunVerb: Sendable {
    typealias Body =
        @Sendable (RunSession, UserAgent, RunArguments) async throws -> [String: JSONValue]

    let name: String
    let keys: [RunKey]
    /// What it does.
    let help: String
    /// The members of its `done`.
    let outcome: String
    /// Whether the commands that follow always wait for it.
    let holds: Bool
    /// Does it; what it returns are the members of its `done`.
    let perform: Body

    init(
        _ name: String, _ keys: [RunKey], _ help: String, done outcome: String = "", holds: Bool = false,
        _ perform: @escaping Body
    ) {
        (self.name, self.keys, self.help, self.outcome) = (name, keys, help, outcome)
        (self.holds, self.perform) = (holds, perform)
    }

    /// All of them.
    static let all: [RunVerb] =
        Self.accountVerbs + Self.callVerbs + Self.soundVerbs + Self.requestVerbs + Self.subscriptionVerbs
        + Self.sessionVerbs

    static func named(_ name: String) -> RunVerb? { self.all.first { $0.name == name } }

    /// How it is told to a program.
    var described: JSONValue {
        let keys = (RunKey.common + self.keys).map { key in
            JSONValue.object([
                "name": .string(key.name), "kind": .string(key.kind.rawValue), "required": .boolean(key.isRequired),
                "help": .string(key.help),
            ])
        }
        return .object([
            "verb": .string(self.name), "help": .string(self.help), "keys": .array(keys), "done": .string(self.outcome),
        ])
    }

    /// The key of a call.
    static let call = RunKey("call", .text, required: true, "the name of the call")
}
