import TerminalUI
import Testing

@testable import PhoneUI

@Suite("What a telephone's screen shows, and what can be done with it")
struct PhoneScreenTests {
    /// A telephone in the middle of a call.
    private static func busy() -> Desk {
        var desk = Desk(contacts: [PhoneContact(name: "Bob", address: "sip:bob@example.test")])
        desk.tell(.account("sip:alice@example.test", .registered(seconds: 3_600)))
        let name = desk.call("bob")
        desk.tell(.identified(call: name, callID: "id"))
        for (i, (isSent, label, status)) in [
            (true, "INVITE", nil), (false, "180 Ringing", 180), (false, "200 OK", 200), (true, "ACK", nil),
        ].enumerated() {
            desk.tell(
                .traced(
                    PhoneTrace(
                        isSent: isSent, time: 1_000 + Int64(i) * 20, label: label, status: status,
                        peer: "udp:192.0.2.1:5060", callID: "id", text: "\(label)\r\nCall-ID: id\r\n")))
        }
        var quality = PhoneQuality()
        (quality.mos, quality.codec, quality.heardLevel, quality.sentLevel) = (4.39, "PCMU", -20, -30)
        desk.tell(.quality(call: name, quality))
        desk.pass(12_000)
        return desk
    }

    @Test(
        "It fills a terminal of any size from edge to edge, and fits",
        arguments: [(80, 24), (132, 43), (72, 20), (60, 20), (40, 12), (200, 60), (80, 12)])
    func sizes(columns: Int, rows: Int) {
        var desk = Self.busy()
        desk.tell(.resized(columns: columns, rows: rows))
        #expect(desk.screen.columns == columns && desk.screen.rows == rows)
        #expect(desk.text.contains("Biloxi"))
        #expect(desk.text.contains("● 0:12"))
        #expect(desk.screen.text(row: rows - 1).contains("quit"))
        for overlay in [PhoneOverlay.help(scroll: 0), .help(scroll: 1_000), .question("Really?", .quit)] {
            desk.model.overlay = overlay
            #expect(desk.screen.rows == rows)
        }
    }

    @Test(
        "A terminal that is too small says so, and goes on when it grows",
        arguments: [(39, 24), (80, 11), (1, 1), (0, 0)])
    func tooSmall(columns: Int, rows: Int) {
        var desk = Self.busy()
        desk.tell(.resized(columns: columns, rows: rows))
        #expect("too small: 40x12 at least".hasPrefix(desk.text.split(separator: "\n").first ?? ""))
        desk.tell(.resized(columns: 80, rows: 24))
        #expect(desk.text.contains("● 0:12"))
    }

    @Test("The ladder shows the messages of the selected call with their directions and times")
    func ladder() {
        let desk = Self.busy()
        #expect(desk.lines(with: "INVITE").first?.contains("0.000") == true)
        #expect(desk.lines(with: "INVITE").first?.contains("─▶") == true)
        #expect(desk.lines(with: "180 Ringing").first?.contains("◀─") == true)
        #expect(desk.lines(with: "ACK").first?.contains("0.060") == true)
    }

    @Test("Enter on a line of the ladder shows the whole message, and any key closes it")
    func wholeMessage() {
        var desk = Self.busy()
        desk.press(.character("L"), Key(.home), Key(.enter))
        #expect(desk.text.contains("INVITE to udp:192.0.2.1:5060"))
        #expect(desk.text.contains("Call-ID: id"))
        desk.press(Key(.escape))
        #expect(!desk.text.contains("INVITE to"))
    }

    @Test("The meter shows score, levels and codec")
    func meter() {
        let desk = Self.busy()
        #expect(desk.text.contains("MOS 4.4"))
        #expect(desk.text.contains("PCMU  not encrypted"))
        #expect(desk.lines(with: "heard").first?.contains("-20 dB") == true)
    }

