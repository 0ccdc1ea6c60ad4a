import CLinuxIO
import Glibc
import NIOConcurrencyHelpers
import SIPMessages
import SIPTransactions
import SystemSockets

/// Sends many messages by one system call from the socket of others, which any thread may do.
final class UDPSender: @unchecked Sendable {
    // Invariant: all but `descriptor` and `isWildcard`, which never change, is touched under `lock`.
    private let lock = NIOLock()
    private static let batch = UDPSocket.batch
    private static let controlOctets = Int(cio_control_octets)

    /// The socket's, which closes it.
    private let descriptor: Int32
    private let isWildcard: Bool
    /// The end points of the addresses that a socket of all of them may send from.
    private var origins: [LocalAddress]
    private var recent = RecentMessages()
    private var trains = DatagramTrains(capacity: UDPSender.batch)
    /// Whether the system divides what is sent in one piece, as far as is known.
    private(set) var isDividing: Bool

    // One more than a batch has: for a datagram of a train that the system does not take.
    private let addresses: UnsafeMutablePointer<sockaddr_storage>
    private let vectors: UnsafeMutablePointer<iovec>
    private let headers: UnsafeMutablePointer<cio_mmsghdr>
    private let control: UnsafeMutableRawPointer

    /// - Parameters:
    ///   - origins: The end points of all local addresses, where the socket is bound to all.
    ///   - isDividing: Whether what is sent in one piece may be tried.
    init(_ descriptor: Int32, origins: [LocalAddress], isDividing: Bool) {
        self.isDividing = isDividing
        self.descriptor = descriptor
        self.origins = origins
        self.isWildcard = !origins.isEmpty
        let count = Self.batch + 1
        self.addresses = .allocate(capacity: count)
        self.vectors = .allocate(capacity: count)
        self.headers = .allocate(capacity: count)
        self.control = .allocate(byteCount: count * Self.controlOctets, alignment: 16)
        self.addresses.initialize(repeating: sockaddr_storage(), count: count)
        self.vectors.initialize(repeating: iovec(), count: count)
        self.headers.initialize(repeating: cio_mmsghdr(), count: count)
        for i in 0..<count { self.headers[i].msg_hdr.msg_name = UnsafeMutableRawPointer(self.addresses + i) }
    }

    deinit {
        self.addresses.deallocate()
        self.vectors.deallocate()
        self.headers.deallocate()
        self.control.deallocate()
    }

    /// Lets messages leave from one more local address.
    func mayLeave(from address: LocalAddress) {
        self.lock.withLock { if self.isWildcard { self.origins.append(address) } }
    }

    /// The messages sent lately to an address, each told of once.
    func takeRecent(to remote: SocketAddress, _ body: (Unreached) -> Void) {
        self.lock.withLock { self.recent.take(to: remote, body) }
    }

    /// Sends the messages `first..<last` of an outbox, all of which are for this socket; those to one address in their order.
    ///
    /// - Parameter failed: Called with each message that the system refused, or of which it has become known that it did
    ///   not reach its destination.
    func send(_ outbox: borrowing Outbox, _ first: Int, _ last: Int, failed: (Unreached) -> Void) {
        self.lock.lock()
        defer { self.lock.unlock() }
        outbox.octets.withUnsafeBufferPointer { octets in
            guard let base = octets.baseAddress else { return }
            var position = first
            var attempts = SendAttempts()
            while position < last {
                let count = Swift.min(last - position, Self.batch)
                self.sendBatch(
                    outbox.messages.span.extracting(position..<position + count), base, &attempts, failed)
                position += count
            }
        }
    }

