public import SIPMessages

/// What a sender says of itself (RFC 3550 §6.4.1).
public struct SenderInfo: BitwiseCopyable, Hashable, Sendable {
    /// Octets of it in a packet.
    static let octets = 20

    /// The wall clock, seconds since 1900 in the upper half, fractions in the lower.
    public var ntp: UInt64
    /// The same moment on the clock of the stream.
    public var timestamp: UInt32
    /// Packets that were sent.
    public var packets: UInt32
    /// Octets of payload that were sent.
    public var payloadOctets: UInt32

    /// What a sender says.
    public init(ntp: UInt64, timestamp: UInt32, packets: UInt32, payloadOctets: UInt32) {
        (self.ntp, self.timestamp, self.packets, self.payloadOctets) = (ntp, timestamp, packets, payloadOctets)
    }

    /// Reads what the sender of a report says of itself; `nil` when the packet is no sender report, or too short.
    public init?(_ packet: RTCPPacket, in octets: Span<UInt8>) {
        guard packet.type == .senderReport, packet.body.count >= 4 + Self.octets, packet.body.upper <= octets.count
        else { return nil }
        let start = packet.body.lower + 4
        self.ntp = octets.bigEndian64(at: start)
        self.timestamp = octets.bigEndian32(at: start + 8)
        self.packets = octets.bigEndian32(at: start + 12)
        self.payloadOctets = octets.bigEndian32(at: start + 16)
    }

    func append(to output: inout [UInt8]) {
        output.append(bigEndian: self.ntp)
        output.append(bigEndian: self.timestamp)
        output.append(bigEndian: self.packets)
        output.append(bigEndian: self.payloadOctets)
    }
}

/// What a receiver says of one source (RFC 3550 §6.4.1).
public struct ReportBlock: BitwiseCopyable, Hashable, Sendable {
    /// Octets of it in a packet.
    static let octets = 24

    /// The source.
    public var ssrc: UInt32
    /// The part of packets lost since the last report, in 1/256.
    public var fractionLost: UInt8
    /// Packets lost since the beginning; 24 bits, negative where more came than were sent.
    public var lost: Int32
    /// The highest sequence number, with the number of times that it has wrapped around.
    public var extendedHighest: UInt32
    /// The jitter of arrival in ticks of the stream's clock.
    public var jitter: UInt32
    /// The middle half of the NTP time of the last sender report; 0 when there was none.
    public var lastReport: UInt32
    /// The time since that came, in 1/65536 s.
    public var delaySinceLastReport: UInt32

    /// What is known of a source, with the report that came from it last.
    public init(_ reception: inout Reception, lastReport: UInt32 = 0, delaySinceLastReport: UInt32 = 0) {
        self.ssrc = reception.ssrc
        self.fractionLost = reception.takeFractionLost()
        self.lost = Int32(truncatingIfNeeded: Swift.max(-0x80_0000, Swift.min(0x7F_FFFF, reception.lost)))
        self.extendedHighest = reception.extendedHighest
        self.jitter = reception.jitter
        (self.lastReport, self.delaySinceLastReport) = (lastReport, delaySinceLastReport)
    }

    private init(at start: Int, in octets: Span<UInt8>) {
        self.ssrc = octets.bigEndian32(at: start)
        self.fractionLost = octets[start + 4]
        self.lost = Int32(bitPattern: octets.bigEndian32(at: start + 4) << 8) >> 8
        self.extendedHighest = octets.bigEndian32(at: start + 8)
        self.jitter = octets.bigEndian32(at: start + 12)
        self.lastReport = octets.bigEndian32(at: start + 16)
        self.delaySinceLastReport = octets.bigEndian32(at: start + 20)
    }

    /// Reads a block of a report; `nil` when the packet is no report or has fewer blocks.
    public init?(_ i: Int, of packet: RTCPPacket, in octets: Span<UInt8>) {
        let head: Int
        switch packet.type {
        case .senderReport: head = 4 + SenderInfo.octets
        case .receiverReport: head = 4
        default: return nil
        }
        guard i >= 0, i < Int(packet.count), packet.body.count >= head + (i + 1) * Self.octets,
            packet.body.upper <= octets.count
        else { return nil }
        self.init(at: packet.body.lower + head + i * Self.octets, in: octets)
    }

    func append(to output: inout [UInt8]) {
        output.append(bigEndian: self.ssrc)
        output.append(bigEndian: UInt32(self.fractionLost) << 24 | UInt32(bitPattern: self.lost) & 0xFF_FFFF)
        output.append(bigEndian: self.extendedHighest)
        output.append(bigEndian: self.jitter)
        output.append(bigEndian: self.lastReport)
        output.append(bigEndian: self.delaySinceLastReport)
    }
}

extension RTCPPacket {
    /// The source that a report, an extended report or feedback comes from.
    public func sender(in octets: Span<UInt8>) -> UInt32? {
        guard self.type != .sourceDescription, self.type != .bye, self.body.count >= 4,
            self.body.upper <= octets.count
        else { return nil }
        return octets.bigEndian32(at: self.body.lower)
    }

    /// A source that leaves (RFC 3550 §6.6).
    public func leaving(_ i: Int, in octets: Span<UInt8>) -> UInt32? {
        guard self.type == .bye, i >= 0, i < Int(self.count), self.body.count >= 4 * (i + 1),
            self.body.upper <= octets.count
        else { return nil }
        return octets.bigEndian32(at: self.body.lower + 4 * i)
    }

    /// Where the canonical name of a source lies (RFC 3550 §6.5.1); `nil` when the packet does not say it.
    public func canonicalName(of ssrc: UInt32, in octets: Span<UInt8>) -> OctetRange? {
        guard self.type == .sourceDescription, self.body.upper <= octets.count else { return nil }
        var position = self.body.lower
        for _ in 0..<self.count {
            guard position + 4 <= self.body.upper else { return nil }
            let isWanted = octets.bigEndian32(at: position) == ssrc
            position += 4
            while position < self.body.upper, octets[position] != 0 {
                guard position + 2 <= self.body.upper else { return nil }
                let end = position + 2 + Int(octets[position + 1])
                guard end <= self.body.upper else { return nil }
                if isWanted, octets[position] == 1 { return OctetRange(position + 2, end) }
                position = end
            }
            // A chunk ends with one to four zeros, at a multiple of four.
            position += 4 - (position - self.body.lower) % 4
        }
        return nil
    }
}
