/// Where a value of the configuration comes from.
public enum ConfigurationSource: Hashable, Sendable, CustomStringConvertible {
    /// A place in a file; line and column count from 1.
    case file(String, line: Int, column: Int)
    /// An environment variable.
    case environment(String)
    /// An option of the command.
    case option(String)
    /// It holds because nothing else is said.
    case builtIn

    /// `biloxi.yaml:3:5`, `BILOXI_HTTP` or `--http`.
    public var description: String {
        switch self {
        case .file(let path, let line, let column): "\(path):\(line):\(column)"
        case .environment(let name): name
        case .option(let name): name
        case .builtIn: "default"
        }
    }
}

/// Something that is wrong, or odd, with a configuration.
public struct ConfigurationProblem: Hashable, Sendable, CustomStringConvertible {
    /// Where.
    public let source: ConfigurationSource
    /// What, and what to do about it, in one line. It names no secret: there is none in the file.
    public let message: String

    /// A problem in this source.
    public init(source: ConfigurationSource, message: String) {
        self.source = source
        self.message = message
    }

    /// `biloxi.yaml:3:5: registrar.minExpires must be 1 to 3600 seconds, not 0`
    public var description: String { "\(self.source): \(self.message)" }
}

/// A configuration that cannot be used.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// All that is wrong with it, in the order of the file; not empty.
    public let problems: [ConfigurationProblem]

    init(_ problems: [ConfigurationProblem]) {
        func place(_ problem: ConfigurationProblem) -> (Int, Int) {
            if case .file(_, let line, let column) = problem.source { (line, column) } else { (.max, 0) }
        }
        self.problems = problems.enumerated().sorted { a, b in
            let (x, y) = (place(a.element), place(b.element))
            return x == y ? a.offset < b.offset : x < y
        }.map(\.element)
    }

    /// One line for each problem.
    public var description: String { self.problems.map(\.description).joined(separator: "\n") }
}
