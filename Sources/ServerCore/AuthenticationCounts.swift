/// What became of credentials, as counts since the start.
public struct AuthenticationCounts: Hashable, Sendable {
    /// Credentials that proved a user.
    public var accepted: UInt64 = 0
    /// Credentials that were wrong: of no user of ours, or with another password.
    public var rejected: UInt64 = 0
    /// Credentials that were right but for a nonce that is used up or too old.
    public var stale: UInt64 = 0
    /// Requests that were answered with a challenge.
    public var challenges: UInt64 = 0

    /// No counts.
    public init() {}

    /// Adds those of another shard.
    public mutating func add(_ other: AuthenticationCounts) {
        self.accepted &+= other.accepted
        self.rejected &+= other.rejected
        self.stale &+= other.stale
        self.challenges &+= other.challenges
    }
}
