import RTP
import SIPMessages

/// Keys in the bodies of INFO: `application/dtmf-relay` and `application/dtmf`, as telephones have sent them since before
/// there were packages (RFC 6086 §1); and a whole number as `text/plain`, one that is nothing but keys.
enum KeyInformation {
    /// More keys than this in one request are no input of a person's.
    static let limit = 32

    /// The keys that a request tells; none when it tells something else.
    static func keys(_ request: SIPMessage) -> [Character] {
        guard let type = request.contentType else { return [] }
        let text = String(decoding: request.body, as: UTF8.self)
        switch "\(type.type)/\(type.subtype)".lowercased() {
        case "application/dtmf-relay":
            for line in text.split(whereSeparator: \.isNewline) {
                let parts = line.split(separator: "=", maxSplits: 1).map { $0.filter { !$0.isWhitespace } }
                guard parts.count == 2, parts[0].lowercased() == "signal" else { continue }
                return Self.key(parts[1]).map { [$0] } ?? []
            }
            return []
        case "application/dtmf": return Self.key(text.filter { !$0.isWhitespace }).map { [$0] } ?? []
        case "text/plain":
            let keys = text.filter { !$0.isWhitespace }.map { TelephoneEvent.code(of: $0).flatMap(TelephoneEvent.key) }
            return keys.count <= Self.limit && !keys.contains(nil) ? keys.compactMap(\.self) : []
        default: return []
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
