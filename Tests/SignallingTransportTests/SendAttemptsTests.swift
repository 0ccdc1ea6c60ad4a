import Glibc
import ProxyCore
import SIPMessages
import SIPTransactions
import Testing

@testable import SignallingTransport

@Suite("Datagrams that the system does not take (RFC 3261 §18.4)")
struct SendAttemptsTests {
    @Test(
        "An error that may be an earlier datagram's is tried again once, and as long as there are errors to be taken",
        arguments: [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH])
    func earlierErrors(error: Int32) {
        #expect(SendAttempts.mayBeEarlierError(error))
        var attempts = SendAttempts()
        #expect(attempts.next(after: error, errorsTaken: 0) == .again)
        #expect(attempts.next(after: error, errorsTaken: 2) == .again)
        #expect(attempts.next(after: error, errorsTaken: 0) == .giveUp(isTold: true))
    }

    @Test("However many errors come, and however long there is no room, a datagram is tried so often and no more")
    func isBounded() {
        for (error, taken, isTold) in [(ECONNREFUSED, 64, true), (EAGAIN, 0, false), (ENOBUFS, 0, false)] {
            var attempts = SendAttempts()
            var steps = 1
            while case .again = attempts.next(after: error, errorsTaken: taken) { steps += 1 }
            if !isTold {
                while case .wait = attempts.next(after: error, errorsTaken: taken) { steps += 1 }
                steps += 1
            }
            #expect(steps == SendAttempts.limit)
            #expect(attempts.next(after: error, errorsTaken: taken) == .giveUp(isTold: isTold))
        }
    }

    @Test("Those behind one that there was no room for do not wait for it once more", arguments: [EAGAIN, ENOBUFS])
    func waitsOnce(error: Int32) {
        var attempts = SendAttempts()
        for _ in 1..<SendAttempts.limit { #expect(attempts.next(after: error, errorsTaken: 0) == .wait) }
        #expect(attempts.next(after: error, errorsTaken: 0) == .giveUp(isTold: false))
        attempts.begin()
        #expect(attempts.next(after: error, errorsTaken: 0) == .giveUp(isTold: false))
        attempts.begin()
        #expect(attempts.next(after: ECONNREFUSED, errorsTaken: 0) == .again)
    }

    @Test("What the system refuses for itself is told at once; what a signal has interrupted is done again")
    func otherErrors() {
        var attempts = SendAttempts()
        #expect(attempts.next(after: EINTR, errorsTaken: 0) == .again)
        for error in [EINVAL, EMSGSIZE, EPERM, EACCES] {
            #expect(!SendAttempts.mayBeEarlierError(error))
            #expect(attempts.next(after: error, errorsTaken: 0) == .giveUp(isTold: true))
        }
    }

    @Test("A datagram to where no way leads fails, and those behind it leave", .timeLimit(.minutes(5)))
    func noRoute() throws {
        let socket = try UDPSocket(address: SocketAddress(.loopback, 0), endpoint: 0, sharesPort: false)
        let receiver = try UDPSocket(address: SocketAddress(.loopback, 0), endpoint: 0, sharesPort: false)
        let wide = try UDPSocket(address: SocketAddress(IPAddress(v4: 0), 0), endpoint: 0, sharesPort: false)
        // Nothing but what is on the link: no way leads to an address for documentation (RFC 5737).
        var one: Int32 = 1
        setsockopt(wide.descriptor, SOL_SOCKET, SO_DONTROUTE, &one, socklen_t(MemoryLayout<Int32>.size))
        for sender in [socket, wide] {
            var outbox = Outbox()
            for (number, remote) in [SocketAddress(IPAddress(v4: 0xC633_6401), 5060), receiver.local].enumerated() {
                let start = outbox.octets.count
                outbox.octets.append(contentsOf: Array("datagram \(number)".utf8))
                outbox.send(
                    from: start, over: Flow(endpoint: 0, transport: .udp, remote: remote),
                    by: .client(TransactionID(slot: Int32(number), generation: 1)))
            }
            var failures: [Unreached] = []
            sender.sender.send(outbox, 0, 2) { failures.append($0) }
            #expect(failures.map(\.sender) == [.client(TransactionID(slot: 0, generation: 1))])
            // There is no way out of our address, now: a device that is reached from it is so no more.
            #expect(failures.map(\.isFlowLost) == [true])
            var poller = pollfd(fd: receiver.descriptor, events: Int16(POLLIN), revents: 0)
            #expect(poll(&poller, 1, 10_000) == 1)
            #expect(receiver.receive() == 1)
            #expect(receiver.datagram(0).map { String(decoding: $0.octets, as: UTF8.self) } == "datagram 1")
        }
    }
}
