import CAVCodec
public import MediaEngine
import SDP

extension AudioCodec {
    /// G.723.1: sent at 6.3 kbit/s, received at both rates and with descriptions of silence (RFC 3551 §4.5.3). It needs
    /// libavcodec on the system when it is used.
    public static let g7231 = AudioCodec(
        AudioEncoding(
            "G723", frameMilliseconds: 30, packetTimes: [30, 60, 90], maximumOctets: 96, quality: .g7231),
        payloadType: 4, parameters: "annexa=no",
        encoder: { _, _ throws(AudioCodecError) in try G7231Stream(isEncoder: true) },
        decoder: { _ throws(AudioCodecError) in try G7231Stream(isEncoder: false) })

    /// Whether libavcodec is on the system, so that G.723.1 can be offered.
    public static var hasG7231: Bool {
        guard let codec = cav_open(0) else { return false }
        cav_close(codec)
        return true
    }
}

/// Invariant: the stream that owns it calls from one thread at a time, and nobody else has `codec`.
final class G7231Stream: AudioEncoder, AudioDecoder, @unchecked Sendable {
    private let codec: OpaquePointer
    private static let frameSamples = cav_frame_samples
    private static let frameOctets = cav_frame_octets

    init(isEncoder: Bool) throws(AudioCodecError) {
        guard let codec = cav_open(isEncoder ? 1 : 0) else {
            throw AudioCodecError(
                "G723", "it needs \(String(cString: cav_library())) with G.723.1: install FFmpeg, or do not offer it")
        }
        self.codec = codec
    }

    deinit { cav_close(self.codec) }

    func encode(_ samples: Span<Int16>, into payload: inout [UInt8]) -> EncodedFrame {
        guard samples.count == Self.frameSamples else { return .nothing }
        let start = payload.count
        payload.append(contentsOf: repeatElement(0, count: Self.frameOctets))
        let count = samples.withUnsafeBufferPointer { input in
            payload.withUnsafeMutableBufferPointer { output -> Int in
                guard let from = input.baseAddress, let to = output.baseAddress else { return 0 }
                return Int(cav_encode(self.codec, from, to + start))
            }
        }
        payload.removeLast(Self.frameOctets - Swift.max(0, count))
        return count > 0 ? .sound : .nothing
    }

    func decode(_ payload: Span<UInt8>, into samples: inout [Int16]) {
        var position = 0
        while position < payload.count {
            // The two lowest bits say which frame it is (RFC 3551 §4.5.3).
            let count = [24, 20, 4, 1][Int(payload[position] & 3)]
            guard position + count <= payload.count else { return }
            let start = samples.count
            samples.append(contentsOf: repeatElement(0, count: Self.frameSamples))
            let made = payload.extracting(position..<(position + count)).withUnsafeBufferPointer { input in
                samples.withUnsafeMutableBufferPointer { output -> Int in
                    guard let from = input.baseAddress, let to = output.baseAddress else { return 0 }
                    return Int(cav_decode(self.codec, from, Int32(count), to + start))
                }
            }
            samples.removeLast(Self.frameSamples - Swift.max(0, made))
            position += count
        }
    }
}
