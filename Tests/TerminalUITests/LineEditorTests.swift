import TerminalUI
import Testing

@Suite("A line that is edited")
struct LineEditorTests {
    private func edited(_ text: String, _ keys: [Key]) -> LineEditor {
        var line = LineEditor(text)
        for key in keys { _ = line.handle(key) }
        return line
    }

    @Test("Letters go in at the cursor, and keys move and remove as in a shell")
    func keys() {
        #expect(self.edited("bob", [.character("!")]).text == "bob!")
        #expect(self.edited("bob", [Key(.home), .character("x")]).text == "xbob")
        #expect(self.edited("bob", [Key(.left), Key(.backspace)]).text == "bb")
        #expect(self.edited("bob", [Key(.home), Key(.delete)]).text == "ob")
        #expect(self.edited("call bob now", [.control("w")]).text == "call bob ")
        #expect(self.edited("call bob", [Key(.left, control: true), .control("u")]).text == "bob")
        #expect(self.edited("call bob", [.control("a"), Key(.right, control: true), .control("k")]).text == "call")
        #expect(self.edited("", [Key(.backspace), Key(.left), Key(.delete)]).text == "")
    }

    @Test("A mark joins the letter before the cursor, and is removed with it")
    func marks() {
        let line = self.edited("e", [.character("\u{301}")])
        #expect(line.text == "e\u{301}")
        #expect(self.edited(line.text, [Key(.backspace)]).text == "")
    }

    @Test("What is pasted loses its control characters, and its lines become one")
    func pasted() {
        var line = LineEditor()
        line.insert("a\r\nb\u{1B}[31m\tc")
        #expect(line.text == "a b[31m c")
    }

    @Test("It holds no more than its bound")
    func bound() {
        var line = LineEditor()
        line.insert(String(repeating: "x", count: LineEditor.limit + 10))
        #expect(line.text.count == LineEditor.limit)
        let isTaken = line.handle(.character("y"))
        #expect(isTaken)
        #expect(line.text.count == LineEditor.limit)
    }
}
