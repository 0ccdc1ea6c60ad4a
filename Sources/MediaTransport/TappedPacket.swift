public import SIPMessages

/// A packet of the audio of calls that came or went: RTP or RTCP, as it is before it is protected and after it was opened.
public struct TappedPacket: Hashable, Sendable {
    /// Whether we have sent it.
    public let isSent: Bool
    /// Our address and port, and the other side's.
    public let local: SocketAddress, peer: SocketAddress
    /// The packet.
    public let octets: [UInt8]

    /// Shown every packet, on a thread of the media server, which waits meanwhile.
    public typealias Observer = @Sendable (TappedPacket) -> Void
}
