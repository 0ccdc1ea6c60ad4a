/// A line of text that someone edits, with the keys that shells have.
public struct LineEditor: Hashable, Sendable {
    private var characters: [Character]
    /// How many characters are before the cursor.
    public private(set) var cursor: Int

    /// Characters that it holds; more are not taken.
    public static let limit = 2_000

    /// A line with the cursor at its end.
    public init(_ text: String = "") {
        self.characters = Array(text.prefix(Self.limit))
        self.cursor = self.characters.count
    }

    /// What it holds.
    public var text: String { String(self.characters) }

    /// The text before the cursor.
    public var beforeCursor: String { String(self.characters[..<self.cursor]) }

    /// Puts text in at the cursor; ends of lines become spaces.
    public mutating func insert(_ text: String) {
        let clean = text.map { $0.isNewline || $0 == "\t" ? " " : $0 }.filter { character in
            character.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
        }
        // A mark joins the letter before it.
        let head = Array(self.beforeCursor + String(clean.prefix(Swift.max(0, Self.limit - self.characters.count))))
        self.characters = head + self.characters[self.cursor...]
        self.cursor = head.count
    }

    /// Does what a key does to a line.
    ///
    /// - Returns: Whether it does anything.
    public mutating func handle(_ key: Key) -> Bool {
        switch (key.code, key.hasControl, key.hasAlt) {
        case (.character(let character), false, false): self.insert(String(character))
        case (.left, false, _), (.character("b"), true, _): self.cursor = Swift.max(0, self.cursor - 1)
        case (.right, false, _), (.character("f"), true, _):
            self.cursor = Swift.min(self.characters.count, self.cursor + 1)
        case (.left, true, _), (.character("b"), false, true): self.cursor = self.wordStart
        case (.right, true, _), (.character("f"), false, true): self.cursor = self.wordEnd
        case (.home, _, _), (.character("a"), true, _): self.cursor = 0
        case (.end, _, _), (.character("e"), true, _): self.cursor = self.characters.count
        case (.backspace, false, false), (.character("h"), true, _):
            self.remove(Swift.max(0, self.cursor - 1)..<self.cursor)
        case (.delete, _, _), (.character("d"), true, _):
            self.remove(self.cursor..<Swift.min(self.characters.count, self.cursor + 1))
        case (.character("w"), true, _), (.backspace, _, true): self.remove(self.wordStart..<self.cursor)
        case (.character("u"), true, _): self.remove(0..<self.cursor)
        case (.character("k"), true, _): self.remove(self.cursor..<self.characters.count)
        default: return false
        }
        return true
    }

    private mutating func remove(_ range: Range<Int>) {
        self.characters.removeSubrange(range)
        self.cursor = range.lowerBound
    }

    private var wordStart: Int {
        var at = self.cursor
        while at > 0, self.characters[at - 1] == " " { at -= 1 }
        while at > 0, self.characters[at - 1] != " " { at -= 1 }
        return at
    }

    private var wordEnd: Int {
        var at = self.cursor
        while at < self.characters.count, self.characters[at] == " " { at += 1 }
        while at < self.characters.count, self.characters[at] != " " { at += 1 }
        return at
    }
}
