public import MediaEngine

extension AudioCodecCatalogue {
    /// All codecs that this system has, the better sounding ones first. G.729 is without annex B, whose silence may make
    /// two packets in the time of one, of which the audio of a call sends one.
    public static let all = AudioCodecCatalogue(
        [.opus(), .g722, .pcmu, .pcma] + (AudioCodec.hasG729 ? [.g729(hasSilence: false)] : [])
            + (AudioCodec.hasG7231 ? [.g7231] : []) + AudioCodecCatalogue.builtIn.limited(to: ["L16"]).codecs)
}
