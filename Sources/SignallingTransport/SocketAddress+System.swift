import CLinuxIO
import Glibc
import SIPMessages

extension SocketAddress {
    /// The address as the system calls take it, and its length.
    func write(to storage: inout sockaddr_storage) -> socklen_t {
        withUnsafeMutableBytes(of: &storage) { raw in
            if self.ip.isIPv6 {
                var address = sockaddr_in6()
                address.sin6_family = sa_family_t(AF_INET6)
                address.sin6_port = self.port.bigEndian
                withUnsafeMutableBytes(of: &address.sin6_addr) { octets in
                    octets.storeBytes(of: self.ip.high.bigEndian, as: UInt64.self)
                    octets.storeBytes(of: self.ip.low.bigEndian, toByteOffset: 8, as: UInt64.self)
                }
                raw.storeBytes(of: address, as: sockaddr_in6.self)
                return socklen_t(MemoryLayout<sockaddr_in6>.size)
            }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = self.port.bigEndian
            address.sin_addr.s_addr = UInt32(truncatingIfNeeded: self.ip.low).bigEndian
            raw.storeBytes(of: address, as: sockaddr_in.self)
            return socklen_t(MemoryLayout<sockaddr_in>.size)
        }
    }

    /// The address that a system call gave; `nil` when it is neither IPv4 nor IPv6.
    init?(_ storage: borrowing sockaddr_storage) {
        let family = Int32(storage.ss_family)
        guard family == AF_INET || family == AF_INET6 else { return nil }
        self = withUnsafeBytes(of: storage) { raw in
            if family == AF_INET {
                let address = raw.loadUnaligned(as: sockaddr_in.self)
                return SocketAddress(IPAddress(v4: UInt32(bigEndian: address.sin_addr.s_addr)), UInt16(bigEndian: address.sin_port))
            }
            let port = UInt16(bigEndian: raw.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
            let high = UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            let low = UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
            if high == 0, low >> 32 == 0xFFFF {
                return SocketAddress(IPAddress(v4: UInt32(truncatingIfNeeded: low)), port)
            }
            return SocketAddress(IPAddress(v6: high, low), port)
        }
    }
}
