import ArgumentParser
import Persistence

/// `biloxi user remove`
struct UserRemove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove a user, with the registrations of that address.")

    @Argument(help: "The user: alice, or alice@biloxi.example where there are several domains.")
    var aor: String

    @OptionGroup var common: CommonOptions

    mutating func run() throws {
        let directory = try UserDirectory(self.common)
        let account = try directory.account(self.aor)
        try withExitStatus { try directory.database.removeSubscriber(account.user, domain: account.domain) }
        let place = directory.announceChange()
        self.common.output.emit(
            "userRemoved", ["aor": .string(account.aor), "appliedTo": .string(place)], text: "removed \(account.aor)")
    }
}
