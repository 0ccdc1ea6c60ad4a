import SIPAuthentication
import SIPMessages
import ServerCore

/// A user of a server, who answers challenges.
struct Account {
    let username: String
    let domain: String
    let password: String

    static let bob = Account(username: "bob", domain: Place.domain, password: "zanzibar")
    static let alice = Account(username: "alice", domain: "atlanta.example.com", password: "atlanta")

    /// The value of Authorization or Proxy-Authorization that answers a response; `nil` when there is no challenge in it.
    func answer(
        _ response: SIPMessage, _ method: Method, _ uri: String, as name: String? = nil, integrity: Bool = false
    ) -> String? {
        guard var session = self.session(response, as: name, integrity: integrity) else { return nil }
        var value: [UInt8] = []
        let body: [UInt8] = []
        session.writeCredentials(method: method, uri: uri, body: body.span, to: &value)
        return String(decoding: value, as: UTF8.self)
    }

    /// A session with the first challenge in a response that this user can answer; `nil` when there is none.
    func session(_ response: SIPMessage, as name: String? = nil, integrity: Bool = false) -> DigestSession? {
        let fields = response.values(named: "WWW-Authenticate") + response.values(named: "Proxy-Authenticate")
        let challenges = fields.compactMap { field -> DigestChallenge? in
            let octets = Array(field.utf8)
            return (try? DigestChallenge(parsing: octets.span, in: 0..<octets.count)) ?? nil
        }
        guard let challenge = DigestChallenge.topmostSupported(of: challenges, realm: self.domain),
            let algorithm = challenge.algorithm
        else { return nil }
        let secret = DigestSecret(
            username: name ?? self.username, realm: self.domain, password: self.password, algorithm: algorithm)
        return DigestSession(
            challenge, username: name ?? self.username, secret: secret, cnonce: "0a4f113b",
            prefersIntegrity: integrity)
    }

    /// The table of these users.
    static func subscribers(_ accounts: [Account]) -> Subscribers {
        var secrets: [[UInt8]: Subscribers.Secrets] = [:]
        for account in accounts {
            func secret(_ algorithm: DigestAlgorithm) -> DigestSecret {
                DigestSecret(
                    username: account.username, realm: account.domain, password: account.password,
                    algorithm: algorithm)
            }
            secrets[Array("\(account.username)@\(account.domain)".utf8)] = Subscribers.Secrets(
                md5: secret(.md5), sha256: secret(.sha256), sha512256: nil)
        }
        return Subscribers(secrets)
    }
}

extension ServerSettings {
    /// Asks these users for their passwords.
    mutating func requires(_ accounts: [Account]) {
        self.requiresAuthentication = true
        self.subscribers = Account.subscribers(accounts)
    }
}
