import Foundation

/// Signals as calls on a thread, where more can be done than in a signal handler.
///
/// The handler writes the number into a pipe. It is set with `sigaction` before `init` returns, so that no signal is lost
/// from then on; a dispatch source would take its time to register.
final class SignalSources: Sendable {
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
