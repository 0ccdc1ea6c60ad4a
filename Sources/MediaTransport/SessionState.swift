import CLinuxIO
import MediaEngine
import MediaKeying
import RTP
import SDP
import SIPMessages
import SRTP

/// A stream as a session drives it.
protocol SessionStream: Sendable {
    var latch: SymmetricLatch { get }
    var reception: Reception? { get }
    var control: RTCPSession { get }
    mutating func update(_ stream: NegotiatedStream)
    mutating func receiveControl(
        _ octets: Span<UInt8>, from source: SocketAddress, at now: MonotonicInstant, ntp: UInt64)
    mutating func report(at now: MonotonicInstant, ntp: UInt64, into output: inout [UInt8]) -> SocketAddress?
    mutating func leave(at now: MonotonicInstant, ntp: UInt64, into output: inout [UInt8]) -> SocketAddress?
}

extension AudioStream: SessionStream {}
extension EchoStream: SessionStream {}

/// What every session is: a stream behind its sockets, with what protects its packets, its reports, and when it was heard
/// last.
struct SessionState<Stream: SessionStream>: Sendable {
    var stream: Stream
    var protection: PacketProtection
    private let sockets: SocketPair
    private let silence: TimeSpan?
    private var isSharedPort: Bool
    private(set) var isExpectingMedia: Bool
    private var lastHeard: MonotonicInstant
    private var hasToldSilence = false
    // Kept to be used again.
    private var buffer: [UInt8] = []
    private var outgoing: [PacketProtection.Outgoing] = []

    init(
        _ stream: Stream, _ agreed: NegotiatedStream, _ keys: MediaKeys, _ identity: DTLSIdentity?,
        _ sockets: SocketPair, silence: TimeSpan?, at now: MonotonicInstant
    ) {
        (self.stream, self.sockets, self.silence) = (stream, sockets, silence)
        self.protection = PacketProtection(identity)
        (self.isSharedPort, self.isExpectingMedia) = (agreed.hasRTCPMux, agreed.direction.receives)
        self.lastHeard = now
        self.protect(agreed, keys, at: now)
    }

    /// Offer and answer have changed what is agreed on.
    mutating func update(_ stream: NegotiatedStream, _ keys: MediaKeys, at now: MonotonicInstant) {
        self.stream.update(stream)
        (self.isSharedPort, self.isExpectingMedia) = (stream.hasRTCPMux, stream.direction.receives)
        (self.lastHeard, self.hasToldSilence) = (now, false)
        self.protect(stream, keys, at: now)
    }

    private mutating func protect(_ stream: NegotiatedStream, _ keys: MediaKeys, at now: MonotonicInstant) {
        self.protection.apply(keys, stream, at: now, into: &self.outgoing)
        self.sendOutgoing()
    }

    /// Takes a datagram that was received.
    ///
    /// - Parameter take: Gets it unless it is RTCP, to be changed in place, and says where to send it back.
    mutating func receive(
        _ i: Int, of batch: PacketBatch, isRTCP: Bool, at now: MonotonicInstant,
        _ take: (inout Stream, inout MutableSpan<UInt8>, SocketAddress) -> SocketAddress?
    ) {
        guard let source = batch.source(i) else { return }
        var buffer: [UInt8] = []
        swap(&buffer, &self.buffer)
        defer { swap(&buffer, &self.buffer) }
        batch.withOctets(i) { octets in
            switch self.protection.admit(
                octets.span, from: source, isRTCP: isRTCP, opened: &buffer, into: &self.outgoing)
            {
            case .asItCame:
                self.sockets.show(octets.span, isSent: false, isControl: isRTCP, source)
                if isRTCP || (self.isSharedPort && RTCPReader.isRTCP(octets.span)) {
                    self.stream.receiveControl(octets.span, from: source, at: now, ntp: Self.ntp())
                } else if let destination = take(&self.stream, &octets, source) {
                    batch.sendBack(i, to: destination)
                }
            case .opened:
                self.sockets.show(buffer.span, isSent: false, isControl: isRTCP, source)
                if isRTCP || (self.isSharedPort && RTCPReader.isRTCP(buffer.span)) {
                    self.stream.receiveControl(buffer.span, from: source, at: now, ntp: Self.ntp())
                } else {
                    var span = buffer.mutableSpan
                    if let destination = take(&self.stream, &span, source) { self.send(&buffer, to: destination) }
                }
            case .nothing: self.sendOutgoing()
            }
        }
        if let reception = self.stream.reception { self.lastHeard = Swift.max(self.lastHeard, reception.lastArrival) }
    }

    /// Sends a packet of RTP, protected where that was agreed on.
    mutating func send(_ packet: inout [UInt8], to destination: SocketAddress) {
        let plain = self.sockets.observer == nil ? [] : packet
        guard self.protection.protect(&packet, isControl: false) else { return }
        self.sockets.show(plain.span, isSent: true, isControl: false, destination)
        self.sockets.rtp.send(packet, to: destination)
    }

    private mutating func sendOutgoing() {
        for datagram in self.outgoing {
            (datagram.isControl ? self.sockets.rtcp : self.sockets.rtp).send(datagram.octets, to: datagram.destination)
        }
        self.outgoing.removeAll(keepingCapacity: true)
    }

    /// Sends the reports, and what a handshake has to repeat, when their time has come.
    ///
    /// - Returns: Whether nothing has come for too long, told once.
    mutating func wake(at now: MonotonicInstant) -> Bool {
        self.protection.wake(at: now, into: &self.outgoing)
        self.sendOutgoing()
        if now >= self.stream.control.nextReport {
            self.sendReport { stream, output in stream.report(at: now, ntp: Self.ntp(), into: &output) }
        }
        guard let silence = self.silence, self.isExpectingMedia, !self.hasToldSilence,
            now.since(self.lastHeard) > silence
        else { return false }
        self.hasToldSilence = true
        return true
    }

    /// Tells the peer that our source leaves (RFC 3550 §6.6).
    mutating func leave(at now: MonotonicInstant) {
        self.sendReport { stream, output in stream.leave(at: now, ntp: Self.ntp(), into: &output) }
    }

    private mutating func sendReport(_ write: (inout Stream, inout [UInt8]) -> SocketAddress?) {
        self.buffer.removeAll(keepingCapacity: true)
        guard let destination = write(&self.stream, &self.buffer) else { return }
        let plain = self.sockets.observer == nil ? [] : self.buffer
        guard self.protection.protect(&self.buffer, isControl: true) else { return }
        self.sockets.show(plain.span, isSent: true, isControl: !self.isSharedPort, destination)
        (self.isSharedPort ? self.sockets.rtp : self.sockets.rtcp).send(self.buffer, to: destination)
    }

    private static func ntp() -> UInt64 { NTPTime.from(unixMilliseconds: cio_wall_milliseconds()) }
}
