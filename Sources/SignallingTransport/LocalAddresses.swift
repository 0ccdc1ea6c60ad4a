import CLinuxIO
import Glibc
public import SIPMessages

/// The addresses of this machine.
public enum LocalAddresses {
    /// All of them, loopback too.
    public static var all: [IPAddress] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var addresses: [IPAddress] = []
        var entry = list
        while let current = entry {
            entry = current.pointee.ifa_next
            guard let address = current.pointee.ifa_addr else { continue }
            let family = Int32(address.pointee.sa_family)
            guard family == AF_INET || family == AF_INET6 else { continue }
            var storage = sockaddr_storage()
            let length = family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
            memcpy(&storage, address, length)
            if let socket = SocketAddress(storage) { addresses.append(socket.ip) }
        }
        return addresses
    }

    /// The address that others are most likely to reach: the first that is not loopback, IPv4 before IPv6; else loopback.
    public static var primary: IPAddress {
        let addresses = self.all.filter { !$0.isLoopback && $0.isUnicast }
        return addresses.first { !$0.isIPv6 } ?? addresses.first ?? .loopback
    }
}
