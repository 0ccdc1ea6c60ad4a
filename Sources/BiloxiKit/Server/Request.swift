public import SIPMessages

/// A request outside of dialogs that came to a ``SIPServer``.
public struct Request: Hashable, Sendable {
    /// INVITE, MESSAGE, …
    public let method: String
    /// Whom it is for: the Request-URI.
    public let uri: Address
    /// Who has sent it, by its own word.
    public let from: Address
    /// Who has sent it, as he has proved with his password: `alice@example.test`; `nil` for who is no user.
    public let authenticatedUser: String?
    /// Where it came from: `udp:192.0.2.7:5060`.
    public let source: String
    /// The whole request, with its typed fields.
    public let message: SIPMessage

    /// The address of someone.
    public struct Address: Hashable, Sendable, CustomStringConvertible {
        /// The user part, escapes undone; `nil` without one.
        public let user: String?
        /// The domain, or the IP address.
        public let host: String
        /// The whole URI: `sip:bob@example.test`.
        public let description: String

        init(_ uri: URI) {
            self.user = uri.sip?.user
            self.host = uri.sip.map { "\($0.host)" } ?? ""
            self.description = uri.description
        }
    }

    /// - Returns: `nil` when it is not a whole request.
    init?(_ octets: [UInt8], from source: Flow, user: [UInt8]) {
        guard let message = try? SIPMessage(parsing: octets), let method = message.method,
            let uri = message.requestURI, let from = message.first(.from)
        else { return nil }
        self.method = method.name
        self.uri = Address(uri)
        self.from = Address(from.uri)
        self.authenticatedUser = user.isEmpty ? nil : String(decoding: user, as: UTF8.self)
        self.source = "\(source.transport):\(source.remote)"
        self.message = message
    }

    /// The values of a header field, one for each line, by its name in any case.
    public func values(of name: String) -> [String] { self.message.values(of: name) }
}
