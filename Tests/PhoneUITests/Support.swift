import TerminalUI

@testable import PhoneUI

/// A telephone's screen with someone before it.
struct Desk {
    var model: PhoneModel
    /// What was to be done since it was last taken.
    var actions: [PhoneAction] = []
    private(set) var time = PhoneTime(uptime: 1_000, wall: 1_795_415_405)

    static let verbs = [
        PhoneVerb(
            "call", help: "calls someone",
            [
                .init("uri", .text, isRequired: true, help: "whom"),
                .init("call", .text, isRequired: false, help: "name"),
                .init("account", .text, isRequired: false, help: "who"),
                .init("headers", .headers, isRequired: false, help: "more"),
            ]),
        PhoneVerb(
            "reject", help: "refuses",
            [
                .init("call", .text, isRequired: true, help: "name"),
                .init("status", .number, isRequired: false, help: "status"),
                .init("reason", .text, isRequired: false, help: "why"),
            ]),
        PhoneVerb(
            "mute", help: "mutes",
            [
                .init("call", .text, isRequired: true, help: "name"),
                .init("on", .flag, isRequired: true, help: "whether"),
            ]),
        PhoneVerb(
            "message", help: "sends a message",
            [
                .init("uri", .text, isRequired: false, help: "whom"),
                .init("call", .text, isRequired: false, help: "name"),
                .init("text", .text, isRequired: true, help: "text"),
            ]),
        PhoneVerb("status", help: "says what goes on", []),
        PhoneVerb("hold", help: "holds", [.init("call", .text, isRequired: true, help: "name")]),
        PhoneVerb(
            "transfer", help: "transfers",
            [
                .init("call", .text, isRequired: true, help: "name"),
                .init("to", .text, isRequired: false, help: "whom"),
                .init("toCall", .text, isRequired: false, help: "call"),
            ]),
    ]

    init(
        contacts: [PhoneContact] = [], history: [PhoneHistoryEntry] = [], messages: [PhoneMessage] = [],
        followsTransfers: Bool = true
    ) {
        self.model = PhoneModel(
            verbs: Self.verbs, contacts: contacts, history: history, messages: messages, recordings: "/r",
            followsTransfers: followsTransfers)
        self.pass(0)
    }

    mutating func tell(_ event: PhoneEvent) { self.actions += self.model.handle(event) }
    mutating func tell(_ event: PhoneEvent.AgentEvent) { self.tell(.agent(event)) }

    mutating func press(_ keys: Key...) { for key in keys { self.tell(.input(.key(key))) } }

    /// Presses a key for each letter; a line end is Enter.
    mutating func type(_ text: String) {
        for letter in text { self.press(letter == "\n" ? Key(.enter) : .character(letter)) }
    }

    mutating func click(x: Int, y: Int) { self.tell(.input(.mouse(Mouse(.pressed, x: x, y: y)))) }

    /// Lets time pass, in milliseconds.
    mutating func pass(_ milliseconds: Int64) {
        self.time.uptime += milliseconds
        self.time.wall += milliseconds / 1_000
        self.tell(.ticked(self.time))
    }

    /// The commands that were ordered since this was last asked.
    mutating func commands() -> [PhoneCommand] {
        defer { self.actions = [] }
        return self.actions.flatMap { action -> [PhoneCommand] in
            if case .perform(let commands) = action { commands } else { [] }
        }
    }

    /// The verbs of them with their calls.
    mutating func orders() -> [String] {
        self.commands().map { command in
            guard case .text(let call)? = command.members["call"] else { return command.verb }
            return "\(command.verb) \(call)"
        }
    }

    /// Does all that was ordered, as a telephone without troubles would.
    mutating func succeed() {
        let commands = self.commands()
        for command in commands { self.tell(.done(id: command.id, result: [])) }
    }

    /// Someone calls and is answered.
    mutating func beCalled(_ name: String, from peer: String) {
        self.tell(.incoming(call: name, from: peer, name: "", callID: "id-\(name)"))
        self.model.selectedCall = name
        self.press(.character("a"))
        self.succeed()
        self.tell(.answered(call: name))
    }

    /// Calls someone who answers; returns the name of the call.
    mutating func call(_ peer: String) -> String {
        self.type("d\(peer)\n")
        let name = self.model.selectedCall ?? ""
        self.succeed()
        self.tell(.answered(call: name))
        return name
    }

    var screen: Screen { PhoneView(self.model).frame().screen }
    var text: String { self.screen.text }
    /// The lines in which a text stands.
    func lines(with text: String) -> [String] {
        self.text.split(separator: "\n").map(String.init).filter { $0.contains(text) }
    }
}
