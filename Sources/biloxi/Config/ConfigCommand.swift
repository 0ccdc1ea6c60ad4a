import ArgumentParser

/// `biloxi config`: the configuration file.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check a configuration file, and describe its keys.",
        subcommands: [ConfigCheck.self, ConfigSchema.self])
}
