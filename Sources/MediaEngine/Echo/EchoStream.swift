public import RTP
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
    /// When the newest packet was returned, and its timestamp.
    public private(set) var lastReturn: (at: MonotonicInstant, timestamp: UInt32)?

    private var payloadTypes: PayloadTypeTable
    private var isSending: Bool
    private var sequenceOffset: UInt16
    private var timestampOffset: UInt32
    private var lastSequence: UInt16

    /// An echo.
    ///
    /// - Parameters:
    ///   - seed: A number that nobody can guess: source, first sequence number and timestamp come from it
    ///     (RFC 3550 §5.1).
    ///   - payloadTypes: What may come, and as what it goes back.
    ///   - destination: The address of the peer's description.
    ///   - isSending: Whether the peer wants media; `false` on hold.
    public init(seed: UInt64, payloadTypes: PayloadTypeTable, destination: SocketAddress?, isSending: Bool) {
        self.ssrc = UInt32(truncatingIfNeeded: seed)
        self.sequenceOffset = UInt16(truncatingIfNeeded: seed >> 32)
        self.lastSequence = self.sequenceOffset
        self.timestampOffset = UInt32(truncatingIfNeeded: seed >> 32) &* 0x9E37_79B9
        self.latch = SymmetricLatch(described: destination)
        (self.payloadTypes, self.isSending) = (payloadTypes, isSending)
    }

    /// Offer and answer have changed what is agreed on.
    public mutating func update(payloadTypes: PayloadTypeTable, destination: SocketAddress?, isSending: Bool) {
        (self.payloadTypes, self.isSending) = (payloadTypes, isSending)
        self.latch.describe(destination)
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

    private mutating func drop() -> SocketAddress? {
        self.dropped &+= 1
        return nil
    }

    /// Lets the numbers of our stream go on where the peer's have jumped.
    private mutating func rebase(_ header: RTPHeader, _ clockRate: UInt32, _ now: MonotonicInstant) {
        guard let lastReturn else { return }
        let elapsed = now.since(lastReturn.at).nanoseconds
        let (seconds, rest) = elapsed.quotientAndRemainder(dividingBy: 1_000_000_000)
        let ticks = seconds &* Int64(clockRate) &+ rest * Int64(clockRate) / 1_000_000_000
        self.sequenceOffset = self.lastSequence &+ 1 &- header.sequenceNumber
        self.timestampOffset =
            lastReturn.timestamp &+ UInt32(truncatingIfNeeded: Swift.max(1, ticks)) &- header.timestamp
    }
}
