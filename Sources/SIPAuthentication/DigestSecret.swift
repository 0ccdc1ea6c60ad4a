/// What is stored of a password: the digest of user name, realm and password, `H(A1)` of RFC 7616 §3.4.2.
///
/// Whoever has it can pass for the user in this realm, so it is guarded like a password; but the password does not
/// follow from it, nor the secret of another realm. It does not show in descriptions, dumps and logs.
///
///     let secret = DigestSecret(username: "alice", realm: "biloxi.example", password: password, algorithm: .sha256)
///     store.save(secret.algorithm.rawValue, secret.octets)
public struct DigestSecret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The algorithm, never a session variant: those use the secret of their base (RFC 7616 §3.4.2).
    public let algorithm: DigestAlgorithm
    let value: DigestValue

    init(_ value: DigestValue, algorithm: DigestAlgorithm) {
        self.algorithm = algorithm.base
        self.value = value
    }

    /// The secret of a user.
    ///
    /// - Parameters:
    ///   - username: The name without domain, as the user's phone sends it.
    ///   - realm: The realm of our challenges.
    ///   - password: Not kept.
    ///   - algorithm: One secret is needed for each algorithm that is offered.
    public init(username: String, realm: String, password: String, algorithm: DigestAlgorithm) {
        let a1 = Array("\(username):\(realm):\(password)".utf8)
        self.init(algorithm.hash(a1.span, 0..<a1.count), algorithm: algorithm)
    }

    /// A stored secret; `nil` when the number of octets is not the algorithm's.
    public init?(octets: [UInt8], algorithm: DigestAlgorithm) {
        guard octets.count == algorithm.digestOctets, let value = DigestValue(octets) else { return nil }
        self.init(value, algorithm: algorithm)
    }

    /// The octets to store.
    public var octets: [UInt8] { self.value.octets }

    /// Whether both are the same, in constant time.
    public func isEqual(to other: DigestSecret) -> Bool {
        self.algorithm == other.algorithm && self.value.isEqual(to: other.value)
    }

    /// Never shows the secret.
    public var description: String { "secret for \(self.algorithm)" }
    /// Never shows the secret.
    public var debugDescription: String { self.description }
    /// Shows no part of the secret.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
