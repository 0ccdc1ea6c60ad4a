public import SIPMessages

/// What nobody does by accident so often: it is counted for its source, and has consequences.
public enum Offence: UInt8, CaseIterable, Hashable, Sendable {
    /// Credentials that are wrong. A request without any is none: it does not know the challenge yet.
    case wrongCredentials
    /// A message that breaks the grammar.
    case malformed

    /// In words, for people.
    public var text: String { self == .malformed ? "malformed messages" : "wrong credentials" }
}

/// What is done to a source.
public enum Sanction: Hashable, Sendable {
    /// Its messages are dropped and its connections closed. It has proved that it is where it says: over a connection, or
    /// by naming the nonce of a challenge that was sent there.
    case banned
    /// Of its messages a few a second are served: whoever sends them over UDP may have taken somebody else's address.
    case limited
}

/// A source under a sanction.
public struct SanctionedSource: Hashable, Sendable {
    /// An IPv4 address, or the first one of an IPv6 /64.
    public var source: IPAddress
    /// What is done to it.
    public var sanction: Sanction
    /// What it has done.
    public var offence: Offence
    /// When that ends.
    public var end: MonotonicInstant
}

/// Who has done wrong, and how often: a bucket for each source that leaks.
///
/// A source may do each wrong so often in ten minutes; what is more leads to a sanction. Those that have proved their
/// address and those that have not are kept apart, so that forged addresses push nobody out.
public struct OffenceLedger: Sendable {
    /// What is put up with.
    public struct Policy: Hashable, Sendable {
        /// How often wrong credentials may come from a source in ten minutes; 0 counts none.
        public var wrongCredentials = 60
        /// How often malformed messages may; 0 counts none.
        public var malformed = 200
        /// How long a sanction lasts.
        public var duration: TimeSpan = .seconds(600)

        /// The policy with the values that stand beside each.
        public init() {}

        fileprivate func limit(_ offence: Offence) -> Int {
            offence == .malformed ? self.malformed : self.wrongCredentials
        }
    }

    private struct Bucket {
        var level: Double
        var filled: MonotonicInstant
    }
    private struct Key: Hashable {
        var source: IPAddress
        var offence: Offence
    }
    private struct Buckets {
        var entries: [Key: Bucket] = [:]
        /// When those that were empty made room last.
        var sweptAt: MonotonicInstant?
    }

    /// Sources of each kind that are counted at a time.
    static let capacity = 8192
    /// In which time a full bucket is empty.
    private static let leakTime = 600.0

    /// What is put up with.
    public var policy: Policy
    private var proven = Buckets()
    private var unproven = Buckets()
    /// Those under a sanction, by source.
    private var sanctioned: [IPAddress: SanctionedSource] = [:]

    /// A ledger without entries.
    public init(policy: Policy = Policy()) { self.policy = policy }

    /// Notes an offence.
    ///
    /// - Parameters:
    ///   - address: Where the message came from.
    ///   - isProven: Whether whoever sent it is there, as over a connection, or when it answers a challenge of ours.
    /// - Returns: the sanction that begins now; `nil` where none does.
    public mutating func note(
        _ offence: Offence, from address: IPAddress, isProven: Bool, at now: MonotonicInstant
    ) -> SanctionedSource? {
        let limit = Double(self.policy.limit(offence))
        guard limit > 0 else { return nil }
        let key = Key(source: address.customer, offence: offence)
        let isOver =
            isProven
            ? Self.fill(&self.proven, key, limit, now) : Self.fill(&self.unproven, key, limit, now)
        guard isOver, self.sanctioned.count < 2 * Self.capacity else { return nil }
        let sanction: Sanction = isProven ? .banned : .limited
        // Who is banned stays so; a limit does not make it less.
        if let present = self.sanctioned[key.source], present.end > now,
            present.sanction == .banned || sanction == .limited
        {
            return nil
        }
        let new = SanctionedSource(
            source: key.source, sanction: sanction, offence: offence, end: now.advanced(by: self.policy.duration))
        self.sanctioned[key.source] = new
        return new
    }

    /// Puts a drop into a bucket.
    ///
    /// - Returns: whether it runs over.
    private static func fill(
        _ buckets: inout Buckets, _ key: Key, _ limit: Double, _ now: MonotonicInstant
    ) -> Bool {
        func leaked(_ bucket: Bucket) -> Double {
            let seconds = Double(now.since(bucket.filled).nanoseconds) / 1e9
            return max(bucket.level - limit * seconds / Self.leakTime, 0)
        }
        guard let bucket = buckets.entries[key] else {
            if buckets.entries.count >= Self.capacity {
                // Those that are empty by now make room; if none is, the source is not counted. Not for each new source:
                // who takes another address for each message would have all of them looked at each time.
                if let sweptAt = buckets.sweptAt, now.since(sweptAt) < .seconds(1) { return false }
                buckets.sweptAt = now
                buckets.entries = buckets.entries.filter { leaked($0.value) > 0 }
                guard buckets.entries.count < Self.capacity else { return false }
            }
            buckets.entries[key] = Bucket(level: 1, filled: now)
            return limit < 1
        }
        let level = min(leaked(bucket) + 1, limit + 1)
        buckets.entries[key] = Bucket(level: level, filled: now)
        return level > limit
    }

    /// Ends the sanction of a source, and forgets what it has done.
    ///
    /// - Returns: whether there was one.
    public mutating func lift(_ address: IPAddress) -> Bool {
        let source = address.customer
        for offence in Offence.allCases {
            self.proven.entries[Key(source: source, offence: offence)] = nil
            self.unproven.entries[Key(source: source, offence: offence)] = nil
        }
        return self.sanctioned.removeValue(forKey: source) != nil
    }

    /// Forgets the sanctions that are over.
    ///
    /// - Returns: whether there were any.
    public mutating func expire(at now: MonotonicInstant) -> Bool {
        let before = self.sanctioned.count
        self.sanctioned = self.sanctioned.filter { $0.value.end > now }
        return self.sanctioned.count != before
    }

    /// Whether a source is banned.
    public func isBanned(_ address: IPAddress) -> Bool { self.sanctioned[address.customer]?.sanction == .banned }

    /// The sources under a sanction, those that end first in front.
    public var sources: [SanctionedSource] {
        self.sanctioned.values.sorted {
            ($0.end, $0.source.high, $0.source.low) < ($1.end, $1.source.high, $1.source.low)
        }
    }
}

extension IPAddress {
    /// What counts as one source: an IPv4 address, or all addresses of an IPv6 /64, which one customer has.
    public var customer: IPAddress { self.isIPv6 ? IPAddress(v6: self.high, 0) : self }
}
