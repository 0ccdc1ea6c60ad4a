public import CLinuxIO
import Glibc
public import SIPMessages

extension SocketAddress {
    /// The address as the system calls take it, and its length.
    public func write(to storage: inout sockaddr_storage) -> socklen_t {
        cio_write_address(&storage, self.ip.isIPv6 ? 1 : 0, self.ip.high, self.ip.low, self.port)
    }

    /// The address that a system call gave; `nil` when it is neither IPv4 nor IPv6.
    public init?(_ storage: borrowing sockaddr_storage) {
        var (high, low, port) = (UInt64(0), UInt64(0), UInt16(0))
        let family = withUnsafePointer(to: storage) { cio_read_address($0, &high, &low, &port) }
        switch family {
        case 4: self.init(IPAddress(v4: UInt32(truncatingIfNeeded: low)), port)
        case 6: self.init(IPAddress(v6: high, low), port)
        default: return nil
        }
    }

    /// The address that a socket is bound to.
    public init?(boundTo descriptor: Int32) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard result == 0 else { return nil }
        self.init(storage)
    }
}
