public import SIPMessages

/// What has passed in both directions of a call's audio, and how it sounds.
public struct AudioStatistics: Hashable, Sendable {
    /// The encoding of what is sent, `PCMU`; empty while nothing is agreed on.
    public var codec = ""
    /// Packets that were sent, events included, and the octets of their payload.
    public var sent: UInt64 = 0, sentOctets: UInt64 = 0
    /// Packets that came in the peer's current stream.
    public var received: UInt64 = 0
    /// Packets of it that are missing.
    public var lost: Int64 = 0
    /// Packets that did not come in time to be played.
    public var missed: UInt64 = 0
    /// Packets that came from elsewhere, of a payload type that was not agreed on, or are none.
    public var rejected: UInt64 = 0
    /// The jitter of their arrival (RFC 3550 §6.4.1).
    public var jitter = TimeSpan.zero
    /// The time there and back, by the peer's reports; `nil` while none has come.
    public var roundTrip: TimeSpan?
    /// How long packets are held back so that all come in time.
    public var bufferDelay = TimeSpan.zero
    /// How much of what was played was sound: louder than -50 dBov.
    public var heard = TimeSpan.zero
    /// How it sounds; `nil` while nothing has come.
    public var quality: CallQuality?
    /// What the peer has lost of ours by its last report, in percent; `nil` while none has come.
    public var peerLossPercent: Double?
    /// The jitter of ours at the peer by its last report; `nil` while none has come.
    public var peerJitter: TimeSpan?
    /// The opinion score of a conversation at the peer, 1-4.5: as it says (RFC 3611 §4.7.5), or by what it says of losses.
    public var peerScore: Double?
    /// What protects the packets: `SDES AES_CM_128_HMAC_SHA1_80`; empty while nothing does.
    public var protection = ""
    /// Where the peer's packets come from; `nil` while none has come.
    public var source: SocketAddress?
    /// Where ours go.
    public var destination: SocketAddress?

    /// Nothing so far.
    public init() {}
}
