/// A colour, by its numbers in the palettes of terminals.
public struct Color: Hashable, Sendable {
    /// Its number among 256; `nil` for whatever the terminal has without colours.
    public let palette: UInt8?
    /// Its number among the first eight, where a terminal has no more.
    public let basic: UInt8

    /// A colour of the palette, and the one of the first eight that stands for it.
    public init(_ palette: UInt8, basic: UInt8) { (self.palette, self.basic) = (palette, basic & 7) }

    private init() { (self.palette, self.basic) = (nil, 0) }

    /// Whatever the terminal has without colours.
    public static let standard = Color()
}

/// How text looks.
public struct Style: Hashable, Sendable {
    /// The colour of the letters, and of what is behind them.
    public var foreground = Color.standard, background = Color.standard
    /// Heavier, fainter, underlined, or with both colours exchanged.
    public var isBold = false, isDim = false, isUnderlined = false, isReversed = false

    /// A style; without arguments that of plain text.
    public init(
        _ foreground: Color = .standard, on background: Color = .standard, bold: Bool = false, dim: Bool = false,
        underlined: Bool = false, reversed: Bool = false
    ) {
        (self.foreground, self.background) = (foreground, background)
        (self.isBold, self.isDim, self.isUnderlined, self.isReversed) = (bold, dim, underlined, reversed)
    }

    /// Plain text.
    public static let plain = Style()

    /// The same, with both colours exchanged.
    public var reversed: Style {
        var style = self
        style.isReversed = true
        return style
    }

    /// The same, heavier.
    public var bold: Style {
        var style = self
        style.isBold = true
        return style
    }
}
