import Glibc

/// Why a listener could not be opened: one line that says what to do.
public struct TransportError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong, where, and what to do: one line.
    public let description: String

    /// An error with this description.
    public init(_ description: String) { self.description = description }

    /// An error of the system for a listener, `udp:127.0.0.1:5060` say.
    static func system(_ listener: String, _ call: String, _ code: Int32) -> TransportError {
        switch code {
        case EADDRINUSE:
            TransportError(
                "\(listener) is in use: stop the program that has it, or choose another address with --listen")
        case EACCES:
            TransportError("\(listener) needs privileges: choose a port above 1023, or run with CAP_NET_BIND_SERVICE")
        case EADDRNOTAVAIL:
            TransportError("\(listener): this machine has no such address")
        default:
            TransportError("\(listener): \(call): \(String(cString: strerror(code)))")
        }
    }
}
