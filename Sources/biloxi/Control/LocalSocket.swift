import Glibc

/// A stream socket of the Unix domain, closed with its owner.
struct LocalSocket: ~Copyable {
    let descriptor: Int32

    deinit { close(self.descriptor) }

    /// A socket that is not connected; `nil` when the system has none left.
    static func make() -> LocalSocket? {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        return descriptor < 0 ? nil : LocalSocket(descriptor: descriptor)
    }

    /// Gives reading and writing a limit each.
    func setTimeout(seconds: Int) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(self.descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    }

    /// Writes all octets; `false` when the other side has gone or does not read.
    func send(_ octets: [UInt8]) -> Bool {
        var sent = 0
        while sent < octets.count {
            let count = octets.withUnsafeBytes { buffer in
                Glibc.send(
                    self.descriptor, buffer.baseAddress?.advanced(by: sent), buffer.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    /// Reads a line, without its end; `nil` when none comes, or one that is too long.
    func receiveLine(limit: Int) -> [UInt8]? {
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while line.count <= limit {
            let count = recv(self.descriptor, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return nil }
            if let end = buffer[..<count].firstIndex(of: 0x0A) {
                line += buffer[..<end]
                return line.count <= limit ? line : nil
            }
            line += buffer[..<count]
        }
        return nil
    }

    /// Calls `body` with the address of a socket file, however long its path is.
    ///
    /// - Returns: What `body` returns, or -1 with `errno` set when the directory cannot be opened.
    static func withAddress(
        of path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        var name = Array(path.utf8)
        var directory: Int32 = -1
        defer { if directory >= 0 { close(directory) } }
        if name.count >= capacity, let slash = path.lastIndex(of: "/") {
            // The system takes 107 octets: a short name for the directory is that of an open file.
            directory = open(String(path[..<slash]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if directory < 0 { return -1 }
            name = Array("/proc/self/fd/\(directory)\(path[slash...])".utf8)
        }
        guard name.count < capacity else {
            errno = ENAMETOOLONG
            return -1
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
