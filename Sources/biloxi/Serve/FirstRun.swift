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

    /// Takes the users back: the server could not start, and nobody has seen their passwords.
    func withdraw(from database: ServerDatabase) {
        for user in self.users { try? database.removeSubscriber(user.account.user, domain: user.account.domain) }
    }

    /// Prints the users, and what to type into a phone.
    ///
    /// - Parameter listeners: Where the server listens: `udp:127.0.0.1:5060`.
    func announce(_ configuration: Configuration, listeners: [String], to output: Output) {
        for user in output.isJSON ? self.users : [] {
            output.emit(
                "userAdded", ["aor": .string(user.account.aor), "password": .string(user.password)], text: "")
        }
        if !output.isJSON { Output.write(self.text(configuration, listeners)) }
    }

    private func text(_ configuration: Configuration, _ listeners: [String]) -> String {
        // A phone is rarely on this machine where the server listens on an address that others can reach.
        let reachable = listeners.filter { !$0.contains(":127.") && !$0.contains(":[::1]") }
        let preferred = reachable.isEmpty ? listeners : reachable
        let listener = (preferred.first { $0.hasPrefix("udp:") } ?? preferred.first ?? "").split(
            separator: ":", maxSplits: 1)
        let proxy = listener.count == 2 ? "\(listener[1]), transport \(listener[0].uppercased())" : ""
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
