/// What a value in the file may be. The tree of all shapes is the definition of the file: it checks values, and is
/// printed as documentation and as a JSON Schema.
indirect enum Shape: Sendable {
    /// `true` or `false`.
    case boolean
    /// A whole number in a range, in a unit; the unit may be empty.
    case number(ClosedRange<Int>, unit: String)
    /// A text of a form of its own.
    case text(TextForm)
    /// One of these words.
    case choice([String])
    /// Any number of values; one alone need not stand in brackets.
    case list(Shape, atLeast: Int)
    /// Known keys.
    case object([Key])
    /// Names that the user chooses; `name` says what they name.
    case named(name: String, Shape)
    /// A text, or an object with more to say, whose key `key` is that text.
    case shorthand(key: String, [Key])

    /// A key with its meaning.
    struct Key: Sendable {
        var name: String
        var shape: Shape
        /// What holds when the key is missing, as it would be written; `nil` when nothing then is.
        var fallback: String?
        var isRequired: Bool
        /// What it does, in one sentence.
        var summary: String

        init(_ name: String, _ shape: Shape, default fallback: String? = nil, required: Bool = false, _ summary: String)
        {
            self.name = name
            self.shape = shape
            self.fallback = fallback
            self.isRequired = required
            self.summary = summary
        }
    }

    /// The type in words, as it follows "must be".
    var description: String {
        switch self {
        case .boolean: "true or false"
        case .number(let range, let unit):
            "\(range.lowerBound) to \(range.upperBound)" + (unit.isEmpty ? "" : " \(unit)")
        case .text(let form): form.description
        case .choice(let words): Self.alternatives(words)
        case .list(let element, _): "a list of: \(element.description)"
        case .object(let keys): "an object with the keys \(Self.enumeration(keys.map(\.name)))"
        case .named(let name, _): "an object whose keys are \(name) names"
        case .shorthand(let key, let keys):
            (keys.first { $0.name == key }?.shape.description ?? "a text")
                + ", or an object with the keys \(Self.enumeration(keys.map(\.name)))"
        }
    }

    /// `a, b or c`
    static func alternatives(_ words: [String]) -> String { Self.join(words, last: " or ") }
    /// `a, b and c`
    static func enumeration(_ words: [String]) -> String { Self.join(words, last: " and ") }

    private static func join(_ words: [String], last: String) -> String {
        words.count < 2
            ? words.joined() : words.dropLast().joined(separator: ", ") + last + (words.last ?? "")
    }
}
