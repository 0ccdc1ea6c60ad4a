import SIPMessages

/// What a UAC changes in a request that was refused for its form, each kind of refusal once (RFC 3261 §8.1.3.5).
///
///     413   the same without body
///     415   without the body, when the server does not take its type; without Content-Encoding
///     416   with a SIP URI, where the telephone number is in a tel URI
///     420   without the extensions that are not supported; but what is to take the place of another call, or to be
///           mixed into one, is no call of its own (RFC 5589 §7.3)
struct RequestRepairs {
    /// Whether the body is left out.
    private(set) var hasNoBody = false
    private var withoutEncoding = false
    private var unsupported: [Token] = []
    private var tried: Set<UInt16> = []

    /// Finds what could make the request acceptable.
    ///
    /// - Parameter mayDropBody: Whether the request means the same without its body.
    /// - Returns: the address to send it to, `current` as a rule; `nil` when nothing can be done.
    mutating func repair(
        _ status: StatusCode, _ response: SIPMessage, of request: SIPMessage, current: URI, mayDropBody: Bool
    ) -> URI? {
        guard self.tried.insert(status.number).inserted else { return nil }
        switch status.number {
        case 413: return self.dropBody(of: request, mayDropBody) ? current : nil
        case 415:
            if request.has(.contentEncoding), !self.withoutEncoding {
                self.withoutEncoding = true
                return current
            }
            return self.dropBody(of: request, mayDropBody) ? current : nil
        case 416: return current.tel.flatMap { Self.sipURI($0, near: request) }
        case 420:
            let unsupported = response.all(.unsupported)
            guard !unsupported.contains("replaces"), !unsupported.contains("join") else { return nil }
            let asked = request.all(.require) + request.all(.proxyRequire)
            self.unsupported = unsupported.filter { asked.contains($0) }
            return self.unsupported.isEmpty ? nil : current
        default: return nil
        }
    }

    /// Changes the request.
    func apply(to builder: inout MessageBuilder) {
        if self.withoutEncoding { builder.remove(.contentEncoding) }
        guard !self.unsupported.isEmpty, let message = try? builder.message() else { return }
        for key in [FieldKey<Token>.require, .proxyRequire] {
            let kept = message.all(key).filter { !self.unsupported.contains($0) }
            builder.remove(key.id)
            builder.add(key, kept)
        }
    }

    private mutating func dropBody(of request: SIPMessage, _ mayDropBody: Bool) -> Bool {
        guard mayDropBody, !request.body.isEmpty else { return false }
        self.hasNoBody = true
        return true
    }

    /// The number as the user part of a SIP URI in the caller's domain (RFC 3261 §19.1.6).
    private static func sipURI(_ tel: TelURI, near request: SIPMessage) -> URI? {
        guard let host = request.first(.from)?.uri.sip?.host else { return nil }
        var text: [UInt8] = []
        URI.tel(tel).write(to: &text)
        let user = String(decoding: text.dropFirst("tel:".utf8.count), as: UTF8.self)
        var uri = SIPURI(user: user, host: host)
        uri.parameters["user"] = "phone"
        return .sip(uri)
    }
}
