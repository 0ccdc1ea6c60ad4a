import Yams

/// Turns YAML nodes into values, checking each against its shape and noting all that is wrong.
struct ConfigurationReader {
    private let place: (Mark?) -> ConfigurationSource
    private(set) var problems: [ConfigurationProblem] = []
    private var nodesLeft = Self.maximumNodes

    /// How many nodes a file may have once its aliases are followed: ten aliases of ten aliases … must not fill memory.
    static let maximumNodes = 100_000

    /// - Parameter place: Says where a mark is.
    init(place: @escaping (Mark?) -> ConfigurationSource) { self.place = place }

    /// Parses a text; `nil` when it is empty, or no YAML, which is then noted.
    mutating func parse(_ yaml: String) -> Node? {
        do {
            return try Yams.compose(yaml: yaml).flatMap { Self.isNothing($0) ? nil : $0 }
        } catch let error as YamlError {
            switch error {
            case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
                .composer(_, let problem, let mark, _):
                self.note(mark, "this is not YAML: \(problem)")
            case .duplicatedKeysInMapping(let names, let context):
                for repeated in RepeatedKeys.find(in: yaml, first: (names, context.mark)) {
                    self.note(
                        repeated.mark,
                        "the key \"\(repeated.name)\" stands more than once in this object, first in line"
                            + " \(repeated.firstLine)")
                }
            case .reader(let problem, _, _, _):
                self.note(nil, "this is no text in UTF-8: \(problem)")
            default:
                self.note(nil, "this is not YAML: \(error)")
            }
        } catch {
            self.note(nil, "this is not YAML: \(error)")
        }
        return nil
    }

    /// The value of a node, which stands at `path`; `nil` when it is wrong, or says nothing.
    mutating func read(_ node: Node, as shape: Shape, at path: String) -> ConfigurationValue? {
        guard self.nodesLeft > 0 else { return nil }
        self.nodesLeft -= 1
        if self.nodesLeft == 0 {
            self.note(node.mark, "the file has more than \(Self.maximumNodes) values")
            return nil
        }
        switch shape {
        case .boolean, .number, .text, .choice:
            guard let scalar = node.scalar else {
                self.note(node.mark, "\(path) must be \(shape.description), not \(Self.kind(of: node))")
                return nil
            }
            return self.read(scalar.string, as: shape, at: path, from: self.place(node.mark))
        case .list(let element, let minimum):
            return self.readList(node, of: element, atLeast: minimum, at: path)
        case .object(let keys):
            return self.readObject(node, keys, shape, at: path)
        case .shorthand(let key, let keys):
            guard let scalar = node.scalar else { return self.readObject(node, keys, shape, at: path) }
            return self.read(scalar.string, as: .shorthand(key: key, keys), at: path, from: self.place(node.mark))
        case .named(_, let element):
            return self.readNamed(node, of: element, shape, at: path)
        }
    }

