public import RTP
public import SDP
public import SIPMessages

/// Returns the packets of a stream to where they come from, with a source and sequence numbers of its own (RFC 3550).
///
/// Payload, marker, contributing sources and header extension stay; so telephone-events come back as they went. Losses
/// and disorder on the way here stay visible: the sequence numbers are those received with a constant added, until the
/// peer changes its source.
public struct EchoStream: Sendable {
    /// Packets that were returned.
    public private(set) var returned: UInt64 = 0
    /// Octets of payload that were returned.
    public private(set) var returnedOctets: UInt64 = 0
    /// Packets that were dropped: of a payload type that was not agreed on, no RTP, from elsewhere, or on hold.
    public private(set) var dropped: UInt64 = 0
    /// The peer's stream; `nil` while no packet has come.
    public private(set) var reception: Reception?
    /// Where packets come from and go to.
    public private(set) var latch: SymmetricLatch
    /// Our source.
    public let ssrc: UInt32
    /// The reports of the stream.
    public private(set) var control: RTCPSession
    /// When the newest packet was returned, and its timestamp.
    public private(set) var lastReturn: (at: MonotonicInstant, timestamp: UInt32)?

    private var payloadTypes: PayloadTypeTable
    private var isSending: Bool
    private var sequenceOffset: UInt16
    private var timestampOffset: UInt32
    private var lastSequence: UInt16
    private var peerControl: MediaControlAddress

    /// An echo.
    ///
    /// - Parameters:
    ///   - seed: A number that nobody can guess: source, first sequence number and timestamp come from it
    ///     (RFC 3550 §5.1).
    ///   - stream: What offer and answer have agreed on.
    public init(seed: UInt64, _ stream: NegotiatedStream, at now: MonotonicInstant) {
        self.ssrc = UInt32(truncatingIfNeeded: seed)
        self.control = RTCPSession(
            ssrc: self.ssrc, canonicalName: Self.canonicalName(seed), seed: seed &* 0xD6E8_FEB8_6659_FD93, at: now)
        self.sequenceOffset = UInt16(truncatingIfNeeded: seed >> 32)
        self.lastSequence = self.sequenceOffset
        self.timestampOffset = UInt32(truncatingIfNeeded: seed >> 32) &* 0x9E37_79B9
        self.latch = SymmetricLatch(described: stream.destination?.rtp.address)
        self.peerControl = MediaControlAddress(stream)
        (self.payloadTypes, self.isSending) = (PayloadTypeTable(stream), stream.sends)
    }

    /// A name for the call alone, of 64 random bits and more (RFC 7022 §4.2).
    static func canonicalName(_ seed: UInt64) -> [UInt8] {
        let mixed = seed &* 0x9E37_79B9_7F4A_7C15 ^ seed >> 29
        return (0..<16).map { i in
            let digit = UInt8(truncatingIfNeeded: mixed >> UInt64(4 * i)) & 0xF
            return digit < 10 ? 0x30 + digit : 0x57 + digit
        }
    }

    /// Offer and answer have changed what is agreed on.
    public mutating func update(_ stream: NegotiatedStream) {
        (self.payloadTypes, self.isSending) = (PayloadTypeTable(stream), stream.sends)
        self.latch.describe(stream.destination?.rtp.address)
        self.peerControl.update(stream)
    }

