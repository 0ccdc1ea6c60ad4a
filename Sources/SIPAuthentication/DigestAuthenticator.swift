public import SIPMessages

/// Decides about the credentials of requests for one realm: RFC 3261 §22, RFC 7616 §3.6, RFC 8760.
///
/// It has two steps with the look-up of the user's secret between them, which may take its time:
///
///     switch authenticator.examine(credentials, in: octets) {
///     case .lookUp(let algorithm):
///         let secret = …  // of credentials.username, for this algorithm; nil for an unknown user
///         decision = authenticator.decide(
///             credentials, in: octets, method: index.methodName, body: index.body, secret: secret, at: now,
///             binding: 0)
///     case .ignore: …     // Credentials for somebody else: as if they were not there.
///     case .challenge: …  // Nothing to work with: challenge.
///     }
///
/// ACK and CANCEL are never to be challenged, and an ACK repeats the credentials of its INVITE (RFC 3261 §22.1):
/// neither belongs in here.
public struct DigestAuthenticator: Sendable {
    /// What is to be done about credentials first.
    public enum Examination: Hashable, Sendable {
        /// The secret of their user for this algorithm is needed.
        case lookUp(DigestAlgorithm)
        /// They are of another realm or scheme.
        case ignore
        /// They have an algorithm that was not offered, no user name in plain text, or are empty: challenge.
        case challenge
    }

    /// What the request is worth.
    public enum Decision: Hashable, Sendable {
        /// The user has proved to be who he says.
        case accepted
        /// The credentials are right but for their nonce: challenge with `stale`.
        case stale
        /// The user is unknown or the response wrong; a client cannot tell which.
        case rejected
        /// The credentials are right, and accepted if this use of their nonce is: ask where that was issued.
        case elsewhere(NonceUse)
    }

    /// Writes the challenges.
    public let challenges: ChallengeWriter
    /// Issues the nonces and counts their use.
    public var nonces: NonceIssuer
    private let decoys: DecoySecrets
    private let realm: [UInt8]

    /// An authenticator for the realm and algorithms of `challenges`.
    public init(challenges: ChallengeWriter, nonces: NonceIssuer, decoys: DecoySecrets) {
        (self.challenges, self.nonces, self.decoys) = (challenges, nonces, decoys)
        var quoted: [UInt8] = []
        quoted.append(quoted: challenges.realm)
        self.realm = Array(quoted.dropFirst().dropLast())
    }

    /// Whether the credentials concern this realm, and which secret would verify them.
    public func examine(_ credentials: CredentialsIndex, in octets: Span<UInt8>) -> Examination {
        guard credentials.isDigest,
            octets.equals(credentials.realm.range, self.realm.span, 0..<self.realm.count)
        else { return .ignore }
        // Hashed names are not offered (RFC 7616 §3.4.4), extended ones not needed: SIP text is UTF-8.
        guard credentials.username.isPresent, !credentials.isUsernameHashed, !credentials.response.isEmpty,
            let algorithm = DigestAlgorithm(octets, credentials.algorithm)
        else { return .challenge }
        let offered = self.challenges.algorithms.span
        for i in offered.indices where offered[i] == algorithm { return .lookUp(algorithm) }
        return .challenge
    }

    /// Whether credentials name a nonce that was sent to this address: who brings them is there (see `NonceIssuer`),
    /// whatever they are worth.
    public func provesAddress(
        _ credentials: CredentialsIndex, in octets: Span<UInt8>, from address: IPAddress, at now: Int64, binding: UInt64
    ) -> Bool {
        guard let nonce = Nonce(octets, credentials.nonce) else { return false }
        return self.nonces.wasSent(nonce, to: address, at: now, binding: binding)
    }

    /// Judges credentials that `examine` answered with `lookUp`, and takes their nonce count as used when they are
    /// right.
    ///
    /// The work is the same whether there is a secret or not.
    ///
    /// - Parameters:
    ///   - credentials: The credentials, read from `octets`.
    ///   - octets: The whole request, lent for the call.
    ///   - method: Where the method lies.
    ///   - body: Where the body lies.
    ///   - secret: The user's secret for the algorithm of the credentials; `nil` when there is no such user.
    ///   - now: The time in nanoseconds on the clock of the nonces.
    ///   - binding: What the nonce was issued for.
    ///   - acceptsRepeats: Whether a nonce count may come again: where nobody can tell a retransmission from a replay,
    ///     as a stateless proxy cannot (RFC 3261 §16.11).
    public mutating func decide(
        _ credentials: CredentialsIndex, in octets: Span<UInt8>, method: OctetRange, body: OctetRange,
        secret: DigestSecret?, at now: Int64, binding: UInt64, acceptsRepeats: Bool = false
    ) -> Decision {
        let algorithm = DigestAlgorithm(octets, credentials.algorithm) ?? .md5
        let decoy = self.decoys.secret(
            algorithm, in: octets, username: credentials.username, realm: credentials.realm)
        let isRight = (secret ?? decoy).verifies(credentials, in: octets, method: method, body: body)
        guard isRight, secret != nil else { return .rejected }
        guard let nonce = Nonce(octets, credentials.nonce) else { return .stale }
        let count = credentials.qop.isEmpty ? nil : credentials.nonceCount
        switch self.nonces.use(nonce, count: count, at: now, binding: binding) {
        case .accepted: return .accepted
        case .replayed where acceptsRepeats, .elsewhere where acceptsRepeats: return .accepted
        case .elsewhere(let place): return .elsewhere(NonceUse(nonce: nonce, count: count, place: place))
        // A forged nonce under a right response: from before a restart, say (RFC 7616 §3.3 on stale).
        case .stale, .replayed, .forged: return .stale
        }
    }
}
