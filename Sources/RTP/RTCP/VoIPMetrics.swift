import SIPMessages

/// How well a call sounds: the VoIP metrics of an extended report (RFC 3611 §4.7). 127 stands for what is not known.
public struct VoIPMetrics: BitwiseCopyable, Hashable, Sendable {
    /// Octets of the block behind its header.
    static let octets = 32
    /// The type of the block.
    static let blockType: UInt8 = 7

    /// The source that is reported on.
    public var ssrc: UInt32
    /// Packets lost on the way, and discarded by the jitter buffer, in 1/256 of those expected.
    public var lossRate: UInt8 = 0, discardRate: UInt8 = 0
    /// What was lost or discarded within bursts, and within gaps between them, in 1/256.
    public var burstDensity: UInt8 = 0, gapDensity: UInt8 = 0
    /// The mean length of bursts and of gaps, in milliseconds.
    public var burstDuration: UInt16 = 0, gapDuration: UInt16 = 0
    /// The time there and back, and that which passes in our own system, in milliseconds.
    public var roundTripDelay: UInt16 = 0, endSystemDelay: UInt16 = 0
    /// The levels of speech and of silence in dBm0, and the echo that is left in dB.
    public var signalLevel: Int8 = 127, noiseLevel: Int8 = 127
    /// The echo that is left, in dB.
    public var residualEchoReturnLoss: UInt8 = 127
    /// How many packets in a row have to come between two losses for them not to be one burst.
    public var gapThreshold: UInt8 = 16
    /// The R factor of G.107, of this call and of a part beyond it.
    public var rFactor: UInt8 = 127, externalRFactor: UInt8 = 127
    /// Ten times the opinion score, of listening and of conversing.
    public var listeningScore: UInt8 = 127, conversationScore: UInt8 = 127
    /// Concealment (2 bits), adaptation (2 bits) and its rate (4 bits) of the jitter buffer.
    public var configuration: UInt8 = 0
    /// The delay of the jitter buffer now, and the longest that has been and that can be, in milliseconds.
    public var nominalDelay: UInt16 = 0, maximumDelay: UInt16 = 0, absoluteMaximumDelay: UInt16 = 0

    /// Metrics of which nothing is known yet.
    public init(ssrc: UInt32) { self.ssrc = ssrc }

    /// Reads the first block of VoIP metrics; `nil` when there is none.
    public init?(_ packet: RTCPPacket, in octets: Span<UInt8>) {
        guard packet.type == .extendedReport, packet.body.upper <= octets.count else { return nil }
        var position = packet.body.lower + 4
        while position + 4 <= packet.body.upper {
            let end = position + 4 + 4 * Int(octets.bigEndian16(at: position + 2))
            guard end <= packet.body.upper else { return nil }
            if octets[position] == Self.blockType, end - position == 4 + Self.octets {
                self.init(at: position + 4, in: octets)
                return
            }
            position = end
        }
        return nil
    }

    private init(at start: Int, in octets: Span<UInt8>) {
        self.ssrc = octets.bigEndian32(at: start)
        (self.lossRate, self.discardRate) = (octets[start + 4], octets[start + 5])
        (self.burstDensity, self.gapDensity) = (octets[start + 6], octets[start + 7])
        self.burstDuration = octets.bigEndian16(at: start + 8)
        self.gapDuration = octets.bigEndian16(at: start + 10)
        self.roundTripDelay = octets.bigEndian16(at: start + 12)
        self.endSystemDelay = octets.bigEndian16(at: start + 14)
        self.signalLevel = Int8(bitPattern: octets[start + 16])
        self.noiseLevel = Int8(bitPattern: octets[start + 17])
        (self.residualEchoReturnLoss, self.gapThreshold) = (octets[start + 18], octets[start + 19])
        (self.rFactor, self.externalRFactor) = (octets[start + 20], octets[start + 21])
        (self.listeningScore, self.conversationScore) = (octets[start + 22], octets[start + 23])
        self.configuration = octets[start + 24]
        self.nominalDelay = octets.bigEndian16(at: start + 26)
        self.maximumDelay = octets.bigEndian16(at: start + 28)
        self.absoluteMaximumDelay = octets.bigEndian16(at: start + 30)
    }

    func append(to output: inout [UInt8]) {
        output += [Self.blockType, 0, 0, UInt8(Self.octets / 4)]
        output.append(bigEndian: self.ssrc)
        output += [self.lossRate, self.discardRate, self.burstDensity, self.gapDensity]
        for number in [self.burstDuration, self.gapDuration, self.roundTripDelay, self.endSystemDelay] {
            output.append(bigEndian: number)
        }
        output += [
            UInt8(bitPattern: self.signalLevel), UInt8(bitPattern: self.noiseLevel), self.residualEchoReturnLoss,
            self.gapThreshold, self.rFactor, self.externalRFactor, self.listeningScore, self.conversationScore,
            self.configuration, 0,
        ]
        for number in [self.nominalDelay, self.maximumDelay, self.absoluteMaximumDelay] {
            output.append(bigEndian: number)
        }
    }
}
