import CallRouting
import Foundation
import SIPMessages
import ServerConfiguration
import ServerCore

extension ServerCore.ServerSettings {
    /// Takes what the configuration says of where calls go: dial plan, redirections and trunks.
    ///
    /// - Throws: `CommandError` when a file with a password cannot be read.
    mutating func takeRouting(_ configuration: Configuration) throws(CommandError) {
        self.ports = configuration.ports
        self.plan = DialPlan(configuration.routes)
        for user in configuration.users {
            guard let redirection = user.redirect else { continue }
            self.redirections[Array("\(user.user)@\(user.domain)".utf8)] = redirection
        }
        self.trunks = []
        for trunk in configuration.trunks { self.trunks.append(try TrunkSettings(trunk)) }
        self.trusted = configuration.trunks.flatMap(\.allow)
        self.trustedDomains = configuration.trunks.flatMap(\.certificates)
    }
}

extension TrunkSettings {
    fileprivate init(_ trunk: Configuration.Trunk) throws(CommandError) {
        self.init(trunk.name, targets: trunk.targets)
        self.failover = trunk.failover.map(\.codes)
        self.patience = .seconds(trunk.noAnswer.components.seconds)
        self.lines = trunk.lines
        self.longestCall = .seconds(trunk.longestCall.components.seconds)
        self.probeInterval = trunk.probe.map { .seconds($0.components.seconds) }
        self.allow = trunk.allow
        self.domains = trunk.certificates
        self.inbound = DialPlan(trunk.inbound)
        if let register = trunk.register {
            self.registration = Registration(
                user: register.user, domain: register.domain, password: try Self.password(register.passwordFile),
                expires: register.expires)
        }
        if let login = trunk.login {
            self.credentials = Credentials(user: login.user, password: try Self.password(login.passwordFile))
        }
    }

    /// The password in the first line of a file.
    ///
    /// - Throws: `CommandError` when there is none.
    static func password(_ path: String) throws(CommandError) -> String {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw CommandError(.failed, "the password file \(path) cannot be read: make it readable, in UTF-8")
        }
        guard let line = text.split(whereSeparator: \.isNewline).first, !line.isEmpty else {
            throw CommandError(.failed, "the password file \(path) is empty: write the password into its first line")
        }
        return String(line)
    }
}
