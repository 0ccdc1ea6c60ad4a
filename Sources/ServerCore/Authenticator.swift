import ProxyCore
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
        /// There are wrong ones: challenge as well. Their nonce may show that their sender is where he says.
        case wrong(provesAddress: Bool)
        /// They are right but for their nonce: challenge with `stale`.
        case stale
        /// They are right, if the shard that issued their nonce knows of no such use yet.
        case elsewhere(NonceUse)
        /// They are for another resource than the one that is asked for (RFC 7616 §3.4.6): 400.
        case misdirected
    }

    /// What nonces are for: those of the registrar are no good at the proxy.
    enum Purpose: UInt64 {
        case registrar = 0x7265_6769_7374_6572
        case proxy = 0x70_726F_7879
    }

    /// What the shard that issued a nonce says about a use of it.
    struct Ruling {
        var use: NonceUse
        /// Whether nobody has used it so before.
        var isAccepted: Bool
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
    /// - Parameters:
    ///   - purpose: What the nonces are for.
    ///   - shard: The number of the shard among those for this purpose.
    ///   - epoch: How often challenges have changed in this run: nonces of another epoch are stale.
    ///   - random: 64 bits that nobody can predict, each time.
    init(settings: ServerSettings, purpose: Purpose, shard: Int, epoch: UInt64, random: () -> UInt64) {
        self.domains = settings.domains
        self.realms = []
        for domain in settings.domains {
            let realm = String(decoding: domain, as: UTF8.self)
            if settings.algorithms.contains(.md5) {
                self.legacyChallenges.append(
                    ChallengeWriter(
                        realm: realm, algorithms: [.md5], offersIntegrity: settings.offersIntegrity))
            }
            let secret = Self.secret(settings, domain, purpose, epoch)
            guard
                let nonces = NonceIssuer(
                    secret: secret, capacity: 16_384, place: UInt8(truncatingIfNeeded: shard))
            else { continue }
            self.realms.append(
                DigestAuthenticator(
                    challenges: ChallengeWriter(
                        realm: realm, algorithms: settings.algorithms,
                        offersIntegrity: settings.offersIntegrity),
                    nonces: nonces, decoys: DecoySecrets(key: SipHashKey(random(), random()))))
        }
    }

    /// The secret behind the nonces of a domain: the same in all shards of one run for one purpose, and another in each
    /// run, which does not know what the one before it has accepted.
    private static func secret(
        _ settings: ServerSettings, _ domain: [UInt8], _ purpose: Purpose, _ epoch: UInt64
    ) -> [UInt8] {
        var secret: [UInt8] = []
        let key = settings.hashKey.derived(for: "nonce secret")
        for word in UInt64(0)..<4 {
            var hasher = SipHash24(key: key)
            for number in [word, UInt64(settings.proxy.generation), epoch, purpose.rawValue] { hasher.combine(number) }
            hasher.combine(domain.span, 0..<domain.count)
            let number = hasher.finish()
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                secret.append(UInt8(truncatingIfNeeded: number >> shift))
            }
        }
        return secret
    }

    /// Judges the credentials of a request for one domain.
    ///
    /// - Parameters:
    ///   - field: Authorization at the registrar, Proxy-Authorization at the proxy.
    ///   - ruling: What was found out about the use of a nonce of another shard.
    ///   - wasRelayed: Whether the request has come through another element.
    ///   - isRetargeted: Whether the Request-URI is no longer the one that came.
    ///   - acceptsRepeats: Whether retransmissions come here too.
    ///   - address: Where the request came from.
    mutating func judge(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex, field: HeaderID, domain: Int, from address: IPAddress,
        _ settings: borrowing ServerSettings, ruling: Ruling?, wasRelayed: Bool,
        acceptsRepeats: Bool = false, isRetargeted: Bool = false, at now: MonotonicInstant
    ) -> Verdict {
        var verdict = Verdict.unknown
        var position = index.first(field)
        while let found = position {
            position = index.next(field, from: found + 1)
            let value = index.fields[found].value.range
            guard let credentials = try? CredentialsIndex(parsing: octets, in: value, field: field),
                case .lookUp(let algorithm) = self.realms[domain].examine(credentials, in: octets)
            else { continue }
            guard isRetargeted || settings.isDirected(credentials.uri, octets, index, wasRelayed: wasRelayed)
            else {
                self.counts.rejected &+= 1
                return .misdirected
            }
            self.setIdentity(octets, credentials.username, domain)
            let decision = self.realms[domain].decide(
                credentials, in: octets, method: index.methodName, body: index.body,
                secret: settings.subscribers.secret(self.identity, algorithm), at: now.nanoseconds, binding: 0,
                acceptsRepeats: acceptsRepeats)
            switch decision {
            case .accepted:
                self.counts.accepted &+= 1
                return .user
            case .elsewhere(let use):
                // A request asks once, whatever it brings.
                guard let ruling else { return .elsewhere(use) }
                if ruling.use == use, ruling.isAccepted {
                    self.counts.accepted &+= 1
                    return .user
                }
                self.counts.stale &+= 1
                verdict = .stale
            case .stale:
                self.counts.stale &+= 1
                verdict = .stale
            case .rejected:
                self.counts.rejected &+= 1
                // Another element passes challenges and guesses on: what it proves is not where the guesser is.
                verdict = .wrong(
                    provesAddress: !wasRelayed
                        && self.realms[domain].provesAddress(
                            credentials, in: octets, from: address, at: now.nanoseconds, binding: 0)
                )
            }
        }
        return verdict
    }

    /// Takes a nonce that was issued here as used by a request that another shard handles.
    ///
    /// - Returns: whether nobody had used it so before.
    mutating func take(_ use: NonceUse, domain: Int, at now: MonotonicInstant) -> Bool {
        guard self.realms.indices.contains(domain) else { return false }
        return self.realms[domain].nonces.use(use.nonce, count: use.count, at: now.nanoseconds, binding: 0) == .accepted
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

    /// Appends the challenges of a domain to a request that is indexed, in an answer that goes to `address`.
    mutating func writeChallenges(
        _ role: ChallengeWriter.Role, to octets: Span<UInt8>, _ index: borrowing MessageIndex, domain: Int,
        isStale: Bool, address: IPAddress, at now: MonotonicInstant, into fields: inout [UInt8]
    ) {
        self.counts.challenges &+= 1
        let nonce = self.realms[domain].nonces.issue(at: now.nanoseconds, binding: 0, to: address)
        if domain < self.legacyChallenges.count, DigestQuirks.needsOnlyMD5(octets, index) {
            return self.legacyChallenges[domain].write(role, nonce: nonce, isStale: isStale, to: &fields)
        }
        self.realms[domain].challenges.write(role, nonce: nonce, isStale: isStale, to: &fields)
    }
}
