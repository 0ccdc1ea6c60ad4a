/// How many columns text takes in a terminal, and which text may be shown at all.
///
/// Terminals count by scalars, each of 0, 1 or 2 columns, and disagree about what scalars become together: families of emoji,
/// flags, keys in boxes. Such are taken apart here into what all agree on.
public enum TextWidth {
    /// What stands in the place of a scalar that must not reach a terminal.
    public static let replacement: Unicode.Scalar = "\u{FFFD}"

    /// The scalar that is shown for one: itself; a replacement for control characters, unassigned and private ones; `nil`
    /// where nothing is, as for marks that turn the direction of text or join emoji.
    public static func shown(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
        switch scalar.value {
        case 0x20..<0x7F: return scalar
        case 0x09: return " "
        // The letters of a flag.
        case 0x1F1E6...0x1F1FF: return Unicode.Scalar(scalar.value - 0x1F1E6 + 0x41) ?? Self.replacement
        case 0x1F3FB...0x1F3FF, 0xFE00...0xFE0F, 0xE0100...0xE01EF, 0x115F, 0x1160, 0x3164, 0xFFA0: return nil
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .unassigned, .privateUse, .surrogate, .lineSeparator, .paragraphSeparator:
            return Self.replacement
        case .format: return nil
        case .spaceSeparator: return scalar.value == 0x3000 ? scalar : " "
        default: return scalar
        }
    }

    /// The columns of a scalar that is shown: 0, 1 or 2.
    public static func columns(of scalar: Unicode.Scalar) -> Int {
        let value = scalar.value
        if value < 0x300 { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        // The vowels and ends of Hangul syllables that are written in parts.
        if (0x1161...0x11FF).contains(value) || (0xD7B0...0xD7FF).contains(value) { return 0 }
        if value < 0x1100 { return 1 }
        if scalar.properties.isEmojiPresentation { return 2 }
        return Self.wide.contains { $0.contains(value) } ? 2 : 1
    }

    /// Blocks of scalars that take two columns (UAX #11, W and F).
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0xA4CF,
        0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF01...0xFF60,
        0xFFE0...0xFFE6, 0x16FE0...0x18CFF, 0x1AFF0...0x1B2FF, 0x1F200...0x1F265, 0x20000...0x3FFFD,
    ]

    /// The columns of a text as it is shown.
    public static func columns(of text: String) -> Int {
        var count = 0
        for scalar in text.unicodeScalars { if let shown = Self.shown(scalar) { count += Self.columns(of: shown) } }
        return count
    }

    /// A text that takes no more than some columns: its end becomes `…` where it is longer.
    public static func clipped(_ text: String, to columns: Int) -> String {
        guard Self.columns(of: text) > columns else { return text }
        guard columns > 0 else { return "" }
        var (count, clipped) = (0, String.UnicodeScalarView())
        for scalar in text.unicodeScalars {
            guard let shown = Self.shown(scalar) else { continue }
            let width = Self.columns(of: shown)
            guard count + width < columns else { break }
            count += width
            clipped.append(shown)
        }
        return String(clipped) + "…"
    }

    /// A text that takes just some columns: clipped, or with spaces after it, or before it.
    public static func fitted(_ text: String, to columns: Int, atEnd: Bool = false) -> String {
        let clipped = Self.clipped(text, to: columns)
        let spaces = String(repeating: " ", count: Swift.max(0, columns - Self.columns(of: clipped)))
        return atEnd ? spaces + clipped : clipped + spaces
    }

    /// The lines of a text, none wider than some columns, broken at spaces where there are some.
    public static func wrapped(_ text: String, to columns: Int) -> [String] {
        guard columns > 0 else { return [] }
        var lines: [String] = []
        for paragraph in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            var (line, width, hasWord) = ("", 0, false)
            for word in paragraph.split(separator: " ", omittingEmptySubsequences: false) {
                let size = Self.columns(of: String(word))
                if hasWord, width + 1 + size <= columns {
                    line += " " + word
                    width += 1 + size
                    continue
                }
                if hasWord {
                    lines.append(line)
                    (line, width) = ("", 0)
                }
                hasWord = true
                for scalar in word.unicodeScalars {
                    guard let shown = Self.shown(scalar) else { continue }
                    let one = Self.columns(of: shown)
                    if width + one > columns, !line.isEmpty {
                        lines.append(line)
                        (line, width) = ("", 0)
                    }
                    line.unicodeScalars.append(shown)
                    width += one
                }
            }
            lines.append(line)
        }
        return lines
    }
}
