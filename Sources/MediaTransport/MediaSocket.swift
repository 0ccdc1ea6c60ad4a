import CLinuxIO
import Glibc
import SIPMessages
import SystemSockets

/// One UDP socket; closed when nobody holds it any more.
final class MediaSocket: Sendable {
    let descriptor: Int32
    let local: SocketAddress

    /// A socket at an address.
    ///
    /// - Throws: The number of the system's error.
    init(_ address: SocketAddress) throws(SystemError) {
        let family = address.ip.isIPv6 ? AF_INET6 : AF_INET
        let descriptor = socket(
            family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError(number: errno) }
        var one: Int32 = 1
        if address.ip.isIPv6 {
            setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &one, socklen_t(MemoryLayout<Int32>.size))
        }
        var storage = sockaddr_storage()
        let length = address.write(to: &storage)
        let result = withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard result == 0 else {
            let number = errno
            close(descriptor)
            throw SystemError(number: number)
        }
        // Expedited forwarding, as voice is marked (RFC 4594 §4.1); where the system does not allow it, so be it.
        var trafficClass: Int32 = 46 << 2
        if address.ip.isIPv6 {
            setsockopt(
                descriptor, Int32(IPPROTO_IPV6), IPV6_TCLASS, &trafficClass, socklen_t(MemoryLayout<Int32>.size))
        } else {
            setsockopt(descriptor, Int32(IPPROTO_IP), IP_TOS, &trafficClass, socklen_t(MemoryLayout<Int32>.size))
        }
        self.descriptor = descriptor
        self.local = SocketAddress(boundTo: descriptor) ?? address
    }

    deinit { close(self.descriptor) }

    /// Sends one datagram; what cannot go is lost.
    func send(_ octets: [UInt8], to address: SocketAddress) {
        var storage = sockaddr_storage()
        let length = address.write(to: &storage)
        _ = octets.withUnsafeBytes { bytes in
            withUnsafePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    sendto(self.descriptor, bytes.baseAddress, bytes.count, 0, $0, length)
                }
            }
        }
    }
}

/// An error of the system.
struct SystemError: Error {
    let number: Int32

    var text: String { String(cString: strerror(self.number)) }
}

/// The sockets of one stream: RTP at an even port, RTCP at the odd one above it.
struct SocketPair: Sendable {
    let rtp: MediaSocket
    let rtcp: MediaSocket
    /// Shown every packet.
    var observer: TappedPacket.Observer?

    /// Shows a packet.
    func show(_ octets: Span<UInt8>, isSent: Bool, isControl: Bool, _ peer: SocketAddress) {
        guard let observer = self.observer else { return }
        let local = (isControl ? self.rtcp : self.rtp).local
        observer(TappedPacket(isSent: isSent, local: local, peer: peer, octets: octets.octets(0..<octets.count)))
    }
}

/// Finds ports for streams. Each search goes on where the last one ended, so that a port that has just been left is not
/// taken at once: packets of the old call may still come.
struct PortAllocator: Sendable {
    private let pairs: Int
    private let first: UInt16
    private var next = 0

    /// - Throws: `MediaError` when there is not one pair in the range.
    init(_ ports: ClosedRange<UInt16>) throws(MediaError) {
        let first = Int(ports.lowerBound) + Int(ports.lowerBound & 1)
        let pairs = (Int(ports.upperBound) - first + 1) / 2
        guard pairs > 0, first > 0 else {
            throw MediaError(
                "media ports \(ports.lowerBound)-\(ports.upperBound): give an even port and the one above it")
        }
        (self.first, self.pairs) = (UInt16(first), pairs)
        self.next = Int.random(in: 0..<pairs)
    }

    /// Opens the sockets of a stream.
    ///
    /// - Throws: `MediaError` when no pair of ports is free, or the machine does not have the address.
    mutating func open(at ip: IPAddress) throws(MediaError) -> SocketPair {
        for _ in 0..<self.pairs {
            let port = self.first + UInt16(2 * self.next)
            self.next = (self.next + 1) % self.pairs
            do {
                let rtp = try MediaSocket(SocketAddress(ip, port))
                return SocketPair(rtp: rtp, rtcp: try MediaSocket(SocketAddress(ip, port + 1)), observer: nil)
            } catch {
                guard error.number == EADDRINUSE || error.number == EACCES else {
                    throw MediaError("media socket at \(ip): \(error.text)")
                }
            }
        }
        let last = Int(self.first) + 2 * self.pairs - 1
        throw MediaError("all media ports \(self.first)-\(last) at \(ip) are in use: give a larger range")
    }
}
