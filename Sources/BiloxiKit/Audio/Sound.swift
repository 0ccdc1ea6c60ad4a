import MediaEngine

/// Something to play.
public struct Sound: Sendable {
    private enum Content: Sendable {
        case file(String)
        case samples([Int16], rate: Int)
        case tone(Tone)
    }

    private let content: Content

    /// A WAV file: PCM of 8 or 16 bits, µ-law or A-law, at any rate; channels are mixed into one.
    public static func file(_ path: String) -> Sound { Sound(content: .file(path)) }

    /// Samples of one channel.
    public static func samples(_ samples: [Int16], rate: Int) -> Sound {
        Sound(content: .samples(samples, rate: rate))
    }

    /// A tone.
    ///
    /// - Parameters:
    ///   - frequencies: In Hz; they sound together.
    ///   - duration: How long; `nil` for ever.
    ///   - level: Of each frequency, in dBm0.
    public static func tone(_ frequencies: Double..., for duration: Duration? = nil, level: Double = -13) -> Sound {
        let milliseconds = duration.map { UInt32(clamping: Swift.max(1, $0.nanoseconds / 1_000_000)) } ?? 0
        return Sound(content: .tone(Tone([.init(frequencies, milliseconds)], repeats: false, level: level)))
    }

    /// What a caller hears in a country while it rings there, by its code: `US`, `DE`.
    public static func ringback(_ country: String) -> Sound {
        Sound(content: .tone(CountryTones.of(country).ringback))
    }

    /// - Throws: `SIPError`: `media` when a file cannot be read, or is no WAV file.
    func source(loops: Bool) throws(SIPError) -> SoundSource {
        switch self.content {
        case .tone(let tone): return SoundSource(tone: tone)
        case .samples(let samples, let rate): return SoundSource(samples: samples, rate: rate, loops: loops)
        case .file(let path):
            let octets = try AudioFile.read(path)
            do throws(WAVFile.Problem) {
                let file = try WAVFile(octets.span)
                return SoundSource(samples: file.mono, rate: file.sampleRate, loops: loops)
            } catch {
                throw SIPError(.media, "\(path): \(error)")
            }
        }
    }
}
