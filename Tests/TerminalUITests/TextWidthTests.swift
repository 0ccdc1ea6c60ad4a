import TerminalUI
import Testing

@Suite("Columns of text (UAX #11), and what may be shown")
struct TextWidthTests {
    @Test(
        "A text takes the columns that terminals give it",
        arguments: [
            ("abc", 3), ("", 0), ("é", 1), ("e\u{301}", 1), ("日本", 4), ("한국", 4), ("ｱ", 1), ("Ａ", 2), ("😀", 2),
            ("🇩🇪", 2), ("👍🏽", 2), ("❤\u{FE0F}", 1), ("a\u{200B}b", 2), ("\u{1112}\u{1161}\u{11AB}", 2), ("—", 1),
        ])
    func columns(text: String, columns: Int) { #expect(TextWidth.columns(of: text) == columns) }

    @Test(
        "What would command a terminal, or turn text around, is not shown as it is",
        arguments: [
            ("\u{1B}", "\u{FFFD}"), ("\u{07}", "\u{FFFD}"), ("\u{9B}", "\u{FFFD}"), ("\u{7F}", "\u{FFFD}"),
            ("\u{202E}", ""), ("\u{2066}", ""), ("\u{200D}", ""), ("\n", "\u{FFFD}"), ("\u{E000}", "\u{FFFD}"),
            ("\u{2028}", "\u{FFFD}"), ("\t", " "), ("\u{A0}", " "),
        ])
    func shown(given: String, shown: String) {
        let text = given.unicodeScalars.compactMap { TextWidth.shown($0) }
        #expect(text == Array(shown.unicodeScalars))
    }

    @Test(
        "A text that is too long ends in a sign for that, and is never wider than asked",
        arguments: [
            ("hello", 5, "hello"), ("hello", 4, "hel…"), ("日本語", 4, "日…"), ("日本語", 5, "日本…"), ("ab", 0, ""),
            ("ab", 1, "…"),
        ])
    func clipped(text: String, columns: Int, expected: String) {
        #expect(TextWidth.clipped(text, to: columns) == expected)
    }

    @Test("A fitted text takes just its columns, with spaces at its end or before it")
    func fitted() {
        #expect(TextWidth.fitted("ab", to: 4) == "ab  ")
        #expect(TextWidth.fitted("ab", to: 4, atEnd: true) == "  ab")
        #expect(TextWidth.fitted("日本語", to: 4) == "日… ")
    }

    @Test("Lines break at spaces, and words that are too long anywhere")
    func wrapped() {
        #expect(TextWidth.wrapped("the quick brown fox", to: 10) == ["the quick", "brown fox"])
        #expect(TextWidth.wrapped("abcdefgh", to: 3) == ["abc", "def", "gh"])
        #expect(TextWidth.wrapped("one\r\ntwo\n", to: 10) == ["one", "two", ""])
        #expect(TextWidth.wrapped("  in the", to: 5) == ["  in", "the"])
        #expect(TextWidth.wrapped("日本語", to: 4) == ["日本", "語"])
        #expect(TextWidth.wrapped("text", to: 0) == [])
    }
}
