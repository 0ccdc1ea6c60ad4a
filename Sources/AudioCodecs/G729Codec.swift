import CBCG729
public import MediaEngine
import SDP

extension AudioCodec {
    /// G.729 annex A (RFC 3551 §4.5.6). It needs libbcg729 on the system when it is used: a library under the GPL, which
    /// is not delivered with this one, but opened where its user has installed it.
    ///
    /// - Parameter hasSilence: Whether annex B, which sends less in pauses, may be used (RFC 4856 §2.1.9).
    public static func g729(hasSilence: Bool = true) -> AudioCodec {
        AudioCodec(
            AudioEncoding(
                "G729", frameMilliseconds: 10, packetTimes: Array(stride(from: 10, through: 100, by: 10)),
                maximumOctets: 102, quality: .g729),
            payloadType: 18, parameters: hasSilence ? nil : "annexb=no",
            encoder: { format, _ throws(AudioCodecError) in
                // Annex B is used unless a side has said no (RFC 7261 §3.1).
                let isRefused = format.parameter("annexb")?.lowercased() == "no"
                return try G729StreamEncoder(hasSilence: hasSilence && !isRefused)
            },
            decoder: { _ throws(AudioCodecError) in try G729StreamDecoder() })
    }

    /// Whether libbcg729 is on the system, so that G.729 can be offered.
    public static var hasG729: Bool { cbcg_is_there() != 0 }

    static func g729Error() -> AudioCodecError {
        AudioCodecError("G729", "it needs \(String(cString: cbcg_library())): install libbcg729, or do not offer it")
    }
}

/// Invariant: the stream that owns it calls from one thread at a time, and nobody else has `state`.
final class G729StreamEncoder: AudioEncoder, @unchecked Sendable {
    static let frameSamples = Int(cbcg_frame_samples)
    static let frameOctets = Int(cbcg_frame_octets)

    private let state: UnsafeMutableRawPointer

    init(hasSilence: Bool) throws(AudioCodecError) {
        guard let state = cbcg_encoder(hasSilence ? 1 : 0) else { throw AudioCodec.g729Error() }
        self.state = state
    }

    deinit { cbcg_close_encoder(self.state) }

    func encode(_ samples: Span<Int16>, into payload: inout [UInt8]) -> EncodedFrame {
        guard samples.count == Self.frameSamples else { return .nothing }
        var frame = InlineArray<10, UInt8>(repeating: 0)
        let count = samples.withUnsafeBufferPointer { input in
            var output = frame.mutableSpan
            return output.withUnsafeMutableBufferPointer { output in
                cbcg_encode(self.state, input.baseAddress, output.baseAddress)
            }
        }
        for i in 0..<Int(count) { payload.append(frame[i]) }
        return count == 0 ? .nothing : count == 2 ? .silence : .sound
    }
}

/// Invariant: the stream that owns it calls from one thread at a time, and nobody else has `state`.
final class G729StreamDecoder: AudioDecoder, @unchecked Sendable {
    private let state: UnsafeMutableRawPointer
    private var isSilent = false

    init() throws(AudioCodecError) {
        guard let state = cbcg_decoder() else { throw AudioCodec.g729Error() }
        self.state = state
    }

    deinit { cbcg_close_decoder(self.state) }

    func decode(_ payload: Span<UInt8>, into samples: inout [Int16]) {
        var position = 0
        // Frames of 10 octets, and one of 2 that describes silence at the end.
        while payload.count - position >= G729StreamEncoder.frameOctets {
            self.decode(payload, at: position, count: G729StreamEncoder.frameOctets, into: &samples)
            self.isSilent = false
            position += G729StreamEncoder.frameOctets
        }
        guard payload.count - position == 2 else { return }
        self.decode(payload, at: position, count: 2, into: &samples)
        self.isSilent = true
    }

    func conceal(_ count: Int, following: Span<UInt8>, into samples: inout [Int16]) -> Bool {
        for _ in 0..<(count / G729StreamEncoder.frameSamples) { self.decode(nil, 0, into: &samples) }
        return count >= G729StreamEncoder.frameSamples
    }

    /// After a description of silence the decoder goes on with its noise (G.729 annex B §4.4).
    func rest(_ count: Int, into samples: inout [Int16]) -> Bool {
        self.isSilent && self.conceal(count, following: Span(), into: &samples)
    }

    private func decode(_ payload: Span<UInt8>, at position: Int, count: Int, into samples: inout [Int16]) {
        payload.extracting(position..<(position + count)).withUnsafeBufferPointer {
            self.decode($0.baseAddress, count, into: &samples)
        }
    }

    /// Decodes one frame; `nil` is one that was lost.
    private func decode(_ octets: UnsafePointer<UInt8>?, _ count: Int, into samples: inout [Int16]) {
        let start = samples.count
        samples.append(contentsOf: repeatElement(0, count: G729StreamEncoder.frameSamples))
        samples.withUnsafeMutableBufferPointer { output in
            guard let to = output.baseAddress else { return }
            cbcg_decode(self.state, octets, Int32(count), to + start)
        }
    }
}
