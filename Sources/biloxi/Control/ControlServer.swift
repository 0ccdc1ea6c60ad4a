import Foundation
import Synchronization

/// Takes requests of other processes of this user: a Unix domain socket in the data directory, mode 0600.
///
/// A thread of its own serves one connection after the other, with one request each. Who can open the socket can also
/// read the database, so there is no further authentication.
final class ControlServer: Sendable {
    /// Answers a request, at any time and on any thread, by calling `reply` once.
    typealias Handler =
        @Sendable (_ request: ControlRequest, _ reply: @escaping @Sendable (ControlReply) -> Void) -> Void

    private let path: String
    private let listener: LocalSocket
    private let ended = DispatchSemaphore(value: 0)

    /// Opens the socket and begins to serve. The caller holds the lock of the data directory, so that a socket file
    /// that is there is a dead one.
    ///
    /// - Throws: `CommandError` when the socket cannot be opened.
    init(path: String, handler: @escaping Handler) throws(CommandError) {
        self.path = path
        unlink(path)
        guard let listener = LocalSocket.make() else {
            throw CommandError(.failed, "control socket \(path): \(String(cString: strerror(errno)))")
        }
        fchmod(listener.descriptor, 0o600)
        let descriptor = listener.descriptor
        let isBound = LocalSocket.withAddress(of: path) { bind(descriptor, $0, $1) } == 0
        guard isBound, chmod(path, 0o600) == 0, listen(descriptor, 16) == 0 else {
            throw CommandError(
                .failed,
                "control socket \(path): \(String(cString: strerror(errno))); name a local directory with --data")
        }
        self.listener = listener
        let ended = self.ended
        let thread = Thread {
            Self.serve(descriptor, handler)
            ended.signal()
        }
        thread.name = "control"
        thread.start()
    }

    /// Ends the thread and removes the socket file.
    func stop() {
        shutdown(self.listener.descriptor, Int32(SHUT_RDWR))
        self.ended.wait()
        unlink(self.path)
    }

    private static func serve(_ listener: Int32, _ handler: Handler) {
        while true {
            let descriptor = accept(listener, nil, nil)
            if descriptor < 0 {
                if errno == EINTR || errno == ECONNABORTED { continue }
                if errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS {
                    // Connections wait; so do we, until others have closed theirs.
                    usleep(100_000)
                    continue
                }
                return
            }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            let connection = LocalSocket(descriptor: descriptor)
            connection.setTimeout(seconds: 2)
            guard let line = connection.receiveLine(limit: ControlLine.maximumOctets) else { continue }
            let reply = Self.reply(to: line, handler)
            _ = connection.send(ControlLine.encode(reply))
        }
    }

    private static func reply(to line: [UInt8], _ handler: Handler) -> ControlReply {
        guard let request = ControlLine.decode(ControlRequest.self, from: line) else {
            return ControlReply(
                ok: false, messages: ["unknown request: known are reload, usersChanged, status and route"])
        }
        let box = ReplyBox()
        handler(request) { box.put($0) }
        return box.take()
    }
}

/// Hands one reply from one thread to another.
private final class ReplyBox: Sendable {
    private let reply = Mutex<ControlReply?>(nil)
    private let filled = DispatchSemaphore(value: 0)

    func put(_ reply: ControlReply) {
        let isFirst = self.reply.withLock { slot in
            defer { if slot == nil { slot = reply } }
            return slot == nil
        }
        if isFirst { self.filled.signal() }
    }

    func take() -> ControlReply {
        guard self.filled.wait(timeout: .now() + 30) == .success else {
            return ControlReply(ok: false, messages: ["the server did not answer within 30 s"])
        }
        return self.reply.withLock { $0 } ?? ControlReply(ok: false)
    }
}
