import ArgumentParser

/// The command: every verb of it is a type of its own.
struct Biloxi: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "biloxi", abstract: "A SIP server, phone and toolbox.",
        discussion: """
            biloxi serve starts a server without any configuration. Exit codes: 0 done, 1 failed, 2 usage, 3 rejected, \
            4 authentication, 5 timeout, 6 busy or declined, 7 unreachable, 8 media expectation not met, \
            9 server error, 130 interrupted.
            """,
        version: Self.version,
        subcommands: [ManCommand.self],
        groupedSubcommands: [
            CommandGroup(
                name: "The server:",
                subcommands: [
                    Serve.self, UserCommand.self, ConfigCommand.self, RouteCommand.self, Calls.self, Bans.self,
                    Reload.self,
                ]),
            CommandGroup(
                name: "The telephone:",
                subcommands: [
                    PhoneProgram.self, CallCommand.self, AnswerCommand.self, RegisterCommand.self,
                    UnregisterCommand.self,
                    BindingsCommand.self, MessageCommand.self, PingCommand.self, SendCommand.self, ResolveCommand.self,
                    WatchCommand.self,
                    RunCommand.self,
                ]),
            CommandGroup(name: "Measuring:", subcommands: [LoadCommand.self]),
        ])

    /// The version of the program.
    static let version = "0.1.0"
}

@main
enum Program {
    static func main() async {
        do {
            var command = try Biloxi.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            Self.exit(with: error)
        }
    }

    /// Ends the program with the code that the error calls for. Help and version are errors to the argument parser.
    private static func exit(with error: any Error) -> Never {
        if let error = error as? CommandError {
            if !error.message.isEmpty { Output.complain(error.message) }
            ExitStatus.exit(error.status)
        }
        let message = Biloxi.fullMessage(for: error)
        if Biloxi.exitCode(for: error).isSuccess {
            Output.write(message)
            ExitStatus.exit(.done)
        }
        // The argument parser's own errors; any other error of ours has been given a status where it arose.
        Output.complain(message, prefix: "")
        ExitStatus.exit(.usage)
    }
}
