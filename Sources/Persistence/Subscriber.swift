/// One who may register and call: an account of a domain, with the secrets that prove it.
///
/// There is no password: a secret is H(user:realm:password), with the domain as the realm (RFC 7616 §3.4.2). It lets
/// its holder in like the password, but in this realm only.
public struct Subscriber: Hashable, Sendable {
    /// The user part of the address-of-record, escapes undone.
    public var user: String
    /// The domain, in lower case; also the realm of the secrets.
    public var domain: String
    /// The name shown to others, if there is one.
    public var displayName: String?
    /// The secrets, by algorithm.
    public var secrets: SubscriberSecrets
    /// When the subscriber was added: milliseconds since 1970, UTC.
    public var createdAt: Int64

    /// A subscriber; the domain is kept in lower case.
    public init(
        user: String, domain: String, displayName: String? = nil, secrets: SubscriberSecrets, createdAt: Int64
    ) {
        self.user = user
        self.domain = domain.lowercased()
        self.displayName = displayName
        self.secrets = secrets
        self.createdAt = createdAt
    }

    /// `user@domain`
    public var aor: String { "\(self.user)@\(self.domain)" }
}

/// H(user:realm:password) for each algorithm that is offered; what is missing is not offered to this subscriber.
public struct SubscriberSecrets: Hashable, Sendable, CustomStringConvertible {
    /// MD5: 16 octets (RFC 2617).
    public var md5: [UInt8]?
    /// SHA-256: 32 octets (RFC 7616).
    public var sha256: [UInt8]?
    // swift-format-ignore: AlwaysUseLowerCamelCase
    /// SHA-512/256: 32 octets (RFC 7616).
    public var sha512_256: [UInt8]?

    /// The secrets; `nil` where there is none.
    public init(md5: [UInt8]? = nil, sha256: [UInt8]? = nil, sha512_256: [UInt8]? = nil) {
        self.md5 = md5
        self.sha256 = sha256
        self.sha512_256 = sha512_256
    }

    /// Nothing of the secrets: it may end in a log.
    public var description: String { "(secret)" }
}
