import SIPMessages
import SIPTransactions

/// Requests whose credentials were accepted a moment ago, where none has a transaction: when such a one comes again, since
/// its answer was lost or it had to wait for another one, its nonce count has been used, and by itself.
///
/// It is known by a keyed hash of all its octets and of where it came from, for as long as a client sends it again
/// (RFC 3261 §17.1.2.2, timer F). The table is bounded: one that has been pushed out is challenged as stale.
struct AcceptedRequests: Sendable {
    static let lifetime: TimeSpan = .seconds(32)
    static let capacity = 4096

    private var moments: [UInt64: MonotonicInstant] = [:]
    private var order: [UInt64] = []
    private var oldest = 0

    init() {}

    /// Remembers a request.
    mutating func add(_ octets: Span<UInt8>, over flow: Flow, key: SipHashKey, at now: MonotonicInstant) {
        let hash = Self.hash(octets, flow, key)
        guard self.moments.updateValue(now, forKey: hash) == nil else { return }
        guard self.order.count == Self.capacity else { return self.order.append(hash) }
        self.moments[self.order[self.oldest]] = nil
        self.order[self.oldest] = hash
        self.oldest = (self.oldest + 1) % Self.capacity
    }

    /// Whether a request is one of those.
    func contains(_ octets: Span<UInt8>, over flow: Flow, key: SipHashKey, at now: MonotonicInstant) -> Bool {
        guard let moment = self.moments[Self.hash(octets, flow, key)] else { return false }
        return now.since(moment) <= Self.lifetime
    }

    private static func hash(_ octets: Span<UInt8>, _ flow: Flow, _ key: SipHashKey) -> UInt64 {
        var hasher = SipHash24(key: key)
        hasher.combine(octets, 0..<octets.count)
        var source: [UInt8] = []
        flow.remote.ip.write(to: &source)
        hasher.combine(source.span, 0..<source.count)
        hasher.combine(UInt64(flow.remote.port))
        return hasher.finish()
    }
}
