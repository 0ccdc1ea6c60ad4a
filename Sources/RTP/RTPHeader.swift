public import SIPMessages

/// Why octets are no RTP packet (RFC 3550 §5.1, appendix A.1).
public enum RTPParseError: Error, Hashable, Sendable {
    /// Fewer octets than the header says.
    case tooShort
    /// The version is not 2: STUN, DTLS, ZRTP, or nothing of RTP.
    case wrongVersion
    /// The padding is longer than the packet, or of no octet.
    case malformedPadding
    /// A payload type that stands for RTCP where both share a port (RFC 5761 §4).
    case rtcp
}

/// The header of an RTP packet, and where the parts behind it lie (RFC 3550 §5.1).
///
/// It is plain data: reading or writing one allocates nothing.
public struct RTPHeader: BitwiseCopyable, Hashable, Sendable {
    /// Octets of a header without contributing sources and extension.
    public static let minimumOctets = 12

    /// What the payload is, 0-127.
    public var payloadType: UInt8
    /// The marker; for audio, the first packet after a silence (RFC 3551 §4.1).
    public var hasMarker: Bool
    /// The sequence number; one more with each packet.
    public var sequenceNumber: UInt16
    /// The moment of the first sample, in ticks of the clock rate.
    public var timestamp: UInt32
    /// The synchronisation source.
    public var ssrc: UInt32
    /// Contributing sources in the header, 0-15.
    public private(set) var contributorCount: UInt8 = 0
    /// What the header extension is; 0 without one (RFC 8285: 0xBEDE and 0x100x).
    public private(set) var extensionProfile: UInt16 = 0
    /// Where the header extension lies, without its own header.
    public private(set) var extensionRange = OctetRange.absent
    /// Where the payload lies, without padding.
    public private(set) var payload = OctetRange.absent

    /// The header of a packet of ours, without contributing sources and extension.
    public init(payloadType: UInt8, hasMarker: Bool = false, sequenceNumber: UInt16, timestamp: UInt32, ssrc: UInt32) {
        (self.payloadType, self.hasMarker) = (payloadType & 0x7F, hasMarker)
        (self.sequenceNumber, self.timestamp, self.ssrc) = (sequenceNumber, timestamp, ssrc)
    }

    /// Reads the header of a packet.
    ///
    /// - Throws: `RTPParseError`.
    public init(parsing octets: Span<UInt8>) throws(RTPParseError) {
        let count = octets.count
        guard count >= Self.minimumOctets else { throw .tooShort }
        guard octets[0] >> 6 == 2 else { throw .wrongVersion }
        // With the marker these are the packet types 192-223 of RTCP.
        guard !(192...223).contains(octets[1]) else { throw .rtcp }
        self.payloadType = octets[1] & 0x7F
        self.hasMarker = octets[1] & 0x80 != 0
        self.sequenceNumber = octets.bigEndian16(at: 2)
        self.timestamp = octets.bigEndian32(at: 4)
        self.ssrc = octets.bigEndian32(at: 8)
        self.contributorCount = octets[0] & 0x0F
        var position = Self.minimumOctets &+ 4 &* Int(self.contributorCount)
        guard position <= count else { throw .tooShort }
        if octets[0] & 0x10 != 0 {
            guard position &+ 4 <= count else { throw .tooShort }
            self.extensionProfile = octets.bigEndian16(at: position)
            let length = 4 &* Int(octets.bigEndian16(at: position &+ 2))
            position &+= 4
            guard position &+ length <= count else { throw .tooShort }
            self.extensionRange = OctetRange(position, position &+ length)
            position &+= length
        }
        var end = count
        if octets[0] & 0x20 != 0 {
            let padding = Int(octets[count &- 1])
            guard padding > 0, padding <= count &- position else { throw .malformedPadding }
            end &-= padding
        }
        self.payload = OctetRange(position, end)
    }

    /// Writes what may change on the way over a packet of the same shape: marker, payload type, sequence number,
    /// timestamp and source. Contributing sources, extension, payload and padding stay.
    ///
    /// - Parameter packet: At least `minimumOctets` octets.
    public func rewrite(_ packet: inout MutableSpan<UInt8>) {
        guard packet.count >= Self.minimumOctets else { return }
        packet[1] = self.payloadType | (self.hasMarker ? 0x80 : 0)
        packet.store(self.sequenceNumber, at: 2)
        packet.store(self.timestamp, at: 4)
        packet.store(self.ssrc, at: 8)
    }

    /// Writes the twelve octets of a header without contributing sources and extension.
    ///
    /// - Parameter packet: At least `minimumOctets` octets.
    public func write(to packet: inout MutableSpan<UInt8>) {
        guard packet.count >= Self.minimumOctets else { return }
        packet[0] = 0x80
        self.rewrite(&packet)
    }

    /// Appends the twelve octets of a header without contributing sources and extension.
    public func append(to output: inout [UInt8]) {
        output.append(0x80)
        output.append(self.payloadType | (self.hasMarker ? 0x80 : 0))
        output.append(bigEndian: self.sequenceNumber)
        output.append(bigEndian: self.timestamp)
        output.append(bigEndian: self.ssrc)
    }

    /// A contributing source of a packet that this header was read from (RFC 3550 §5.1).
    public func contributor(_ i: Int, in octets: Span<UInt8>) -> UInt32? {
        guard i >= 0, i < Int(self.contributorCount), octets.count >= 16 &+ 4 &* i else { return nil }
        return octets.bigEndian32(at: 12 &+ 4 &* i)
    }
}
