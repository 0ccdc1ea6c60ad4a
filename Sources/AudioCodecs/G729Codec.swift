import CBCG729
public import MediaEngine
import SDP

extension AudioCodec {
    /// G.729 annex A (RFC 3551 §4.5.6).
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
}

/// Invariant: the stream that owns it calls from one thread at a time, and nobody else has `state`.
final class G729StreamEncoder: AudioEncoder, @unchecked Sendable {
    static let frameSamples = 80
    static let frameOctets = 10

    private let state: OpaquePointer

    init(hasSilence: Bool) throws(AudioCodecError) {
        guard let state = initBcg729EncoderChannel(hasSilence ? 1 : 0) else {
            throw AudioCodecError("G729", "no memory for an encoder")
        }
        self.state = state
    }

    deinit { closeBcg729EncoderChannel(self.state) }

    func encode(_ samples: Span<Int16>, into payload: inout [UInt8]) -> EncodedFrame {
        guard samples.count == Self.frameSamples else { return .nothing }
        var frame = InlineArray<10, UInt8>(repeating: 0)
        var count: UInt8 = 0
        samples.withUnsafeBufferPointer { input in
            var output = frame.mutableSpan
            output.withUnsafeMutableBufferPointer { output in
                bcg729Encoder(self.state, input.baseAddress, output.baseAddress, &count)
            }
        }
        for i in 0..<Int(Swift.min(10, count)) { payload.append(frame[i]) }
        return count == 0 ? .nothing : count == 2 ? .silence : .sound
    }
}

/// Invariant: the stream that owns it calls from one thread at a time, and nobody else has `state`.
final class G729StreamDecoder: AudioDecoder, @unchecked Sendable {
    private let state: OpaquePointer
    private var isSilent = false

    init() throws(AudioCodecError) {
        guard let state = initBcg729DecoderChannel() else {
            throw AudioCodecError("G729", "no memory for a decoder")
        }
        self.state = state
    }

    deinit { closeBcg729DecoderChannel(self.state) }

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
            bcg729Decoder(
                self.state, octets, UInt8(truncatingIfNeeded: count), octets == nil ? 1 : 0, count == 2 ? 1 : 0, 0,
                to + start)
        }
    }
}
