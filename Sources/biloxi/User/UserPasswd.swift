import ArgumentParser
import Persistence

/// `biloxi user passwd`
struct UserPasswd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "passwd", abstract: "Give a user another password.",
        discussion: """
            The password comes from --password-file or BILOXI_PASSWORD; without these a new one is made and printed \
            once. A running server asks for it at once.
            """)

    @Argument(help: "The user: alice, or alice@biloxi.example where there are several domains.")
    var aor: String

    @OptionGroup var passwordOptions: PasswordOptions
    @OptionGroup var common: CommonOptions

    mutating func run() throws {
        let directory = try UserDirectory(self.common)
        let account = try directory.account(self.aor)
        let password = try self.passwordOptions.password()
        try withExitStatus {
            try directory.database.setSecrets(
                account.secrets(password: password.text), of: account.user, domain: account.domain)
        }
        let place = directory.announceChange()
        var members: [String: JSONValue] = ["aor": .string(account.aor), "appliedTo": .string(place)]
        if password.isNew { members["password"] = .string(password.text) }
        self.common.output.emit(
            "passwordChanged", members,
            text: "changed the password of \(account.aor)"
                + (password.isNew ? "\npassword \(password.text)   (shown only now)" : ""))
    }
}
