import CLinuxIO
import Glibc
import RTP
import SDP
import SIPMessages
import SystemSockets
import Testing

@testable import MediaTransport

/// A peer on loopback: a socket that sends packets of RTP and waits for what comes back.
struct LoopbackPeer {
    let socket: MediaSocket
    let remote: SocketAddress

    init(to remote: SocketAddress) throws {
        self.remote = remote
        self.socket = try MediaSocket(SocketAddress(remote.ip, 0))
    }

    var port: UInt16 { self.socket.local.port }

    func send(_ octets: [UInt8]) { self.socket.send(octets, to: self.remote) }

    /// The next datagram; empty when none comes in five seconds.
    func receive() -> [UInt8] {
        var poller = pollfd(fd: self.socket.descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&poller, 1, 5_000) == 1 else { return [] }
        var buffer = [UInt8](repeating: 0, count: 2_048)
        let count = recv(self.socket.descriptor, &buffer, buffer.count, 0)
        return Array(buffer.prefix(Swift.max(0, count)))
    }

    static func packet(
        type: UInt8 = 0, sequence: UInt16, timestamp: UInt32, ssrc: UInt32 = 0x1234_5678, payload: [UInt8] = [1, 2, 3]
    ) -> [UInt8] {
        var octets: [UInt8] = []
        RTPHeader(payloadType: type, sequenceNumber: sequence, timestamp: timestamp, ssrc: ssrc).append(to: &octets)
        return octets + payload
    }
}

@Suite("The echo of a call, over loopback")
struct EchoEndpointTests {
    static func server(_ ports: ClosedRange<UInt16>, maximum: Int = 16) throws -> MediaServer {
        var settings = MediaSettings()
        settings.ports = ports
        settings.maximumStreams = maximum
        return try MediaServer(settings)
    }

    static func offer(port: UInt16, ip: String = "127.0.0.1", media: String = "RTP/AVP 0 101", more: String = "")
        -> [UInt8]
    {
        let family = ip.contains(":") ? "IP6" : "IP4"
        return Array(
            """
            v=0\r\no=- 1 1 IN \(family) \(ip)\r\ns=-\r\nc=IN \(family) \(ip)\r\nt=0 0\r
            m=audio \(port) \(media)\r\na=rtpmap:101 telephone-event/8000\r\n\(more)
            """.utf8)
    }

    static func answer(_ outcome: EchoEndpoint.Outcome) throws -> SessionDescription {
        guard case .description(let octets) = outcome else {
            Issue.record("no description: \(outcome)")
            throw OfferAnswerError(.noOffer)
        }
        return try SessionDescription(octets)
    }

    @Test(
        "A packet comes back with its payload, from a source and with numbers of our own",
        arguments: ["127.0.0.1", "::1"])
    func returnsPackets(ip: String) throws {
        let server = try Self.server(31_000...31_099)
        defer { server.stop() }
        let local = try #require(IPAddress(ip))
        let echo = server.makeEcho(at: local)
        let peer = try LoopbackPeer(to: SocketAddress(local, 0))
        let answer = try Self.answer(echo.answer(Self.offer(port: peer.port, ip: ip)))
        let medium = try #require(answer.media.first)
        #expect(medium.line.port == echo.port)
        #expect(medium.line.port.isMultiple(of: 2))
        #expect(medium.line.formats == ["0", "101"])
        #expect(answer.connection(of: medium)?.ip == local)
        let talking = LoopbackPeer(peer, to: SocketAddress(local, medium.line.port))
        talking.send(LoopbackPeer.packet(sequence: 10, timestamp: 1_000, payload: [7, 8, 9]))
        let first = talking.receive()
        talking.send(LoopbackPeer.packet(type: 101, sequence: 11, timestamp: 1_160, payload: [5, 10, 0, 160]))
        let second = talking.receive()
        let headers = [try RTPHeader(parsing: first.span), try RTPHeader(parsing: second.span)]
        #expect(Array(first[12...]) == [7, 8, 9])
        #expect(Array(second[12...]) == [5, 10, 0, 160])
        #expect(headers[0].ssrc != 0x1234_5678)
        #expect(headers[0].ssrc == headers[1].ssrc)
        #expect(headers[1].sequenceNumber == headers[0].sequenceNumber &+ 1)
        #expect(headers[1].timestamp == headers[0].timestamp &+ 160)
        #expect(headers[1].payloadType == 101)
        #expect(echo.statistics?.returned == 2)
        echo.stop()
        #expect(server.streamCount == 0)
    }

