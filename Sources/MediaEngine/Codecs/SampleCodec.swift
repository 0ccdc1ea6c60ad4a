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
        let count = payload.count / self.octetsPerSample
        samples.reserveCapacity(samples.count + count)
        switch self {
        case .pcmu:
            for i in 0..<count { samples.append(G711.sample(muLaw: payload[i])) }
        case .pcma:
            for i in 0..<count { samples.append(G711.sample(aLaw: payload[i])) }
        case .l16:
            for i in 0..<count {
                samples.append(Int16(bitPattern: UInt16(payload[2 &* i]) << 8 | UInt16(payload[2 &* i &+ 1])))
            }
        }
    }

    /// Appends the payload of samples.
    public func encode(_ samples: Span<Int16>, into payload: inout [UInt8]) {
        payload.reserveCapacity(payload.count + samples.count * self.octetsPerSample)
        switch self {
        case .pcmu:
            for i in 0..<samples.count { payload.append(G711.muLaw(samples[i])) }
        case .pcma:
            for i in 0..<samples.count { payload.append(G711.aLaw(samples[i])) }
        case .l16:
            for i in 0..<samples.count {
                payload.append(UInt8(truncatingIfNeeded: samples[i] >> 8))
                payload.append(UInt8(truncatingIfNeeded: samples[i]))
            }
        }
    }

    /// The encoding at a rate of samples; G.711 has one of 8 kHz only.
    public func encoding(sampleRate: Int = 8_000) -> AudioEncoding {
        let names: [SampleCodec: String] = [.pcmu: "PCMU", .pcma: "PCMA", .l16: "L16"]
        return AudioEncoding(
            names[self] ?? "", clockRate: UInt32(truncatingIfNeeded: sampleRate), sampleRate: sampleRate,
            maximumOctets: sampleRate * self.octetsPerSample * 100 / 1_000)
    }
}

extension AudioCodec {
    /// G.711 µ-law.
    public static let pcmu = AudioCodec(.pcmu, payloadType: 0, sampleRate: 8_000)
    /// G.711 A-law.
    public static let pcma = AudioCodec(.pcma, payloadType: 8, sampleRate: 8_000)

    /// 16 bits a sample at a rate (RFC 3551 §4.5.11): payload type 11 at 44.1 kHz, a dynamic one else.
    public static func l16(sampleRate: Int) -> AudioCodec {
        AudioCodec(
            .l16, payloadType: sampleRate == 44_100 ? 11 : sampleRate == 16_000 ? 117 : 118, sampleRate: sampleRate)
    }

    private init(_ codec: SampleCodec, payloadType: UInt8, sampleRate: Int) {
        let stream = SampleStream(codec)
        self.init(
            codec.encoding(sampleRate: sampleRate), payloadType: payloadType, encoder: { _, _ in stream },
            decoder: { _ in stream })
    }
}

/// Encoder and decoder of any stream of such an encoding.
final class SampleStream: AudioEncoder, AudioDecoder {
    private let codec: SampleCodec

    init(_ codec: SampleCodec) { self.codec = codec }

    var isStateless: Bool { true }

    func encode(_ samples: Span<Int16>, into payload: inout [UInt8]) -> EncodedFrame {
        self.codec.encode(samples, into: &payload)
        return .sound
    }

    func decode(_ payload: Span<UInt8>, into samples: inout [Int16]) { self.codec.decode(payload, into: &samples) }
}
