import SIPMessages

/// Writes the challenges of one realm as header lines: RFC 3261 §22, RFC 7616 §3.3, RFC 8760 §2.3.
///
/// Everything but the nonce is prepared once, so that writing only appends.
public struct ChallengeWriter: Sendable {
    /// Who challenges: a UAS or registrar with 401, a proxy with 407 (RFC 3261 §22.2, §22.3).
    public enum Role: Hashable, Sendable { case server, proxy }

    /// The realm.
    public let realm: String
    /// The algorithms in the order of preference; one line is written for each.
    public let algorithms: [DigestAlgorithm]

    /// `Digest realm="…", nonce="`.
    private let head: [UInt8]
    /// `", algorithm=…, qop="…"…`, one for each algorithm.
    private let tails: [[UInt8]]

    /// A writer for one realm.
    ///
    /// - Parameters:
    ///   - realm: Shown to users; should name the domain (RFC 3261 §22.1).
    ///   - algorithms: The most preferred first; each is written once (RFC 8760 §2.3).
    ///   - offersIntegrity: Whether `auth-int` is offered beside `auth`.
    ///   - opaque: Something the client gives back unchanged; it must be free of quotes, and better is base64.
    public init(realm: String, algorithms: [DigestAlgorithm], offersIntegrity: Bool = false, opaque: String? = nil) {
        self.realm = realm
        var distinct: [DigestAlgorithm] = []
        for algorithm in algorithms where !distinct.contains(algorithm) { distinct.append(algorithm) }
        self.algorithms = distinct
        var head: [UInt8] = []
        head.append("Digest realm=")
        head.append(quoted: realm)
        head.append(", nonce=\"")
        self.head = head
        self.tails = distinct.map { algorithm in
            var tail: [UInt8] = []
            tail.append("\", algorithm=")
            tail.append(algorithm.name)
            tail.append(offersIntegrity ? ", qop=\"auth,auth-int\"" : ", qop=\"auth\"")
            if let opaque {
                tail.append(", opaque=")
                tail.append(quoted: opaque)
            }
            return tail
        }
    }

    /// Appends the WWW-Authenticate or Proxy-Authenticate lines, each with its CRLF.
    ///
    /// - Parameters:
    ///   - role: Decides the name of the field.
    ///   - nonce: The nonce, the same in all lines.
    ///   - isStale: Whether the credentials were right but for their nonce, so that the client need not ask its user
    ///     again (RFC 7616 §3.3).
    ///   - output: Where the lines are appended; with enough capacity nothing is allocated.
    public func write(_ role: Role, nonce: Nonce, isStale: Bool, to output: inout [UInt8]) {
        let tails = self.tails.span
        for i in tails.indices {
            output.append(role == .server ? "WWW-Authenticate: " : "Proxy-Authenticate: ")
            output.append(contentsOf: self.head)
            nonce.write(to: &output)
            output.append(contentsOf: tails[i])
            if isStale { output.append(", stale=TRUE") }
            output.append("\r\n")
        }
    }
}
