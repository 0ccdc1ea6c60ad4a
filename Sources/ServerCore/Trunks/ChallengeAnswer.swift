import SIPAuthentication
import SIPMessages

/// The answer to the challenge of another server, with a user name and password of ours (RFC 3261 §22.2, §22.3).
struct ChallengeAnswer {
    private var session: DigestSession
    private let isProxy: Bool

    /// An answer to the challenges in a 401 or 407; `nil` where none of them can be answered.
    init?(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, _ credentials: TrunkSettings.Credentials, cnonce: UInt64
    ) {
        self.isProxy = index.statusCode == 407
        let id: HeaderID = self.isProxy ? .proxyAuthenticate : .wwwAuthenticate
        var challenges: [DigestChallenge] = []
        var position = index.first(id)
        while let field = position {
            position = index.next(id, from: field + 1)
            if let challenge = try? DigestChallenge(parsing: octets, in: index.fields[field].value.range, field: id) {
                challenges.append(challenge)
            }
        }
        var text: [UInt8] = []
        text.append(hexadecimal: cnonce)
        guard let challenge = DigestChallenge.topmostSupported(of: challenges), let algorithm = challenge.algorithm,
            let session = DigestSession(
                challenge, username: credentials.user,
                secret: DigestSecret(
                    username: credentials.user, realm: challenge.realm, password: credentials.password,
                    algorithm: algorithm),
                cnonce: String(decoding: text, as: UTF8.self))
        else { return nil }
        self.session = session
    }

    /// Whether the server says that only the nonce was wrong.
    var isStale: Bool { self.session.challenge.isStale }

    /// The line with credentials for the next request.
    mutating func fields(_ method: Method, _ uri: String, body: Span<UInt8>) -> [UInt8] {
        var line: [UInt8] = []
        line.append(self.isProxy ? "Proxy-Authorization: " : "Authorization: ")
        self.session.writeCredentials(method: method, uri: uri, body: body, to: &line)
        line.append("\r\n")
        return line
    }
}
