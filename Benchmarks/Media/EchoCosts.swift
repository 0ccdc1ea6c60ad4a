import CLinuxIO
import Glibc
import MediaTransport
import RTP
import SDP
import SIPMessages
import SystemSockets

/// What a packet costs that comes over loopback and is returned: the kernel's share is in it.
enum EchoCosts {
    private static let calls = 100

    private struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    /// Sends packets of 172 octets for a hundred calls in turn and takes them back; tells the processor time of the
    /// server's thread for each, which is that of the process without this thread.
    static func report(packets: Int) throws {
        let server = try MediaServer(MediaSettings())
        defer { server.stop() }
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var local = sockaddr_storage()
        let length = SocketAddress(.loopback, 0).write(to: &local)
        let bound = withUnsafePointer(to: &local) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard bound == 0, let address = SocketAddress(boundTo: descriptor) else {
            throw Problem(description: "no socket")
        }
        var echoes: [EchoEndpoint] = []
        var targets: [sockaddr_storage] = []
        for _ in 0..<Self.calls {
            let echo = server.makeEcho(at: .loopback)
            let offer =
                "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio \(address.port) RTP/AVP 0\r\n"
            guard case .description = echo.answer(Array(offer.utf8)), let port = echo.port else {
                throw Problem(description: "the echo does not answer")
            }
            var target = sockaddr_storage()
            _ = SocketAddress(.loopback, port).write(to: &target)
            targets.append(target)
            echoes.append(echo)
        }
        var packet = [UInt8](repeating: 0xFF, count: 172)
        var buffer = [UInt8](repeating: 0, count: 2_048)
        var returned = 0
        let before = Self.serverTime()
        for i in 0..<packets {
            let round = i / Self.calls
            var span = packet.mutableSpan
            RTPHeader(
                payloadType: 0, sequenceNumber: UInt16(truncatingIfNeeded: round),
                timestamp: UInt32(truncatingIfNeeded: 160 * round), ssrc: UInt32(i % Self.calls)
            ).write(to: &span)
            withUnsafePointer(to: &targets[i % Self.calls]) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = sendto(descriptor, packet, packet.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            if i % Self.calls == Self.calls - 1 {
                var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                var left = Self.calls
                while left > 0, poll(&poller, 1, 200) == 1 {
                    while left > 0, recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT)) > 0 {
                        returned += 1
                        left -= 1
                    }
                }
            }
        }
        let cost = (Self.serverTime() - before) / Double(Swift.max(1, returned))
        print("returned \(returned) of \(packets); \((cost * 1e8).rounded() / 100) µs of processor time a packet")
        for echo in echoes { echo.stop() }
        close(descriptor)
    }

    /// Processor time in seconds of all threads but this one.
    private static func serverTime() -> Double {
        var (process, thread) = (rusage(), rusage())
        getrusage(Int32(RUSAGE_SELF.rawValue), &process)
        getrusage(1, &thread)  // RUSAGE_THREAD, which is hidden without _GNU_SOURCE.
        func seconds(_ usage: rusage) -> Double {
            Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
                + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
        }
        return seconds(process) - seconds(thread)
    }
}
