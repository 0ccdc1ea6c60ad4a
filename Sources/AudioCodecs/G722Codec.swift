import CSpanDSP
public import MediaEngine

extension AudioCodec {
    /// G.722 at 64 kbit/s: sound of 16 kHz whose timestamps count 8000 a second (RFC 3551 §4.5.2).
    public static let g722 = AudioCodec(
        AudioEncoding("G722", clockRate: 8_000, sampleRate: 16_000, maximumOctets: 800, quality: .g722), payloadType: 9,
        encoder: { _, _ throws(AudioCodecError) in try G722StreamEncoder() },
        decoder: { _ throws(AudioCodecError) in try G722StreamDecoder() })
}

extension CallQuality.Encoding {
    /// G.722 with concealment of losses, on the scale of narrow band: without losses no worse than G.711.
    public static let g722 = CallQuality.Encoding(impairment: 0, robustness: 22)
}

/// Invariant: the stream that owns it calls from one thread at a time, and nobody else has `state`.
final class G722StreamEncoder: AudioEncoder, @unchecked Sendable {
    private let state: OpaquePointer

    init() throws(AudioCodecError) {
        guard let state = g722_encode_init(nil, 64_000, 0) else { throw AudioCodecError("G722", "no memory for it") }
        self.state = state
    }

    deinit { g722_encode_free(self.state) }

    func encode(_ samples: Span<Int16>, into payload: inout [UInt8]) -> EncodedFrame {
        // Two samples make an octet.
        let (start, count) = (payload.count, samples.count / 2)
        payload.append(contentsOf: repeatElement(0, count: count))
        samples.withUnsafeBufferPointer { input in
            payload.withUnsafeMutableBufferPointer { output in
                guard let from = input.baseAddress, let to = output.baseAddress else { return }
                _ = g722_encode(self.state, to + start, from, Int32(truncatingIfNeeded: 2 * count))
            }
        }
        return .sound
    }
}

/// Invariant: the stream that owns it calls from one thread at a time, and nobody else has `state`.
final class G722StreamDecoder: AudioDecoder, @unchecked Sendable {
    private let state: OpaquePointer

    init() throws(AudioCodecError) {
        guard let state = g722_decode_init(nil, 64_000, 0) else { throw AudioCodecError("G722", "no memory for it") }
        self.state = state
    }

    deinit { g722_decode_free(self.state) }

    func decode(_ payload: Span<UInt8>, into samples: inout [Int16]) {
        let (start, count) = (samples.count, 2 * payload.count)
        samples.append(contentsOf: repeatElement(0, count: count))
        payload.withUnsafeBufferPointer { input in
            samples.withUnsafeMutableBufferPointer { output in
                guard let from = input.baseAddress, let to = output.baseAddress else { return }
                _ = g722_decode(self.state, to + start, from, Int32(truncatingIfNeeded: input.count))
            }
        }
    }
}
