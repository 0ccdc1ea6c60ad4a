import RTP
import SIPMessages

/// Keys in the bodies of INFO: `application/dtmf-relay` and `application/dtmf`, as telephones have sent them since before
/// there were packages (RFC 6086 §1).
enum KeyInformation {
    /// The key that a request tells; `nil` when it tells none.
    static func key(_ request: SIPMessage) -> Character? {
        guard let type = request.contentType, type.type.lowercased() == "application" else { return nil }
        let text = String(decoding: request.body, as: UTF8.self)
        switch type.subtype.lowercased() {
        case "dtmf-relay":
            for line in text.split(whereSeparator: \.isNewline) {
                let parts = line.split(separator: "=", maxSplits: 1).map { $0.filter { !$0.isWhitespace } }
                guard parts.count == 2, parts[0].lowercased() == "signal" else { continue }
                return Self.key(parts[1])
            }
            return nil
        case "dtmf": return Self.key(text.filter { !$0.isWhitespace })
        default: return nil
        }
    }

    /// A key by its character, or by the number of its event: 10 is the star (RFC 4733 §3.2).
    private static func key(_ text: String) -> Character? {
        if text.count == 1, let character = text.first, let code = TelephoneEvent.code(of: character) {
            return TelephoneEvent.key(of: code)
        }
        return UInt8(text).flatMap { TelephoneEvent.key(of: $0) }
    }
}
