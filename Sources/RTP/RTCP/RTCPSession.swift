public import SIPMessages

/// The reports of one stream between two: when to send them, and what is learned from the peer's (RFC 3550 §6).
///
/// Of two participants each takes its turn at a random time around five seconds; reconsideration may be left out then
/// (RFC 3550 §6.3).
public struct RTCPSession: Sendable {
    /// The shortest time between two reports on average (RFC 3550 §6.2).
    public static let minimumInterval = TimeSpan.seconds(5)

    /// Our source.
    public let ssrc: UInt32
    /// Our canonical name (RFC 7022: short-lived and random).
    public let canonicalName: [UInt8]
    /// When the next report is due.
    public private(set) var nextReport: MonotonicInstant
    /// The time there and back, by the peer's last report on us; `nil` while none could be measured.
    public private(set) var roundTrip: TimeSpan?
    /// What the peer said of our source last.
    public private(set) var peerReport: ReportBlock?
    /// What the peer said of how the call sounds to it.
    public private(set) var peerMetrics: VoIPMetrics?
    /// Datagrams of the peer with a report in them, of a sender or of a receiver.
    public private(set) var reports: UInt64 = 0
    /// Whether the last of them said something of our source: a peer that hears nothing has nothing to say.
    public private(set) var isReportedOn = false
    /// Whether the peer's source has left.
    public private(set) var hasLeft = false

    private var random: UInt64
    private var lastReport: UInt32 = 0
    private var lastReportArrival = MonotonicInstant.start

    /// The reports of a stream that begins now.
    ///
    /// - Parameters:
    ///   - seed: A number that nobody can guess.
    ///   - canonicalName: The same for all streams of a call.
    public init(ssrc: UInt32, canonicalName: [UInt8], seed: UInt64, at now: MonotonicInstant) {
        (self.ssrc, self.canonicalName, self.random) = (ssrc, canonicalName, seed | 1)
        self.nextReport = now
        self.nextReport = now.advanced(by: TimeSpan(nanoseconds: self.interval().nanoseconds / 2))
    }

    /// Between 0.5 and 1.5 times the interval, by e - 3/2 (RFC 3550 §6.3.1).
    private mutating func interval() -> TimeSpan {
        // SplitMix64.
        self.random &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.random
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        let part = Int64(truncatingIfNeeded: (mixed >> 44) & 0xF_FFFF)  // 0..<2^20
        let base = Self.minimumInterval.nanoseconds / 2 + Self.minimumInterval.nanoseconds / (1 << 20) * part
        return TimeSpan(nanoseconds: base * 100_000 / 121_828)
    }

    /// Appends a report, which is then due again later.
    ///
    /// - Parameters:
    ///   - sender: What we have sent; `nil` where we have sent nothing since the last but one report.
    ///   - reception: What is known of the peer's source.
    ///   - metrics: How the call sounds, where that is known.
    public mutating func writeReport(
        sender: SenderInfo?, reception: inout Reception?, metrics: VoIPMetrics? = nil, at now: MonotonicInstant,
        to output: inout [UInt8]
    ) {
        var block: ReportBlock?
        if var known = reception {
            let elapsed = now.since(self.lastReportArrival).nanoseconds / 1_000
            let delay = self.lastReport == 0 ? 0 : UInt32(truncatingIfNeeded: elapsed * 65_536 / 1_000_000)
            block = ReportBlock(&known, lastReport: self.lastReport, delaySinceLastReport: delay)
            reception = known
        }
        RTCPWriter.report(from: self.ssrc, sender: sender, block: block, to: &output)
        RTCPWriter.canonicalName(self.canonicalName, of: self.ssrc, to: &output)
        if let metrics { RTCPWriter.metrics(metrics, from: self.ssrc, to: &output) }
        self.nextReport = now.advanced(by: self.interval())
    }

    /// Appends the last report with which our source leaves (RFC 3550 §6.6).
    public mutating func writeBye(
        sender: SenderInfo?, reception: inout Reception?, at now: MonotonicInstant, to output: inout [UInt8]
    ) {
        self.writeReport(sender: sender, reception: &reception, at: now, to: &output)
        RTCPWriter.bye(from: self.ssrc, to: &output)
        self.nextReport = .never
    }

    /// Takes an RTCP datagram of the peer.
    ///
    /// - Parameter ntp: The wall clock now, as reports carry it.
    /// - Throws: `RTCPParseError`.
    public mutating func receive(_ octets: Span<UInt8>, at now: MonotonicInstant, ntp: UInt64) throws(RTCPParseError) {
        var reader = try RTCPReader(octets)
        var (isReport, hasBlock) = (false, false)
        while let packet = reader.next(in: octets) {
            if let info = SenderInfo(packet, in: octets) {
                self.lastReport = UInt32(truncatingIfNeeded: info.ntp >> 16)
                self.lastReportArrival = now
            }
            var i = 0
            while let block = ReportBlock(i, of: packet, in: octets) {
                if block.ssrc == self.ssrc {
                    self.learn(block, UInt32(truncatingIfNeeded: ntp >> 16))
                    hasBlock = true
                }
                i += 1
            }
            if packet.type == .senderReport || packet.type == .receiverReport { isReport = true }
            if let metrics = VoIPMetrics(packet, in: octets), metrics.ssrc == self.ssrc { self.peerMetrics = metrics }
            if packet.type == .bye { self.hasLeft = true }
        }
        if isReport {
            self.reports &+= 1
            self.isReportedOn = hasBlock
        }
    }

    /// RFC 3550 §6.4.1: arrival - LSR - DLSR, all in 1/65536 s.
    private mutating func learn(_ block: ReportBlock, _ arrival: UInt32) {
        self.peerReport = block
        guard block.lastReport != 0 else { return }
        let delay = Int32(bitPattern: arrival &- block.lastReport &- block.delaySinceLastReport)
        // Clocks tell milliseconds: on a short way the difference may be below zero by one or two. More comes of clocks that
        // were set, and a long one of a report that is not ours.
        guard delay >= -655, delay < 60 << 16 else { return }
        self.roundTrip = TimeSpan(nanoseconds: Int64(Swift.max(delay, 0)) * 1_000_000_000 / 65_536)
    }
}

/// The wall clock as RTCP carries it (RFC 3550 §4).
public enum NTPTime {
    /// Milliseconds since 1970 as seconds since 1900 in the upper half and fractions in the lower.
    public static func from(unixMilliseconds: Int64) -> UInt64 {
        let seconds = UInt64(bitPattern: unixMilliseconds / 1_000 &+ 2_208_988_800)
        let fraction = UInt64(bitPattern: unixMilliseconds % 1_000) << 32 / 1_000
        return seconds << 32 | fraction & 0xFFFF_FFFF
    }
}
