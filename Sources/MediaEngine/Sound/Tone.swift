/// A tone: frequencies together, on and off in turn (ITU-T E.180).
public struct Tone: Hashable, Sendable {
    /// A stretch of a tone.
    public struct Part: Hashable, Sendable {
        /// The frequencies in Hz that sound together; none is a pause.
        public var frequencies: [Double]
        /// How long, in milliseconds; 0 for ever.
        public var milliseconds: UInt32

        /// A stretch.
        public init(_ frequencies: [Double], _ milliseconds: UInt32) {
            (self.frequencies, self.milliseconds) = (frequencies, milliseconds)
        }
    }

    /// The stretches, in their order.
    public var parts: [Part]
    /// Whether they come again after the last one.
    public var repeats: Bool
    /// The level of each frequency in dBm0.
    public var level: Double

    /// A tone.
    public init(_ parts: [Part], repeats: Bool = true, level: Double = -13) {
        (self.parts, self.repeats, self.level) = (parts, repeats, level)
    }

    /// A tone that does not stop.
    public init(_ frequencies: [Double], level: Double = -13) {
        self.init([Part(frequencies, 0)], repeats: false, level: level)
    }

    /// A tone that is on and off for these times in turn, in milliseconds.
    public init(_ frequencies: [Double], cadence: [UInt32], level: Double = -13) {
        self.init(
            cadence.enumerated().map { Part($0.isMultiple(of: 2) ? frequencies : [], $1) }, level: level)
    }

    /// The two frequencies of a key (ITU-T Q.23); `nil` for a character that no key has.
    public static func frequencies(ofKey key: Character) -> [Double]? {
        let rows = ["123A", "456B", "789C", "*0#D"]
        for (i, row) in rows.enumerated() {
            guard let column = Array(row).firstIndex(of: Character(key.uppercased())) else { continue }
            return [[697, 770, 852, 941][i], [1_209, 1_336, 1_477, 1_633][column]]
        }
        return nil
    }

    /// The keys one after the other, as a telephone sends them in band; characters that no key has are left out.
    public static func keys(_ keys: String, milliseconds: UInt32 = 100, pause: UInt32 = 60, level: Double = -7) -> Tone
    {
        var parts: [Part] = []
        for key in keys {
            guard let frequencies = Self.frequencies(ofKey: key) else { continue }
            parts += [Part(frequencies, milliseconds), Part([], pause)]
        }
        return Tone(parts, repeats: false, level: level)
    }
}

/// Makes the samples of a tone.
public struct ToneGenerator: Sendable {
    /// The amplitude of 0 dBm0: a sine of +3.14 dBm0 fills the range of G.711 (ITU-T G.711 table 5).
    static let fullLevel = 3.14

    private let tone: Tone
    private let sampleRate: Double
    private let amplitude: Float
    private var part = 0
    private var left = 0
    private var oscillators: [Oscillator] = []
    /// Whether the tone has ended.
    public private(set) var hasEnded: Bool

    /// A generator at the beginning of a tone.
    public init(_ tone: Tone, sampleRate: Int = 8_000) {
        self.tone = tone
        self.sampleRate = Double(Swift.max(1, sampleRate))
        self.amplitude = Float(32_767 * Trigonometry.amplitude(decibels: tone.level - Self.fullLevel))
        self.hasEnded = tone.parts.isEmpty
        if !self.hasEnded { self.begin(0) }
    }

    private mutating func begin(_ part: Int) {
        self.part = part
        let milliseconds = self.tone.parts[part].milliseconds
        self.left = milliseconds == 0 ? .max : Int(Double(milliseconds) * self.sampleRate / 1_000)
        self.oscillators = self.tone.parts[part].frequencies.map {
            Oscillator(frequency: $0, sampleRate: self.sampleRate)
        }
    }

    /// Appends samples; silence after the end.
    public mutating func append(_ count: Int, to samples: inout [Int16]) {
        for _ in 0..<count {
            while self.left == 0, !self.hasEnded {
                let next = self.part + 1
                if next < self.tone.parts.count {
                    self.begin(next)
                } else if self.tone.repeats, self.tone.parts.contains(where: { $0.milliseconds > 0 }) {
                    self.begin(0)
                } else {
                    self.hasEnded = true
                }
            }
            guard !self.hasEnded else {
                samples.append(0)
                continue
            }
            if self.left != .max { self.left -= 1 }
            var sum: Float = 0
            for i in self.oscillators.indices { sum += self.oscillators[i].next() }
            samples.append(Int16(Swift.max(-32_768, Swift.min(32_767, (sum * self.amplitude).rounded()))))
        }
    }
}
