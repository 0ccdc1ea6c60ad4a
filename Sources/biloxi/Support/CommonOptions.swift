import ArgumentParser
import Foundation
import Persistence
import ServerConfiguration

/// What all commands about a server take: where its configuration and its data are.
struct CommonOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The configuration file; BILOXI_CONFIG names one too.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("The data directory.", valueName: "dir"))
    var data: String?

    @Flag(help: "Print one JSON object for each event.")
    var json = false

    var output: Output { Output(isJSON: self.json) }

    /// The settings with `overrides` on top.
    func settings(overrides: [Configuration.Override] = []) -> ServerSettings {
        var overrides = overrides
        if let data = self.data { overrides.append(.init(key: "data", values: [data], option: "--data")) }
        return ServerSettings(
            configPath: self.config ?? ProcessInfo.processInfo.environment["BILOXI_CONFIG"], overrides: overrides)
    }
}

/// From where a configuration is read, as often as needed.
struct ServerSettings: Sendable {
    /// The configuration file, if there is one.
    let configPath: String?
    /// What the options say.
    let overrides: [Configuration.Override]
    /// The environment.
    var environment = ProcessInfo.processInfo.environment

    /// Reads file, environment and options.
    ///
    /// - Throws: `ConfigurationError`, or `CommandError` when the file cannot be read.
    func load() throws -> LoadedConfiguration {
        var yaml: String?
        if let path = self.configPath {
            guard let data = FileManager.default.contents(atPath: path) else {
                throw CommandError(
                    .usage, "configuration \(path) cannot be read: name a file that exists and is readable")
            }
            guard data.count <= Self.maximumOctets else {
                throw CommandError(.usage, "configuration \(path) is larger than \(Self.maximumOctets) octets")
            }
            guard let text = String(data: data, encoding: .utf8) else {
                throw CommandError(.usage, "configuration \(path) is not in UTF-8: save it so")
            }
            yaml = text
        }
        return try Configuration.load(
            yaml: yaml, path: self.configPath ?? "", environment: self.environment, overrides: self.overrides)
    }

    /// Reads file, environment and options for a command that ends when they are wrong.
    func loadOrFail() throws(CommandError) -> LoadedConfiguration {
        do {
            let loaded = try self.load()
            for warning in loaded.warnings { Output.complain("\(warning)", prefix: "biloxi: warning: ") }
            return loaded
        } catch let error as CommandError {
            throw error
        } catch {
            throw CommandError(.usage, "\(error)")
        }
    }

    private static let maximumOctets = 4 << 20

    /// The data directory: the one that is named, or `biloxi` where programs of this user keep data.
    func dataPath(of configuration: Configuration) -> String {
        if let data = configuration.data { return data }
        if let base = self.environment["XDG_DATA_HOME"], base.hasPrefix("/") { return base + "/biloxi" }
        if let home = self.environment["HOME"], home.hasPrefix("/") { return home + "/.local/share/biloxi" }
        return "biloxi-data"
    }
}

/// Gives errors of the database their exit code.
func withExitStatus<Value>(_ body: () throws -> Value) throws(CommandError) -> Value {
    do {
        return try body()
    } catch let error as CommandError {
        throw error
    } catch {
        throw CommandError(.failed, "\(error)")
    }
}
