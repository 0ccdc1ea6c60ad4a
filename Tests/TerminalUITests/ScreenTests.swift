import TerminalUI
import Testing

@Suite("A screen of cells")
struct ScreenTests {
    @Test("Text that goes beyond an edge, or begins beyond one, is cut off")
    func edges() {
        var screen = Screen(columns: 5, rows: 2)
        #expect(screen.put("hello world", x: 1, y: 0) == 4)
        #expect(screen.put("x", x: 5, y: 0) == 0)
        #expect(screen.put("x", x: 0, y: 2) == 0)
        #expect(screen.put("x", x: -1, y: 0) == 0)
        #expect(screen.text == " hell\n")
    }

    @Test("A letter of two columns has no half: what overwrites one half blanks the other")
    func wide() {
        var screen = Screen(columns: 5, rows: 1)
        screen.put("日本", x: 0, y: 0)
        #expect(screen.text(row: 0) == "日本")
        screen.put("a", x: 1, y: 0)
        #expect(screen.text(row: 0) == " a本")
        screen.put("b", x: 2, y: 0)
        #expect(screen.text(row: 0) == " ab")
        #expect(screen.put("日", x: 4, y: 0) == 0)
    }

    @Test("Marks join the letter before them, four at most, and a mark without a letter is left out")
    func marks() {
        var screen = Screen(columns: 4, rows: 1)
        screen.put("\u{301}e" + String(repeating: "\u{301}", count: 9) + "x", x: 0, y: 0)
        #expect(screen[0, 0]?.text == "e\u{301}\u{301}\u{301}\u{301}")
        #expect(screen[1, 0]?.text == "x")
    }

    @Test("No cell ever holds a control character")
    func noControls() {
        var screen = Screen(columns: 40, rows: 1)
        let all = (0..<0x100).compactMap { Unicode.Scalar($0) }.map { String(Character($0)) }.joined()
        for (i, piece) in [all, "\u{1B}]0;owned\u{07}", "a\r\nb"].enumerated() {
            screen.put(piece, x: i, y: 0)
            let bad = screen.cells.flatMap(\.text.unicodeScalars).filter {
                $0.value < 0x20 || (0x7F..<0xA0).contains($0.value)
            }
            #expect(bad.isEmpty)
        }
    }

    @Test("A box has its title in its border, and a size that makes no sense draws nothing")
    func box() {
        var screen = Screen(columns: 10, rows: 3)
        screen.box(Rectangle(x: 0, y: 0, width: 10, height: 3), title: "Calls")
        #expect(screen.text == "┌ Calls ─┐\n│        │\n└────────┘")
        let before = screen
        screen.box(Rectangle(x: 0, y: 0, width: 1, height: -4), title: "x")
        #expect(screen == before)
    }

    @Test("A terminal that says that it is enormous, or nothing at all, gets a screen all the same")
    func sizes() {
        #expect(Screen(columns: 0, rows: -1).cells.count == 1)
        #expect(Screen(columns: 1 << 40, rows: 2).columns == Screen.limit)
    }
}
