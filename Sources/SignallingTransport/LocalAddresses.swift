import CLinuxIO
import Glibc
public import SIPMessages
import SystemSockets

/// The addresses of this machine.
public enum LocalAddresses {
    /// Those of interfaces that are up, those of loopback last; without link-local ones, which need a scope.
    public static var all: [IPAddress] { Self.first(256) ?? [] }

    /// The same, if they are all of them: `nil` where the system does not tell, having no descriptor left, say, or where
    /// there are more than a thousand.
    static var complete: [IPAddress]? {
        for limit in [64, 1024] {
            guard let addresses = Self.first(limit) else { return nil }
            if addresses.count < limit { return addresses }
        }
        return nil
    }

    /// As many of them as there are, up to a limit; `nil` where the system does not tell.
    private static func first(_ limit: Int) -> [IPAddress]? {
        var storage = [sockaddr_storage](repeating: sockaddr_storage(), count: limit)
        let count = Int(cio_local_addresses(&storage, Int32(limit)))
        guard count >= 0 else { return nil }
        return storage[..<count].compactMap { SocketAddress($0)?.ip }
    }

    /// The address that this machine speaks from to another; `nil` when there is no way there.
    public static func source(towards ip: IPAddress) -> IPAddress? {
        let descriptor = socket(
            ip.isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        // Connecting a UDP socket sends nothing: the system only chooses the way.
        var storage = sockaddr_storage()
        let length = SocketAddress(ip, 9).write(to: &storage)
        let result = withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
        }
        guard result == 0, let local = SocketAddress(boundTo: descriptor)?.ip, !local.isUnspecified else { return nil }
        return local
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
