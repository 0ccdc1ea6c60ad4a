import CallRouting
import Persistence
import SIPMessages
import ServerConfiguration

/// The users of a server that is started without a file and has none yet: alice and bob, with random passwords.
struct FirstRun {
    struct NewUser {
        var account: Account
        var password: String
    }
    let users: [NewUser]

    /// Makes the users, unless there is a file or there are users; `nil` then.
    init?(_ configuration: Configuration, hasFile: Bool, database: ServerDatabase) throws {
        guard !hasFile, let domain = configuration.domains.first, try database.subscribers().isEmpty else { return nil }
        var users: [NewUser] = []
        for name in ["alice", "bob"] {
            let user = NewUser(account: try Account(name, defaultDomain: domain), password: Password.generate())
            try database.add(user.account.subscriber(password: user.password))
            users.append(user)
        }
        self.users = users
    }

    /// Prints the users, and what to type into a phone.
    func announce(_ configuration: Configuration, to output: Output) {
        for user in output.isJSON ? self.users : [] {
            output.emit(
                "userAdded", ["aor": .string(user.account.aor), "password": .string(user.password)], text: "")
        }
        if !output.isJSON { Output.write(self.text(configuration)) }
    }

    func text(_ configuration: Configuration) -> String {
        let listener = configuration.listen.first { $0.transport == .udp } ?? configuration.listen.first
        let proxy = listener.map { "\($0.address), transport \($0.transport.description.uppercased())" } ?? ""
        var lines = ["First start: two users were added. Their passwords are shown only now.", ""]
        for user in self.users {
            lines += [
                "    user name   \(user.account.user)", "    password    \(user.password)",
                "    domain      \(user.account.domain)", "    proxy       \(proxy)",
                "    address     sip:\(user.account.aor)", "",
            ]
        }
        if let domain = configuration.domains.first {
            let number = Self.echoNumber(configuration).map { "\($0) or " } ?? ""
            lines.append("Call \(number)sip:echo@\(domain) to hear yourself.")
        }
        lines.append("More users: biloxi user add NAME. Settings: biloxi config schema.")
        return lines.joined(separator: "\n") + "\n"
    }

    /// The number that a route leads to the echo service, without wildcards.
    static func echoNumber(_ configuration: Configuration) -> String? {
        configuration.routes.first { $0.destination == .service("echo") }?.match
            .first { $0.isLiteral && !$0.isForURI }?.description
    }
}
