import TerminalUI
import Testing

@testable import PhoneUI

@Suite("Calls on a telephone's screen")
struct PhoneCallTests {
    private let bob = "sip:bob@example.test", carol = "sip:carol@example.test"

    @Test("Who is dialled is called, and the call stands when it is answered")
    func dialling() {
        var desk = Desk()
        desk.type("dbob\n")
        let command = desk.commands().first
        #expect(command?.verb == "call")
        #expect(command?.members == ["uri": .text("bob"), "call": .text("line-1")])
        #expect(desk.text.contains("◌ calling"))
        desk.tell(.progress(call: "line-1", text: "180 Ringing"))
        #expect(desk.text.contains("◌ 180 Ringing"))
        desk.tell(.answered(call: "line-1"))
        desk.pass(7_000)
        #expect(desk.text.contains("● 0:07"))
    }

    @Test(
        "A call that comes rings, is told to ring, and is answered by a key or by Enter",
        arguments: [Key.character("a"), Key(.enter)])
    func answering(key: Key) {
        var desk = Desk()
        desk.tell(.incoming(call: "call-1", from: self.bob, name: "Bob B", callID: "x"))
        #expect(desk.actions.contains(.ring))
        #expect(desk.orders() == ["ring call-1"])
        #expect(desk.text.contains("Bob B") && desk.text.contains("rings"))
        desk.pass(2_900)
        #expect(!desk.actions.contains(.ring))
        desk.pass(200)
        #expect(desk.actions.contains(.ring))
        desk.actions = []
        desk.press(key)
        #expect(desk.orders() == ["answer call-1"])
        desk.tell(.answered(call: "call-1"))
        #expect(desk.actions == [.talk(with: ["call-1"])])
    }

    @Test("Hanging up ends a call that stands, gives up one that calls, and rejects one that rings")
    func hangingUp() {
        var desk = Desk()
        desk.type("dbob\n")
        _ = desk.commands()
        desk.type("x")
        #expect(desk.orders() == ["hangup line-1"])
        desk.tell(.ended(call: "line-1", reason: "the call was cancelled", isOrdinary: true))
        desk.tell(.incoming(call: "call-1", from: self.bob, name: "", callID: ""))
        _ = desk.commands()
        desk.type("x")
        #expect(desk.orders() == ["reject call-1"])
        desk.tell(.ended(call: "call-1", reason: "603 Decline", isOrdinary: false))
        #expect(desk.model.history.map(\.direction) == [.outgoing, .incoming])
        desk.type("x")
        #expect(desk.orders() == [])
    }

    @Test("A call that nobody answers is missed, counted and kept until the history is looked at")
    func missing() {
        var desk = Desk()
        desk.tell(.incoming(call: "call-1", from: self.bob, name: "", callID: "x"))
        desk.tell(.ended(call: "call-1", reason: "the call was cancelled", isOrdinary: true))
        let entry = PhoneHistoryEntry(
            .missed, peer: self.bob, name: "", began: "2026-11-23T06:30:05Z", seconds: 0, outcome: "missed",
            callIDs: ["x"])
        #expect(desk.actions.contains(.remember(entry)))
        #expect(desk.text.contains("1 missed"))
        desk.type("H")
        #expect(!desk.text.contains("1 missed"))
    }

    @Test("Who is talked with is held while another is called or answered")
    func second() {
        var desk = Desk()
        desk.beCalled("call-1", from: self.bob)
        desk.actions = []
        desk.type("dcarol\n")
        #expect(desk.orders() == ["hold call-1", "call line-1"])
        desk.tell(.incoming(call: "call-2", from: "sip:dan@example.test", name: "", callID: ""))
        #expect(desk.model.selectedCall == "line-1" || desk.model.selectedCall == "call-2")
    }

    @Test("h holds and resumes, and only what is told to be done is shown")
    func holding() {
        var desk = Desk()
        let name = desk.call("bob")
        desk.actions = []
        desk.type("h")
        #expect(!desk.text.contains("held"))
        desk.succeed()
        #expect(desk.text.contains("‖ held"))
        #expect(desk.model.talking == [])
        desk.type("h")
        #expect(desk.orders() == ["resume \(name)"])
    }

