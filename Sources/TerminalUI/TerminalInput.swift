/// What someone did at a terminal.
public enum TerminalInput: Hashable, Sendable {
    /// A key was pressed.
    case key(Key)
    /// The mouse was used.
    case mouse(Mouse)
    /// Text was pasted.
    case pasted(String)
}

/// A key, with what was held down beside it.
public struct Key: Hashable, Sendable {
    /// Which key.
    public enum Code: Hashable, Sendable {
        /// What writes something.
        case character(Character)
        case enter, tab, backTab, backspace, delete, escape, insert
        case up, down, left, right, home, end, pageUp, pageDown
        /// F1 and so on.
        case function(Int)
    }

    /// Which key.
    public var code: Code
    /// Whether Control, or Alt, was held down.
    public var hasControl: Bool, hasAlt: Bool

    /// A key.
    public init(_ code: Code, control: Bool = false, alt: Bool = false) {
        (self.code, self.hasControl, self.hasAlt) = (code, control, alt)
    }

    /// A key that writes something.
    public static func character(_ character: Character) -> Key { Key(.character(character)) }

    /// Control with a letter.
    public static func control(_ letter: Character) -> Key { Key(.character(letter), control: true) }
}

/// Something done with the mouse.
public struct Mouse: Hashable, Sendable {
    /// What.
    public enum Action: Hashable, Sendable { case pressed, released, wheelUp, wheelDown }

    /// What was done.
    public var action: Action
    /// The button: 0 is the left one.
    public var button: Int
    /// The cell; 0, 0 is the upper left one.
    public var x: Int, y: Int

    /// Something done with the mouse.
    public init(_ action: Action, button: Int = 0, x: Int, y: Int) {
        (self.action, self.button, self.x, self.y) = (action, button, x, y)
    }
}