    @Test("A click on a button does what its key does, on a tab chooses it, on a row selects it, twice opens it")
    func mouse() {
        var desk = Desk(history: [
            PhoneHistoryEntry(
                .missed, peer: "sip:bob@example.test", name: "", began: "2026-11-22T06:00:00Z", seconds: 0,
                outcome: "missed")
        ])
        desk.click(x: 1, y: 23)
        #expect(desk.text.contains("Call whom:"))
        desk.press(Key(.escape))
        let frame = PhoneView(desk.model).frame()
        let tab = frame.targets.first { $0.target == .tab(1) }?.place
        desk.click(x: tab?.x ?? 0, y: tab?.y ?? 0)
        #expect(desk.model.tab == .contacts)
        desk.type("H")
        let row = PhoneView(desk.model).frame().targets.first { $0.target == .row(0) }?.place
        desk.click(x: row?.x ?? 0, y: row?.y ?? 0)
        #expect(desk.orders() == [])
        desk.click(x: row?.x ?? 0, y: row?.y ?? 0)
        #expect(desk.commands().first?.members["uri"] == .text("sip:bob@example.test"))
    }

    @Test("Tab goes through the panes, arrows through what is in them")
    func movement() {
        var desk = Desk(
            contacts: ["Ann", "Bob", "Cy"].map { PhoneContact(name: $0, address: "sip:\($0)@example.test") })
        desk.type("K")
        desk.press(Key(.down), Key(.down), Key(.down))
        #expect(desk.model.selectedContact?.name == "Cy")
        desk.press(Key(.up), .character("k"))
        #expect(desk.model.selectedContact?.name == "Ann")
        desk.press(Key(.tab))
        #expect(desk.model.pane == .detail)
        desk.press(Key(.tab), Key(.backTab), Key(.backTab), Key(.right))
        #expect(desk.model.tab == .messages)
    }

    @Test("What comes from the wire cannot command the terminal, wherever it is shown")
    func injection() {
        let evil = "\u{1B}]0;owned\u{07}\u{1B}[2J\u{9B}31m\u{202E}x\r\n"
        var desk = Desk()
        desk.tell(.account("sip:alice@example.test", .failed(reason: evil, isRetried: true)))
        desk.tell(.incoming(call: "call-1", from: "sip:\(evil)@example.test", name: evil, callID: "id"))
        desk.tell(.answered(call: "call-1"))
        desk.tell(.noted(call: "call-1", evil))
        desk.tell(.message(from: evil, text: evil))
        desk.tell(
            .traced(PhoneTrace(isSent: false, time: 0, label: evil, status: nil, peer: evil, callID: "id", text: evil)))
        var pictures: [Screen] = []
        for keys in ["H", "G", "A", "O", "L"] {
            desk.type(keys)
            pictures.append(desk.screen)
        }
        desk.press(Key(.enter))
        pictures.append(desk.screen)
        desk.tell(.ended(call: "call-1", reason: evil, isOrdinary: false))
        desk.type("xH")
        pictures.append(desk.screen)
        for screen in pictures {
            let bad = screen.cells.flatMap(\.text.unicodeScalars).filter {
                $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) || $0.value == 0x202E
            }
            #expect(bad.isEmpty)
            var renderer = Renderer(TerminalAbilities(colors: .palette, hasUnicode: true))
            let octets = renderer.octets(for: screen)
            let text = String(decoding: octets, as: UTF8.self)
            #expect(!text.contains("\u{1B}]") && !text.contains("\u{07}"))
        }
    }

    @Test("Pasted text is entered where something is asked for, and presses no keys")
    func pasting() {
        var desk = Desk()
        desk.tell(.input(.pasted("sip:bob@example.test\nq")))
        #expect(desk.actions == [])
        #expect(desk.text.contains("Call whom: sip:bob@example.test q"))
    }

    @Test("Without colours the selected line, problems and states can still be told")
    func colorless() {
        var desk = Self.busy()
        desk.say("something", isProblem: true)
        var renderer = Renderer(TerminalAbilities(colors: .none, hasUnicode: true))
        let text = String(decoding: renderer.octets(for: desk.screen), as: UTF8.self)
        #expect(!text.contains("38;5") && !text.contains("[31m"))
        #expect(desk.text.contains("▶ Bob") && desk.text.contains("! something") && desk.text.contains("● alice"))
    }
}

extension Desk {
    mutating func say(_ text: String, isProblem: Bool) { self.model.say(text, isProblem: isProblem) }
}
