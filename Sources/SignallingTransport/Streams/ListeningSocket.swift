import CLinuxIO
import Glibc
import ProxyCore
import SIPMessages
import SystemSockets

/// A socket that listens for connections to one end point, until an event loop takes it.
struct ListeningSocket: Sendable {
    let descriptor: Int32
    /// Which end point.
    let number: UInt16
    let transport: TransportProtocol
    /// The address with the port that it got.
    let local: SocketAddress

    /// Connections that wait for the event loop.
    static let backlog: Int32 = 4096

    /// Opens the socket of `endpoint`.
    ///
    /// - Throws: `TransportError` that says what to do.
    init(_ endpoint: Endpoint, number: UInt16) throws(TransportError) {
        let name = "\(endpoint.transport):\(endpoint.local)"
        guard [.tcp, .tls, .ws, .wss].contains(endpoint.transport) else {
            throw TransportError("\(name): this program does not speak \(endpoint.transport)")
        }
        let family = endpoint.local.ip.isIPv6 ? AF_INET6 : AF_INET
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(family, type, 0)
        guard descriptor >= 0 else { throw .system(name, "socket", errno) }
        var one: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        // Connections of an earlier run that still close do not keep the port.
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, size)
        if endpoint.local.ip.isIPv6 { setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &one, size) }
        var storage = sockaddr_storage()
        let length = endpoint.local.write(to: &storage)
        let bound = withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard bound == 0, listen(descriptor, Self.backlog) == 0 else {
            let code = errno
            close(descriptor)
            throw .system(name, bound == 0 ? "listen" : "bind", code)
        }
        self.descriptor = descriptor
        self.number = number
        self.transport = endpoint.transport
        self.local = SocketAddress(boundTo: descriptor) ?? endpoint.local
    }
}
