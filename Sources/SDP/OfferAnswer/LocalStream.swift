public import SIPMessages

/// Who we are in the `o=` line of what we send, for the whole session (RFC 3264 §5).
public struct DescriptionIdentity: Hashable, Sendable {
    /// The user's name, or `-`; no spaces.
    public var username: String
    /// A number that is unique for the user and host; below 2^63.
    public var sessionID: UInt64
    /// The version of the first description; below 2^62.
    public var firstVersion: UInt64
    /// The host that the description is made on.
    public var host: Host
    /// The name of the session (`s=`).
    public var sessionName: String

    /// An identity.
    public init(
        username: String = "-", sessionID: UInt64, firstVersion: UInt64 = 1, host: Host, sessionName: String = "-"
    ) {
        (self.username, self.sessionID, self.firstVersion) = (username, sessionID, firstVersion)
        (self.host, self.sessionName) = (host, sessionName)
    }
}

/// One medium as we want it now, without regard to what the peer said before (RFC 6337 §5.1).
public struct LocalStream: Hashable, Sendable {
    /// `audio`, `video` …
    public var type: String
    /// `RTP/AVP` …
    public var transport: String
    /// The host that the peer sends to, as it shall read it.
    public var host: Host
    /// The port for RTP.
    public var port: UInt16
    /// The port for RTCP; `nil` when it is the one above.
    public var rtcpPort: UInt16?
    /// Whether RTCP may share the port of RTP (RFC 5761).
    public var allowsRTCPMux: Bool
    /// What we can send and receive, in our order of preference, with the payload types that we would like.
    public var formats: [MediaFormat]
    /// What we want to do; hold is `sendonly`, or `inactive` without music (RFC 6337 §5.3).
    public var direction: MediaDirection
    /// The time that a packet to us shall cover, in milliseconds.
    public var packetTime: UInt16?
    /// Further attributes of ours.
    public var attributes: [SDPAttribute]

    /// A medium.
    public init(
        _ type: String = "audio", transport: String = "RTP/AVP", host: Host, port: UInt16, rtcpPort: UInt16? = nil,
        allowsRTCPMux: Bool = false, formats: [MediaFormat], direction: MediaDirection = .sendrecv,
        packetTime: UInt16? = nil, attributes: [SDPAttribute] = []
    ) {
        (self.type, self.transport, self.host, self.port) = (type, transport, host, port)
        (self.rtcpPort, self.allowsRTCPMux, self.formats) = (rtcpPort, allowsRTCPMux, formats)
        (self.direction, self.packetTime, self.attributes) = (direction, packetTime, attributes)
    }

    /// The stream with only those formats that a description of capabilities lists too, as a 488 brings it (RFC 3264 §9);
    /// `nil` when none is left.
    public func limited(to capabilities: SessionDescription) -> LocalStream? {
        let theirs = capabilities.media
            .filter { $0.line.type == self.type && $0.line.transport == self.transport }
            .flatMap(\.formats)
        var stream = self
        stream.formats.removeAll { own in !theirs.contains { FormatAgreement.isAnswer(own, to: $0) } }
        return stream.formats.contains { $0.isPrimary } ? stream : nil
    }
}

/// What we can do with media of one type, before any port exists.
public struct StreamCapability: Hashable, Sendable {
    /// `audio`, `video` …
    public var type: String
    /// The transports in their order of preference; an answer uses the one that was offered.
    public var transports: [String]
    /// The formats, in our order of preference.
    public var formats: [MediaFormat]
    /// How many streams of the type there may be at a time.
    public var count: Int
    /// Whether media can go to addresses of IPv4, and of IPv6.
    public var hasIPv4: Bool, hasIPv6: Bool

    /// What we can do with media of a type.
    public init(
        _ type: String = "audio", transports: [String] = ["RTP/AVP", "RTP/AVPF"], formats: [MediaFormat],
        count: Int = 1, hasIPv4: Bool = true, hasIPv6: Bool = true
    ) {
        (self.type, self.transports, self.formats, self.count) = (type, transports, formats, count)
        (self.hasIPv4, self.hasIPv6) = (hasIPv4, hasIPv6)
    }
}