    @Test("An offer without a known format is refused with 305 and what would be possible, and takes no port")
    func refuses() throws {
        let server = try Self.server(31_100...31_101)
        defer { server.stop() }
        let echo = server.makeEcho(at: .loopback)
        guard case .refused(let refusal, let capabilities) = echo.answer(Self.offer(port: 9, media: "RTP/AVP 15"))
        else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.warning == 305)
        #expect(refusal.phrase == "Incompatible media format: none of G728/8000 is known")
        #expect(try SessionDescription(capabilities).media.allSatisfy { $0.line.port == 0 })
        #expect(echo.port == nil)
        #expect(echo.answer(Array("v=0\r\nx".utf8)) == .malformed("SDP line 2: line is not <letter>=<value>"))
    }

    @Test(
        "Without a free pair of ports, and beyond the number of streams, none is opened; after the end there is one again"
    )
    func runsOutOfPorts() throws {
        let server = try Self.server(31_110...31_111)
        defer { server.stop() }
        let first = server.makeEcho(at: .loopback)
        let second = server.makeEcho(at: .loopback)
        _ = try Self.answer(first.answer(Self.offer(port: 9)))
        guard case .unavailable = second.answer(Self.offer(port: 9)) else {
            Issue.record("a port out of nowhere")
            return
        }
        first.stop()
        #expect(try Self.answer(second.answer(Self.offer(port: 9))).media[0].line.port == 31_110)
        let few = try Self.server(31_120...31_129, maximum: 1)
        defer { few.stop() }
        let third = few.makeEcho(at: .loopback)
        let fourth = few.makeEcho(at: .loopback)
        _ = try Self.answer(third.answer(Self.offer(port: 9)))
        #expect(
            fourth.answer(Self.offer(port: 9))
                == .unavailable(MediaError("1 media streams are open: no more are allowed")))
    }

    @Test("On hold nothing comes back, and after it packets do")
    func hold() throws {
        let server = try Self.server(31_130...31_139)
        defer { server.stop() }
        let echo = server.makeEcho(at: .loopback)
        let peer = try LoopbackPeer(to: SocketAddress(.loopback, 0))
        let answer = try Self.answer(echo.answer(Self.offer(port: peer.port)))
        let talking = LoopbackPeer(peer, to: SocketAddress(.loopback, answer.media[0].line.port))
        let held = try Self.answer(echo.answer(Self.offer(port: peer.port, more: "a=sendonly\r\n")))
        #expect(held.direction(of: held.media[0]) == .recvonly)
        #expect(held.media[0].line.port == answer.media[0].line.port)
        talking.send(LoopbackPeer.packet(sequence: 1, timestamp: 0, payload: [1]))
        while echo.statistics?.dropped == 0 { sched_yield() }
        _ = try Self.answer(echo.answer(Self.offer(port: peer.port)))
        talking.send(LoopbackPeer.packet(sequence: 2, timestamp: 160, payload: [2]))
        #expect(talking.receive().last == 2)
    }

    @Test("An INVITE without an offer gets one, and the answer opens the stream")
    func delayedOffer() throws {
        let server = try Self.server(31_140...31_149)
        defer { server.stop() }
        let echo = server.makeEcho(at: .loopback)
        let offer = try Self.answer(echo.offer())
        #expect(offer.media[0].formats.count == EchoEndpoint.formats.count)
        #expect(offer.violations.isEmpty)
        let peer = try LoopbackPeer(to: SocketAddress(.loopback, offer.media[0].line.port))
        #expect(echo.accept(answer: Self.offer(port: peer.port, media: "RTP/AVP 8")) == nil)
        peer.send(LoopbackPeer.packet(type: 8, sequence: 1, timestamp: 0, payload: [4]))
        #expect(peer.receive().last == 4)
        #expect(echo.offer() != .glare)
        #expect(echo.answer(Self.offer(port: peer.port)) == .glare)
    }

    @Test("A peer that sends nothing is told of once")
    func tellsSilence() throws {
        var settings = MediaSettings()
        settings.ports = 31_150...31_159
        settings.silence = .milliseconds(1)
        let server = try MediaServer(settings)
        defer { server.stop() }
        let told = Told()
        let echo = server.makeEcho(at: .loopback) { told.tell() }
        _ = try Self.answer(echo.answer(Self.offer(port: 9)))
        #expect(told.wait())
        #expect(echo.statistics?.received == 0)
    }

    @Test("At its end the echo says BYE, at the shared port where that was agreed on (RFC 3550 §6.6, RFC 5761)")
    func saysBye() throws {
        let server = try Self.server(31_170...31_179)
        defer { server.stop() }
        let echo = server.makeEcho(at: .loopback)
        let peer = try LoopbackPeer(to: SocketAddress(.loopback, 0))
        let answer = try Self.answer(echo.answer(Self.offer(port: peer.port, more: "a=rtcp-mux\r\n")))
        #expect(answer.media[0].hasRTCPMux)
        echo.stop()
        let last = peer.receive()
        let isRTCP = RTCPReader.isRTCP(last.span)
        #expect(isRTCP)
        #expect(last.suffix(8).starts(with: [0x81, 203]))
    }

    @Test("A range without a pair of ports is refused")
    func uselessRange() {
        #expect(throws: MediaError("media ports 31161-31161: give an even port and the one above it")) {
            try PortAllocator(31_161...31_161)
        }
    }
}

extension LoopbackPeer {
    /// The same socket, talking to another address.
    init(_ peer: LoopbackPeer, to remote: SocketAddress) {
        (self.socket, self.remote) = (peer.socket, remote)
    }
}

/// Waits for a call from another thread.
final class Told: Sendable {
    private let pipe: (read: Int32, write: Int32)

    init() {
        var ends: [Int32] = [0, 0]
        _ = Glibc.pipe(&ends)
        self.pipe = (ends[0], ends[1])
    }

    deinit {
        close(self.pipe.read)
        close(self.pipe.write)
    }

    func tell() {
        var octet: UInt8 = 1
        write(self.pipe.write, &octet, 1)
    }

    /// Whether the call comes within five seconds.
    func wait() -> Bool {
        var poller = pollfd(fd: self.pipe.read, events: Int16(POLLIN), revents: 0)
        return poll(&poller, 1, 5_000) == 1
    }
}
