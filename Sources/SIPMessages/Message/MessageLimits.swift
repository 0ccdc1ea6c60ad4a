/// What a message may hold at most; a message beyond it is refused, never cut.
public struct MessageLimits: Hashable, Sendable {
    /// Octets of start line and header, with the empty line.
    public var headerOctets: Int
    /// Header fields, counted by lines.
    public var fields: Int
    /// Octets of the body.
    public var bodyOctets: Int

    /// Limits that fit any UDP datagram.
    public init(headerOctets: Int = 65_535, fields: Int = 256, bodyOctets: Int = 1 << 20) {
        (self.headerOctets, self.fields, self.bodyOctets) = (headerOctets, fields, bodyOctets)
    }

    /// 64 KiB of header, 256 fields, 1 MiB of body.
    public static let standard = MessageLimits()
}
