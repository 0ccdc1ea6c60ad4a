import CallRouting
import SIPMessages

/// The forms that a text in the file can have.
enum TextForm: Sendable {
    /// Any text that is not empty.
    case any
    /// A host name or an IP address.
    case domain
    /// `udp:127.0.0.1:5060`
    case listener
    /// `127.0.0.1:8080`
    case endpoint
    /// `192.0.2.0/24`
    case block
    /// A status code or a class of them: `503`, `5xx`.
    case status
    /// A SIP, SIPS or tel URI.
    case uri
    /// Where a call goes: a URI, `trunk:NAME`, `service:NAME` or `user:NAME`.
    case destination
    /// A user part or URI with wildcards.
    case pattern
    /// Who calls: `anyone`, `users`, `user:NAME` or `trunk:NAME`.
    case callers
    /// A host name or address, with or without a port.
    case hostPort
    /// A preference from 0 to 1.
    case preference
    /// Pages from which browsers may connect.
    case origin
    /// A file, relative to the directory of the configuration file.
    case file
    /// A directory.
    case directory

    /// The form in words, as it follows "must be".
    var description: String {
        switch self {
        case .any: "a text"
        case .domain: "a host name or IP address"
        case .listener:
            "TRANSPORT:ADDRESS:PORT such as udp:127.0.0.1:5060 or tls:[::1]:5061, with the transport udp, tcp,"
                + " tls, ws or wss"
        case .endpoint: "HOST:PORT such as 127.0.0.1:8080"
        case .block: "an IP address or block such as 192.0.2.0/24"
        case .status: "a status code such as 503, or a class of them such as 5xx"
        case .uri: "a SIP, SIPS or tel URI such as sip:192.0.2.10"
        case .destination: "a URI such as sip:carol@biloxi.example, trunk:NAME, service:NAME or user:NAME"
        case .pattern:
            "a user part or a URI, in which ? stands for any character, * for any number of them, [2-9] for one of these"
                + " and {200-299} for a number"
        case .callers: "anyone, users, user:NAME or trunk:NAME"
        case .hostPort: "a host name or IP address, with or without a port, such as gateway.example:5080"
        case .preference: "a number from 0 to 1 with up to three decimals, such as 0.7"
        case .origin: "own, any or the origin of a page such as https://phone.example"
        case .file: "the path of a file"
        case .directory: "the path of a directory"
        }
    }

    /// Whether `text` has the form.
    func accepts(_ text: String) -> Bool {
        if text.isEmpty || text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) { return false }
        return switch self {
        case .any, .file, .directory: true
        case .domain: Self.isHost(text)
        case .listener: Listener(text) != nil
        case .endpoint: Endpoint(text) != nil
        case .block: AddressBlock(text) != nil
        case .status: StatusPattern(text) != nil
        case .uri: Self.isCallableURI(text)
        case .destination: Route.Destination(text) != nil
        case .pattern: RoutePattern(text) != nil
        case .callers: Route.CallerPattern(text) != nil
        case .hostPort: Self.isHostPort(text)
        case .preference: QValue(text) != nil
        case .origin: text == "own" || text == "any" || Self.isOrigin(text)
        }
    }

    /// Whether it is an IP address, or labels of letters, digits, hyphens and underscores (RFC 1123 §2.1).
    static func isHost(_ text: String) -> Bool {
        if IPAddress(text) != nil { return true }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard text.utf8.count <= 253, let last = labels.last?.utf8.first, !(0x30...0x39).contains(last) else {
            return false
        }
        return labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.utf8.first != 0x2D && label.utf8.last != 0x2D
                && label.utf8.allSatisfy { $0 < 0x80 && ($0.isAlpha || $0.isDigit || $0 == 0x2D || $0 == 0x5F) }
        }
    }

    static func isHostPort(_ text: String) -> Bool {
        let octets = Array("sip:\(text)".utf8)
        guard let uri = try? URIIndex(parsing: octets.span, in: 0..<octets.count) else { return false }
        return !uri.hasUser && uri.parameters.isEmpty && uri.headers.isEmpty
    }

    /// Scheme, host and port as browsers give them (RFC 6454 §7).
    static func isOrigin(_ text: String) -> Bool {
        for scheme in ["https://", "http://"] where text.hasPrefix(scheme) {
            return Self.isHostPort(String(text.dropFirst(scheme.count)))
        }
        return false
    }

    static func isCallableURI(_ text: String) -> Bool {
        let octets = Array(text.utf8)
        guard let uri = try? URIIndex(parsing: octets.span, in: 0..<octets.count) else { return false }
        return uri.scheme != .other
    }
}
