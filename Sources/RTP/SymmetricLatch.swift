public import SIPMessages

/// Where to send packets of a stream: to the address of the description, or to where the peer's packets come from
/// (symmetric RTP, RFC 4961; latching, RFC 7362 §4).
///
/// A NAT gives a peer another address than it wrote into its description. So the source of its packets is followed, but
/// not by whoever sends something to the port: once the source is known it stays, until the peer moves by signalling, or
/// is silent and comes back with the same stream. A packet from the described address itself always wins over a source
/// that was only learned.
public struct SymmetricLatch: BitwiseCopyable, Hashable, Sendable {
    /// What to do with a packet.
    public enum Verdict: Hashable, Sendable {
        /// It belongs to the stream.
        case accept
        /// It comes from elsewhere and has to prove itself, or is not wanted.
        case reject
    }

    /// Packets in a row that a source at another host has to send before it is believed.
    public static let probation = 3
    /// How long the known source must have been silent before another one of the same stream is believed.
    public static let patience = TimeSpan.milliseconds(500)

    /// The address of the description; `nil` while none is known.
    public private(set) var described: SocketAddress?
    /// The source that is followed; `nil` while no packet has come.
    public private(set) var source: SocketAddress?
    /// Packets that were rejected.
    public private(set) var rejected: UInt64 = 0
    /// Where the last packet that was rejected came from.
    public private(set) var rejectedSource: SocketAddress?

    private var ssrc: UInt32 = 0
    private var lastAccepted = MonotonicInstant.start
    private var candidate = SocketAddress(IPAddress(v4: 0), 0)
    private var candidateSSRC: UInt32 = 0
    private var candidateSequence: UInt16 = 0
    private var candidateCount = 0

    /// A latch for a stream whose description names an address, or none yet.
    public init(described: SocketAddress? = nil) { self.described = described }

    /// Where to send: to the source that is followed, or else to the address of the description.
    public var destination: SocketAddress? { self.source ?? self.described }

    /// The peer has described itself again. If the address has changed, its packets are looked for anew.
    public mutating func describe(_ address: SocketAddress?) {
        guard address != self.described else { return }
        self.described = address
        self.source = nil
        self.candidateCount = 0
    }

    /// Judges a packet by where it came from.
    public mutating func receive(_ header: RTPHeader, from address: SocketAddress, at now: MonotonicInstant) -> Verdict
    {
        if let source, source == address {
            self.lastAccepted = now
            self.ssrc = header.ssrc
            self.candidateCount = 0
            return .accept
        }
        if address == self.described { return self.follow(address, header, now) }
        let isSilent = self.source != nil && now.since(self.lastAccepted) > Self.patience
        let isSameHost = (self.source ?? self.described)?.ip == address.ip
        // A source that is known gives way only when it is silent, and then to its own stream: a NAT has let the
        // binding go, or the peer has changed its network.
        if self.source != nil, !isSilent || header.ssrc != self.ssrc { return self.reject(address) }
        if isSameHost { return self.follow(address, header, now) }
        let isNext =
            address == self.candidate && header.ssrc == self.candidateSSRC
            && (1...8).contains(SequenceOrder.distance(from: self.candidateSequence, to: header.sequenceNumber))
        self.candidateCount = self.candidateCount > 0 && isNext ? self.candidateCount + 1 : 1
        self.candidate = address
        self.candidateSSRC = header.ssrc
        self.candidateSequence = header.sequenceNumber
        return self.candidateCount >= Self.probation ? self.follow(address, header, now) : self.reject(address)
    }

    private mutating func follow(
        _ address: SocketAddress, _ header: RTPHeader, _ now: MonotonicInstant
    ) -> Verdict {
        self.source = address
        self.ssrc = header.ssrc
        self.lastAccepted = now
        self.candidateCount = 0
        return .accept
    }

    private mutating func reject(_ address: SocketAddress) -> Verdict {
        self.rejected &+= 1
        self.rejectedSource = address
        return .reject
    }
}
