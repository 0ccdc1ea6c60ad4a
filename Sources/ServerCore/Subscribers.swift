public import SIPAuthentication

/// The users of a server with what verifies their passwords: a table that never changes. A change makes another one.
public final class Subscribers: Sendable {
    /// The secrets of one user, by algorithm; an algorithm without secret cannot be used.
    public struct Secrets: Sendable {
        /// For MD5.
        public var md5: DigestSecret?
        /// For SHA-256.
        public var sha256: DigestSecret?
        /// For SHA-512/256.
        public var sha512256: DigestSecret?

        /// The secrets; `nil` where there is none.
        public init(md5: DigestSecret?, sha256: DigestSecret?, sha512256: DigestSecret?) {
            (self.md5, self.sha256, self.sha512256) = (md5, sha256, sha512256)
        }

        func secret(_ algorithm: DigestAlgorithm) -> DigestSecret? {
            switch algorithm.base {
            case .md5: self.md5
            case .sha256: self.sha256
            case .sha512256: self.sha512256
            default: nil
            }
        }
    }

    private let secrets: [[UInt8]: Secrets]

    /// A table of users by `user@domain`, the domain in lower case.
    public init(_ secrets: [[UInt8]: Secrets] = [:]) { self.secrets = secrets }

    /// How many users there are.
    public var count: Int { self.secrets.count }

    /// Whether there is a user of this name.
    public func contains(_ aor: [UInt8]) -> Bool { self.secrets[aor] != nil }

    func secret(_ aor: [UInt8], _ algorithm: DigestAlgorithm) -> DigestSecret? {
        self.secrets[aor]?.secret(algorithm)
    }
}
