/// Puts the values of environment variables and options over those of the file.
struct ConfigurationOverlay {
    private(set) var root: ConfigurationValue
    private(set) var problems: [ConfigurationProblem] = []
    private(set) var warnings: [ConfigurationProblem] = []

    /// What all variables begin with.
    static let prefix = "BILOXI_"
    /// Variables with this beginning that are no keys.
    private static let otherVariables: Set<String> = ["BILOXI_PASSWORD", "BILOXI_CONFIG", "BILOXI_CORE"]

    init(root: ConfigurationValue) { self.root = root }

    /// Applies every variable that stands for a key. One that nearly does earns a warning: a typing error would else be
    /// found when it is too late.
    mutating func apply(environment: [String: String]) {
        let variables = Self.variables(of: ConfigurationKeys.root, value: self.root, path: [])
        for (name, text) in environment.sorted(by: { $0.key < $1.key })
        where name.hasPrefix(Self.prefix) && !Self.otherVariables.contains(name) {
            guard let variable = variables.first(where: { $0.name == name }) else {
                if let near = Suggestion.nearest(to: name, among: variables.map(\.name)) {
                    self.warnings.append(
                        ConfigurationProblem(
                            source: .environment(name), message: "stands for no key: did you mean \(near)?"))
                }
                continue
            }
            self.apply(text, as: variable.shape, at: variable.path, from: .environment(name))
        }
    }

    /// Applies an option of the command.
    mutating func apply(_ override: Configuration.Override) {
        let path = override.key.split(separator: ".").map(String.init)
        guard let shape = Self.shape(at: path[...], in: .object(ConfigurationKeys.root)) else {
            assertionFailure("no key \(override.key)")
            return
        }
        let source = ConfigurationSource.option(override.option)
        guard case .list(let element, _) = shape else {
            for text in override.values { self.apply(text, as: shape, at: path, from: source) }
            return
        }
        self.set(override.values, of: element, at: path, from: source)
    }

    private mutating func apply(_ text: String, as shape: Shape, at path: [String], from source: ConfigurationSource) {
        if let first = text.first, first == "[" || first == "{" {
            var reader = ConfigurationReader { _ in source }
            if let node = reader.parse(text), let value = reader.read(node, as: shape, at: path.joined(separator: "."))
            {
                self.root.set(value, at: path[...])
            }
            self.problems += reader.problems
        } else if case .list(let element, _) = shape {
            let texts = text.split(separator: ",").map { part in
                String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            }
            self.set(texts, of: element, at: path, from: source)
        } else {
            var shape = shape
            var path = path
            if case .shorthand(let key, let keys) = shape, let inner = keys.first(where: { $0.name == key })?.shape {
                path.append(key)
                shape = inner
            }
            var reader = ConfigurationReader { _ in source }
            if let value = reader.read(text, as: shape, at: path.joined(separator: "."), from: source) {
                self.root.set(value, at: path[...])
            }
            self.problems += reader.problems
        }
    }

    private mutating func set(_ texts: [String], of element: Shape, at path: [String], from source: ConfigurationSource)
    {
        var reader = ConfigurationReader { _ in source }
        let values = texts.compactMap { reader.read($0, as: element, at: path.joined(separator: "."), from: source) }
        self.problems += reader.problems
        self.root.set(ConfigurationValue(content: .list(values), source: source), at: path[...])
    }

    /// The variables of all keys, and of the named ones that `value` has.
    static func variables(
        of keys: [Shape.Key], value: ConfigurationValue?, path: [String]
    ) -> [(name: String, path: [String], shape: Shape)] {
        keys.flatMap { key in
            let path = path + [key.name]
            let value = value?[key.name]
            let own = (name: Self.name(of: path), path: path, shape: key.shape)
            return switch key.shape {
            case .object(let keys), .shorthand(_, let keys):
                [own] + Self.variables(of: keys, value: value, path: path)
            case .named(_, .object(let keys)):
                [own]
                    + (value?.fields ?? []).flatMap { field in
                        Self.variables(of: keys, value: field.value, path: path + [field.name])
                    }
            default: [own]
            }
        }
    }

    /// `BILOXI_REGISTRAR_MINEXPIRES` for `registrar.minExpires`.
    static func name(of path: [String]) -> String {
        let words = path.map { word in
            String(word.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
        }
        return Self.prefix + words.joined(separator: "_")
    }

    private static func shape(at path: ArraySlice<String>, in shape: Shape) -> Shape? {
        guard let name = path.first else { return shape }
        switch shape {
        case .object(let keys), .shorthand(_, let keys):
            return keys.first { $0.name == name }.flatMap { Self.shape(at: path.dropFirst(), in: $0.shape) }
        case .named(_, let element):
            return Self.shape(at: path.dropFirst(), in: element)
        case .boolean, .number, .text, .choice, .list:
            return nil
        }
    }
}
