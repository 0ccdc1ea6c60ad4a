import SIPMessages

/// Whether two formats of one encoding can be used together, and what an answer says of it.
///
/// What `a=fmtp` means differs by encoding (RFC 3264 §6.1): some parameters are part of the format and must be equal,
/// some are agreed on, the others each side says for itself.
enum FormatAgreement {
    /// The format of an answer to an offered one.
    ///
    /// - Parameter own: What we can do, with our own parameters.
    /// - Returns: Our format with the payload type of the offer (RFC 3264 §6.1); `nil` when the two do not fit.
    static func answer(to offered: MediaFormat, own: MediaFormat) -> MediaFormat? {
        guard offered.isSameEncoding(as: own), self.hasEqualConfiguration(offered, own) else { return nil }
        var answer = MediaFormat(offered.map, parameters: own.parameters)
        if offered.isTelephoneEvent {
            let events = TelephoneEventSet(of: offered).intersection(TelephoneEventSet(of: own))
            guard !events.isEmpty else { return nil }
            if offered.parameters != nil || own.parameters != nil { answer.parameters = events.description }
        } else if let silence = self.silenceParameter(of: offered) {
            // Annex B of G.729 and annex A of G.723.1 are used where both have them, and taken as there when nothing
            // is said (RFC 4856 §2.1.9, §2.1.6; RFC 7261 §3).
            let values = [offered.parameter(silence), own.parameter(silence)]
            if values.contains(where: { $0?.equals(ignoringCase: "no") == true }) {
                answer.parameters = answer.parameters(setting: silence, to: "no")
            }
        } else if offered.is("iLBC"), offered.parameters != nil || own.parameters != nil {
            // The longer frame is used (RFC 3952 §5); 30 ms where nothing is said.
            let isShort = offered.parameter("mode") == "20" && own.parameter("mode") == "20"
            answer.parameters = answer.parameters(setting: "mode", to: isShort ? "20" : "30")
        }
        return answer
    }

    /// Whether an answered format can be what was offered.
    static func isAnswer(_ answered: MediaFormat, to offered: MediaFormat) -> Bool {
        answered.isSameEncoding(as: offered) && self.hasEqualConfiguration(answered, offered)
    }

    private static func silenceParameter(of format: MediaFormat) -> String? {
        format.is("G729") ? "annexb" : format.is("G723") ? "annexa" : nil
    }

    /// The parameters that are part of the format, with what they are when they are not said.
    private static func configuration(of format: MediaFormat) -> [(name: String, otherwise: String)] {
        if format.is("AMR") || format.is("AMR-WB") {  // RFC 4867 §8.3.1
            return [("octet-align", "0"), ("crc", "0"), ("robust-sorting", "0"), ("interleaving", "")]
        }
        if format.is("G7221") { return [("bitrate", "")] }  // RFC 5577 §5.1
        if format.is("H264") { return [("packetization-mode", "0")] }  // RFC 6184 §8.2.2
        return []
    }

    private static func hasEqualConfiguration(_ left: MediaFormat, _ right: MediaFormat) -> Bool {
        for (name, otherwise) in self.configuration(of: left)
        where (left.parameter(name) ?? otherwise) != (right.parameter(name) ?? otherwise) { return false }
        guard left.is("H264") else { return true }
        // The profile is part of the format, the level is not (RFC 6184 §8.2.2); the default is Baseline.
        func profile(_ format: MediaFormat) -> String {
            String((format.parameter("profile-level-id") ?? "420010").lowercased().prefix(4))
        }
        return profile(left) == profile(right)
    }
}
