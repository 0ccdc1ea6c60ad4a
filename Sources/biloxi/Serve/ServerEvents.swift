import Foundation

/// What can happen to a running server from outside the network.
enum ServerEvent: Sendable {
    /// SIGTERM or SIGINT: end in an orderly way.
    case stop(signal: Int32)
    /// SIGHUP, or a request of another process. `reply` is called once.
    case request(ControlRequest.Kind, reply: @Sendable (ControlReply) -> Void)
}

/// Turns signals and the requests of the control socket into one sequence of events.
final class ServerEvents: Sendable {
    /// What happened, in order.
    let stream: AsyncStream<ServerEvent>
    private let continuation: AsyncStream<ServerEvent>.Continuation
    private let control: ControlServer
    private let signals: SignalSources

    /// Opens the control socket and takes over SIGTERM, SIGINT and SIGHUP.
    init(controlSocketPath: String) throws(CommandError) {
        // A request waits for its reply, and one connection is served at a time, so few events can wait.
        let (stream, continuation) = AsyncStream.makeStream(of: ServerEvent.self, bufferingPolicy: .bufferingOldest(64))
        (self.stream, self.continuation) = (stream, continuation)
        self.signals = SignalSources { signal in
            if signal == SIGHUP {
                continuation.yield(.request(.reload, reply: { _ in }))
            } else {
                continuation.yield(.stop(signal: signal))
            }
        }
        self.control = try ControlServer(path: controlSocketPath) { request, reply in
            continuation.yield(.request(request.request, reply: reply))
        }
    }

    /// Closes the control socket and ends the sequence.
    func stop() {
        self.control.stop()
        self.signals.cancel()
        self.continuation.finish()
    }
}

/// Signals as calls on a queue, where more can be done than in a signal handler.
private final class SignalSources: Sendable {
    /// Written once, before anyone else sees it; Dispatch lets any thread cancel a source.
    nonisolated(unsafe) private let sources: [any DispatchSourceSignal]

    init(_ body: @escaping @Sendable (Int32) -> Void) {
        signal(SIGPIPE, SIG_IGN)
        self.sources = [SIGTERM, SIGINT, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { body(number) }
            source.activate()
            return source
        }
    }

    func cancel() { for source in self.sources { source.cancel() } }
}
