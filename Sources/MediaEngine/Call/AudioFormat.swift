public import SDP

/// An encoding of audio that this program can send and play.
public struct AudioFormat: Hashable, Sendable {
    /// How it stands in a description, with the payload type that is wanted for it.
    public let media: MediaFormat
    /// What encodes and decodes it.
    public let codec: AudioCodec

    /// The format of a codec.
    public init(_ codec: AudioCodec) { (self.media, self.codec) = (codec.format, codec) }

    /// How it bears losses.
    public var encoding: CallQuality.Encoding { self.codec.encoding.quality }
    /// Samples in a second of its sound; the timestamps of some count otherwise.
    public var sampleRate: Int { self.codec.encoding.sampleRate }
    /// Its name, `PCMU`.
    public var name: String { self.media.map.encoding }

    /// Whether both are the same format.
    public static func == (left: AudioFormat, right: AudioFormat) -> Bool { left.media == right.media }

    /// Hashes what is compared.
    public func hash(into hasher: inout Hasher) { hasher.combine(self.media) }

    /// The formats that need no library, in the order in which they are offered.
    public static let all: [AudioFormat] = [
        AudioFormat(.pcmu), AudioFormat(.pcma), AudioFormat(.l16(sampleRate: 16_000)),
        AudioFormat(.l16(sampleRate: 8_000)),
    ]

    /// Those that are offered where nothing else is said: what every telephone has.
    public static let standard: [AudioFormat] = Self.all.filter { $0.name != "L16" }

    /// The formats of a name in any case, `pcmu` or `L16/16000`; empty for a name that is not known.
    ///
    /// - Parameter formats: Those that the program has.
    public static func named(_ name: String, among formats: [AudioFormat] = AudioFormat.all) -> [AudioFormat] {
        let parts = name.uppercased().split(separator: "/", maxSplits: 1)
        guard let encoding = parts.first else { return [] }
        let rate = parts.count > 1 ? Int(parts[1]) : nil
        return formats.filter {
            $0.name.uppercased() == encoding && (parts.count == 1 || $0.sampleRate == rate)
        }
    }

    /// Of these formats that of a payload type that was agreed on.
    static func of(_ media: MediaFormat, among formats: [AudioFormat]) -> AudioFormat? {
        formats.first { $0.media.isSameEncoding(as: media) }
    }

    /// What a description lists for these formats: themselves, events at each of their rates and at 8000 Hz, which is all
    /// that many peers know (RFC 4733 §2.1 wants the rate of the sound), and comfort noise.
    public static func described(_ formats: [AudioFormat]) -> [MediaFormat] {
        var rates: [UInt32] = []
        for format in formats where !rates.contains(format.media.map.clockRate) {
            rates.append(format.media.map.clockRate)
        }
        let hasNoise = rates.contains(8_000)
        if !hasNoise { rates.append(8_000) }
        let events = rates.enumerated().map { i, rate in
            MediaFormat(101 + UInt8(truncatingIfNeeded: i), "telephone-event", rate, parameters: "0-16")
        }
        return formats.map(\.media) + events + (hasNoise ? [MediaFormat(13, "CN")] : [])
    }
}
