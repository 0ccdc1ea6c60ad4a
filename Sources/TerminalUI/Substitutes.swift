/// Signs of ASCII for those that a terminal without UTF-8 cannot show.
enum Substitutes {
    private static let table: [String: String] = [
        "─": "-", "│": "|", "┌": "+", "┐": "+", "└": "+", "┘": "+", "├": "+", "┤": "+", "┬": "+", "┴": "+", "┼": "+",
        "▶": ">", "◀": "<", "●": "*", "○": "o", "◌": ".", "✕": "x", "✓": "v", "…": "~", "·": ".", "↗": ">", "↘": "<",
        "█": "#", "▉": "#", "▊": "#", "▋": "=", "▌": "=", "▍": "=", "▎": "-", "▏": "-", "░": ".", "▁": "_", "▂": "_",
        "▃": "-", "▄": "-", "▅": "=", "▆": "=", "▇": "#", "↑": "^", "↓": "v", "→": ">", "←": "<", "–": "-", "—": "-",
        "‘": "'", "’": "'", "“": "\"", "”": "\"", "ä": "a", "ö": "o", "ü": "u", "é": "e", "è": "e", "à": "a", "ß": "s",
        "┃": "|", "━": "=",
    ]

    /// What stands for the text of a cell.
    static func text(for text: String, columns: Int) -> String {
        if text.utf8.count == 1 { return text }
        return (Self.table[text] ?? "?") + (columns == 2 ? " " : "")
    }

    /// Whether it is a line of a border: one column in every terminal.
    static func isLine(_ text: String) -> Bool {
        guard let scalar = text.unicodeScalars.first, text.unicodeScalars.count == 1 else { return false }
        return (0x2500...0x257F).contains(scalar.value)
    }
}
