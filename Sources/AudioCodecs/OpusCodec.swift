import COpus
public import MediaEngine
import SDP

extension AudioCodec {
    /// Opus (RFC 6716, RFC 7587), in one channel, with its own concealment and in-band FEC.
    ///
    /// - Parameter sampleRate: Of the sound that goes in and comes out: 8000, 12000, 16000, 24000 or 48000.
    public static func opus(sampleRate: Int = 48_000) -> AudioCodec {
        let rate = [8_000, 12_000, 16_000, 24_000, 48_000].last { $0 <= sampleRate } ?? 8_000
        var parameters = "useinbandfec=1"
        if rate < 48_000 { parameters = "maxplaybackrate=\(rate);sprop-maxcapturerate=\(rate);\(parameters)" }
        return AudioCodec(
            AudioEncoding(
                "opus", clockRate: 48_000, channels: 2, sampleRate: rate, packetTimes: [10, 20, 40, 60],
                maximumOctets: 1_276, quality: .opus),
            payloadType: 111, parameters: parameters,
            encoder: { format, milliseconds throws(AudioCodecError) in
                try OpusStreamEncoder(sampleRate: rate, format: format)
            },
            decoder: { _ throws(AudioCodecError) in try OpusStreamDecoder(sampleRate: rate) })
    }
}

extension CallQuality.Encoding {
    /// Opus at about 24 kbit/s with its concealment: near to G.711 without losses, and more robust.
    public static let opus = CallQuality.Encoding(impairment: 0, robustness: 29)
}

/// Invariant: the stream that owns it calls from one thread at a time, and nobody else has `state`.
final class OpusStreamEncoder: AudioEncoder, @unchecked Sendable {
    private let state: OpaquePointer
    private static let longest = 1_276

    /// An encoder that keeps to what the peer wants (RFC 7587 §7.1).
    init(sampleRate: Int, format: MediaFormat) throws(AudioCodecError) {
        var failure: Int32 = 0
        guard let state = opus_encoder_create(opus_int32(sampleRate), 1, OPUS_APPLICATION_VOIP, &failure) else {
            throw AudioCodecError("opus", "no encoder at \(sampleRate) Hz: libopus says \(failure)")
        }
        self.state = state
        let widest = format.parameter("maxplaybackrate").flatMap { Int($0) } ?? 48_000
        let rate = Swift.min(sampleRate, widest)
        let wanted = rate <= 8_000 ? 16_000 : rate <= 16_000 ? 24_000 : 32_000
        let most = format.parameter("maxaveragebitrate").flatMap { Int32($0) }
            .flatMap { (6_000...510_000).contains($0) ? $0 : nil }
        copus_set_bitrate(state, Swift.min(Int32(wanted), most ?? .max))
        copus_set_max_bandwidth(state, Self.bandwidth(rate))
        copus_set_fec(state, format.parameter("useinbandfec") == "1" ? 1 : 0)
        copus_set_dtx(state, format.parameter("usedtx") == "1" ? 1 : 0)
        copus_set_vbr(state, format.parameter("cbr") == "1" ? 0 : 1)
        copus_set_complexity(state, 5)
    }

    deinit { opus_encoder_destroy(self.state) }

    private static func bandwidth(_ rate: Int) -> Int32 {
        switch rate {
        case ...8_000: OPUS_BANDWIDTH_NARROWBAND
        case ...12_000: OPUS_BANDWIDTH_MEDIUMBAND
        case ...16_000: OPUS_BANDWIDTH_WIDEBAND
        case ...24_000: OPUS_BANDWIDTH_SUPERWIDEBAND
        default: OPUS_BANDWIDTH_FULLBAND
        }
    }

    func encode(_ samples: Span<Int16>, into payload: inout [UInt8]) -> EncodedFrame {
        let start = payload.count
        payload.append(contentsOf: repeatElement(0, count: Self.longest))
        let count = samples.withUnsafeBufferPointer { input in
            payload.withUnsafeMutableBufferPointer { output -> Int in
                guard let from = input.baseAddress, let to = output.baseAddress else { return 0 }
                return Int(opus_encode(self.state, from, Int32(input.count), to + start, Int32(Self.longest)))
            }
        }
        // One or two octets need not be sent (opus_encode, RFC 6716 §2.1.9).
        let isSound = count > 2
        payload.removeLast(Self.longest - (isSound ? count : 0))
        return isSound ? .sound : .nothing
    }

    func heard(lossPercent: Int) {
        copus_set_loss(self.state, opus_int32(Swift.max(0, Swift.min(100, lossPercent))))
    }
}

/// Invariant: the stream that owns it calls from one thread at a time, and nobody else has `state`.
final class OpusStreamDecoder: AudioDecoder, @unchecked Sendable {
    private let state: OpaquePointer
    /// Samples of 120 ms, the longest packet (RFC 6716 §3.2.5).
    private let longest: Int
    /// Samples of 2.5 ms, of which every length is a multiple.
    private let unit: Int

    init(sampleRate: Int) throws(AudioCodecError) {
        var failure: Int32 = 0
        guard let state = opus_decoder_create(opus_int32(sampleRate), 1, &failure) else {
            throw AudioCodecError("opus", "no decoder at \(sampleRate) Hz: libopus says \(failure)")
        }
        (self.state, self.longest, self.unit) = (state, sampleRate * 120 / 1_000, sampleRate / 400)
    }

    deinit { opus_decoder_destroy(self.state) }

    func decode(_ payload: Span<UInt8>, into samples: inout [Int16]) {
        // Without octets libopus would conceal instead.
        guard payload.count > 0 else { return }
        self.decode(payload, self.longest, isRecovery: false, into: &samples)
    }

    func conceal(_ count: Int, following: Span<UInt8>, into samples: inout [Int16]) -> Bool {
        let count = Swift.min(self.longest, count / self.unit * self.unit)
        guard count > 0 else { return false }
        guard following.count > 0 else {
            self.make(nil, 0, count, isRecovery: false, into: &samples)
            return true
        }
        self.decode(following, count, isRecovery: true, into: &samples)
        return true
    }

    func rest(_ count: Int, into samples: inout [Int16]) -> Bool {
        self.conceal(count, following: Span(), into: &samples)
    }

    private func decode(_ payload: Span<UInt8>, _ count: Int, isRecovery: Bool, into samples: inout [Int16]) {
        payload.withUnsafeBufferPointer { octets in
            self.make(octets.baseAddress, octets.count, count, isRecovery: isRecovery, into: &samples)
        }
    }

    private func make(
        _ octets: UnsafePointer<UInt8>?, _ length: Int, _ count: Int, isRecovery: Bool, into samples: inout [Int16]
    ) {
        let start = samples.count
        samples.append(contentsOf: repeatElement(0, count: count))
        let made = samples.withUnsafeMutableBufferPointer { output -> Int in
            guard let to = output.baseAddress else { return 0 }
            return Int(
                opus_decode(self.state, octets, opus_int32(length), to + start, Int32(count), isRecovery ? 1 : 0))
        }
        samples.removeLast(count - Swift.max(0, made))
    }
}
