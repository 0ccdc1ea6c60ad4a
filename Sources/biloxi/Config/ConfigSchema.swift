import ArgumentParser
import ServerConfiguration

/// `biloxi config schema`
struct ConfigSchema: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Describe every key of the configuration file.",
        discussion: "With --json, as a JSON Schema, by which editors check and complete the file.")

    @Flag(help: "Print a JSON Schema.")
    var json = false

    mutating func run() throws {
        Output.write(self.json ? ConfigurationSchema.json : ConfigurationSchema.text)
    }
}
