import Glibc
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// Whether a server can do its work, for those who watch it.
public struct Health: Hashable, Sendable {
    /// Whether it can.
    public var isHealthy: Bool
    /// A JSON object that says more.
    public var json: String

    /// A state with its description.
    public init(isHealthy: Bool, json: String) { (self.isHealthy, self.json) = (isHealthy, json) }
}

/// Why there is no HTTP server: one line that says what to do.
public struct OperationsError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, where, and what to do.
    public let description: String
}

/// The HTTP server for those who run a server: `GET /health` and `GET /metrics`.
///
/// It answers at one address, without authentication, so that address is to be one that only they can reach.
public final class OperationsServer: Sendable {
    /// The port it listens at; the one that the system chose, where port 0 was given.
    public let port: Int
    private let task: Task<Void, any Error>

    /// Opens the server.
    ///
    /// - Parameters:
    ///   - health: Asked at each `GET /health`; where the state is not healthy the answer is 503.
    ///   - metrics: Asked at each `GET /metrics`.
    /// - Throws: `OperationsError` when the address cannot be used.
    public init(
        host: String, port: Int, health: @escaping @Sendable () -> Health,
        metrics: @escaping @Sendable () -> [MetricFamily]
    ) async throws {
        let router = Router()
        router.get("health") { _, _ -> Response in
            let state = health()
            return Self.response(state.isHealthy ? .ok : .serviceUnavailable, "application/json", state.json + "\n")
        }
        router.get("metrics") { _, _ -> Response in
            Self.response(.ok, PrometheusText.contentType, PrometheusText.text(metrics()))
        }
        let opened = AsyncThrowingStream.makeStream(of: Int.self)
        var logger = Logger(label: "http")
        // As an error it would report each connection that is open when the server is told to stop, and nothing else.
        logger.logLevel = .critical
        let application = Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname(host, port: port)),
            onServerRunning: { channel in opened.continuation.yield(channel.localAddress?.port ?? port) },
            logger: logger)
        self.task = Task {
            do {
                try await application.run()
                opened.continuation.finish()
            } catch {
                opened.continuation.finish(throwing: error)
            }
        }
        do {
            var ports = opened.stream.makeAsyncIterator()
            guard let found = try await ports.next() else { throw CancellationError() }
            self.port = found
        } catch {
            throw Self.explain(error, "\(host):\(port)")
        }
    }

    /// Closes the server and its connections.
    public func stop() async {
        self.task.cancel()
        _ = await self.task.result
    }

    private static func response(_ status: HTTPResponse.Status, _ type: String, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: type, .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    private static func explain(_ error: any Error, _ address: String) -> OperationsError {
        let code = (error as? IOError)?.errnoCode
        switch code {
        case EADDRINUSE:
            return OperationsError(
                description: "http \(address) is in use: stop the program that has it, or choose another with --http")
        case EACCES:
            return OperationsError(
                description: "http \(address) needs privileges: choose a port above 1023 with --http")
        case EADDRNOTAVAIL:
            return OperationsError(
                description: "http \(address): this machine has no such address: choose another with --http")
        default:
            return OperationsError(description: "http \(address) cannot be opened: \(error)")
        }
    }
}
