/// Which way media flows, seen from who says it (RFC 8866 §6.7, RFC 3264 §5.1).
public enum MediaDirection: String, Hashable, Sendable, CaseIterable {
    /// Both ways; also where nothing is said.
    case sendrecv
    /// From who says it only.
    case sendonly
    /// To who says it only.
    case recvonly
    /// Neither way. RTCP flows all the same.
    case inactive

    /// A direction that sends, receives, both or neither.
    public init(sends: Bool, receives: Bool) {
        self =
            switch (sends, receives) {
            case (true, true): .sendrecv
            case (true, false): .sendonly
            case (false, true): .recvonly
            case (false, false): .inactive
            }
    }

    /// Whether who says it sends.
    public var sends: Bool { self == .sendrecv || self == .sendonly }
    /// Whether who says it receives.
    public var receives: Bool { self == .sendrecv || self == .recvonly }

    /// The same, seen from the other side.
    public var reversed: MediaDirection { MediaDirection(sends: self.receives, receives: self.sends) }

    /// What both allow, seen from the same side.
    public func limited(to other: MediaDirection) -> MediaDirection {
        MediaDirection(sends: self.sends && other.sends, receives: self.receives && other.receives)
    }
}
