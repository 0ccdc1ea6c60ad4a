import CLinuxIO
import Glibc
import NIOConcurrencyHelpers
import SIPMessages
import SIPTransactions

/// One UDP socket with vectors for many datagrams a system call. One thread receives; any thread may send.
final class UDPSocket: @unchecked Sendable {
    // Invariant: the receive vectors are touched by the one thread that calls `receive`; the send vectors under
    // `sendLock`. The descriptor never changes.
    private let sendLock = NIOLock()
    static let batch = 64
    static let datagramOctets = 65_536

    let descriptor: Int32
    let local: SocketAddress
    let endpoint: UInt16

    private let buffers: UnsafeMutablePointer<UInt8>
    private let addresses: UnsafeMutablePointer<sockaddr_storage>
    private let vectors: UnsafeMutablePointer<iovec>
    private let headers: UnsafeMutablePointer<cio_mmsghdr>
    private let sendAddresses: UnsafeMutablePointer<sockaddr_storage>
    private let sendVectors: UnsafeMutablePointer<iovec>
    private let sendHeaders: UnsafeMutablePointer<cio_mmsghdr>

    /// Opens a socket on `address`; all threads of a listener share it with SO_REUSEPORT.
    ///
    /// - Throws: `TransportError`.
    init(address: SocketAddress, endpoint: UInt16, sharesPort: Bool) throws(TransportError) {
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
        _ = cio_prepare_udp(descriptor, address.ip.isIPv6 ? 1 : 0, 4 << 20)
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
        let count = Self.batch
        self.buffers = .allocate(capacity: count * Self.datagramOctets)
        self.addresses = .allocate(capacity: count)
        self.vectors = .allocate(capacity: count)
        self.headers = .allocate(capacity: count)
        self.sendAddresses = .allocate(capacity: count)
        self.sendVectors = .allocate(capacity: count)
        self.sendHeaders = .allocate(capacity: count)
        self.addresses.initialize(repeating: sockaddr_storage(), count: count)
        self.sendAddresses.initialize(repeating: sockaddr_storage(), count: count)
        for i in 0..<count {
            (self.vectors + i).initialize(
                to: iovec(iov_base: self.buffers + i * Self.datagramOctets, iov_len: Self.datagramOctets))
            (self.headers + i).initialize(to: cio_mmsghdr())
            self.headers[i].msg_hdr.msg_name = UnsafeMutableRawPointer(self.addresses + i)
            self.headers[i].msg_hdr.msg_iov = self.vectors + i
            self.headers[i].msg_hdr.msg_iovlen = 1
            (self.sendVectors + i).initialize(to: iovec())
            (self.sendHeaders + i).initialize(to: cio_mmsghdr())
            self.sendHeaders[i].msg_hdr.msg_name = UnsafeMutableRawPointer(self.sendAddresses + i)
            self.sendHeaders[i].msg_hdr.msg_iov = self.sendVectors + i
            self.sendHeaders[i].msg_hdr.msg_iovlen = 1
        }
    }

    deinit {
        close(self.descriptor)
        self.buffers.deallocate()
        self.addresses.deallocate()
        self.vectors.deallocate()
        self.headers.deallocate()
        self.sendAddresses.deallocate()
        self.sendVectors.deallocate()
        self.sendHeaders.deallocate()
    }

    /// Receives what is there, at most `batch` datagrams; 0 when there is nothing.
    func receive() -> Int {
        for i in 0..<Self.batch {
            self.headers[i].msg_hdr.msg_namelen = socklen_t(MemoryLayout<sockaddr_storage>.size)
        }
        return Int(Swift.max(0, cio_recvmmsg(self.descriptor, self.headers, UInt32(Self.batch), 0)))
    }

    /// One of the datagrams received last: its octets, good until the next `receive`, and who sent it.
    func datagram(_ i: Int) -> (octets: UnsafeBufferPointer<UInt8>, source: SocketAddress)? {
        guard let source = SocketAddress(self.addresses[i]) else { return nil }
        let start = UnsafePointer(self.buffers + i * Self.datagramOctets)
        return (UnsafeBufferPointer(start: start, count: Int(self.headers[i].msg_len)), source)
    }

    /// Sends the messages `first..<last` of an outbox, all of which are for this socket, in their order.
    ///
    /// - Parameter failed: Called with each message that the system refused.
    func send(_ outbox: borrowing Outbox, _ first: Int, _ last: Int, failed: (Outbox.Message) -> Void) {
        self.sendLock.lock()
        defer { self.sendLock.unlock() }
        outbox.octets.withUnsafeBufferPointer { octets in
            guard let base = octets.baseAddress else { return }
            var position = first
            while position < last {
                let count = Swift.min(last - position, Self.batch)
                for i in 0..<count {
                    let message = outbox.messages[position + i]
                    self.sendVectors[i].iov_base = UnsafeMutableRawPointer(mutating: base + message.range.lower)
                    self.sendVectors[i].iov_len = message.range.count
                    self.sendHeaders[i].msg_hdr.msg_namelen = message.flow.remote.write(to: &self.sendAddresses[i])
                }
                var sent = 0
                while sent < count {
                    let result = Int(
                        cio_sendmmsg(self.descriptor, self.sendHeaders + sent, UInt32(count - sent), 0))
                    if result > 0 {
                        sent += result
                        continue
                    }
                    switch errno {
                    case EINTR: continue
                    case EAGAIN, ENOBUFS: self.waitUntilWritable()
                    case ECONNREFUSED, EHOSTUNREACH, ENETUNREACH:
                        // An earlier error, told by the system at this call: the datagram at hand has not been sent.
                        self.takeErrors { _ in }
                    default:
                        failed(outbox.messages[position + sent])
                        sent += 1
                    }
                }
                position += count
            }
        }
    }

    private func waitUntilWritable() {
        var poller = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&poller, 1, 10)
    }

    /// Takes the errors that came back by ICMP, each with the address that could not be reached.
    func takeErrors(_ body: (SocketAddress) -> Void) {
        var storage = sockaddr_storage()
        var error: Int32 = 0
        while cio_take_error(self.descriptor, &storage, &error) == 1 {
            if let address = SocketAddress(storage) { body(address) }
        }
    }
}

extension UDPSocket {
    /// Finds out whether the address is free, without SO_REUSEPORT.
    ///
    /// - Throws: `TransportError` that says what to do.
    static func probe(_ address: SocketAddress) throws(TransportError) {
        guard address.port != 0 else { return }
        _ = try UDPSocket(address: address, endpoint: 0, sharesPort: false)
    }
}
