import Yams

/// A configuration, and what else is known about it.
public struct LoadedConfiguration: Sendable {
    /// What holds.
    public let configuration: Configuration
    /// What is odd, but can be used.
    public let warnings: [ConfigurationProblem]
    /// The files it names, with the places that do; they have not been looked at.
    public let files: [(path: String, key: String, source: ConfigurationSource)]
}

extension Configuration {
    /// A value that an option of the command gives.
    public struct Override: Hashable, Sendable {
        /// The key, as in the file: `registrar.minExpires`.
        public var key: String
        /// The value, or the values of a list.
        public var values: [String]
        /// The option, for messages: `--listen`.
        public var option: String

        /// The value of an option.
        public init(key: String, values: [String], option: String) {
            self.key = key
            self.values = values
            self.option = option
        }
    }

    /// Reads a configuration: the file, over it the environment, over that the options.
    ///
    ///     let loaded = try Configuration.load(yaml: text, path: "biloxi.yaml", environment: [:], overrides: [])
    ///
    /// - Parameters:
    ///   - yaml: The text of the file; `nil` when there is none.
    ///   - path: The name of the file, for messages, and for what it names relative to itself.
    ///   - environment: The environment; `BILOXI_REGISTRAR_MINEXPIRES` stands for `registrar.minExpires`.
    ///   - overrides: What the options say.
    /// - Throws: `ConfigurationError` with all that is wrong.
    public static func load(
        yaml: String?, path: String, environment: [String: String], overrides: [Override]
    ) throws(ConfigurationError) -> LoadedConfiguration {
        let shape = Shape.object(ConfigurationKeys.root)
        var root = ConfigurationValue(content: .object([]), source: .builtIn)
        var problems: [ConfigurationProblem] = []
        if let yaml {
            var reader = ConfigurationReader { mark in .file(path, line: mark?.line ?? 1, column: mark?.column ?? 1) }
            if let node = reader.parse(yaml), let value = reader.read(node, as: shape, at: "") { root = value }
            problems += reader.problems
        }
        var overlay = ConfigurationOverlay(root: root)
        overlay.apply(environment: environment)
        for override in overrides { overlay.apply(override) }
        problems += overlay.problems
        root = ConfigurationDefaults.fill(overlay.root, keys: ConfigurationKeys.root)
        var check = ConfigurationCheck(root, isIncomplete: !problems.isEmpty)
        check.run()
        problems += check.problems
        if !problems.isEmpty { throw ConfigurationError(problems) }

        let directory = path.lastIndex(of: "/").map { path[...$0] } ?? ""
        func resolve(_ value: ConfigurationValue) -> String? {
            guard let file = value.text else { return nil }
            if case .file = value.source, !file.hasPrefix("/") { return directory + file }
            return file
        }
        return LoadedConfiguration(
            configuration: Configuration(root, resolve: resolve), warnings: overlay.warnings + check.warnings,
            files: ConfigurationCheck.files(in: root).compactMap { key, value in
                resolve(value).map { ($0, key, value.source) }
            })
    }
}

/// Puts the defaults of the table where nothing else is said.
enum ConfigurationDefaults {
    static func fill(_ value: ConfigurationValue, keys: [Shape.Key]) -> ConfigurationValue {
        var fields: [ConfigurationValue.Field] = []
        for key in keys {
            if let field = value.fields.first(where: { $0.name == key.name }) {
                fields.append(
                    .init(name: key.name, nameSource: field.nameSource, value: Self.fill(field.value, key.shape)))
            } else if let fallback = key.fallback {
                var reader = ConfigurationReader { _ in .builtIn }
                guard let node = reader.parse(fallback), let value = reader.read(node, as: key.shape, at: key.name)
                else {
                    assertionFailure("default of \(key.name): \(reader.problems)")
                    continue
                }
                fields.append(.init(name: key.name, nameSource: .builtIn, value: Self.fill(value, key.shape)))
            }
        }
        return ConfigurationValue(content: .object(fields), source: value.source)
    }

    private static func fill(_ value: ConfigurationValue, _ shape: Shape) -> ConfigurationValue {
        var value = value
        switch shape {
        case .boolean, .number, .text, .choice:
            return value
        case .object(let keys), .shorthand(_, let keys):
            return self.fill(value, keys: keys)
        case .list(let element, _):
            value.content = .list(value.elements.map { self.fill($0, element) })
        case .named(_, let element):
            value.content = .object(
                value.fields.map {
                    .init(name: $0.name, nameSource: $0.nameSource, value: self.fill($0.value, element))
                })
        }
        return value
    }
}
