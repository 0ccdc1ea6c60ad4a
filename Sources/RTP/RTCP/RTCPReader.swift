public import SIPMessages

/// Why octets are no RTCP (RFC 3550 appendix A.2).
public enum RTCPParseError: Error, Hashable, Sendable {
    /// Fewer octets than a header, or than a packet says.
    case tooShort
    /// The version is not 2.
    case wrongVersion
    /// The first packet is no report, which only reduced-size RTCP allows (RFC 5506).
    case reportMissing
    /// Padding stands before the last packet, is no multiple of four, or longer than its packet.
    case malformedPadding
}

/// What an RTCP packet is. Open: an unknown one is passed over (RFC 3550 appendix A.2).
public struct RTCPType: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    /// The packet type.
    public let rawValue: UInt8

    /// The type with this number.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A report of who sends (RFC 3550 §6.4.1).
    public static let senderReport = RTCPType(rawValue: 200)
    /// A report of who only receives (RFC 3550 §6.4.2).
    public static let receiverReport = RTCPType(rawValue: 201)
    /// What a source is (RFC 3550 §6.5).
    public static let sourceDescription = RTCPType(rawValue: 202)
    /// A source leaves (RFC 3550 §6.6).
    public static let bye = RTCPType(rawValue: 203)
    /// Of an application (RFC 3550 §6.7).
    public static let application = RTCPType(rawValue: 204)
    /// Feedback on transport (RFC 4585 §6.2).
    public static let transportFeedback = RTCPType(rawValue: 205)
    /// Feedback on a payload (RFC 4585 §6.3).
    public static let payloadFeedback = RTCPType(rawValue: 206)
    /// An extended report (RFC 3611).
    public static let extendedReport = RTCPType(rawValue: 207)
}

/// One packet of a compound: its type, the number in its header, and where its body lies.
public struct RTCPPacket: BitwiseCopyable, Hashable, Sendable {
    /// The type.
    public var type: RTCPType
    /// The five bits of the header that count report blocks, sources, or name a format.
    public var count: UInt8
    /// The octets behind the header, without padding.
    public var body: OctetRange
}

/// Reads the packets of an RTCP datagram one after the other, allocating nothing.
///
///     var reader = try RTCPReader(octets)
///     while let packet = reader.next(in: octets) { … }
public struct RTCPReader: BitwiseCopyable, Sendable {
    private var position = 0

    /// Checks the whole datagram (RFC 3550 appendix A.2).
    ///
    /// - Parameter allowsReducedSize: Whether the first packet need not be a report (`a=rtcp-rsize`, RFC 5506).
    /// - Throws: `RTCPParseError`.
    public init(_ octets: Span<UInt8>, allowsReducedSize: Bool = false) throws(RTCPParseError) {
        guard octets.count >= 4 else { throw .tooShort }
        guard allowsReducedSize || octets[1] == 200 || octets[1] == 201 else { throw .reportMissing }
        var position = 0
        while position < octets.count {
            guard octets.count - position >= 4 else { throw .tooShort }
            guard octets[position] >> 6 == 2 else { throw .wrongVersion }
            let length = 4 * (Int(octets.bigEndian16(at: position + 2)) + 1)
            guard position + length <= octets.count else { throw .tooShort }
            if octets[position] & 0x20 != 0 {
                let padding = Int(octets[position + length - 1])
                let isLast = position + length == octets.count
                guard isLast, padding > 0, padding & 3 == 0, padding <= length - 4 else { throw .malformedPadding }
            }
            position += length
        }
    }

    /// The next packet; `nil` behind the last.
    ///
    /// - Parameter octets: The datagram that was checked.
    public mutating func next(in octets: Span<UInt8>) -> RTCPPacket? {
        guard octets.count - self.position >= 4 else { return nil }
        let start = self.position
        let length = 4 * (Int(octets.bigEndian16(at: start + 2)) + 1)
        guard start + length <= octets.count else { return nil }
        self.position = start + length
        var end = start + length
        if octets[start] & 0x20 != 0 { end -= Swift.min(Int(octets[end - 1]), length - 4) }
        return RTCPPacket(
            type: RTCPType(rawValue: octets[start + 1]), count: octets[start] & 0x1F, body: OctetRange(start + 4, end))
    }

    /// Whether a datagram that came to a port for both is RTCP rather than RTP (RFC 5761 §4).
    public static func isRTCP(_ octets: Span<UInt8>) -> Bool {
        octets.count >= 8 && octets[0] >> 6 == 2 && (192...223).contains(octets[1])
    }
}
