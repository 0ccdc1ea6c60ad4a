import Glibc

extension DNSTestServer {
    /// Answers one question of each connection (RFC 1035 §4.2.2), until the listener is shut.
    func serveStreams() {
        while true {
            let connection = accept(self.listener, nil, nil)
            guard connection >= 0 else { return }
            if let length = Self.read(2, from: connection),
                let octets = Self.read(Int(length[0]) << 8 | Int(length[1]), from: connection)
            {
                let reply = self.streamReply(to: octets[...])
                let framed = [UInt8(reply.count >> 8), UInt8(truncatingIfNeeded: reply.count)] + reply
                if !reply.isEmpty { Glibc.send(connection, framed, framed.count, Int32(MSG_NOSIGNAL)) }
            }
            close(connection)
        }
    }

    /// As many octets; `nil` when the connection ends before.
    private static func read(_ count: Int, from connection: Int32) -> [UInt8]? {
        var octets = [UInt8](repeating: 0, count: count)
        var position = 0
        while position < count {
            let received = octets.withUnsafeMutableBytes { raw in
                let rest = UnsafeMutableRawBufferPointer(rebasing: raw[position...])
                return recv(connection, rest.baseAddress, rest.count, 0)
            }
            guard received > 0 else { return nil }
            position += received
        }
        return octets
    }
}
