public import SIPMessages

/// What server selection remembers from one request to the next: answers of the DNS, servers that failed, and domains
/// that offered TLS.
///
/// It is a value of its owner, a shard say, and lent to each selection while that runs.
public struct RoutingMemory: Sendable {
    /// How much is remembered and for how long.
    public struct Limits: Sendable {
        /// The most answers.
        public var answers = 4096
        /// The most servers that failed.
        public var failures = 1024
        /// The most domains known to offer TLS.
        public var secureDomains = 1024
        /// The longest that an answer with records is used, whatever its TTL.
        public var recordLifetime: TimeSpan = .seconds(86_400)
        /// The longest that "there are none" is used (RFC 2308 §5 advises one to three hours).
        public var negativeLifetime: TimeSpan = .seconds(3600)
        /// How long a question that failed is not asked again (RFC 2308 §7 allows five minutes).
        public var failureLifetime: TimeSpan = .seconds(5)
        /// How long a server that could not be reached comes last.
        public var unreachableLifetime: TimeSpan = .seconds(60)
        /// How long it is remembered of a place whether it takes TCP where UDP is its usual transport.
        public var streamLifetime: TimeSpan = .seconds(600)
        /// The longest that a `Retry-After` is believed.
        public var retryAfterLifetime: TimeSpan = .seconds(3600)
        /// How long a domain is known to offer TLS after it last did.
        public var secureDomainLifetime: TimeSpan = .seconds(7 * 86_400)

        /// The defaults.
        public init() {}
    }

    /// Where a server is: what is remembered about it is remembered of this transport, address and port.
    struct ServerKey: Hashable, Sendable {
        var transport: TransportProtocol
        var address: SocketAddress
    }
    enum Failure: Sendable { case unreachable, refusing }

    /// How much is remembered and for how long.
    public let limits: Limits
    private var answers: ExpiringTable<DNSQuestion, DNSAnswer>
    private var failures: ExpiringTable<ServerKey, Failure>
    private var secureDomains: ExpiringTable<DomainName, Bool>
    private var streams: ExpiringTable<SocketAddress, Bool>

    /// A memory of nothing.
    public init(limits: Limits = Limits()) {
        self.limits = limits
        self.answers = ExpiringTable(capacity: limits.answers)
        self.failures = ExpiringTable(capacity: limits.failures)
        self.secureDomains = ExpiringTable(capacity: limits.secureDomains)
        self.streams = ExpiringTable(capacity: limits.failures)
    }

    // MARK: Answers

    /// The answer to a question, if it is known and still holds.
    public func answer(to question: DNSQuestion, at now: MonotonicInstant) -> DNSAnswer? {
        self.answers.value(question, at: now)?.value
    }

    /// Remembers an answer for as long as its TTL and the limits say; a TTL of 0 is for this use only (RFC 1035 §3.2.1).
    public mutating func remember(_ answer: DNSAnswer, to question: DNSQuestion, at now: MonotonicInstant) {
        let lifetime =
            switch answer {
            case .records(_, let seconds): Swift.min(.seconds(Int64(seconds)), self.limits.recordLifetime)
            case .noRecords(let seconds): Swift.min(.seconds(Int64(seconds)), self.limits.negativeLifetime)
            case .failed, .timedOut: self.limits.failureLifetime
            }
        self.answers.set(question, to: answer, until: now.advanced(by: lifetime), at: now)
    }

    // MARK: Servers

    /// A server could not be reached: a fatal ICMP error, a refused or broken connection, or no response at all until
    /// timer B or F (RFC 3263 §4.3). For a while others are tried before it.
    public mutating func noteUnreachable(_ server: ServerAddress, at now: MonotonicInstant) {
        let key = ServerKey(transport: server.transport, address: server.address)
        // A server that asked to be left alone is not tried sooner because it was unreachable since.
        if self.failures.value(key, at: now)?.value == .refusing { return }
        let end = now.advanced(by: self.limits.unreachableLifetime)
        self.failures.set(key, to: .unreachable, until: end, at: now)
    }

    /// A server answered 503. With `Retry-After` it is sent nothing for that time (RFC 3261 §21.5.4); without, it comes
    /// last for a while.
    public mutating func noteRefusal(_ server: ServerAddress, retryAfterSeconds: UInt32?, at now: MonotonicInstant) {
        guard let retryAfterSeconds, retryAfterSeconds > 0 else { return self.noteUnreachable(server, at: now) }
        let lifetime = Swift.min(.seconds(Int64(retryAfterSeconds)), self.limits.retryAfterLifetime)
        let key = ServerKey(transport: server.transport, address: server.address)
        self.failures.set(key, to: .refusing, until: now.advanced(by: lifetime), at: now)
    }

    /// A server answered: it is forgotten that it ever was unreachable, but not that it asked to be left alone.
    public mutating func noteSuccess(_ server: ServerAddress, at now: MonotonicInstant) {
        let key = ServerKey(transport: server.transport, address: server.address)
        if self.failures.value(key, at: now)?.value == .unreachable { self.failures.remove(key) }
    }

    func failure(of server: ServerAddress, at now: MonotonicInstant) -> (value: Failure, end: MonotonicInstant)? {
        self.failures.value(ServerKey(transport: server.transport, address: server.address), at: now)
    }

    // MARK: Large requests

    /// Notes whether a place that is sent to over UDP takes TCP too, for what is too large for a datagram
    /// (RFC 3261 §18.1.1).
    public mutating func noteTakesStreams(_ takes: Bool, _ address: SocketAddress, at now: MonotonicInstant) {
        self.streams.set(address, to: takes, until: now.advanced(by: self.limits.streamLifetime), at: now)
    }

    /// Whether a place takes TCP; `nil` when that is not known.
    public func takesStreams(_ address: SocketAddress, at now: MonotonicInstant) -> Bool? {
        self.streams.value(address, at: now)?.value
    }

    // MARK: TLS

    /// Notes whether the NAPTR records of a domain offer TLS, and tells whether they did before and no longer do: a
    /// sign of an attack (RFC 3263 §7).
    mutating func noteOffersTLS(_ offers: Bool, _ domain: DomainName, at now: MonotonicInstant) -> Bool {
        guard offers else { return self.secureDomains.value(domain, at: now) != nil }
        let end = now.advanced(by: self.limits.secureDomainLifetime)
        self.secureDomains.set(domain, to: true, until: end, at: now)
        return false
    }

    /// How many answers, failures and domains are remembered, ended ones included.
    public var counts: (answers: Int, failures: Int, secureDomains: Int) {
        (self.answers.count, self.failures.count, self.secureDomains.count)
    }
}
