import AgentCore
import SIPAuthentication
import SIPMessages

/// Answers to challenges (RFC 3261 §22.2, §22.3, RFC 8760).
enum Credentials {
    /// The header lines for all challenges of a response that the account's password answers; `nil` when it answers none,
    /// or has been refused already.
    static func lines(
        for challenged: AgentConfiguration.Challenged, _ account: Account.Parsed
    ) -> [(name: String, value: String)]? {
        guard let password = account.account.password else { return nil }
        var lines: [(name: String, value: String)] = []
        for (id, name) in [
            (HeaderID.wwwAuthenticate, "Authorization"), (.proxyAuthenticate, "Proxy-Authorization"),
        ] {
            let all = Self.challenges(in: challenged.response, id)
            var realms: [String] = []
            for challenge in all where !realms.contains(challenge.realm) { realms.append(challenge.realm) }
            for realm in realms {
                guard let challenge = DigestChallenge.topmostSupported(of: all, realm: realm),
                    // The same password again only when it was not the password that was wrong.
                    challenged.attempts == 0 || challenge.isStale,
                    let value = Self.value(challenge, challenged, account.username, password)
                else { continue }
                lines.append((name, value))
            }
        }
        return lines.isEmpty ? nil : lines
    }

    private static func challenges(in response: SIPMessage, _ id: HeaderID) -> [DigestChallenge] {
        let octets = response.octets.span
        var challenges: [DigestChallenge] = []
        for field in response.index.fields where field.id == id {
            if let challenge = try? DigestChallenge(parsing: octets, in: field.value.range, field: id) {
                challenges.append(challenge)
            }
        }
        return challenges
    }

    private static func value(
        _ challenge: DigestChallenge, _ challenged: AgentConfiguration.Challenged, _ username: String,
        _ password: String
    ) -> String? {
        guard let algorithm = challenge.algorithm else { return nil }
        let secret = DigestSecret(
            username: username, realm: challenge.realm, password: password, algorithm: algorithm)
        let cnonce = String(challenged.random, radix: 16)
        guard var session = DigestSession(challenge, username: username, secret: secret, cnonce: cnonce) else {
            return nil
        }
        var value: [UInt8] = []
        session.writeCredentials(
            method: challenged.method, uri: challenged.uri, body: challenged.body.span, to: &value)
        return String(decoding: value, as: UTF8.self)
    }
}
