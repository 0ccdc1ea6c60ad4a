import Foundation

/// What can happen to a running server from outside the network.
enum ServerEvent: Sendable {
    /// SIGTERM or SIGINT: end in an orderly way.
    case stop(signal: Int32)
    /// SIGHUP, or a request of another process. `reply` is called once.
    case request(ControlRequest.Kind, reply: @Sendable (ControlReply) -> Void)
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
            guard let question = request.route else {
                continuation.yield(.request(request.request, reply: reply))
                return
            }
            continuation.yield(.routeAsked(question, reply: reply))
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

/// Signals as calls on a thread, where more can be done than in a signal handler.
///
/// The handler writes the number into a pipe. It is set with `sigaction` before `init` returns, so that no signal is lost
/// from then on; a dispatch source would take its time to register.
private final class SignalSources: Sendable {
    /// The end of the pipe that the handler writes to; set once, before the handler is.
    nonisolated(unsafe) private static var writeEnd: Int32 = -1

    init(_ body: @escaping @Sendable (Int32) -> Void) {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return }
        let readEnd = ends[0]
        Self.writeEnd = ends[1]
        let thread = Thread {
            var number: UInt8 = 0
            while true {
                let count = read(readEnd, &number, 1)
                if count < 0, errno == EINTR { continue }
                guard count == 1, number > 0 else { break }  // A zero is written by `cancel`.
                body(Int32(number))
            }
            close(readEnd)
        }
        thread.name = "signals"
        thread.start()
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { number in
            var octet = UInt8(truncatingIfNeeded: number)
            _ = write(SignalSources.writeEnd, &octet, 1)
        }
        action.sa_flags = SA_RESTART
        for number in [SIGTERM, SIGINT, SIGHUP] { sigaction(number, &action, nil) }
    }

    /// Lets the signals do what they do by themselves, and ends the thread.
    func cancel() {
        for number in [SIGTERM, SIGINT, SIGHUP] { signal(number, SIG_DFL) }
        var end: UInt8 = 0
        _ = write(Self.writeEnd, &end, 1)
    }
}
