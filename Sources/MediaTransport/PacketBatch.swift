import CLinuxIO
import Glibc
import SIPMessages
import SystemSockets

/// Buffers for many datagrams a system call. Each thread has one; what was received is sent on from the same octets.
final class PacketBatch {
    static let capacity = 32
    /// Longer datagrams are no media: an Ethernet frame holds 1500 octets.
    static let datagramOctets = 2_048

    private let buffers: UnsafeMutablePointer<UInt8>
    private let addresses: UnsafeMutablePointer<sockaddr_storage>
    private let vectors: UnsafeMutablePointer<iovec>
    private let headers: UnsafeMutablePointer<cio_mmsghdr>
    private let outgoing: UnsafeMutablePointer<cio_mmsghdr>
    private var outgoingCount = 0
    /// Datagrams that the system did not take, since the batch was made.
    private(set) var unsent: UInt64 = 0

    init() {
        let count = Self.capacity
        self.buffers = .allocate(capacity: count * Self.datagramOctets)
        self.buffers.initialize(repeating: 0, count: count * Self.datagramOctets)
        self.addresses = .allocate(capacity: count)
        self.addresses.initialize(repeating: sockaddr_storage(), count: count)
        self.vectors = .allocate(capacity: count)
        self.headers = .allocate(capacity: count)
        self.outgoing = .allocate(capacity: count)
        for i in 0..<count {
            (self.vectors + i).initialize(to: iovec())
            (self.headers + i).initialize(to: cio_mmsghdr())
            (self.outgoing + i).initialize(to: cio_mmsghdr())
            self.headers[i].msg_hdr.msg_name = UnsafeMutableRawPointer(self.addresses + i)
            self.headers[i].msg_hdr.msg_iov = self.vectors + i
            self.headers[i].msg_hdr.msg_iovlen = 1
        }
    }

    deinit {
        self.buffers.deallocate()
        self.addresses.deallocate()
        self.vectors.deallocate()
        self.headers.deallocate()
        self.outgoing.deallocate()
    }

    /// Receives what is there, at most `capacity` datagrams; 0 when there is nothing.
    func receive(_ descriptor: Int32) -> Int {
        for i in 0..<Self.capacity {
            self.headers[i].msg_hdr.msg_namelen = socklen_t(MemoryLayout<sockaddr_storage>.size)
            self.vectors[i] = iovec(
                iov_base: self.buffers + i * Self.datagramOctets, iov_len: Self.datagramOctets)
        }
        return Int(Swift.max(0, cio_recvmmsg(descriptor, self.headers, UInt32(Self.capacity), 0)))
    }

    /// The address that a datagram received last came from; `nil` for one that was too long.
    func source(_ i: Int) -> SocketAddress? {
        guard self.headers[i].msg_hdr.msg_flags & Int32(MSG_TRUNC) == 0 else { return nil }
        return SocketAddress(self.addresses[i])
    }

    /// Lends the octets of a datagram received last, to be changed in place.
    func withOctets<Result>(_ i: Int, _ body: (inout MutableSpan<UInt8>) -> Result) -> Result {
        let length = Swift.min(Int(self.headers[i].msg_len), Self.datagramOctets)
        var octets = UnsafeMutableBufferPointer(start: self.buffers + i * Self.datagramOctets, count: length)
            .mutableSpan
        return body(&octets)
    }

    /// Takes a datagram received last among those to be sent.
    func sendBack(_ i: Int, to address: SocketAddress) {
        self.vectors[i].iov_len = Int(self.headers[i].msg_len)
        self.outgoing[self.outgoingCount] = self.headers[i]
        self.outgoing[self.outgoingCount].msg_hdr.msg_namelen = address.write(to: &self.addresses[i])
        self.outgoingCount += 1
    }

    /// Sends what was taken. What does not go at once is lost, as media must be: later it would be of no use.
    func flush(_ descriptor: Int32) {
        var sent = 0
        while sent < self.outgoingCount {
            let result = Int(
                cio_sendmmsg(
                    descriptor, self.outgoing + sent, UInt32(self.outgoingCount - sent),
                    Int32(MSG_DONTWAIT)))
            if result > 0 {
                sent += result
            } else if errno != EINTR {
                // EAGAIN: no room. ECONNREFUSED and the like: an error of an earlier datagram. This one is given up.
                self.unsent &+= 1
                sent += 1
            }
        }
        self.outgoingCount = 0
    }
}
