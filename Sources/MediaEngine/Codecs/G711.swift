/// G.711: 8 bits a sample, logarithmic, µ-law or A-law (ITU-T G.711; RFC 3551 §4.5.14).
public enum G711 {
    /// The sample of each code of µ-law.
    private static let muLawSamples: InlineArray<256, Int16> = {
        var table = InlineArray<256, Int16>(repeating: 0)
        for code in 0..<256 {
            let inverted = ~code
            let magnitude = (((inverted & 0x0F) << 3) + 0x84) << ((inverted & 0x70) >> 4)
            table[code] = Int16(inverted & 0x80 != 0 ? 0x84 - magnitude : magnitude - 0x84)
        }
        return table
    }()

    /// The sample of each code of A-law.
    private static let aLawSamples: InlineArray<256, Int16> = {
        var table = InlineArray<256, Int16>(repeating: 0)
        for code in 0..<256 {
            let even = code ^ 0x55
            let segment = (even & 0x70) >> 4
            var magnitude = (even & 0x0F) << 4 + 8
            if segment > 0 { magnitude = (magnitude + 0x100) << (segment - 1) }
            table[code] = Int16(even & 0x80 != 0 ? magnitude : -magnitude)
        }
        return table
    }()

    /// The sample of a code of µ-law.
    @inline(__always)
    public static func sample(muLaw code: UInt8) -> Int16 { self.muLawSamples[Int(code)] }

    /// The sample of a code of A-law.
    @inline(__always)
    public static func sample(aLaw code: UInt8) -> Int16 { self.aLawSamples[Int(code)] }

    /// The code of µ-law that is nearest to a sample.
    @inline(__always)
    public static func muLaw(_ sample: Int16) -> UInt8 {
        let sign: UInt8 = sample < 0 ? 0x80 : 0
        let magnitude = Swift.min(UInt32(sample.magnitude), 32_635) + 132
        let exponent = 24 - UInt32(magnitude.leadingZeroBitCount)
        let mantissa = magnitude >> (exponent + 3) & 0x0F
        return ~(sign | UInt8(truncatingIfNeeded: exponent << 4 | mantissa))
    }

    /// The code of A-law that is nearest to a sample.
    @inline(__always)
    public static func aLaw(_ sample: Int16) -> UInt8 {
        let mask: UInt8 = sample < 0 ? 0x55 : 0xD5
        // Of a negative sample one is taken off, so that 0 belongs to one side only.
        let magnitude = UInt32(sample < 0 ? ~sample : sample) >> 4
        guard magnitude >= 0x20 else { return UInt8(truncatingIfNeeded: magnitude) ^ mask }
        let exponent = 27 - UInt32(magnitude.leadingZeroBitCount)
        let mantissa = magnitude >> exponent & 0x0F
        return UInt8(truncatingIfNeeded: (exponent + 1) << 4 | mantissa) ^ mask
    }
}
