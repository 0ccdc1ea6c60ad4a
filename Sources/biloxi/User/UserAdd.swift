import ArgumentParser
import Persistence

/// `biloxi user add`
struct UserAdd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add a user.",
        discussion: """
            The password comes from --password-file or BILOXI_PASSWORD; without these a new one is made and printed \
            once. A running server knows the user at once.
            """)

    @Argument(help: "The user: alice, or alice@biloxi.example where there are several domains.")
    var aor: String

    @Option(help: ArgumentHelp("The name that others see.", valueName: "name"))
    var displayName: String?

    @OptionGroup var passwordOptions: PasswordOptions
    @OptionGroup var common: CommonOptions

    mutating func run() throws {
        let directory = try UserDirectory(self.common)
        let account = try directory.account(self.aor)
        if !directory.domains.contains(account.domain), self.common.settings().configPath != nil {
            Output.complain(
                "\(account.domain) is not in domains: add it to the configuration", prefix: "biloxi: warning: ")
        }
        let password = try self.passwordOptions.password()
        let subscriber = account.subscriber(displayName: self.displayName, password: password.text)
        try withExitStatus { try directory.database.add(subscriber) }
        let place = directory.announceChange()
        var members: [String: JSONValue] = ["aor": .string(account.aor), "appliedTo": .string(place)]
        if password.isNew { members["password"] = .string(password.text) }
        self.common.output.emit(
            "userAdded", members,
            text: "added \(account.aor)" + (password.isNew ? "\npassword \(password.text)   (shown only now)" : ""))
    }
}
