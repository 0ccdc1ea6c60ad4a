import ArgumentParser
import Logging
import ServerConfiguration

/// `biloxi serve`: what the options say; `runServer` does it.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a server.",
        discussion: """
            Options override the environment (BILOXI_REGISTRAR_MINEXPIRES=60), which overrides the file. Without a \
            file the server is on loopback with two users, whose passwords are printed.
            """)

    enum Authentication: String, ExpressibleByArgument, CaseIterable { case required, off }

    @OptionGroup var common: CommonOptions

    @Option(help: ArgumentHelp("Where to listen, such as udp:127.0.0.1:5060; can be repeated.", valueName: "listener"))
    var listen: [String] = []

    @Option(help: ArgumentHelp("A domain whose users register here; can be repeated.", valueName: "name"))
    var domain: [String] = []

    @Option(help: ArgumentHelp("Where registrations are kept: sqlite or memory.", valueName: "url"))
    var storage: String?

    @Option(help: ArgumentHelp("Where to serve web page and API.", valueName: "host:port"))
    var http: String?

    @Option(help: "Whether users must prove who they are.")
    var auth: Authentication?

    @Option(help: ArgumentHelp("How many threads serve UDP.", valueName: "n"))
    var threads: String?

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning or error.", valueName: "level"))
    var logLevel: String?

    /// The settings that the options make.
    func settings() -> ServerSettings {
        func override(_ key: String, _ option: String, _ values: [String]) -> [Configuration.Override] {
            values.isEmpty ? [] : [.init(key: key, values: values, option: option)]
        }
        func override(_ key: String, _ option: String, _ value: String?) -> [Configuration.Override] {
            override(key, option, value.map { [$0] } ?? [])
        }
        return self.common.settings(
            overrides: override("listen", "--listen", self.listen) + override("domains", "--domain", self.domain)
                + override("storage", "--storage", self.storage) + override("http", "--http", self.http)
                + override("authentication.required", "--auth", self.auth.map { $0 == .required ? "true" : "false" })
                + override("threads", "--threads", self.threads) + override("logLevel", "--log-level", self.logLevel))
    }

    mutating func run() async throws {
        let settings = self.settings()
        let loaded = try settings.loadOrFail()
        let useless = loaded.uselessFiles()
        if !useless.isEmpty {
            throw CommandError(.failed, useless.map(\.description).joined(separator: "\n"))
        }
        let options = ServeOptions(settings: settings, output: self.common.output)
        LogLines.level.store(Logger.Level(loaded.configuration.logLevel))
        LoggingSystem.bootstrap { LogLines(label: $0, isJSON: options.output.isJSON) }
        try await runServer(configuration: loaded, options: options)
    }
}

/// What a running server needs to know besides its configuration.
struct ServeOptions: Sendable {
    /// From where the configuration is read again.
    let settings: ServerSettings
    /// Where results are printed.
    let output: Output
}

extension Logger.Level {
    init(_ level: Configuration.LogLevel) {
        self =
            switch level {
            case .trace: .trace
            case .debug: .debug
            case .info: .info
            case .notice: .notice
            case .warning: .warning
            case .error: .error
            }
    }
}
