import CallRecords
import LocationService
import ProxyCore
public import SIPMessages
import SIPTransactions
public import ServerCore

/// How a server is, and what it has done since it started.
public struct ServerStatistics: Sendable {
    /// Requests that came, by method; `other` stands for all that have no name here.
    public var requestsReceived: [(method: String, count: UInt64)] = []
    /// Requests that were sent, by method.
    public var requestsSent: [(method: String, count: UInt64)] = []
    /// Responses that came, by class: 1 to 6.
    public var responsesReceived: [(statusClass: Int, count: UInt64)] = []
    /// Responses that were sent, by class.
    public var responsesSent: [(statusClass: Int, count: UInt64)] = []
    /// Messages that came, by transport.
    public var messagesReceived: [(transport: TransportProtocol, count: UInt64)] = []
    /// Messages that were sent, by transport.
    public var messagesSent: [(transport: TransportProtocol, count: UInt64)] = []
    /// Messages that were dropped unanswered: they are no SIP, or responses that nobody waits for.
    public var dropped: UInt64 = 0
    /// Requests that could not be sent.
    public var unsent: UInt64 = 0
    /// Requests that were refused with 503, since more came than could be done.
    public var overloadRefused: UInt64 = 0
    /// Messages that were dropped for that.
    public var overloadDropped: UInt64 = 0
    /// Messages of sources that are kept out.
    public var sanctionedMessages: UInt64 = 0
    /// Sources that are kept out.
    public var sanctionedSources = 0
    /// Threads that have more to do than they can.
    public var overloadedThreads: UInt64 = 0
    /// Connections, by transport.
    public var connections: [(transport: TransportProtocol, count: Int)] = []
    /// Server transactions that live.
    public var serverTransactions = 0
    /// Client transactions that live.
    public var clientTransactions = 0
    /// Requests that wait for their final response.
    public var unansweredRequests = 0
    /// Calls that are being recorded.
    public var openCalls = 0
    /// Those of them that are answered: dialogs that the server knows of.
    public var answeredCalls = 0
    /// Calls that could not be recorded, since too many were open.
    public var missedCalls: UInt64 = 0
    /// Addresses-of-record with a binding.
    public var registeredAddresses = 0
    /// What became of credentials.
    public var authentication = AuthenticationCounts()

    /// No counts.
    public init() {}
}

extension SignallingServer {
    /// How the server is. Looks into every shard for a moment; any thread may call it.
    public var statistics: ServerStatistics {
        var statistics = ServerStatistics()
        typealias Place = TrafficCounters.Place
        let counters = self.udpThreads.map(\.counters) + self.loopWorkers.map(\.counters)
        func total(_ place: Int) -> UInt64 { counters.reduce(0) { $0 &+ $1[place] } }
        for code in 0..<UInt8(16) {
            let method = Method.Code(rawValue: code).method?.name
            guard code == 0 || method != nil else { continue }
            statistics.requestsReceived.append((method ?? "other", total(Place.requestsReceived + Int(code))))
            statistics.requestsSent.append((method ?? "other", total(Place.requestsSent + Int(code))))
        }
        for number in 1...6 {
            statistics.responsesReceived.append((number, total(Place.responsesReceived + number)))
            statistics.responsesSent.append((number, total(Place.responsesSent + number)))
        }
        for transport in [TransportProtocol.udp, .tcp, .tls, .ws, .wss] {
            let place = Int(transport.rawValue)
            statistics.messagesReceived.append((transport, total(Place.messagesReceived + place)))
            statistics.messagesSent.append((transport, total(Place.messagesSent + place)))
            if transport.isReliable {
                statistics.connections.append((transport, self.streams.table.count(of: transport)))
            }
        }
        (statistics.dropped, statistics.unsent) = (total(Place.dropped), total(Place.unsent))
        statistics.overloadRefused = total(Place.overloadRefused)
        statistics.overloadDropped = total(Place.overloadDropped)
        statistics.sanctionedMessages = total(Place.sanctioned)
        statistics.sanctionedSources = self.sourceGuard.sources.count
        statistics.overloadedThreads = total(Place.overloaded)
        for shard in self.calls { shard.run { statistics.add($0) } }
        for shard in self.locations { shard.run { statistics.add($0) } }
        return statistics
    }

    /// Whether every request has its final response, every REGISTER its commit, and no call of the server's own goes on.
    public var isIdle: Bool {
        self.calls.allSatisfy { $0.run { $0.isIdle } }
            && self.locations.allSatisfy { $0.run { !$0.service.isWaiting } }
    }
}

extension ServerStatistics {
    fileprivate mutating func add(_ shard: borrowing CallShard) {
        self.serverTransactions += shard.transactions.serverCount
        self.clientTransactions += shard.transactions.clientCount
        self.unansweredRequests += shard.proxy.unansweredCount
        self.openCalls += shard.recorder.openCount
        self.answeredCalls += shard.recorder.answeredCount
        self.missedCalls &+= shard.recorder.missedCount
        self.authentication.add(shard.authenticationCounts)
    }

    fileprivate mutating func add(_ shard: borrowing LocationShard) {
        self.registeredAddresses += shard.service.aorCount
        self.authentication.add(shard.authenticationCounts)
    }
}
