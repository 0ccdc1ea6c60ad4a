import CLinuxIO
import Glibc
import SIPMessages
import SystemSockets

/// A UDP socket of loopback whose datagrams carry the moment at which the system took them. On loopback that is the moment
/// at which they were sent, however late we look.
final class TimedSocket {
    static let capacity = 64
    private static let octets = 2_048
    private static let controlOctets = 64

    let descriptor: Int32
    let port: UInt16
    private let buffers = UnsafeMutablePointer<UInt8>.allocate(capacity: TimedSocket.capacity * TimedSocket.octets)
    private let controls = UnsafeMutableRawPointer.allocate(
        byteCount: TimedSocket.capacity * TimedSocket.controlOctets, alignment: 16)
    private let addresses = UnsafeMutablePointer<sockaddr_storage>.allocate(capacity: TimedSocket.capacity)
    private let vectors = UnsafeMutablePointer<iovec>.allocate(capacity: TimedSocket.capacity)
    private let headers = UnsafeMutablePointer<cio_mmsghdr>.allocate(capacity: TimedSocket.capacity)

    /// A socket at a port; at any with 0.
    init(port: UInt16 = 0) throws {
        let descriptor = socket(
            AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var storage = sockaddr_storage()
        let length = SocketAddress(.loopback, port).write(to: &storage)
        let bound = withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard bound == 0, let local = SocketAddress(boundTo: descriptor) else {
            close(descriptor)
            throw Problem("no port \(port)")
        }
        (self.descriptor, self.port) = (descriptor, local.port)
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &one, socklen_t(MemoryLayout<Int32>.size))
        var room: Int32 = 4 << 20
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size))
        for i in 0..<Self.capacity {
            (self.addresses + i).initialize(to: sockaddr_storage())
            (self.vectors + i).initialize(
                to: iovec(iov_base: self.buffers + i * Self.octets, iov_len: Self.octets))
            (self.headers + i).initialize(to: cio_mmsghdr())
            self.headers[i].msg_hdr.msg_name = UnsafeMutableRawPointer(self.addresses + i)
            self.headers[i].msg_hdr.msg_iov = self.vectors + i
            self.headers[i].msg_hdr.msg_iovlen = 1
            self.headers[i].msg_hdr.msg_control = self.controls + i * Self.controlOctets
        }
    }

    deinit {
        close(self.descriptor)
        self.buffers.deallocate()
        self.controls.deallocate()
        self.addresses.deallocate()
        self.vectors.deallocate()
        self.headers.deallocate()
    }

    struct Problem: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    /// Takes what has come.
    ///
    /// - Parameter body: Is given the octets, the port that they come from, and when, in nanoseconds since 1970.
    func receive(_ body: (Span<UInt8>, UInt16, Int64) -> Void) {
        while true {
            for i in 0..<Self.capacity {
                self.headers[i].msg_hdr.msg_namelen = socklen_t(MemoryLayout<sockaddr_storage>.size)
                self.headers[i].msg_hdr.msg_controllen = Self.controlOctets
            }
            let count = Int(cio_recvmmsg(self.descriptor, self.headers, UInt32(Self.capacity), 0))
            guard count > 0 else { return }
            for i in 0..<count {
                let octets = UnsafeBufferPointer(
                    start: self.buffers + i * Self.octets, count: Int(self.headers[i].msg_len))
                body(octets.span, SocketAddress(self.addresses[i])?.port ?? 0, self.time(of: i))
            }
            guard count == Self.capacity else { return }
        }
    }

    /// The control message is a header of 16 octets and a `timespec`.
    private func time(of i: Int) -> Int64 {
        guard self.headers[i].msg_hdr.msg_controllen >= 32 else { return 0 }
        let control = UnsafeRawPointer(self.controls + i * Self.controlOctets)
        return control.load(fromByteOffset: 16, as: Int64.self) * 1_000_000_000
            + control.load(fromByteOffset: 24, as: Int64.self)
    }

    /// Sends a datagram to a port of loopback.
    func send(_ octets: [UInt8], to port: UInt16) {
        var storage = sockaddr_storage()
        let length = SocketAddress(.loopback, port).write(to: &storage)
        _ = withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(self.descriptor, octets, octets.count, 0, $0, length)
            }
        }
    }
}
