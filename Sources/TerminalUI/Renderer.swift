/// What a terminal can.
public struct TerminalAbilities: Hashable, Sendable {
    /// How many colours it has.
    public enum Colors: Hashable, Sendable { case none, basic, palette }

    /// Its colours.
    public var colors: Colors
    /// Whether it shows UTF-8; where not, signs of ASCII stand for others.
    public var hasUnicode: Bool

    /// What a terminal can.
    public init(colors: Colors, hasUnicode: Bool) { (self.colors, self.hasUnicode) = (colors, hasUnicode) }

    /// What the environment says of the terminal: `TERM`, `COLORTERM`, `NO_COLOR` (where it is not empty there are no
    /// colours: no-color.org), and the character set of `LC_ALL`, `LC_CTYPE` or `LANG`.
    ///
    /// - Returns: `nil` for one that cannot place its cursor: `TERM` is missing or `dumb`.
    public init?(environment: [String: String]) {
        guard let term = environment["TERM"], !term.isEmpty, term != "dumb", term != "unknown" else { return nil }
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        let set = locale.uppercased()
        self.hasUnicode =
            set.hasSuffix("UTF-8") || set.hasSuffix("UTF8") || set.contains("UTF-8@") || set.contains("UTF8@")
        if environment["NO_COLOR"].map({ !$0.isEmpty }) == true || term.hasPrefix("vt1") || term.hasSuffix("-m") {
            self.colors = .none
        } else if term.contains("256") || term.contains("direct")
            || environment["COLORTERM"].map({ !$0.isEmpty }) == true
        {
            self.colors = .palette
        } else {
            self.colors = .basic
        }
    }
}

/// Makes the octets that turn what a terminal shows into another screen: only what differs is written.
public struct Renderer: Sendable {
    private let abilities: TerminalAbilities
    private var shown: Screen?

    /// A renderer that knows nothing of what the terminal shows.
    public init(_ abilities: TerminalAbilities) { self.abilities = abilities }

    /// Forgets what the terminal shows: the next screen is written as a whole.
    public mutating func forget() { self.shown = nil }

    /// The octets for a screen.
    public mutating func octets(for screen: Screen) -> [UInt8] {
        var output = Output(abilities: self.abilities)
        let before = self.shown.flatMap { $0.columns == screen.columns && $0.rows == screen.rows ? $0 : nil }
        if before == nil { output.write("\u{1B}[0m\u{1B}[2J") }
        var isHidden = before != nil && before?.cursor == nil
        for y in 0..<screen.rows {
            for x in 0..<screen.columns {
                let at = y * screen.columns + x
                let cell = screen.cells[at]
                // The second column comes with the first.
                guard !cell.text.isEmpty, before?.cells[at] != cell || Self.isTorn(before, screen, at, x) else {
                    continue
                }
                if !isHidden {
                    output.write("\u{1B}[?25l")
                    isHidden = true
                }
                let isWide = x + 1 < screen.columns && screen.cells[at + 1].text.isEmpty
                output.put(cell, x: x, y: y, columns: isWide ? 2 : 1)
            }
        }
        output.endStyle()
        if let cursor = screen.cursor {
            output.move(x: cursor.x, y: cursor.y)
            output.write("\u{1B}[?25h")
        } else if !isHidden {
            output.write("\u{1B}[?25l")
        }
        self.shown = screen
        return output.octets
    }

    /// Whether a cell of two columns has lost its second one.
    private static func isTorn(_ before: Screen?, _ screen: Screen, _ at: Int, _ x: Int) -> Bool {
        guard let before, x + 1 < screen.columns else { return false }
        return screen.cells[at + 1].text.isEmpty && before.cells[at + 1] != screen.cells[at + 1]
    }

    /// What is written, and where the cursor is by then.
    private struct Output {
        let abilities: TerminalAbilities
        var octets: [UInt8] = []
        private var style: Style?
        private var position: Screen.Position?

        init(abilities: TerminalAbilities) { self.abilities = abilities }

        mutating func write(_ text: String) { self.octets += Array(text.utf8) }

        mutating func move(x: Int, y: Int) {
            if self.position == Screen.Position(x: x, y: y) { return }
            self.write("\u{1B}[\(y + 1);\(x + 1)H")
            self.position = Screen.Position(x: x, y: y)
        }

        mutating func put(_ cell: Cell, x: Int, y: Int, columns: Int) {
            self.move(x: x, y: y)
            self.change(to: cell.style)
            let isPlain = cell.text.utf8.count == 1
            if !isPlain, columns == 2 {
                // A terminal that thinks it narrower leaves nothing old behind it.
                self.write("  ")
                self.write("\u{1B}[\(y + 1);\(x + 1)H")
            }
            self.write(self.abilities.hasUnicode ? cell.text : Substitutes.text(for: cell.text, columns: columns))
            // How far others move the cursor for signs beyond ASCII is theirs to say, but for the lines of borders.
            let isSure = isPlain || Substitutes.isLine(cell.text)
            self.position = isSure ? Screen.Position(x: x + columns, y: y) : nil
        }

        mutating func change(to style: Style) {
            guard style != self.style else { return }
            self.style = style
            var codes = ["0"]
            if style.isBold { codes.append("1") }
            if style.isDim { codes.append("2") }
            if style.isUnderlined { codes.append("4") }
            if style.isReversed { codes.append("7") }
            for (color, first) in [(style.foreground, 30), (style.background, 40)] {
                guard let palette = color.palette else { continue }
                switch self.abilities.colors {
                case .none: break
                case .basic: codes.append("\(first + Int(color.basic))")
                case .palette: codes.append("\(first + 8);5;\(palette)")
                }
            }
            self.write("\u{1B}[" + codes.joined(separator: ";") + "m")
        }

        mutating func endStyle() { if self.style != nil { self.write("\u{1B}[0m") } }
    }
}
