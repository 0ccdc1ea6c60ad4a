import TerminalUI
import Testing

@Suite("What is written to a terminal")
struct RendererTests {
    private func text(_ octets: [UInt8]) -> String { String(decoding: octets, as: UTF8.self) }
    private let colorless = TerminalAbilities(colors: .none, hasUnicode: true)

    @Test("The first screen is written as a whole, the same one again not at all")
    func whole() {
        var renderer = Renderer(self.colorless)
        var screen = Screen(columns: 3, rows: 1)
        screen.put("abc", x: 0, y: 0)
        #expect(
            self.text(renderer.octets(for: screen)) == "\u{1B}[0m\u{1B}[2J\u{1B}[?25l\u{1B}[1;1H\u{1B}[0mabc\u{1B}[0m")
        #expect(renderer.octets(for: screen) == [])
    }

    @Test("Then only cells that differ are written, where they are")
    func difference() {
        var renderer = Renderer(self.colorless)
        var screen = Screen(columns: 5, rows: 2)
        _ = renderer.octets(for: screen)
        screen.put("x", x: 3, y: 1)
        #expect(self.text(renderer.octets(for: screen)) == "\u{1B}[2;4H\u{1B}[0mx\u{1B}[0m")
        renderer.forget()
        #expect(self.text(renderer.octets(for: screen)).hasPrefix("\u{1B}[0m\u{1B}[2J"))
    }

    @Test("Another size is another screen")
    func resized() {
        var renderer = Renderer(self.colorless)
        _ = renderer.octets(for: Screen(columns: 5, rows: 2))
        #expect(self.text(renderer.octets(for: Screen(columns: 6, rows: 2))).contains("\u{1B}[2J"))
    }

    @Test("The cursor is shown where it stands, and hidden while the screen has none")
    func cursor() {
        var renderer = Renderer(self.colorless)
        var screen = Screen(columns: 5, rows: 2)
        screen.cursor = Screen.Position(x: 2, y: 1)
        #expect(self.text(renderer.octets(for: screen)).hasSuffix("\u{1B}[2;3H\u{1B}[?25h"))
        screen.cursor = nil
        #expect(self.text(renderer.octets(for: screen)) == "\u{1B}[?25l")
    }

    @Test("After a letter whose width terminals disagree about, the next place is named")
    func uncertain() {
        var renderer = Renderer(self.colorless)
        var screen = Screen(columns: 4, rows: 1)
        screen.put("😀b", x: 0, y: 0)
        let written = self.text(renderer.octets(for: screen))
        #expect(written.contains("  \u{1B}[1;1H😀\u{1B}[1;3Hb"))
    }

    @Test("When a letter of two columns goes, both of its columns are written anew")
    func wideGoes() {
        var renderer = Renderer(self.colorless)
        var screen = Screen(columns: 4, rows: 1)
        screen.put("日", x: 0, y: 0)
        _ = renderer.octets(for: screen)
        screen.put("ab", x: 0, y: 0)
        #expect(self.text(renderer.octets(for: screen)).contains("ab"))
    }

    @Test(
        "Colours are those that the terminal has",
        arguments: [
            (TerminalAbilities.Colors.none, "0;1"), (.basic, "0;1;31;44"), (.palette, "0;1;38;5;203;48;5;24"),
        ])
    func colors(colors: TerminalAbilities.Colors, codes: String) {
        var renderer = Renderer(TerminalAbilities(colors: colors, hasUnicode: true))
        var screen = Screen(columns: 1, rows: 1)
        screen.put("a", x: 0, y: 0, Style(Color(203, basic: 1), on: Color(24, basic: 4), bold: true))
        #expect(self.text(renderer.octets(for: screen)).contains("\u{1B}[\(codes)ma"))
    }

    @Test("Without UTF-8 only ASCII is written")
    func ascii() {
        var renderer = Renderer(TerminalAbilities(colors: .none, hasUnicode: false))
        var screen = Screen(columns: 12, rows: 3)
        screen.box(screen.bounds, title: "é日 ▶")
        let octets = renderer.octets(for: screen)
        #expect(octets.allSatisfy { $0 < 0x80 })
        #expect(self.text(octets).contains("? "))
    }

    @Test(
        "The environment says what the terminal can",
        arguments: [
            (["TERM": "xterm-256color", "LANG": "en_US.UTF-8"], TerminalAbilities(colors: .palette, hasUnicode: true)),
            (
                ["TERM": "xterm-256color", "NO_COLOR": "1", "LC_ALL": "C.utf8"],
                TerminalAbilities(colors: .none, hasUnicode: true)
            ),
            (
                ["TERM": "xterm-256color", "NO_COLOR": "", "LC_ALL": "C"],
                TerminalAbilities(colors: .palette, hasUnicode: false)
            ),
            (
                ["TERM": "linux", "LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"],
                TerminalAbilities(colors: .basic, hasUnicode: false)
            ),
            (["TERM": "screen", "COLORTERM": "truecolor"], TerminalAbilities(colors: .palette, hasUnicode: false)),
            (["TERM": "vt100"], TerminalAbilities(colors: .none, hasUnicode: false)),
        ])
    func abilities(environment: [String: String], abilities: TerminalAbilities) {
        #expect(TerminalAbilities(environment: environment) == abilities)
    }

    @Test("A terminal that cannot place its cursor is none", arguments: [[:], ["TERM": "dumb"], ["TERM": ""]])
    func dumb(environment: [String: String]) { #expect(TerminalAbilities(environment: environment) == nil) }
}