    @Test("A hold that the other side refuses is said, and nothing is shown as held")
    func refusedHold() {
        var desk = Desk()
        _ = desk.call("bob")
        desk.actions = []
        desk.type("h")
        for command in desk.commands() { desk.tell(.failed(id: command.id, reason: "488 Not Acceptable Here")) }
        #expect(desk.text.contains("! hold, bob: 488 Not Acceptable Here"))
        #expect(!desk.text.contains("‖"))
    }

    @Test("s holds the one and goes on with the other, there and back")
    func swapping() {
        var desk = Desk()
        desk.beCalled("call-1", from: self.bob)
        let second = desk.call("carol")
        desk.actions = []
        desk.type("s")
        #expect(desk.orders() == ["hold \(second)", "resume call-1"])
        desk.model.change(second) { $0.isHeld = true }
        desk.model.change("call-1") { $0.isHeld = false }
        desk.type("s")
        #expect(desk.orders() == ["hold call-1", "resume \(second)"])
    }

    @Test("t transfers to who is entered; T connects two calls, the older with the newer, when yes is said")
    func transferring() {
        var desk = Desk(contacts: [PhoneContact(name: "Dan", address: "sip:dan@example.test")])
        desk.beCalled("call-1", from: self.bob)
        desk.actions = []
        desk.type("tdan\n")
        #expect(desk.commands().first?.members == ["call": .text("call-1"), "to": .text("sip:dan@example.test")])
        desk.pass(10)
        let second = desk.call(self.carol)
        desk.actions = []
        desk.type("T")
        #expect(desk.text.contains("Connect bob@example.test with carol@example.test?"))
        desk.type("n")
        #expect(desk.orders() == [])
        desk.type("Ty")
        #expect(desk.commands().first?.members == ["call": .text("call-1"), "toCall": .text(second)])
    }

    @Test("A call that ends because its transfer came about says so; one that is hung up meanwhile does not")
    func transferred() {
        var desk = Desk()
        desk.beCalled("call-1", from: self.bob)
        desk.type("tcarol@example.test\n")
        desk.tell(.noted(call: "call-1", "transfer: 180 Ringing"))
        #expect(desk.text.contains("transfer: 180 Ringing"))
        desk.tell(.ended(call: "call-1", reason: "hung up", isOrdinary: true))
        #expect(desk.text.contains("bob@example.test: transferred to carol@example.test"))
        #expect(!desk.text.contains("transfer: 180 Ringing"))
        let second = desk.call(self.bob)
        desk.tell(.answered(call: second))
        desk.type("tcarol@example.test\nx")
        desk.tell(.ended(call: second, reason: "hung up", isOrdinary: true))
        #expect(desk.text.contains("bob@example.test: hung up"))
    }

    @Test("An attended transfer with one call is refused with what to do")
    func lonelyTransfer() {
        var desk = Desk()
        _ = desk.call("bob")
        desk.actions = []
        desk.type("T")
        #expect(desk.orders() == [])
        #expect(desk.text.contains("an attended transfer needs two calls"))
    }

    @Test("A transfer that the other side asks for is followed, and the call goes on with the new one")
    func followed() {
        var desk = Desk()
        desk.beCalled("call-1", from: self.bob)
        desk.actions = []
        desk.tell(.transferRequested(call: "call-1", transfer: "transfer-1", target: self.carol))
        let command = desk.commands().first
        #expect(command?.verb == "acceptTransfer")
        #expect(command?.members == ["transfer": .text("transfer-1"), "follow": .flag(true)])
        desk.tell(.transferred(call: "call-1", to: self.carol))
        #expect(desk.text.contains("carol@example.test"))
    }

    @Test("Where transfers are refused the call stays with the one who is talked with (RFC 3515 §2.4.2)")
    func unfollowed() {
        var desk = Desk(followsTransfers: false)
        desk.beCalled("call-1", from: self.bob)
        desk.actions = []
        desk.tell(.transferRequested(call: "call-1", transfer: "transfer-1", target: self.carol))
        let command = desk.commands().first
        #expect(command?.verb == "refuseTransfer")
        #expect(command?.members == ["transfer": .text("transfer-1")])
        #expect(desk.text.contains("bob@example.test wanted to transfer you to carol@example.test: refused"))
        #expect(!desk.text.contains("transferred to"))
    }

