/// A part of the screen, in columns and rows from its upper left corner.
public struct Rectangle: Hashable, Sendable {
    /// The upper left corner.
    public var x: Int, y: Int
    /// Columns and rows; never negative.
    public var width: Int, height: Int

    /// A rectangle.
    public init(x: Int, y: Int, width: Int, height: Int) {
        (self.x, self.y, self.width, self.height) = (x, y, Swift.max(0, width), Swift.max(0, height))
    }

    /// What is within its border.
    public var inner: Rectangle {
        Rectangle(x: self.x + 1, y: self.y + 1, width: self.width - 2, height: self.height - 2)
    }

    /// One of its rows, counted from its upper edge.
    public func row(_ number: Int) -> Rectangle {
        Rectangle(x: self.x, y: self.y + number, width: self.width, height: 1)
    }

    /// Whether a cell lies in it.
    public func contains(x: Int, y: Int) -> Bool {
        x >= self.x && y >= self.y && x < self.x + self.width && y < self.y + self.height
    }
}

/// One cell of the screen.
public struct Cell: Hashable, Sendable {
    /// What it shows: a scalar with the marks that belong to it; empty in the second column of one that takes two.
    public internal(set) var text: String
    /// How it looks.
    public internal(set) var style: Style

    /// An empty cell.
    public static let blank = Cell(text: " ", style: .plain)
}

/// A picture of cells. Whatever text is put on it, no control character gets there.
public struct Screen: Hashable, Sendable {
    /// Its size.
    public let columns: Int, rows: Int
    /// Its cells, row by row.
    public private(set) var cells: [Cell]
    /// Where the cursor stands; `nil` while it is hidden.
    public var cursor: Position?

    /// A cell by its column and row.
    public struct Position: Hashable, Sendable {
        /// From the left and from above; 0 is the first.
        public var x: Int, y: Int

        /// A position.
        public init(x: Int, y: Int) { (self.x, self.y) = (x, y) }
    }

    /// Marks that a letter may have; further ones are left out.
    static let marksPerCell = 4
    /// The most columns and rows that a screen has: what a terminal says of itself may be nonsense.
    public static let limit = 1_000

    /// An empty screen.
    public init(columns: Int, rows: Int) {
        self.columns = Swift.min(Swift.max(1, columns), Self.limit)
        self.rows = Swift.min(Swift.max(1, rows), Self.limit)
        self.cells = Array(repeating: .blank, count: self.columns * self.rows)
    }

    /// All of it.
    public var bounds: Rectangle { Rectangle(x: 0, y: 0, width: self.columns, height: self.rows) }

    /// The cell at a place; `nil` outside.
    public subscript(x: Int, y: Int) -> Cell? {
        self.bounds.contains(x: x, y: y) ? self.cells[y * self.columns + x] : nil
    }

    /// The text of a row without the spaces at its end.
    public func text(row: Int) -> String {
        guard row >= 0, row < self.rows else { return "" }
        var text = ""
        for cell in self.cells[row * self.columns..<(row + 1) * self.columns] { text += cell.text }
        while text.last == " " { text.removeLast() }
        return text
    }

    /// The text of all rows.
    public var text: String { (0..<self.rows).map { self.text(row: $0) }.joined(separator: "\n") }

    // MARK: Drawing

    /// Writes a text in one row, no further than a number of columns and the edge of the screen.
    ///
    /// - Returns: The columns that it took.
    @discardableResult
    public mutating func put(_ text: String, x: Int, y: Int, width: Int = Screen.limit, _ style: Style = .plain) -> Int
    {
        guard y >= 0, y < self.rows, x >= 0 else { return 0 }
        let end = Swift.min(x + Swift.max(0, width), self.columns)
        var column = x
        var marks = 0
        for scalar in text.unicodeScalars {
            guard let shown = TextWidth.shown(scalar) else { continue }
            let size = TextWidth.columns(of: shown)
            guard size > 0 else {
                // A mark belongs to the letter before it.
                guard column > x, marks < Self.marksPerCell else { continue }
                var letter = y * self.columns + column - 1
                if self.cells[letter].text.isEmpty, letter > 0 { letter -= 1 }
                self.cells[letter].text.unicodeScalars.append(shown)
                marks += 1
                continue
            }
            guard column + size <= end else { break }
            self.set(String(Character(shown)), size, x: column, y: y, style)
            (column, marks) = (column + size, 0)
        }
        return column - x
    }

    /// Writes a text into a rectangle's row, fitted to its width.
    public mutating func put(_ text: String, in row: Rectangle, _ style: Style = .plain, atEnd: Bool = false) {
        self.put(TextWidth.fitted(text, to: row.width, atEnd: atEnd), x: row.x, y: row.y, width: row.width, style)
    }

    private mutating func set(_ text: String, _ size: Int, x: Int, y: Int, _ style: Style) {
        let at = y * self.columns + x
        // Whoever loses one of two columns loses the other too.
        if self.cells[at].text.isEmpty, x > 0 { self.cells[at - 1].text = " " }
        let last = at + size - 1
        if x + size < self.columns, self.cells[last + 1].text.isEmpty { self.cells[last + 1].text = " " }
        self.cells[at] = Cell(text: text, style: style)
        if size == 2 { self.cells[at + 1] = Cell(text: "", style: style) }
    }

    /// Fills a rectangle with spaces.
    public mutating func clear(_ rectangle: Rectangle, _ style: Style = .plain) {
        let spaces = String(repeating: " ", count: rectangle.width)
        for row in 0..<rectangle.height {
            self.put(spaces, x: rectangle.x, y: rectangle.y + row, width: rectangle.width, style)
        }
    }

    /// Gives all cells of a rectangle another style.
    public mutating func restyle(_ rectangle: Rectangle, _ change: (Style) -> Style) {
        for y in Swift.max(0, rectangle.y)..<Swift.max(0, Swift.min(self.rows, rectangle.y + rectangle.height)) {
            for x in Swift.max(0, rectangle.x)..<Swift.max(0, Swift.min(self.columns, rectangle.x + rectangle.width)) {
                let at = y * self.columns + x
                self.cells[at].style = change(self.cells[at].style)
            }
        }
    }

    /// Draws a border with a title in its upper edge.
    public mutating func box(
        _ rectangle: Rectangle, title: String = "", _ style: Style = .plain, titled: Style = .plain
    ) {
        guard rectangle.width >= 2, rectangle.height >= 2 else { return }
        let line = String(repeating: "─", count: rectangle.width - 2)
        let right = rectangle.x + rectangle.width - 1
        self.put("┌" + line + "┐", x: rectangle.x, y: rectangle.y, style)
        for y in rectangle.y + 1..<rectangle.y + rectangle.height - 1 {
            self.put("│", x: rectangle.x, y: y, style)
            self.put("│", x: right, y: y, style)
        }
        self.put("└" + line + "┘", x: rectangle.x, y: rectangle.y + rectangle.height - 1, style)
        guard !title.isEmpty, rectangle.width > 4 else { return }
        self.put(
            TextWidth.clipped(" " + title + " ", to: rectangle.width - 3), x: rectangle.x + 1, y: rectangle.y, titled)
    }
}