    private func sendBatch(
        _ messages: Span<Outbox.Message>, _ base: UnsafePointer<UInt8>, _ attempts: inout SendAttempts,
        _ failed: (Unreached) -> Void
    ) {
        self.trains.makeUp(messages.count, areJoined: self.isDividing) { i in
            let flow = messages[i].flow
            return (flow.remote, flow.endpoint, messages[i].range.count)
        }
        var vector = 0
        for i in self.trains.trains.indices {
            let train = self.trains.trains[i]
            self.prepare(i, to: train.remote, from: train.endpoint, vectors: vector..<vector + train.count)
            if train.count > 1 {
                cio_set_segment(
                    &self.headers[i].msg_hdr, self.control + i * Self.controlOctets, UInt16(train.segment))
            }
            self.trains.forEachDatagram(of: train) { datagram in
                self.setOctets(vector, of: messages[datagram], base)
                self.recent.add(messages[datagram])
                vector += 1
            }
        }
        self.transmit(0..<self.trains.trains.count, &attempts, failed) { i, error, attempts in
            let train = self.trains.trains[i]
            guard train.count > 1 else {
                if let refused = Unreached(messages[train.first], error: error) { failed(refused) }
                return
            }
            let spare = Self.batch
            var left = train.count
            self.prepare(spare, to: train.remote, from: train.endpoint, vectors: spare..<spare + 1)
            self.trains.forEachDatagram(of: train) { datagram in
                self.setOctets(spare, of: messages[datagram], base)
                self.transmit(spare..<spare + 1, &attempts, failed) { _, error, _ in
                    left -= 1
                    if let refused = Unreached(messages[datagram], error: error) { failed(refused) }
                }
            }
            // One by one they leave: the system does not divide, or not on the way there.
            if left > 0 { self.isDividing = false }
        }
    }

    /// Hands prepared headers to the system, until it has taken or refused each.
    ///
    /// - Parameter refused: Called with the number of a header that the system refuses, and its error.
    private func transmit(
        _ numbers: Range<Int>, _ attempts: inout SendAttempts, _ failed: (Unreached) -> Void,
        refused: (Int, Int32, inout SendAttempts) -> Void
    ) {
        var next = numbers.lowerBound
        while next < numbers.upperBound {
            let result = Int(
                cio_sendmmsg(self.descriptor, self.headers + next, UInt32(numbers.upperBound - next), 0))
            if result > 0 {
                next += result
                attempts.begin()
                continue
            }
            let error = errno
            let errorsTaken =
                SendAttempts.mayBeEarlierError(error)
                ? self.takeErrors { remote in self.recent.take(to: remote, failed) } : 0
            switch attempts.next(after: error, errorsTaken: errorsTaken) {
            case .again: continue
            case .wait: self.waitUntilWritable()
            case .giveUp(let isTold):
                attempts.begin()
                if isTold { refused(next, error, &attempts) }
                next += 1
                attempts.begin()
            }
        }
    }

    /// Makes a header ready for what `vectors` will hold.
    private func prepare(_ i: Int, to remote: SocketAddress, from endpoint: UInt16, vectors: Range<Int>) {
        self.headers[i].msg_hdr.msg_namelen = remote.write(to: &self.addresses[i])
        self.headers[i].msg_hdr.msg_iov = self.vectors + vectors.lowerBound
        self.headers[i].msg_hdr.msg_iovlen = vectors.count
        self.headers[i].msg_hdr.msg_control = nil
        self.headers[i].msg_hdr.msg_controllen = 0
        // It leaves from the address of its end point.
        guard self.isWildcard, let source = self.origins.first(where: { $0.endpoint == endpoint }) else { return }
        cio_set_source(
            &self.headers[i].msg_hdr, self.control + i * Self.controlOctets,
            source.ip.isIPv6 ? 1 : 0, source.ip.high, source.ip.low)
    }

    private func setOctets(_ vector: Int, of message: Outbox.Message, _ base: UnsafePointer<UInt8>) {
        self.vectors[vector].iov_base = UnsafeMutableRawPointer(mutating: base + message.range.lower)
        self.vectors[vector].iov_len = message.range.count
    }

    private func waitUntilWritable() {
        var poller = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&poller, 1, 10)
    }

    /// Takes errors that came back by ICMP, each with the address that cannot be reached (RFC 3261 §18.4); at most as many
    /// as a batch, so that a flood of them does not stop the thread.
    ///
    /// - Returns: how many errors there were, those included that are of no interest.
    @discardableResult
    func takeErrors(_ body: (SocketAddress) -> Void) -> Int {
        var storage = sockaddr_storage()
        var error: Int32 = 0
        var count = 0
        while count < Self.batch, cio_take_error(self.descriptor, &storage, &error) == 1 {
            count += 1
            switch error {
            case ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ENOPROTOOPT:
                if let address = SocketAddress(storage) { body(address) }
            default: break
            }
        }
        return count
    }
}
