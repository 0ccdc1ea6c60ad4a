import CLinuxIO
import Glibc
import SIPMessages
import SIPTransactions
import SystemSockets

/// One UDP socket with vectors for many datagrams a system call. One thread receives; any thread may send.
final class UDPSocket: @unchecked Sendable {
    // Invariant: the vectors, `received` and `destinations` are touched by the one thread that calls `receive`. The rest
    // never changes.
    static let batch = 64
    static let datagramOctets = 65_536
    /// How much the system may keep for us. A thread that stands still for 50 ms under three times what it can do must not
    /// lose what belongs to running calls: it is the thread that chooses what is refused.
    private static let queueOctets: Int32 = 16 << 20
    /// How far the buffers of datagrams lie apart. At a power of two they would all want the same few lines of the caches.
    private static let bufferStride = datagramOctets + 17 * 64

    let descriptor: Int32
    let local: SocketAddress
    /// The number of its end point.
    let endpoint: UInt16
    /// Whether it is bound to all local addresses.
    let isWildcard: Bool
    /// The end points of its local addresses, then.
    private var destinations: [LocalAddress]
    /// What sends from it.
    let sender: UDPSender

    private let buffers: UnsafeMutablePointer<UInt8>
    private let sources: UnsafeMutablePointer<sockaddr_storage>
    private let vectors: UnsafeMutablePointer<iovec>
    private let headers: UnsafeMutablePointer<cio_mmsghdr>
    private let control: UnsafeMutableRawPointer
    /// How many headers the last `receive` has written to.
    private var received = UDPSocket.batch

    /// Opens a socket on `address`; all threads of a listener share it with SO_REUSEPORT.
    ///
    /// - Parameters:
    ///   - addresses: The end points of all local addresses, where `address` is unspecified.
    ///   - segmentation: Whether datagrams to one address may leave in one piece that the system divides.
    /// - Throws: `TransportError`.
    init(
        address: SocketAddress, endpoint: UInt16, addresses: [LocalAddress] = [], sharesPort: Bool,
        segmentation: Bool = true
    ) throws(TransportError) {
        let name = "udp:\(address)"
        let family = address.ip.isIPv6 ? AF_INET6 : AF_INET
        let descriptor = socket(
            family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .system(name, "socket", errno) }
        var one: Int32 = 1
        if sharesPort {
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &one, socklen_t(MemoryLayout<Int32>.size))
        }
        if address.ip.isIPv6 {
            setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &one, socklen_t(MemoryLayout<Int32>.size))
        }
        _ = cio_prepare_udp(descriptor, address.ip.isIPv6 ? 1 : 0, addresses.isEmpty ? 0 : 1, Self.queueOctets)
        var storage = sockaddr_storage()
        let length = address.write(to: &storage)
        let result = withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard result == 0 else {
            let code = errno
            close(descriptor)
            throw .system(name, "bind", code)
        }
        self.local = SocketAddress(boundTo: descriptor) ?? address
        self.descriptor = descriptor
        self.endpoint = endpoint
        self.isWildcard = !addresses.isEmpty
        self.destinations = addresses
        self.sender = UDPSender(descriptor, origins: addresses, isDividing: segmentation)
        let count = Self.batch
        self.buffers = .allocate(capacity: count * Self.bufferStride)
        self.sources = .allocate(capacity: count)
        self.vectors = .allocate(capacity: count)
        self.headers = .allocate(capacity: count)
        self.control = .allocate(byteCount: count * Int(cio_control_octets), alignment: 16)
        self.sources.initialize(repeating: sockaddr_storage(), count: count)
        for i in 0..<count {
            (self.vectors + i).initialize(
                to: iovec(iov_base: self.buffers + i * Self.bufferStride, iov_len: Self.datagramOctets))
            (self.headers + i).initialize(to: cio_mmsghdr())
            self.headers[i].msg_hdr.msg_name = UnsafeMutableRawPointer(self.sources + i)
            self.headers[i].msg_hdr.msg_iov = self.vectors + i
            self.headers[i].msg_hdr.msg_iovlen = 1
        }
    }

    deinit {
        close(self.descriptor)
        self.buffers.deallocate()
        self.sources.deallocate()
        self.vectors.deallocate()
        self.headers.deallocate()
        self.control.deallocate()
    }

    /// Receives what is there, at most `batch` datagrams; 0 when there is nothing.
    func receive() -> Int {
        for i in 0..<self.received {
            self.headers[i].msg_hdr.msg_namelen = socklen_t(MemoryLayout<sockaddr_storage>.size)
            guard self.isWildcard else { continue }
            self.headers[i].msg_hdr.msg_control = self.control + i * Int(cio_control_octets)
            self.headers[i].msg_hdr.msg_controllen = Int(cio_control_octets)
        }
        let count = Int(Swift.max(0, cio_recvmmsg(self.descriptor, self.headers, UInt32(Self.batch), 0)))
        // The system has changed one header more than it has filled, where the last was not to be had.
        self.received = Swift.min(count + 1, Self.batch)
        return count
    }

    /// How long the last one of a batch has waited in the system. What leaves nothing behind it has not waited: only of a
    /// batch that is full the system is asked, and keeps the time of each datagram from the first question on.
    func age(ofBatchOf count: Int) -> TimeSpan {
        count < Self.batch ? .zero : TimeSpan(nanoseconds: cio_datagram_age(self.descriptor))
    }

    /// How many datagrams the system has dropped so far, since its queue was full.
    var lost: UInt32 { cio_lost_datagrams(self.descriptor) }

    /// One of the datagrams received last: its octets, good until the next `receive`, and who sent it.
    func datagram(_ i: Int) -> (octets: UnsafeBufferPointer<UInt8>, source: SocketAddress)? {
        guard let source = SocketAddress(self.sources[i]) else { return nil }
        let start = UnsafePointer(self.buffers + i * Self.bufferStride)
        return (UnsafeBufferPointer(start: start, count: Int(self.headers[i].msg_len)), source)
    }

    /// The end point that one of the datagrams received last came to.
    ///
    /// - Parameter newcomer: Asked about a local address that is not known yet.
    func endpoint(ofDatagram i: Int, newcomer: (IPAddress) -> LocalAddress? = { _ in nil }) -> UInt16 {
        guard self.isWildcard else { return self.endpoint }
        var storage = sockaddr_storage()
        guard cio_packet_destination(&self.headers[i].msg_hdr, &storage) == 1, let local = SocketAddress(storage) else {
            return self.endpoint
        }
        if let known = self.destinations.first(where: { $0.ip == local.ip }) { return known.endpoint }
        // An address of one link cannot be sent from without its scope.
        guard local.ip.isUnicast, !local.ip.isLinkLocal, let address = newcomer(local.ip) else { return self.endpoint }
        if address.endpoint != self.endpoint { self.destinations.append(address) }
        return address.endpoint
    }
}

extension UDPSocket {
    /// Finds out whether the address is free, without SO_REUSEPORT, and which port it has where the system may choose.
    ///
    /// - Throws: `TransportError` that says what to do.
    static func freeAddress(_ address: SocketAddress) throws(TransportError) -> SocketAddress {
        SocketAddress(address.ip, try UDPSocket(address: address, endpoint: 0, sharesPort: false).local.port)
    }
}
