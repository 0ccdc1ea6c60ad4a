import SIPMessages
import SIPTransactions

/// Watches what every host sends and receives, and knows what RFC 3261 §17, RFC 4320 and RFC 6026 allow.
///
/// It sees the wire only, so it can watch any implementation. Hosts that misbehave on purpose are taken out with
/// `SimulatedWorld.permitsViolations(by:)`.
struct WireInvariants {
    /// What one host knows of one transaction.
    private struct Key: Hashable {
        var host: Int
        var transaction: String
        var method: String
    }
    private struct Server {
        var requestAt: MonotonicInstant
        var isReliable: Bool
        var final: (status: UInt16, digest: UInt64, at: MonotonicInstant)?
    }
    private struct Client {
        var sentAt: MonotonicInstant
        var digest: UInt64
        var hasProvisional = false
        /// When its CANCEL went out; 64*T1 later nobody waits for its answer any more (§9.1).
        var cancelledAt: MonotonicInstant?
        var final: (status: UInt16, at: MonotonicInstant)?
    }

    var timers = TransactionTimers()
    /// Hosts that may break every rule.
    var exempt: Set<Int> = []
    private var servers: [Key: Server] = [:]
    private var clients: [Key: Client] = [:]
    /// INVITE transactions that owe an ACK before the step is over.
    private var owed: [Key: String] = [:]

    /// When timer E of a client reaches T2: 3.5 s with the usual values (RFC 4320 §4.1).
    private var earliestTrying: TimeSpan {
        var (elapsed, interval) = (TimeSpan.zero, self.timers.t1)
        while interval < self.timers.t2 { (elapsed, interval) = (elapsed + interval, interval * 2) }
        return elapsed
    }

    private static func key(_ host: Int, _ facts: WireFacts) -> Key {
        Key(host: host, transaction: facts.transaction, method: facts.method)
    }

    /// A host begins anew: it knows nothing of what it has sent and received.
    mutating func forget(_ host: Int) {
        self.servers = self.servers.filter { $0.key.host != host }
        self.clients = self.clients.filter { $0.key.host != host }
        self.owed = self.owed.filter { $0.key.host != host }
    }

    // MARK: Sent

    /// A host sent a message: the rules that it broke.
    mutating func sent(_ facts: WireFacts, by host: Int, isReliable: Bool, at now: MonotonicInstant) -> Violation.Rule?
    {
        guard facts.isSIP, !self.exempt.contains(host) else { return nil }
        if facts.method == "ACK" {
            var key = Self.key(host, facts)
            key.method = "INVITE"
            self.owed[key] = nil
            return nil
        }
        return facts.isRequest
            ? self.sentRequest(facts, Self.key(host, facts), isReliable, at: now)
            : self.sentResponse(facts, Self.key(host, facts), at: now)
    }

    private mutating func sentRequest(
        _ facts: WireFacts, _ key: Key, _ isReliable: Bool, at now: MonotonicInstant
    ) -> Violation.Rule? {
        guard let client = self.clients[key] else {
            if facts.method == "CANCEL" {
                var invite = key
                invite.method = "INVITE"
                self.clients[invite]?.cancelledAt = now
            }
            self.clients[key] = Client(sentAt: now, digest: facts.digest)
            return nil
        }
        if client.digest != facts.digest { return .branchUsedTwice }
        if isReliable || client.final != nil { return .needlessRetransmission }
        if facts.method == "INVITE", client.hasProvisional { return .needlessRetransmission }
        return now.since(client.sentAt) >= self.timers.timeout ? .sentAfterTermination : nil
    }

    private mutating func sentResponse(_ facts: WireFacts, _ key: Key, at now: MonotonicInstant) -> Violation.Rule? {
        let isInvite = facts.method == "INVITE"
        guard let server = self.servers[key] else { return .responseWithoutRequest }
        if !isInvite, facts.status == 408 { return .timeoutResponseToNonInvite }
        if !isInvite, facts.isProvisional {
            let isEarly = !server.isReliable && now.since(server.requestAt) < self.earliestTrying
            if facts.status != 100 || isEarly { return .provisionalToNonInvite }
        }
        guard let final = server.final else {
            if facts.isFinal { self.servers[key]?.final = (facts.status, facts.digest, now) }
            return nil
        }
        if facts.isProvisional { return .provisionalAfterFinal }
        let areSuccesses = isInvite && final.status < 300 && facts.status < 300
        if final.digest != facts.digest { return areSuccesses ? nil : .secondFinalResponse }
        if server.isReliable, !isInvite { return .sentAfterTermination }
        return now.since(final.at) > self.timers.timeout ? .sentAfterTermination : nil
    }

    // MARK: Received

    /// A host received a message.
    mutating func received(_ facts: WireFacts, by host: Int, isReliable: Bool, at now: MonotonicInstant) {
        guard facts.isSIP, !self.exempt.contains(host), facts.method != "ACK" else { return }
        let key = Self.key(host, facts)
        if facts.isRequest {
            if self.servers[key] == nil { self.servers[key] = Server(requestAt: now, isReliable: isReliable) }
            return
        }
        guard let client = self.clients[key] else { return }
        let isAbandoned = client.cancelledAt.map { now.since($0) >= self.timers.timeout } ?? false
        let isTimedOut = !client.hasProvisional && now.since(client.sentAt) >= self.timers.timeout
        let isOver = client.final == nil && (isTimedOut || isAbandoned)
        if facts.isProvisional {
            // One that comes when timer B has fired keeps nothing alive.
            if !isOver { self.clients[key]?.hasProvisional = true }
            return
        }
        if client.final == nil, !isOver { self.clients[key]?.final = (facts.status, now) }
        guard facts.method == "INVITE", facts.status >= 300, !isOver else { return }
        if let final = client.final {
            let hasEnded = isReliable || now.since(final.at) >= self.timers.d
            if final.status < 300 || hasEnded { return }
        }
        self.owed[key] = facts.label
    }

    /// A step of a host is over: what it owed in it.
    mutating func stepEnded(_ host: Int) -> [String] {
        guard !self.owed.isEmpty else { return [] }
        let missing = self.owed.filter { $0.key.host == host }
        for key in missing.keys { self.owed[key] = nil }
        return missing.values.sorted()
    }
}
