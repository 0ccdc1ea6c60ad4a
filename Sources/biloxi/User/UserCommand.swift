import ArgumentParser
import Persistence
import ServerConfiguration

/// `biloxi user`: the subscribers.
struct UserCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Add, remove, list users, and change their passwords.",
        subcommands: [UserAdd.self, UserRemove.self, UserList.self, UserPasswd.self])
}

/// Where passwords come from: never the command line, which others can see.
struct PasswordOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The file with the password in its first line; - is standard input.", valueName: "file"))
    var passwordFile: String?

    /// The given password, or a new one.
    func password() throws(CommandError) -> (text: String, isNew: Bool) {
        if let given = try Password.given(file: self.passwordFile) { return (given, false) }
        return (Password.generate(), true)
    }
}

/// The subscribers of a data directory, and the server that may run on it.
struct UserDirectory {
    let database: ServerDatabase
    let control: ControlClient
    let domains: [String]

    init(_ options: CommonOptions) throws(CommandError) {
        let settings = options.settings()
        let configuration = try settings.loadOrFail().configuration
        let data = try withExitStatus { try DataDirectory(path: settings.dataPath(of: configuration)) }
        self.database = try withExitStatus { try ServerDatabase(path: data.databasePath) }
        self.control = ControlClient(path: data.controlSocketPath)
        self.domains = configuration.domains
    }

    func account(_ text: String) throws(CommandError) -> Account {
        try Account(text, defaultDomain: self.domains.first ?? "biloxi.localhost")
    }

    /// Tells the running server that the subscribers have changed.
    ///
    /// - Returns: Where the change holds: at the `server`, or in the `database` until one starts.
    func announceChange() -> String {
        do {
            guard let reply = try self.control.send(.usersChanged) else { return "database" }
            if reply.ok { return "server" }
            Output.complain("the running server did not take the change: \(reply.messages.joined(separator: "; "))")
        } catch {
            Output.complain("\(error.message); the change holds when the server starts again")
        }
        return "database"
    }
}
