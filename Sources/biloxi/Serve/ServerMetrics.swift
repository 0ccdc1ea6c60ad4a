import Foundation
import OperationsHTTP
import Persistence
import SIPMessages
import ServerCore
import SignallingTransport

/// What `GET /metrics` shows of a running server.
struct ServerMetrics {
    var server = ServerStatistics()
    var store = BindingStore.Statistics()
    var uptime: Double = 0
    var residentOctets = 0

    /// All metrics; the same names whatever the server has done.
    var families: [MetricFamily] {
        [
            MetricFamily(
                "biloxi_build_info", .gauge, "The version of the program; the value is 1.",
                [.init(1, labels: [("version", Biloxi.version)])]),
            MetricFamily(
                "biloxi_uptime_seconds", .gauge, "How long the server has been running.", [.init(self.uptime)]),
            MetricFamily(
                "process_resident_memory_bytes", .gauge, "Memory that the process has in use.",
                [.init(Double(self.residentOctets))]),
        ] + self.traffic + self.state + self.storage
    }

    private var traffic: [MetricFamily] {
        let server = self.server
        let credentials = server.authentication
        let results = [
            ("accepted", credentials.accepted), ("rejected", credentials.rejected), ("stale", credentials.stale),
            ("challenge", credentials.challenges),
        ]
        func classes(_ counts: [(statusClass: Int, count: UInt64)]) -> [MetricFamily.Sample] {
            Self.samples("class", counts.map { ("\($0.statusClass)xx", $0.count) })
        }
        func transports(_ counts: [(transport: TransportProtocol, count: UInt64)]) -> [MetricFamily.Sample] {
            Self.samples("transport", counts.map { ("\($0.transport)", $0.count) })
        }
        return [
            MetricFamily(
                "biloxi_requests_received_total", .counter, "Requests received, by method.",
                Self.samples("method", server.requestsReceived.map { ($0.method, $0.count) })),
            MetricFamily(
                "biloxi_requests_sent_total", .counter, "Requests sent, retransmissions included, by method.",
                Self.samples("method", server.requestsSent.map { ($0.method, $0.count) })),
            MetricFamily(
                "biloxi_responses_received_total", .counter, "Responses received, by class.",
                classes(server.responsesReceived)),
            MetricFamily(
                "biloxi_responses_sent_total", .counter, "Responses sent, retransmissions included, by class.",
                classes(server.responsesSent)),
            MetricFamily(
                "biloxi_messages_received_total", .counter, "SIP messages received, by transport.",
                transports(server.messagesReceived)),
            MetricFamily(
                "biloxi_messages_sent_total", .counter, "SIP messages sent, by transport.",
                transports(server.messagesSent)),
            Self.counter(
                "biloxi_messages_dropped_total", server.dropped,
                "Messages dropped without an answer: no SIP, or responses that are not for this server."),
            Self.counter(
                "biloxi_requests_unsent_total", server.unsent,
                "Requests that could not be sent: no connection, or the system refused."),
            Self.counter(
                "biloxi_overload_refused_total", server.overloadRefused,
                "Requests refused with 503, since more came than could be done."),
            Self.counter(
                "biloxi_overload_dropped_total", server.overloadDropped,
                "Messages dropped, since more came than could be done."),
            Self.counter(
                "biloxi_banned_messages_total", server.sanctionedMessages,
                "Messages dropped, since their source is kept out."),
            MetricFamily(
                "biloxi_authentication_total", .counter,
                "What became of credentials: accepted, rejected or stale; and challenges sent.",
                Self.samples("result", results)),
        ]
    }

    private var state: [MetricFamily] {
        let server = self.server
        let connections = server.connections.map { ("\($0.transport)", UInt64($0.count)) }
        let transactions = [
            ("server", UInt64(server.serverTransactions)), ("client", UInt64(server.clientTransactions)),
        ]
        return [
            MetricFamily(
                "biloxi_connections", .gauge, "Connections, in and out, by transport.",
                Self.samples("transport", connections)),
            MetricFamily(
                "biloxi_transactions", .gauge, "Transactions that live, by side.", Self.samples("side", transactions)),
            Self.gauge(
                "biloxi_requests_unanswered", server.unansweredRequests,
                "Requests in progress that have no final response yet."),
            Self.gauge("biloxi_banned_sources", server.sanctionedSources, "Sources that are kept out or limited."),
            Self.gauge("biloxi_calls_open", server.openCalls, "Calls being recorded that have no end yet."),
            Self.gauge("biloxi_dialogs", server.answeredCalls, "Recorded calls that are answered and go on."),
            Self.counter(
                "biloxi_calls_unrecorded_total", server.missedCalls, "Calls not recorded, since too many were open."),
            Self.gauge(
                "biloxi_registered_addresses", server.registeredAddresses,
                "Addresses-of-record with at least one binding."),
        ]
    }

    private var storage: [MetricFamily] {
        let store = self.store
        let latency = MetricFamily.histogram(
            bounds: LatencyHistogram.bounds, counts: store.latency.counts, sum: store.latency.sum)
        return [
            MetricFamily(
                "biloxi_store_commit_seconds", .histogram, "How long groups of writes took to reach the disk.", latency
            ),
            Self.counter(
                "biloxi_store_binding_changes_total", store.changes, "Changes of bindings that were committed."),
            Self.counter("biloxi_store_calls_total", store.calls, "Records of calls that were committed."),
            Self.counter(
                "biloxi_store_calls_lost_total", store.lostCalls,
                "Records of calls that were lost, since the store was full."),
            Self.counter("biloxi_store_failures_total", store.failures, "Groups of writes that failed."),
            Self.counter(
                "biloxi_store_refusals_total", store.refusals,
                "Registrations refused, since too many waited for the store."),
            Self.gauge("biloxi_store_waiting", store.waiting, "Changes of bindings that wait to be written."),
        ]
    }

    private static func counter(_ name: String, _ value: UInt64, _ help: String) -> MetricFamily {
        MetricFamily(name, .counter, help, [.init(Double(value))])
    }

    private static func gauge(_ name: String, _ value: Int, _ help: String) -> MetricFamily {
        MetricFamily(name, .gauge, help, [.init(Double(value))])
    }

    private static func samples(_ label: String, _ counts: [(String, UInt64)]) -> [MetricFamily.Sample] {
        counts.map { .init(Double($0.1), labels: [(label, $0.0)]) }
    }

    /// The memory of this process, in octets; 0 where the system does not say.
    static var memory: Int {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .ascii),
            let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { return 0 }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}

/// What `GET /health` says.
struct ServerHealth {
    enum State: String { case ready, stopping, storageFailing }
    var state: State
    var uptime: Int

    var report: Health {
        let object = JSONValue.object([
            "status": .string(self.state.rawValue), "ready": .boolean(self.state == .ready),
            "storage": .string(self.state == .storageFailing ? "failing" : "ok"),
            "version": .string(Biloxi.version), "uptime": .number(self.uptime),
        ])
        return Health(isHealthy: self.state == .ready, json: object.line)
    }
}
