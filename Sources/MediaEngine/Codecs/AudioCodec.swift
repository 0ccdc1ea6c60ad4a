public import SDP

/// What an encoder has made of a frame.
public enum EncodedFrame: Hashable, Sendable {
    /// Speech.
    case sound
    /// A description of silence, with which a packet ends (RFC 3551 §4.5.6).
    case silence
    /// Nothing: the frame is not sent, and time goes on (RFC 3551 §4.1).
    case nothing
}

/// Turns the sound of one stream into payloads.
///
/// One stream owns it, and calls come one after the other.
public protocol AudioEncoder: AnyObject, Sendable {
    /// Appends the payload of a frame.
    ///
    /// - Parameter samples: A frame of the encoding; of one without frames, what a packet covers.
    func encode(_ samples: Span<Int16>, into payload: inout [UInt8]) -> EncodedFrame

    /// The peer, or the network, has lost so much of what was sent: an encoder may protect itself (RFC 7587 §3.3).
    func heard(lossPercent: Int)
}

extension AudioEncoder {
    /// Does nothing: most encodings cannot be protected.
    public func heard(lossPercent: Int) {}
}

/// Turns the payloads of one stream into sound.
///
/// One stream owns it, and calls come one after the other. Whatever a payload holds, it does not trap; what is broken is
/// left out.
public protocol AudioDecoder: AnyObject, Sendable {
    /// Whether a payload can be decoded out of turn, since none depends on those before it.
    var isStateless: Bool { get }

    /// Appends the samples of a payload.
    func decode(_ payload: Span<UInt8>, into samples: inout [Int16])

    /// Appends samples in place of a payload that is lost.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - following: The payload behind the lost one; empty where it has not come yet.
    /// - Returns: Whether the decoder can do that; if not, the sound is made up without it.
    func conceal(_ count: Int, following: Span<UInt8>, into samples: inout [Int16]) -> Bool

    /// Appends samples of a pause for which nothing is sent on purpose.
    ///
    /// - Returns: Whether the decoder knows how silence sounds.
    func rest(_ count: Int, into samples: inout [Int16]) -> Bool
}

extension AudioDecoder {
    /// Most payloads depend on those before them.
    public var isStateless: Bool { false }

    /// Most decoders cannot make up what is lost.
    public func conceal(_ count: Int, following: Span<UInt8>, into samples: inout [Int16]) -> Bool { false }

    /// Most encodings know no silence.
    public func rest(_ count: Int, into samples: inout [Int16]) -> Bool { false }
}

/// Why a codec cannot be used.
public struct AudioCodecError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The encoding.
    public var encoding: String
    /// What is wrong, and what to do about it.
    public var reason: String

    /// An error.
    public init(_ encoding: String, _ reason: String) { (self.encoding, self.reason) = (encoding, reason) }

    /// One line for people.
    public var description: String { "\(self.encoding): \(self.reason)" }
}

/// An encoding that we can use, as descriptions offer it: what makes its encoders and decoders.
public struct AudioCodec: Sendable {
    /// Makes an encoder.
    ///
    /// - Parameters:
    ///   - format: What the peer has said that it wants to receive.
    ///   - packetMilliseconds: What a packet will cover.
    public typealias EncoderMaker =
        @Sendable (_ format: MediaFormat, _ packetMilliseconds: Int) throws(AudioCodecError) -> any AudioEncoder
    /// Makes a decoder for what we have said that we receive.
    public typealias DecoderMaker = @Sendable (_ format: MediaFormat) throws(AudioCodecError) -> any AudioDecoder

    /// The encoding.
    public let encoding: AudioEncoding
    /// What our descriptions say of it, with the payload type that we would like.
    public var format: MediaFormat
    private let encoder: EncoderMaker
    private let decoder: DecoderMaker

    /// A codec.
    ///
    /// - Parameter parameters: The value of `a=fmtp` in our descriptions.
    public init(
        _ encoding: AudioEncoding, payloadType: UInt8, parameters: String? = nil, encoder: @escaping EncoderMaker,
        decoder: @escaping DecoderMaker
    ) {
        self.encoding = encoding
        self.format = MediaFormat(
            payloadType, encoding.name, encoding.clockRate, channels: encoding.channels, parameters: parameters)
        (self.encoder, self.decoder) = (encoder, decoder)
    }

    /// An encoder for a stream to a peer.
    public func makeEncoder(
        for format: MediaFormat? = nil, packetMilliseconds: Int? = nil
    ) throws(AudioCodecError) -> any AudioEncoder {
        try self.encoder(format ?? self.format, packetMilliseconds ?? self.encoding.packetMilliseconds())
    }

    /// A decoder for a stream from a peer.
    public func makeDecoder(for format: MediaFormat? = nil) throws(AudioCodecError) -> any AudioDecoder {
        try self.decoder(format ?? self.format)
    }
}

/// The codecs that a program has, in its order of preference.
public struct AudioCodecCatalogue: Sendable {
    /// The codecs.
    public var codecs: [AudioCodec]

    /// A catalogue.
    public init(_ codecs: [AudioCodec]) { self.codecs = codecs }

    /// The codecs that need no library: PCMU and PCMA, and L16 at 8 and 16 kHz.
    public static let builtIn = AudioCodecCatalogue([.pcmu, .pcma, .l16(sampleRate: 16_000), .l16(sampleRate: 8_000)])

    /// The codec of a format; `nil` when there is none.
    public func codec(for format: MediaFormat) -> AudioCodec? {
        self.codecs.first { $0.format.isSameEncoding(as: format) }
    }

    /// The codecs with these names, in their order; names of no codec are left out.
    public func limited(to names: [String]) -> AudioCodecCatalogue {
        AudioCodecCatalogue(
            names.flatMap { name in
                self.codecs.filter { $0.format.is(name) }
            })
    }

    /// The formats of a call's audio that they make.
    public var audioFormats: [AudioFormat] { self.codecs.map { AudioFormat($0) } }
}
