public import RTP

/// How a call sounds, by the E-model (ITU-T G.107 with the values of G.113 appendix I).
public struct CallQuality: Hashable, Sendable {
    /// How an encoding bears losses (ITU-T G.113 tables I.1 to I.4).
    public struct Encoding: Hashable, Sendable {
        /// The impairment of the encoding itself (Ie).
        public var impairment: Double
        /// How robust it is against losses (Bpl).
        public var robustness: Double

        /// An encoding.
        public init(impairment: Double, robustness: Double) {
            (self.impairment, self.robustness) = (impairment, robustness)
        }

        /// G.711 with concealment of losses.
        public static let g711 = Encoding(impairment: 0, robustness: 25.1)
        /// G.729 annex A with silence suppression.
        public static let g729 = Encoding(impairment: 11, robustness: 19)
        /// G.723.1 at 6.3 kbit/s.
        public static let g7231 = Encoding(impairment: 15, robustness: 16.1)
    }

    /// The rating, 0-100; 93.2 is what a network of narrow band reaches.
    public var rating: Double
    /// The rating without what delay costs.
    public var listeningRating: Double

    /// The quality of a stream.
    ///
    /// - Parameters:
    ///   - lossPercent: Packets that were lost or came too late, of 100.
    ///   - burstRatio: The mean length of losses in a row over that of independent ones; at least 1.
    ///   - delayMilliseconds: From mouth to ear, one way.
    public init(
        _ encoding: Encoding = .g711, lossPercent: Double, burstRatio: Double = 1, delayMilliseconds: Double
    ) {
        let loss = Swift.max(0, Swift.min(100, lossPercent))
        let impairment =
            encoding.impairment + (95 - encoding.impairment) * loss
            / (loss / Swift.max(1, burstRatio) + encoding.robustness)
        let delay = Swift.max(0, delayMilliseconds)
        let late = delay > 177.3 ? 0.11 * (delay - 177.3) : 0
        self.listeningRating = Swift.max(0, 93.2 - impairment)
        self.rating = Swift.max(0, 93.2 - impairment - 0.024 * delay - late)
    }

    /// The mean opinion score of conversing, 1-4.5 (ITU-T G.107 annex B).
    public var conversationScore: Double { Self.score(self.rating) }
    /// The mean opinion score of listening.
    public var listeningScore: Double { Self.score(self.listeningRating) }

    private static func score(_ rating: Double) -> Double {
        if rating <= 0 { return 1 }
        if rating >= 100 { return 4.5 }
        return 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6
    }

    /// Fills in what an extended report says of quality (RFC 3611 §4.7.5).
    public func fill(_ metrics: inout VoIPMetrics) {
        metrics.rFactor = UInt8(self.rating.rounded())
        metrics.listeningScore = UInt8((self.listeningScore * 10).rounded())
        metrics.conversationScore = UInt8((self.conversationScore * 10).rounded())
    }
}
