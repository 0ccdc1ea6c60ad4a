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

/// An encoding whose samples stand for themselves, so that it needs no state.
public enum SampleCodec: Hashable, Sendable {
    /// G.711 µ-law at 8 kHz.
    case pcmu
    /// G.711 A-law at 8 kHz.
    case pcma
    /// 16 bits a sample in network order (RFC 3551 §4.5.11).
    case l16

    /// Octets of a sample.
    public var octetsPerSample: Int { self == .l16 ? 2 : 1 }

    /// Appends the samples of a payload; half a sample at its end is left out.
    public func decode(_ payload: Span<UInt8>, into samples: inout [Int16]) {
        var i = 0
        switch self {
        case .pcmu:
            while i < payload.count {
                samples.append(G711.sample(muLaw: payload[i]))
                i &+= 1
            }
        case .pcma:
            while i < payload.count {
                samples.append(G711.sample(aLaw: payload[i]))
                i &+= 1
            }
        case .l16:
            while i &+ 1 < payload.count {
                samples.append(Int16(bitPattern: UInt16(payload[i]) << 8 | UInt16(payload[i &+ 1])))
                i &+= 2
            }
        }
    }

    /// Appends the payload of samples.
    public func encode(_ samples: Span<Int16>, into payload: inout [UInt8]) {
        var i = 0
        while i < samples.count {
            switch self {
            case .pcmu: payload.append(G711.muLaw(samples[i]))
            case .pcma: payload.append(G711.aLaw(samples[i]))
            case .l16:
                payload.append(UInt8(truncatingIfNeeded: samples[i] >> 8))
                payload.append(UInt8(truncatingIfNeeded: samples[i]))
            }
            i &+= 1
        }
    }
}
