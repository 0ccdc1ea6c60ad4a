public import MediaEngine

extension AudioCodecCatalogue {
    /// All codecs that this system has, the better sounding ones first.
    public static let all = AudioCodecCatalogue(
        [.opus(), .g722, .pcmu, .pcma, .g729()] + (AudioCodec.hasG7231 ? [.g7231] : [])
            + AudioCodecCatalogue.builtIn.limited(to: ["L16"]).codecs)
}
