import RTP
import SDP
import SIPMessages

// How a stream sounds, on both sides.

extension AudioStream {
    /// What an extended report says of how it sounds (RFC 3611 §4.7).
    var metrics: VoIPMetrics? {
        guard let reception, let playout, let quality = self.quality else { return nil }
        var metrics = VoIPMetrics(ssrc: reception.ssrc)
        playout.buffer.pattern.fill(&metrics, packetTime: UInt64(self.packetMilliseconds))
        quality.fill(&metrics)
        let delay = UInt16(clamping: playout.buffer.targetTime.nanoseconds / 1_000_000)
        (metrics.nominalDelay, metrics.maximumDelay) = (delay, delay)
        metrics.absoluteMaximumDelay = UInt16(
            clamping: playout.buffer.maximumDelay * 1_000 / Int(playout.encoding.clockRate))
        if let roundTrip = self.control.roundTrip {
            metrics.roundTripDelay = UInt16(clamping: roundTrip.nanoseconds / 1_000_000)
        }
        metrics.endSystemDelay = delay &+ UInt16(clamping: self.packetMilliseconds)
        return metrics
    }

    var quality: CallQuality? {
        guard let playout, let playing, playout.buffer.pattern.expected > 0 else { return nil }
        let pattern = playout.buffer.pattern
        let missing = Double(pattern.lost + pattern.discarded) * 100 / Double(pattern.expected)
        let delay =
            (self.control.roundTrip ?? .zero).nanoseconds / 2 + playout.buffer.targetTime.nanoseconds
            + Int64(self.packetMilliseconds) * 1_000_000
        return CallQuality(playing.encoding, lossPercent: missing, delayMilliseconds: Double(delay) / 1_000_000)
    }

    /// How the call sounds at the peer.
    private var peerScore: Double? {
        if let score = self.control.peerMetrics?.conversationScore, (10...50).contains(score) {
            return Double(score) / 10
        }
        guard let report = self.control.peerReport, let format, self.sent > 0 else { return nil }
        let lost = Double(Swift.max(0, report.lost)) * 100 / Double(self.sent)
        // The same buffer as ours is taken to be there.
        let delay =
            (self.control.roundTrip ?? .zero).nanoseconds / 2 + Int64(2 * self.packetMilliseconds) * 1_000_000
        return CallQuality(
            format.encoding, lossPercent: lost, delayMilliseconds: Double(delay) / 1_000_000
        ).conversationScore
    }

    /// What has passed so far.
    public var statistics: AudioStatistics {
        var statistics = AudioStatistics()
        statistics.codec = self.format?.name ?? ""
        (statistics.sent, statistics.sentOctets, statistics.rejected) = (self.sent, self.sentOctets, self.rejected)
        if let reception {
            (statistics.received, statistics.lost) = (reception.received, reception.lost)
            statistics.jitter = reception.jitterTime
        }
        statistics.roundTrip = self.control.roundTrip
        if let playout {
            statistics.missed = playout.buffer.pattern.lost &+ playout.buffer.pattern.discarded
            statistics.bufferDelay = playout.buffer.targetTime
        }
        statistics.heard = TimeSpan(nanoseconds: Int64(self.heardSamples) * 1_000_000_000 / Int64(self.sampleRate))
        statistics.quality = self.quality
        statistics.peerLossPercent = self.control.peerReport.map { Double($0.fractionLost) * 100 / 256 }
        statistics.peerJitter = self.control.peerReport.map { report in
            let rate = Int64(Swift.max(1, self.sender?.encoding.clockRate ?? 8_000))
            return TimeSpan(nanoseconds: Int64(report.jitter) * 1_000_000_000 / rate)
        }
        statistics.peerScore = self.peerScore
        (statistics.source, statistics.destination) = (self.latch.source, self.latch.destination)
        return statistics
    }
}