    /// The value of a text, as it stands in a file, a variable or an option.
    mutating func read(
        _ text: String, as shape: Shape, at path: String, from source: ConfigurationSource
    ) -> ConfigurationValue? {
        var hint = ""
        switch shape {
        case .boolean:
            if text == "true" || text == "false" {
                return ConfigurationValue(content: .boolean(text == "true"), source: source)
            }
        case .number(let range, _):
            if let number = Int(text), range.contains(number) {
                return ConfigurationValue(content: .number(number), source: source)
            }
            if path == "proxy.timerC", let number = Int(text), number <= 180 {
                hint = ": timer C must be larger than 3 minutes (RFC 3261 §16.6)"
            }
        case .text(let form):
            if form.accepts(text) { return ConfigurationValue(content: .text(text), source: source) }
        case .choice(let words):
            if words.contains(text) { return ConfigurationValue(content: .text(text), source: source) }
            hint = Suggestion.nearest(to: text, among: words).map { ": did you mean \"\($0)\"?" } ?? ""
        case .shorthand(let key, let keys):
            guard let inner = keys.first(where: { $0.name == key })?.shape else { return nil }
            return self.read(text, as: inner, at: path, from: source).map { value in
                ConfigurationValue(
                    content: .object([.init(name: key, nameSource: source, value: value)]), source: source)
            }
        case .list, .object, .named:
            break
        }
        let isNumber = if case .number = shape { Int(text) != nil } else { false }
        let shown = text.count > 100 ? text.prefix(100) + "…" : text[...]
        self.problems.append(
            ConfigurationProblem(
                source: source,
                message: "\(path) must be \(shape.description), not \(isNumber ? "\(shown)" : "\"\(shown)\"")\(hint)"))
        return nil
    }

    private mutating func readList(
        _ node: Node, of element: Shape, atLeast minimum: Int, at path: String
    ) -> ConfigurationValue? {
        let nodes = node.sequence.map(Array.init) ?? [node]
        var values: [ConfigurationValue] = []
        for node in nodes {
            if let value = self.read(node, as: element, at: path) { values.append(value) }
        }
        if nodes.count < minimum {
            self.note(node.mark, "\(path) must have at least \(minimum) \(minimum == 1 ? "entry" : "entries")")
            return nil
        }
        return ConfigurationValue(content: .list(values), source: self.place(node.mark))
    }

    private mutating func readObject(
        _ node: Node, _ keys: [Shape.Key], _ shape: Shape, at path: String
    ) -> ConfigurationValue? {
        guard let mapping = node.mapping else {
            let subject = path.isEmpty ? "the file" : path
            self.note(node.mark, "\(subject) must be \(shape.description), not \(Self.kind(of: node))")
            return nil
        }
        var fields: [ConfigurationValue.Field] = []
        for (nameNode, valueNode) in mapping {
            let name = nameNode.scalar?.string ?? ""
            guard let key = keys.first(where: { $0.name == name }) else {
                let place = path.isEmpty ? "" : " in \(path)"
                self.note(
                    nameNode.mark,
                    "unknown key \"\(name)\"\(place)" + Suggestion.text(for: name, among: keys.map(\.name)))
                continue
            }
            if Self.isNothing(valueNode) { continue }
            if let value = self.read(valueNode, as: key.shape, at: Self.join(path, name)) {
                fields.append(.init(name: name, nameSource: self.place(nameNode.mark), value: value))
            }
        }
        for key in keys where key.isRequired && !mapping.contains(where: { $0.key.scalar?.string == key.name }) {
            self.note(node.mark, "\(path) has no \(key.name): it must be \(key.shape.description)")
        }
        return ConfigurationValue(content: .object(fields), source: self.place(node.mark))
    }

    private mutating func readNamed(
        _ node: Node, of element: Shape, _ shape: Shape, at path: String
    ) -> ConfigurationValue? {
        guard let mapping = node.mapping else {
            self.note(node.mark, "\(path) must be \(shape.description), not \(Self.kind(of: node))")
            return nil
        }
        var fields: [ConfigurationValue.Field] = []
        for (nameNode, valueNode) in mapping {
            guard let name = nameNode.scalar?.string, !name.isEmpty else {
                self.note(nameNode.mark, "a name in \(path) must be a text that is not empty")
                continue
            }
            let valuePath = Self.join(path, name)
            let value =
                Self.isNothing(valueNode)
                ? self.read(Node([(Node, Node)]()), as: element, at: valuePath)
                : self.read(valueNode, as: element, at: valuePath)
            if let value { fields.append(.init(name: name, nameSource: self.place(nameNode.mark), value: value)) }
        }
        return ConfigurationValue(content: .object(fields), source: self.place(node.mark))
    }

    private mutating func note(_ mark: Mark?, _ message: String) {
        self.problems.append(ConfigurationProblem(source: self.place(mark), message: message))
    }

    /// Whether nothing follows the key, which is as if it were missing.
    private static func isNothing(_ node: Node) -> Bool {
        guard let scalar = node.scalar else { return false }
        return scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
    }

    private static func kind(of node: Node) -> String {
        if let scalar = node.scalar { return "\"\(scalar.string)\"" }
        return node.sequence == nil ? "an object" : "a list"
    }

    static func join(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
}
