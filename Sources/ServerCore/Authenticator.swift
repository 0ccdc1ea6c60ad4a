import SIPAuthentication
import SIPMessages

/// Who sent a request: one shard's authenticators, one for each domain (RFC 3261 §22).
struct Authenticator: Sendable {
    /// What credentials have proved.
    enum Verdict: Hashable {
        /// The user whose AOR now stands in `identity`.
        case user
        /// There are none for this domain: challenge.
        case unknown
        /// There are wrong ones: challenge as well.
        case wrong
        /// They are right but for their nonce: challenge with `stale`.
        case stale
    }

    private var realms: [DigestAuthenticator]
    /// For each realm, MD5 alone; empty where MD5 is not offered.
    private var legacyChallenges: [ChallengeWriter] = []
    private let domains: [[UInt8]]
    /// The AOR of the user that was proved last.
    private(set) var identity: [UInt8] = []
    /// What became of credentials.
    private(set) var counts = AuthenticationCounts()

    /// Authenticators for the domains of a server.
    ///
    /// - Parameter random: 64 bits that nobody can predict, each time.
    init(settings: ServerSettings, random: () -> UInt64) {
        self.domains = settings.domains
        self.realms = []
        for domain in settings.domains {
            var secret: [UInt8] = []
            for _ in 0..<4 {
                let number = random()
                for shift in stride(from: UInt64(0), to: 64, by: 8) {
                    secret.append(UInt8(truncatingIfNeeded: number >> shift))
                }
            }
            let realm = String(decoding: domain, as: UTF8.self)
            if settings.algorithms.contains(.md5) {
                self.legacyChallenges.append(
                    ChallengeWriter(
                        realm: realm, algorithms: [.md5], offersIntegrity: settings.offersIntegrity))
            }
            guard let nonces = NonceIssuer(secret: secret, capacity: 16_384) else { continue }
            self.realms.append(
                DigestAuthenticator(
                    challenges: ChallengeWriter(
                        realm: realm, algorithms: settings.algorithms,
                        offersIntegrity: settings.offersIntegrity),
                    nonces: nonces, decoys: DecoySecrets(key: SipHashKey(random(), random()))))
        }
    }

    /// Judges the credentials of a request for one domain.
    ///
    /// - Parameters:
    ///   - field: Authorization at the registrar, Proxy-Authorization at the proxy.
    ///   - acceptsRepeats: Whether retransmissions come here too.
    mutating func judge(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, field: HeaderID, domain: Int,
        _ subscribers: Subscribers, acceptsRepeats: Bool = false, at now: MonotonicInstant
    ) -> Verdict {
        var verdict = Verdict.unknown
        var position = index.first(field)
        while let found = position {
            position = index.next(field, from: found + 1)
            let value = index.fields[found].value.range
            guard let credentials = try? CredentialsIndex(parsing: octets, in: value, field: field),
                case .lookUp(let algorithm) = self.realms[domain].examine(credentials, in: octets)
            else { continue }
            self.setIdentity(octets, credentials.username, domain)
            let decision = self.realms[domain].decide(
                credentials, in: octets, method: index.methodName, body: index.body,
                secret: subscribers.secret(self.identity, algorithm), at: now.nanoseconds, binding: 0,
                acceptsRepeats: acceptsRepeats)
            switch decision {
            case .accepted:
                self.counts.accepted &+= 1
                return .user
            case .stale:
                self.counts.stale &+= 1
                verdict = .stale
            case .rejected:
                self.counts.rejected &+= 1
                verdict = .wrong
            }
        }
        return verdict
    }

    /// The AOR of a user name, which phones give with or without the domain.
    private mutating func setIdentity(_ octets: Span<UInt8>, _ username: OctetRange, _ domain: Int) {
        self.identity.removeAll(keepingCapacity: true)
        var end = username.lower
        while end < username.upper, octets[end] != 0x40 { end += 1 }
        self.identity.append(octets, username.lower..<end)
        self.identity.append(0x40)
        if end < username.upper, !octets.equalsLowercased(end + 1..<username.upper, self.domains[domain]) {
            // Another domain's user has no secret here.
            self.identity.append(octets, end + 1..<username.upper)
        } else {
            self.identity.append(contentsOf: self.domains[domain])
        }
    }

    /// Appends the challenges of a domain to a request that is indexed.
    mutating func writeChallenges(
        _ role: ChallengeWriter.Role, to octets: Span<UInt8>, _ index: borrowing MessageIndex, domain: Int,
        isStale: Bool, at now: MonotonicInstant, into fields: inout [UInt8]
    ) {
        self.counts.challenges &+= 1
        let nonce = self.realms[domain].nonces.issue(at: now.nanoseconds, binding: 0)
        if domain < self.legacyChallenges.count, DigestQuirks.needsOnlyMD5(octets, index) {
            return self.legacyChallenges[domain].write(role, nonce: nonce, isStale: isStale, to: &fields)
        }
        self.realms[domain].challenges.write(role, nonce: nonce, isStale: isStale, to: &fields)
    }
}
