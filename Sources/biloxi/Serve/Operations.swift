import Foundation
import OperationsHTTP
import Persistence
import ServerConfiguration
import Synchronization

/// What runs beside a server for those who operate it: HTTP, and the deletion of what has ended.
final class Operations: Sendable {
    private let http: OperationsServer?
    private let maintenance: Task<Void, Never>
    private let isStopping: Flag

    /// The address that HTTP is served at; `nil` when it is not.
    let address: String?

    /// Whether the server ends.
    private final class Flag: Sendable {
        let value = Atomic(false)
    }

    /// Opens HTTP where the configuration wants it.
    ///
    /// - Throws: `CommandError` when the address cannot be used.
    init(_ configuration: Configuration, _ server: RunningServer) async throws(CommandError) {
        let (flag, started) = (Flag(), ContinuousClock.now)
        self.isStopping = flag
        @Sendable func uptime() -> Double {
            let uptime = started.duration(to: .now).components
            return Double(uptime.seconds) + Double(uptime.attoseconds) / 1e18
        }
        if let endpoint = configuration.http {
            do {
                let http = try await OperationsServer(
                    host: endpoint.host, port: Int(endpoint.port),
                    health: {
                        let state: ServerHealth.State =
                            flag.value.load(ordering: .relaxed)
                            ? .stopping : server.storeStatistics.isFailing ? .storageFailing : .ready
                        return ServerHealth(state: state, uptime: Int(uptime())).report
                    },
                    metrics: {
                        ServerMetrics(
                            server: server.statistics, store: server.storeStatistics, uptime: uptime(),
                            residentOctets: ServerMetrics.memory
                        ).families
                    })
                self.http = http
                let host = endpoint.host.contains(":") ? "[\(endpoint.host)]" : endpoint.host
                self.address = "\(host):\(http.port)"
            } catch {
                throw CommandError(.failed, "\(error)")
            }
        } else {
            (self.http, self.address) = (nil, nil)
        }
        self.maintenance = Task {
            while !Task.isCancelled {
                server.maintain()
                try? await Task.sleep(for: .seconds(3600))
            }
        }
    }

    /// Says that the server ends: it is not healthy any more.
    func beginStopping() { self.isStopping.value.store(true, ordering: .relaxed) }

    /// Closes HTTP.
    func stop() async {
        self.maintenance.cancel()
        await self.http?.stop()
    }
}
