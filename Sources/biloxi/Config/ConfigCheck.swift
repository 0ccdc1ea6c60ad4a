import ArgumentParser
import Foundation
import ServerConfiguration

/// `biloxi config check`
struct ConfigCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Say what is wrong with a configuration file, with line and column.",
        discussion: "Environment variables count as they would for biloxi serve. Exit code 2 when something is wrong.")

    @Argument(help: "The configuration file.")
    var file: String

    @Flag(help: "Print one JSON object.")
    var json = false

    mutating func run() throws {
        let output = Output(isJSON: self.json)
        let settings = ServerSettings(configPath: self.file, overrides: [])
        do {
            let loaded = try settings.load()
            let problems = loaded.uselessFiles()
            if !problems.isEmpty { return try self.fail(problems, output) }
            for warning in loaded.warnings { Output.complain("\(warning)", prefix: "warning: ") }
            output.emit(
                "configuration",
                ["valid": .boolean(true), "warnings": .array(loaded.warnings.map(JSONValue.init))],
                text: "\(self.file) is valid")
        } catch let error as ConfigurationError {
            try self.fail(error.problems, output)
        }
    }

    private func fail(_ problems: [ConfigurationProblem], _ output: Output) throws(CommandError) {
        for problem in problems { Output.complain("\(problem)", prefix: "") }
        if output.isJSON {
            output.emit(
                "configuration",
                ["valid": .boolean(false), "problems": .array(problems.map(JSONValue.init))], text: "")
        }
        throw CommandError(.usage)
    }
}

extension JSONValue {
    init(_ problem: ConfigurationProblem) {
        var members: [String: JSONValue] = ["message": .string(problem.message)]
        if case .file(let path, let line, let column) = problem.source {
            members["file"] = .string(path)
            members["line"] = .number(line)
            members["column"] = .number(column)
        } else {
            members["source"] = .string("\(problem.source)")
        }
        self = .object(members)
    }
}
