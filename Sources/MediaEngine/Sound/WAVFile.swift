/// Sound in a WAV file: samples of 16 bits, one or more channels. A file is read whole and written whole.
public struct WAVFile: Hashable, Sendable {
    /// Why octets are no WAV file that can be used.
    public enum Problem: Error, Hashable, Sendable, CustomStringConvertible {
        /// There is no `RIFF` … `WAVE`.
        case noWAVE
        /// The file ends before its parts do, or lacks one.
        case incomplete
        /// The encoding is neither PCM of 8 or 16 bits nor G.711.
        case encoding(format: UInt16, bits: UInt16)

        /// One line for people.
        public var description: String {
            switch self {
            case .noWAVE: "not a WAV file: RIFF or WAVE is missing at its start"
            case .incomplete: "WAV file is cut off: the fmt or data chunk is missing"
            case .encoding(let format, let bits):
                "WAV encoding \(format) with \(bits) bits is unknown: use PCM of 16 bits"
            }
        }
    }

    /// Samples in a second.
    public var sampleRate: Int
    /// Channels.
    public var channels: Int
    /// The samples, those of the channels in turn.
    public var samples: [Int16]

    /// Sound.
    public init(sampleRate: Int, channels: Int = 1, samples: [Int16]) {
        (self.sampleRate, self.channels, self.samples) = (sampleRate, channels, samples)
    }

    /// Reads a file: PCM of 16 or 8 bits, µ-law or A-law. A data chunk that is cut off, as a recording that was killed
    /// leaves it, is taken as far as it goes.
    ///
    /// - Throws: `Problem`.
    public init(_ octets: Span<UInt8>) throws(Problem) {
        func number(_ i: Int, _ count: Int) -> Int {
            var value = 0
            for k in 0..<count { value |= Int(octets[i + k]) << (8 * k) }
            return value
        }
        guard octets.count >= 12, number(0, 4) == 0x4646_4952, number(8, 4) == 0x4556_4157 else { throw .noWAVE }
        var position = 12
        var format: (encoding: UInt16, channels: Int, rate: Int, bits: UInt16)?
        while position + 8 <= octets.count {
            let (name, size) = (number(position, 4), number(position + 4, 4))
            let start = position + 8
            if name == 0x2074_6D66 {  // "fmt "
                guard size >= 16, start + 16 <= octets.count else { throw .incomplete }
                var encoding = UInt16(truncatingIfNeeded: number(start, 2))
                // WAVE_FORMAT_EXTENSIBLE keeps the encoding in its GUID.
                if encoding == 0xFFFE, size >= 26, start + 26 <= octets.count {
                    encoding = UInt16(truncatingIfNeeded: number(start + 24, 2))
                }
                format = (
                    encoding, number(start + 2, 2), number(start + 4, 4),
                    UInt16(truncatingIfNeeded: number(start + 14, 2))
                )
            } else if name == 0x6174_6164, let format {  // "data"
                guard format.channels > 0, format.rate > 0 else { throw .incomplete }
                let end = Swift.min(octets.count, start + size)
                var samples: [Int16] = []
                switch (format.encoding, format.bits) {
                case (1, 16):
                    samples.reserveCapacity((end - start) / 2)
                    for i in stride(from: start, to: end - 1, by: 2) {
                        samples.append(Int16(truncatingIfNeeded: number(i, 2)))
                    }
                case (1, 8): for i in start..<end { samples.append((Int16(octets[i]) - 128) * 256) }
                case (6, 8): for i in start..<end { samples.append(G711.sample(aLaw: octets[i])) }
                case (7, 8): for i in start..<end { samples.append(G711.sample(muLaw: octets[i])) }
                default: throw .encoding(format: format.encoding, bits: format.bits)
                }
                self.init(sampleRate: format.rate, channels: format.channels, samples: samples)
                return
            }
            position = start + size + (size & 1)
        }
        throw .incomplete
    }

    /// The file: PCM of 16 bits.
    public var octets: [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(44 + 2 * self.samples.count)
        func append(_ value: Int, _ count: Int) {
            for k in 0..<count { output.append(UInt8(truncatingIfNeeded: value >> (8 * k))) }
        }
        let size = 2 * self.samples.count
        output.append(contentsOf: "RIFF".utf8)
        append(36 + size, 4)
        output.append(contentsOf: "WAVEfmt ".utf8)
        append(16, 4)
        append(1, 2)
        append(self.channels, 2)
        append(self.sampleRate, 4)
        append(self.sampleRate * self.channels * 2, 4)
        append(self.channels * 2, 2)
        append(16, 2)
        output.append(contentsOf: "data".utf8)
        append(size, 4)
        for sample in self.samples { append(Int(sample), 2) }
        return output
    }

    /// The sound of all channels together, as one.
    public var mono: [Int16] {
        guard self.channels > 1 else { return self.samples }
        return stride(from: 0, to: self.samples.count - self.channels + 1, by: self.channels).map { i in
            let sum = self.samples[i..<(i + self.channels)].reduce(0) { $0 + Int($1) }
            return Int16(truncatingIfNeeded: sum / self.channels)
        }
    }
}
