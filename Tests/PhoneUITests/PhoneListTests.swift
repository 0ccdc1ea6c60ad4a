import TerminalUI
import Testing

@testable import PhoneUI

@Suite("Contacts, messages, accounts and commands on a telephone's screen")
struct PhoneListTests {
    @Test("A contact is added by name and address, kept, called by its name, and removed when yes is said")
    func contacts() {
        var desk = Desk()
        desk.type("K+Bob\nsip:bob@example.test\n")
        let bob = PhoneContact(name: "Bob", address: "sip:bob@example.test")
        #expect(desk.actions == [.save([bob])])
        desk.actions = []
        desk.type("dBOB\n")
        #expect(desk.commands().first?.members["uri"] == .text("sip:bob@example.test"))
        desk.type("K-y")
        #expect(desk.actions == [.save([])])
    }

    @Test("Tab completes names, and again goes through them")
    func completion() {
        var desk = Desk(
            contacts: ["Bea", "Bob", "Cy"].map { PhoneContact(name: $0, address: "sip:\($0)@example.test") })
        desk.type("db")
        desk.press(Key(.tab))
        #expect(desk.model.prompt?.line.text == "Bea")
        desk.press(Key(.tab))
        #expect(desk.model.prompt?.line.text == "Bob")
        desk.press(Key(.tab))
        #expect(desk.model.prompt?.line.text == "Bea")
        desk.press(Key(.escape))
        desk.type(":sta")
        desk.press(Key(.tab))
        #expect(desk.model.prompt?.line.text == "status")
    }

    @Test("A message that comes is unread until its conversation is looked at, and answered there")
    func messages() {
        var desk = Desk()
        desk.tell(.message(from: "sip:bob@example.test", text: "lunch?"))
        #expect(desk.text.contains("1 unread"))
        #expect(desk.actions.contains { if case .keep = $0 { true } else { false } })
        desk.actions = []
        desk.type("G")
        #expect(!desk.text.contains("1 unread"))
        #expect(desk.text.contains("bob@example.test: lunch?"))
        desk.type("iat one\n")
        let command = desk.commands().first
        #expect(command?.members == ["uri": .text("sip:bob@example.test"), "text": .text("at one")])
        #expect(desk.text.contains("me: at one …"))
        desk.tell(.done(id: command?.id ?? "", result: []))
        #expect(desk.text.contains("me: at one") && !desk.text.contains("me: at one …"))
        // The conversation goes on.
        #expect(desk.text.contains("To bob@example.test:"))
    }

    @Test("A message that was not taken says so, and why")
    func failedMessage() {
        var desk = Desk()
        desk.type("Mbob\nhello\n")
        let command = desk.commands().first
        desk.tell(.failed(id: command?.id ?? "", reason: "404 Not Found"))
        #expect(
            desk.actions.contains {
                if case .keep(let message) = $0 { message.state == .failed("404 Not Found") } else { false }
            })
        desk.type("G")
        #expect(desk.text.contains("not sent: 404"))
    }

    @Test("An account is added with a password that is never shown, registered and kept")
    func accounts() {
        var desk = Desk()
        desk.type("A+alice@example.test\nsecret")
        #expect(desk.text.contains("••••••") && !desk.text.contains("secret"))
        desk.press(Key(.enter))
        #expect(desk.actions.contains(.keepAccount(address: "sip:alice@example.test", password: "secret")))
        let members: [String: PhoneCommand.Value] = [
            "account": .text("sip:alice@example.test"), "password": .text("secret"),
        ]
        #expect(desk.commands().first?.members == members)
        desk.tell(.account("sip:alice@example.test", .registered(seconds: 60)))
        #expect(desk.text.contains("● alice@example.test registered"))
        desk.tell(.account("sip:alice@example.test", .failed(reason: "403 Forbidden", isRetried: false)))
        #expect(desk.text.contains("✕ alice@example.test failed") && desk.text.contains("403 Forbidden"))
        // Up to a line that was entered before: a password is not among them.
        desk.press(.character("d"), Key(.up), Key(.up))
        #expect(desk.model.prompt?.line.text != "secret")
    }

    @Test(
        "A command has its members in order or by name, and the selected call",
        arguments: [
            ("call bob", "call", ["uri": PhoneCommand.Value.text("bob"), "call": .text("line-2")]),
            ("reject 486", "reject", ["call": .text("line-1"), "status": .number(486)]),
            (
                "reject status=480 reason=\"Out to lunch\"", "reject",
                ["call": .text("line-1"), "status": .number(480), "reason": .text("Out to lunch")]
            ),
            ("mute off", "mute", ["call": .text("line-1"), "on": .flag(false)]),
            ("message bob see you at one", "message", ["uri": .text("bob"), "text": .text("see you at one")]),
            ("transfer toCall=x", "transfer", ["call": .text("line-1"), "toCall": .text("x")]),
            ("status", "status", [:]),
        ] as [(String, String, [String: PhoneCommand.Value])])
    func commands(line: String, verb: String, members: [String: PhoneCommand.Value]) {
        var desk = Desk()
        _ = desk.call("carol")
        desk.actions = []
        desk.type(":\(line)\n")
        let command = desk.commands().first { $0.verb == verb }
        #expect(command?.members == members)
    }

    @Test(
        "A command that makes no sense says what is wrong",
        arguments: [
            ("cal bob", "there is no command \"cal\""), ("call", "uri is missing: call uri"),
            ("mute maybe", "on must be on or off"),
            ("reject", "there is no call"), ("call \"bob", "a quotation mark is not closed"),
            ("status now", "\"now\" is too much"),
            ("reject x=1", "status must be a number, not \"x=1\""),
        ])
    func wrongCommands(line: String, problem: String) {
        var desk = Desk()
        desk.type(":\(line)\n")
        #expect(desk.orders() == [] || line.hasPrefix("mute"))
        #expect(desk.text.contains(problem))
    }

    @Test("What a command tells in several lines is shown over the panes; :quit ends; JSON goes as it is")
    func results() {
        var desk = Desk()
        desk.type(":status\n")
        let command = desk.commands().first
        desk.tell(.done(id: command?.id ?? "", result: ["accounts:", "  alice", "calls:"]))
        #expect(desk.text.contains("  alice"))
        desk.press(Key(.escape))
        desk.type(":{\"do\":\"status\"}\n")
        #expect(desk.actions == [.line("{\"do\":\"status\"}")])
        desk.actions = []
        desk.type(":quit\n")
        #expect(desk.actions == [.quit])
    }

    @Test("Names of wide letters keep the columns of the lists straight")
    func wideNames() {
        var desk = Desk(contacts: [
            PhoneContact(name: "山田太郎", address: "sip:yamada@example.test"),
            PhoneContact(name: "Bob", address: "sip:bob@example.test"),
        ])
        desk.type("K")
        let columns = desk.lines(with: "@example.test").map { line in
            TextWidth.columns(of: String(line[..<(line.range(of: "│", from: 1) ?? line.endIndex)]))
        }
        #expect(Set(columns).count == 1)
    }
}

extension String {
    /// Where a text is found behind so many characters.
    fileprivate func range(of text: Character, from offset: Int) -> String.Index? {
        self.dropFirst(offset).firstIndex(of: text)
    }
}
