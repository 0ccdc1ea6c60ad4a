import TerminalUI
import Testing

@Suite("Keys, mouse and pasted text (ECMA-48, xterm)")
struct KeyParserTests {
    private func inputs(_ text: String) -> [TerminalInput] {
        var parser = KeyParser()
        let inputs = parser.feed(Array(text.utf8))
        return inputs + parser.flush()
    }

    @Test(
        "A key is known by its octets",
        arguments: [
            ("a", Key.character("a")), ("é", .character("é")), ("日", .character("日")), ("😀", .character("😀")),
            ("\r", Key(.enter)), ("\n", Key(.enter)), ("\t", Key(.tab)), ("\u{7F}", Key(.backspace)),
            ("\u{01}", .control("a")),
            ("\u{1A}", .control("z")), ("\u{1C}", .control("\\")), ("\u{0}", .control(" ")), ("\u{1B}", Key(.escape)),
            ("\u{1B}[A", Key(.up)), ("\u{1B}OB", Key(.down)), ("\u{1B}[1;5C", Key(.right, control: true)),
            ("\u{1B}[1;3D", Key(.left, alt: true)), ("\u{1B}[H", Key(.home)), ("\u{1B}[4~", Key(.end)),
            ("\u{1B}[5~", Key(.pageUp)), ("\u{1B}[6~", Key(.pageDown)), ("\u{1B}[3~", Key(.delete)),
            ("\u{1B}[Z", Key(.backTab)),
            ("\u{1B}OP", Key(.function(1))), ("\u{1B}[15~", Key(.function(5))), ("\u{1B}[24~", Key(.function(12))),
            ("\u{1B}x", Key(.character("x"), alt: true)), ("\u{1B}é", Key(.character("é"), alt: true)),
            ("\u{1B}[97;5u", .control("a")), ("\u{1B}[13u", Key(.enter)), ("\u{1B}[", Key(.character("["), alt: true)),
        ])
    func key(text: String, key: Key) { #expect(self.inputs(text) == [.key(key)]) }

    @Test(
        "The same comes out however the octets are cut",
        arguments: ["a日b", "\u{1B}[1;5Cx", "\u{1B}[<0;10;5Mz", "\u{1B}[200~paste\u{1B}[201~q", "\u{1B}OPé"])
    func pieces(text: String) {
        let octets = Array(text.utf8)
        var whole = KeyParser()
        let expected = whole.feed(octets)
        var parser = KeyParser()
        #expect(octets.flatMap { parser.feed([$0]) } == expected)
        #expect(!expected.isEmpty)
    }

    @Test("Escape alone waits for the rest of a sequence until someone says that there is none")
    func escape() {
        var parser = KeyParser()
        #expect(parser.feed([0x1B]) == [])
        #expect(parser.isWaiting)
        #expect(parser.flush() == [.key(Key(.escape))])
        #expect(!parser.isWaiting)
        #expect(parser.feed([0x1B, 0x1B]) == [.key(Key(.escape))])
        #expect(parser.feed(Array("[A".utf8)) == [.key(Key(.up))])
    }

    @Test("Clicks and the wheel come with their cell, counted from 0")
    func mouse() {
        #expect(self.inputs("\u{1B}[<0;10;5M") == [.mouse(Mouse(.pressed, x: 9, y: 4))])
        #expect(self.inputs("\u{1B}[<0;10;5m") == [.mouse(Mouse(.released, x: 9, y: 4))])
        #expect(self.inputs("\u{1B}[<2;1;1M") == [.mouse(Mouse(.pressed, button: 2, x: 0, y: 0))])
        #expect(
            self.inputs("\u{1B}[<64;3;4M\u{1B}[<65;3;4M") == [
                .mouse(Mouse(.wheelUp, x: 2, y: 3)), .mouse(Mouse(.wheelDown, x: 2, y: 3)),
            ])
        #expect(self.inputs("\u{1B}[<0;0;5M\u{1B}[<0;5M") == [])
    }

    @Test("Pasted text is one text, with escapes in it that are no keys")
    func paste() {
        #expect(self.inputs("\u{1B}[200~q\r\u{1B}[A\u{1B}[201~x") == [.pasted("q\r\u{1B}[A"), .key(.character("x"))])
    }

    @Test("Of pasted text without end no more is kept than the bound")
    func longPaste() {
        var parser = KeyParser()
        _ = parser.feed(Array("\u{1B}[200~".utf8))
        for _ in 0..<20 { _ = parser.feed(Array(repeating: 0x61, count: 10_000)) }
        let inputs = parser.feed(Array("\u{1B}[201~".utf8))
        #expect(inputs == [.pasted(String(repeating: "a", count: KeyParser.longestPaste))])
    }

    @Test(
        "What is no key is passed over, and what follows is heard",
        arguments: ["\u{1B}[?1;2cx", "\u{1B}[999~x", "\u{1B}[I" + "x", "\u{1B}[12;34Rx", "\u{1B}[1\rx"])
    func unknown(text: String) { #expect(self.inputs(text).last == .key(.character("x"))) }

    @Test(
        "Octets that are no UTF-8 are passed over",
        arguments: [[0xFF], [0xC0, 0x80], [0xE2, 0x28], [0xED, 0xA0, 0x80], [0x80]] as [[UInt8]])
    func broken(octets: [UInt8]) {
        var parser = KeyParser()
        #expect(parser.feed(octets + [0x78]).last == .key(.character("x")))
    }

    @Test("A sequence without end is given up")
    func endless() {
        var parser = KeyParser()
        #expect(parser.feed(Array("\u{1B}[".utf8) + Array(repeating: 0x31, count: 100)) == [])
        #expect(parser.feed([0x78]) == [.key(.character("x"))])
    }
}
