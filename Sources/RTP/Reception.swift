public import SIPMessages

/// What is known of one synchronisation source by its packets: which came, which were lost, how regular they are
/// (RFC 3550 appendices A.1, A.3 and A.8).
public struct Reception: BitwiseCopyable, Hashable, Sendable {
    /// What a sequence number says of its packet.
    public enum Validity: Hashable, Sendable {
        /// It fits.
        case inOrder
        /// It is older than the newest, or the newest again.
        case late
        /// It is too far from the newest to be of the same stream; a second one that follows it starts anew.
        case outOfRange
        /// The source has started anew with it.
        case restarted
    }

    /// How far ahead a sequence number may be (RFC 3550 appendix A.1).
    public static let maximumDropout = 3_000
    /// How far behind a sequence number may be (RFC 3550 appendix A.1).
    public static let maximumMisorder = 100

    /// The source.
    public let ssrc: UInt32
    /// Ticks of the timestamp in a second.
    public var clockRate: UInt32
    /// Packets that came, late and repeated ones too.
    public private(set) var received: UInt64 = 0
    /// Octets of payload that came.
    public private(set) var octets: UInt64 = 0
    /// When the last packet came.
    public private(set) var lastArrival: MonotonicInstant

    private var base: UInt16
    private var highest: UInt16
    private var cycles: UInt32 = 0
    private var suspect: UInt32 = .max
    private var transit: UInt32 = 0
    private var scaledJitter: UInt32 = 0
    private var expectedBefore: UInt64 = 0
    private var receivedBefore: UInt64 = 0

    /// A source whose first packet is at hand; it has to be given to `receive` too.
    ///
    /// - Parameter clockRate: Ticks in a second; at least 1.
    public init(first header: RTPHeader, clockRate: UInt32, at now: MonotonicInstant) {
        self.ssrc = header.ssrc
        self.clockRate = Swift.max(1, clockRate)
        self.base = header.sequenceNumber
        self.highest = header.sequenceNumber
        self.lastArrival = now
        self.transit = Self.ticks(now, self.clockRate) &- header.timestamp
    }

    /// The highest sequence number with the number of times that it has wrapped around above it.
    public var extendedHighest: UInt32 { self.cycles &+ UInt32(self.highest) }

    /// How many packets should have come.
    public var expected: UInt64 {
        UInt64(self.extendedHighest &- UInt32(self.base)) &+ (self.received > 0 ? 1 : 0)
    }

    /// Packets that are missing; negative where repetitions outnumber them.
    public var lost: Int64 { Int64(self.expected) &- Int64(self.received) }

    /// The jitter of arrival in ticks (RFC 3550 §6.4.1).
    public var jitter: UInt32 { self.scaledJitter >> 4 }

    /// The jitter of arrival as a time.
    public var jitterTime: TimeSpan {
        TimeSpan(nanoseconds: Int64(self.jitter) * 1_000_000_000 / Int64(self.clockRate))
    }

    /// Notes a packet of the source.
    public mutating func receive(_ header: RTPHeader, at now: MonotonicInstant) -> Validity {
        var validity = Validity.inOrder
        let delta = header.sequenceNumber &- self.highest
        if self.received == 0, delta == 0 {
            // The packet that the source began with.
        } else if delta != 0, Int(delta) < Self.maximumDropout {
            if header.sequenceNumber < self.highest { self.cycles &+= 1 << 16 }
            self.highest = header.sequenceNumber
            self.suspect = .max
        } else if delta != 0, Int(delta) <= (1 << 16) - Self.maximumMisorder {
            guard self.suspect == UInt32(header.sequenceNumber) else {
                self.suspect = UInt32(header.sequenceNumber &+ 1)
                return .outOfRange
            }
            self.restart(header, now)
            validity = .restarted
        } else {
            validity = .late
        }
        self.received &+= 1
        self.octets &+= UInt64(Swift.max(0, header.payload.count))
        self.lastArrival = now
        let transit = Self.ticks(now, self.clockRate) &- header.timestamp
        let difference = Int32(bitPattern: transit &- self.transit)
        self.transit = transit
        if validity != .restarted {
            self.scaledJitter = self.scaledJitter &+ difference.magnitude &- ((self.scaledJitter &+ 8) >> 4)
        }
        return validity
    }

    private mutating func restart(_ header: RTPHeader, _ now: MonotonicInstant) {
        (self.base, self.highest, self.cycles) = (header.sequenceNumber, header.sequenceNumber, 0)
        (self.received, self.octets, self.expectedBefore, self.receivedBefore) = (0, 0, 0, 0)
        self.suspect = .max
        self.scaledJitter = 0
    }

    /// The part of packets lost since it was asked for last, in 1/256 (RFC 3550 appendix A.3).
    public mutating func takeFractionLost() -> UInt8 {
        let expected = Int64(self.expected &- self.expectedBefore)
        let lost = expected &- Int64(self.received &- self.receivedBefore)
        (self.expectedBefore, self.receivedBefore) = (self.expected, self.received)
        guard expected > 0, lost > 0 else { return 0 }
        return UInt8(truncatingIfNeeded: Swift.min(255, lost * 256 / expected))
    }

    /// A moment in ticks, wrapping around; nothing overflows on the way.
    static func ticks(_ now: MonotonicInstant, _ rate: UInt32) -> UInt32 {
        let (seconds, rest) = now.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return UInt32(truncatingIfNeeded: seconds &* Int64(rate) &+ rest * Int64(rate) / 1_000_000_000)
    }
}
