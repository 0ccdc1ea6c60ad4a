import CLinuxIO
import Glibc
import NIOCore
import SIPMessages
import SystemSockets

extension SIPMessages.SocketAddress {
    /// The address of a channel; `nil` when it is neither IPv4 nor IPv6.
    init?(_ address: NIOCore.SocketAddress) {
        var storage = sockaddr_storage()
        address.withSockAddr { pointer, length in
            withUnsafeMutableBytes(of: &storage) { raw in
                raw.copyMemory(
                    from: UnsafeRawBufferPointer(start: pointer, count: Swift.min(length, raw.count)))
            }
        }
        self.init(storage)
    }
}

extension NIOCore.SocketAddress {
    /// The address as channels take it.
    init(_ address: SIPMessages.SocketAddress) throws {
        try self.init(ipAddress: address.ip.description, port: Int(address.port))
    }
}
