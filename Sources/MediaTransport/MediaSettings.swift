public import MediaKeying
public import SIPMessages

/// What sockets for media may use.
public struct MediaSettings: Hashable, Sendable {
    /// The ports; RTP takes the even ones, RTCP the odd ones above them (RFC 3550 §11).
    public var ports: ClosedRange<UInt16> = 10_000...19_999
    /// What the peer reads in descriptions instead of the local address, where that is behind a NAT.
    public var advertise: Host?
    /// Threads that receive and send.
    public var threads = 1
    /// Streams at a time; beyond them none is opened.
    public var maximumStreams = 4_096
    /// How long a stream may be silent before its owner is told; `nil` for ever.
    public var silence: TimeSpan? = .seconds(60)

    /// What is to protect the media. Who offers keys over a secure protocol gets them whatever it says.
    public var keying = KeyingPolicy.whenOffered

    /// The settings that are used unless others are given.
    public init() {}
}

/// Why no socket for media could be had: one line that says what to do.
public struct MediaError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong, and what to do: one line.
    public let description: String

    init(_ description: String) { self.description = description }
}
