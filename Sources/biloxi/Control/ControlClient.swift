import Foundation

/// Speaks to the running server of a data directory.
struct ControlClient {
    /// The socket of the server.
    let path: String

    /// Sends a request and waits for the answer.
    ///
    /// - Returns: The answer; `nil` when no server runs.
    /// - Throws: `CommandError` when a server is there and does not answer.
    func send(_ kind: ControlRequest.Kind) throws(CommandError) -> ControlReply? {
        try self.send(ControlRequest(request: kind))
    }

    /// Sends a request and waits for the answer.
    ///
    /// - Returns: The answer; `nil` when no server runs.
    /// - Throws: `CommandError` when a server is there and does not answer.
    func send(_ request: ControlRequest) throws(CommandError) -> ControlReply? {
        guard let socket = LocalSocket.make() else {
            throw CommandError(.failed, "control socket \(self.path): \(String(cString: strerror(errno)))")
        }
        let descriptor = socket.descriptor
        guard LocalSocket.withAddress(of: self.path, { connect(descriptor, $0, $1) }) == 0 else {
            if errno == ENOENT || errno == ECONNREFUSED { return nil }
            throw CommandError(.failed, "control socket \(self.path): \(String(cString: strerror(errno)))")
        }
        socket.setTimeout(seconds: 40)
        guard socket.send(ControlLine.encode(request)),
            let line = socket.receiveLine(limit: ControlLine.maximumOctets * 16),
            let reply = ControlLine.decode(ControlReply.self, from: line)
        else { throw CommandError(.timeout, "the running server does not answer on \(self.path)") }
        return reply
    }
}
