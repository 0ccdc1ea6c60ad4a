import SIPMessages

/// How the losses of a stream are spread: bursts, and gaps between them (RFC 3611 §4.7.2, appendix A.2).
///
/// Every packet is noted once, in the order of sequence numbers, when it is known what became of it.
public struct LossPattern: BitwiseCopyable, Hashable, Sendable {
    /// What became of a packet.
    public enum Fate: Hashable, Sendable {
        /// It was played.
        case received
        /// It never came.
        case lost
        /// It came too late, or there was no room for it.
        case discarded
    }

    /// Packets in a row that end a burst.
    public let gapThreshold: Int

    /// Packets of each fate.
    public private(set) var received: UInt64 = 0, lost: UInt64 = 0, discarded: UInt64 = 0

    private var burstCount: UInt64 = 0
    private var burstPackets: UInt64 = 0
    private var burstLosses: UInt64 = 0
    /// The burst that may be going on: packets from its first loss to its last, the losses among them, and how many
    /// have come in a row since.
    private var length: UInt64 = 0
    private var losses: UInt64 = 0
    private var row: UInt64 = 0

    /// A pattern of nothing.
    public init(gapThreshold: Int = 16) { self.gapThreshold = Swift.max(1, gapThreshold) }

    /// Notes the next packet.
    public mutating func note(_ fate: Fate) {
        switch fate {
        case .received:
            self.received &+= 1
            guard self.losses > 0 else { return }
            self.row &+= 1
            if self.row >= UInt64(self.gapThreshold) { self.endBurst() }
            return
        case .lost: self.lost &+= 1
        case .discarded: self.discarded &+= 1
        }
        self.length = self.losses == 0 ? 1 : self.length &+ self.row &+ 1
        self.losses &+= 1
        self.row = 0
    }

    /// A packet that was noted as lost has come yet, too late to be played.
    public mutating func noteLate() {
        guard self.lost > 0 else { return }
        self.lost &-= 1
        self.discarded &+= 1
    }

    /// One loss alone is within a gap; more make a burst.
    private mutating func endBurst() {
        if self.losses > 1 {
            self.burstCount &+= 1
            self.burstPackets &+= self.length
            self.burstLosses &+= self.losses
        }
        (self.length, self.losses, self.row) = (0, 0, 0)
    }

    /// Packets that were expected.
    public var expected: UInt64 { self.received &+ self.lost &+ self.discarded }

    /// Fills in what an extended report says of losses.
    ///
    /// - Parameter packetTime: Milliseconds that a packet covers.
    public func fill(_ metrics: inout VoIPMetrics, packetTime: UInt64) {
        var end = self
        end.endBurst()
        let gapPackets = self.expected &- end.burstPackets
        let gapLosses = self.lost &+ self.discarded &- end.burstLosses
        metrics.lossRate = Self.part(self.lost, of: self.expected)
        metrics.discardRate = Self.part(self.discarded, of: self.expected)
        metrics.burstDensity = Self.part(end.burstLosses, of: end.burstPackets)
        metrics.gapDensity = Self.part(gapLosses, of: gapPackets)
        metrics.burstDuration = Self.mean(end.burstPackets &* packetTime, of: end.burstCount)
        metrics.gapDuration = Self.mean(gapPackets &* packetTime, of: end.burstCount &+ 1)
        metrics.gapThreshold = UInt8(truncatingIfNeeded: Swift.min(255, self.gapThreshold))
    }

    private static func part(_ count: UInt64, of all: UInt64) -> UInt8 {
        all == 0 ? 0 : UInt8(truncatingIfNeeded: Swift.min(255, count &* 256 / all))
    }

    private static func mean(_ sum: UInt64, of count: UInt64) -> UInt16 {
        count == 0 ? 0 : UInt16(truncatingIfNeeded: Swift.min(65_535, sum / count))
    }
}
