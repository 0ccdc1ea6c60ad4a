import CLinuxIO
public import SIPMessages
import SystemSockets

/// The addresses of this machine.
public enum LocalAddresses {
    /// Those of interfaces that are up, those of loopback last; without link-local ones, which need a scope.
    public static var all: [IPAddress] {
        var storage = [sockaddr_storage](repeating: sockaddr_storage(), count: 256)
        let count = Int(cio_local_addresses(&storage, Int32(storage.count)))
        return storage[..<count].compactMap { SocketAddress($0)?.ip }
    }

    /// The address that others are most likely to reach: the first that is not loopback, IPv4 before IPv6; else loopback.
    public static var primary: IPAddress {
        let addresses = self.all.filter { !$0.isLoopback && $0.isUnicast }
        return addresses.first { !$0.isIPv6 } ?? addresses.first ?? .loopback
    }
}

/// A local address and its end point.
struct LocalAddress: Hashable, Sendable {
    var ip: IPAddress
    var endpoint: UInt16
}
