/// What offer and answer have agreed on for one medium.
public struct NegotiatedStream: Hashable, Sendable {
    /// `audio`, `video` …
    public var type: String
    /// `RTP/AVP` …
    public var transport: String
    /// Whether the medium is in use: neither side set its port to 0.
    public var isActive: Bool
    /// What flows, seen from us.
    public var direction: MediaDirection
    /// Where our packets go; `nil` when the peer has no connection.
    public var destination: MediaDestination?
    /// What we may send, with the peer's payload types, in the peer's order; the first should be used (RFC 3264 §6.1, §7).
    public var sendFormats: [MediaFormat]
    /// What we have to be able to receive, with our payload types.
    public var receiveFormats: [MediaFormat]
    /// The time that a packet to the peer shall cover, in milliseconds.
    public var packetTime: UInt16?
    /// Whether RTP and RTCP share a port.
    public var hasRTCPMux: Bool
    /// Whether the peer does not want our media: it said `sendonly` or `inactive`, or c=0.0.0.0 (RFC 3264 §8.4).
    public var isHeldByPeer: Bool

    /// Whether we may send now.
    public var sends: Bool {
        self.isActive && self.direction.sends && self.destination.map { !$0.isBlackHole } == true
    }

    /// The format to send speech or pictures in.
    public var sendFormat: MediaFormat? { self.sendFormats.first { $0.isPrimary } ?? self.sendFormats.first }
    /// The format to send events of a telephone in: that at the rate of `sendFormat` (RFC 4733 §2.1), or any.
    public var eventFormat: MediaFormat? {
        let events = self.sendFormats.filter { $0.isTelephoneEvent }
        return events.first { $0.map.clockRate == self.sendFormat?.map.clockRate } ?? events.first
    }

    init(local: (SessionDescription, MediaDescription), remote: (SessionDescription, MediaDescription)) {
        let (ours, theirs) = (local.1, remote.1)
        self.type = ours.line.type
        self.transport = ours.line.transport
        self.isActive = ours.line.port != 0 && theirs.line.port != 0
        let wanted = remote.0.direction(of: theirs)
        self.direction = local.0.direction(of: ours).limited(to: wanted.reversed)
        self.destination = remote.0.destination(of: theirs)
        self.receiveFormats = ours.formats
        let known = self.receiveFormats
        self.sendFormats = theirs.formats.filter { format in
            known.contains { FormatAgreement.isAnswer(format, to: $0) }
        }
        self.packetTime = theirs.packetTime
        self.hasRTCPMux = ours.hasRTCPMux && theirs.hasRTCPMux
        self.isHeldByPeer = !wanted.receives || self.destination?.isBlackHole == true
    }
}