    @Test("c lets all hear each other, resumed where they are held; again it ends that")
    func conference() {
        var desk = Desk()
        desk.beCalled("call-1", from: self.bob)
        let second = desk.call("carol")
        desk.actions = []
        desk.type("c")
        let commands = desk.commands()
        #expect(commands.map(\.verb) == ["resume", "conference"])
        #expect(commands.last?.members == ["calls": .texts(["call-1", second])])
        #expect(desk.lines(with: "● conf").count == 1)
        desk.type("c")
        #expect(desk.commands().first?.members == ["command": .text(commands.last?.id ?? "")])
        desk.tell(.failed(id: commands.last?.id ?? "", reason: "the command was stopped"))
        #expect(desk.text.contains("● conf") == false)
    }

    @Test("Numbers are keys in a call that stands, else the beginning of a number to call")
    func keys() {
        var desk = Desk()
        desk.type("4")
        #expect(desk.text.contains("Call whom: 4"))
        desk.press(Key(.escape))
        let name = desk.call("bob")
        desk.actions = []
        desk.type("1#")
        let commands = desk.commands()
        #expect(
            commands.map { $0.members } == [
                ["call": .text(name), "keys": .text("1")], ["call": .text(name), "keys": .text("#")],
            ])
        for command in commands { desk.tell(.done(id: command.id, result: [])) }
        #expect(desk.text.contains("keys 1#"))
        desk.tell(.key(call: name, "7"))
        #expect(desk.text.contains("got 7"))
    }

    @Test("m mutes, and r records into a file named by time and peer until it is pressed again")
    func sound() {
        var desk = Desk()
        let name = desk.call("sip:bob/../x@example.test")
        desk.actions = []
        desk.type("m")
        #expect(desk.commands().first?.members == ["call": .text(name), "on": .flag(true)])
        desk.type("r")
        let recording = desk.commands().first
        #expect(
            recording?.members == ["call": .text(name), "file": .text("/r/20261123T063005-bob----x-example-test.wav")])
        #expect(desk.text.contains("REC"))
        desk.type("r")
        #expect(desk.commands().first?.members == ["command": .text(recording?.id ?? "")])
        desk.tell(.failed(id: recording?.id ?? "", reason: "the command was stopped"))
        #expect(!desk.text.contains("REC "))
    }

    @Test("More calls than the bound are refused as busy, and none more can be dialled")
    func bound() {
        var desk = Desk()
        for i in 1...8 { desk.tell(.incoming(call: "call-\(i)", from: self.bob, name: "", callID: "")) }
        desk.actions = []
        desk.tell(.incoming(call: "call-9", from: self.bob, name: "", callID: ""))
        #expect(desk.commands().first?.members == ["call": .text("call-9"), "status": .number(486)])
        desk.type("dcarol\n")
        #expect(desk.orders() == [])
        #expect(desk.text.contains("there are 8 calls already"))
    }

    @Test("A call that ends stays to be read for a while, and its selection goes on to another call")
    func ended() {
        var desk = Desk()
        desk.beCalled("call-1", from: self.bob)
        let second = desk.call("carol")
        desk.tell(.ended(call: second, reason: "hung up", isOrdinary: true))
        #expect(desk.model.selectedCall == "call-1")
        #expect(desk.text.contains("✕ hung up"))
        desk.pass(9_000)
        #expect(!desk.text.contains("✕"))
    }

    @Test("Quitting while calls go on is asked for")
    func quitting() {
        var desk = Desk()
        desk.type("q")
        #expect(desk.actions == [.quit])
        desk.actions = []
        _ = desk.call("bob")
        desk.actions = []
        desk.type("q")
        #expect(desk.actions == [])
        desk.type("n")
        #expect(desk.actions == [])
        desk.press(.control("c"), .control("c"))
        #expect(desk.actions == [.quit])
    }
}
