import Foundation

/// What can happen to a running server from outside the network.
enum ServerEvent: Sendable {
    /// SIGTERM or SIGINT: end in an orderly way.
    case stop(signal: Int32)
    /// SIGHUP, or a request of another process. `reply` is called once.
    case request(ControlRequest.Kind, reply: @Sendable (ControlReply) -> Void)
    /// Another process asks which sources are kept out; `lifting` is one to be let in again. `reply` is called once.
    case bansAsked(lifting: String?, reply: @Sendable (ControlReply) -> Void)
    /// Another process asks where a call would go. `reply` is called once.
    case routeAsked(RouteQuestion, reply: @Sendable (ControlReply) -> Void)
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
            if let question = request.route {
                continuation.yield(.routeAsked(question, reply: reply))
            } else if request.request == .bans {
                continuation.yield(.bansAsked(lifting: request.address, reply: reply))
            } else {
                continuation.yield(.request(request.request, reply: reply))
            }
        }
    }

    /// Ends the sequence.
    func end() { self.continuation.finish() }

    /// Closes the control socket and ends the sequence.
    func stop() {
        self.control.stop()
        self.signals.cancel()
        self.continuation.finish()
    }
}