    /// Takes a packet and turns it into the one that goes back.
    ///
    /// - Returns: Where to send it; `nil` when nothing goes back.
    public mutating func receive(
        _ packet: inout MutableSpan<UInt8>, from source: SocketAddress, at now: MonotonicInstant
    ) -> SocketAddress? {
        guard var header = try? RTPHeader(parsing: packet.span),
            let payloadType = self.payloadTypes[header.payloadType],
            self.latch.receive(header, from: source, at: now) == .accept
        else { return self.drop() }
        let clockRate = self.payloadTypes.clockRate(of: header.payloadType)
        if self.reception?.ssrc != header.ssrc {
            self.reception = Reception(first: header, clockRate: clockRate, at: now)
            self.rebase(header, clockRate, now)
        }
        switch self.reception?.receive(header, at: now) {
        case .inOrder, .late, nil: break
        case .restarted: self.rebase(header, clockRate, now)
        case .outOfRange: return self.drop()
        }
        guard self.isSending, let destination = self.latch.destination else { return self.drop() }
        header.payloadType = payloadType
        header.sequenceNumber &+= self.sequenceOffset
        header.timestamp &+= self.timestampOffset
        header.ssrc = self.ssrc
        header.rewrite(&packet)
        if self.returned == 0 || SequenceOrder.distance(from: self.lastSequence, to: header.sequenceNumber) > 0 {
            self.lastSequence = header.sequenceNumber
            self.lastReturn = (now, header.timestamp)
        }
        self.returned &+= 1
        self.returnedOctets &+= UInt64(Swift.max(0, header.payload.count))
        return destination
    }

    // MARK: RTCP

    /// Takes an RTCP datagram of the peer; one from elsewhere, or that is broken, changes nothing.
    ///
    /// - Parameter ntp: The wall clock, as reports carry it.
    public mutating func receiveControl(
        _ octets: Span<UInt8>, from source: SocketAddress, at now: MonotonicInstant, ntp: UInt64
    ) {
        guard self.peerControl.accepts(source, self.latch) else { return }
        guard (try? self.control.receive(octets, at: now, ntp: ntp)) != nil else { return }
        self.peerControl.learn(source)
    }

    /// Appends a report when one is due.
    ///
    /// - Returns: Where to send it; `nil` when none is due or nowhere is known.
    public mutating func report(at now: MonotonicInstant, ntp: UInt64, into output: inout [UInt8]) -> SocketAddress? {
        guard now >= self.control.nextReport else { return nil }
        var reception = self.reception
        self.control.writeReport(
            sender: self.senderInfo(at: now, ntp: ntp), reception: &reception, at: now, to: &output)
        self.reception = reception
        return self.peerControl.destination(self.latch)
    }

    /// Appends the report with which the stream ends.
    ///
    /// - Returns: Where to send it; `nil` when nowhere is known.
    public mutating func leave(at now: MonotonicInstant, ntp: UInt64, into output: inout [UInt8]) -> SocketAddress? {
        var reception = self.reception
        self.control.writeBye(
            sender: self.senderInfo(at: now, ntp: ntp), reception: &reception, at: now, to: &output)
        return self.peerControl.destination(self.latch)
    }

    /// What we say of what we send; `nil` while we have sent nothing.
    private func senderInfo(at now: MonotonicInstant, ntp: UInt64) -> SenderInfo? {
        guard let lastReturn, let rate = self.reception?.clockRate else { return nil }
        return SenderInfo(
            ntp: ntp, timestamp: lastReturn.timestamp &+ Self.ticks(now.since(lastReturn.at), rate),
            packets: UInt32(truncatingIfNeeded: self.returned),
            payloadOctets: UInt32(truncatingIfNeeded: self.returnedOctets))
    }

    private static func ticks(_ time: TimeSpan, _ rate: UInt32) -> UInt32 {
        let (seconds, rest) = time.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return UInt32(truncatingIfNeeded: seconds &* Int64(rate) &+ rest * Int64(rate) / 1_000_000_000)
    }

    private mutating func drop() -> SocketAddress? {
        self.dropped &+= 1
        return nil
    }

    /// Lets the numbers of our stream go on where the peer's have jumped.
    private mutating func rebase(_ header: RTPHeader, _ clockRate: UInt32, _ now: MonotonicInstant) {
        guard let lastReturn else { return }
        let ticks = Self.ticks(now.since(lastReturn.at), clockRate)
        self.sequenceOffset = self.lastSequence &+ 1 &- header.sequenceNumber
        self.timestampOffset =
            lastReturn.timestamp &+ Swift.max(1, ticks) &- header.timestamp
    }
}
