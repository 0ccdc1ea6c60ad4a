/// Credentials: Authorization, Proxy-Authorization (RFC 3261 §20.7, §20.28, RFC 7616 §3.4, RFC 8898).
public struct Credentials: FieldValue {
    /// `Digest`, `Bearer` or another, as written.
    public var scheme: String
    /// The one value of a scheme without parameters, such as a bearer's token.
    public var token68: String?
    /// The parameters.
    public var parameters: AuthenticationParameters

    /// Credentials without parameters yet.
    public init(scheme: String, token68: String? = nil) {
        (self.scheme, self.token68) = (scheme, token68)
        self.parameters = AuthenticationParameters(.credentials)
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        let parsed = try AuthenticationScheme(octets, value, .credentials, field)
        (self.scheme, self.token68, self.parameters) = (parsed.name, parsed.token68, parsed.parameters)
    }

    /// Where the list element that begins at `start` ends.
    public static func endOfElement(_ octets: Span<UInt8>, from start: Int, to end: Int) -> Int {
        octets.endOfAuthenticationElement(from: start, to: end)
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append(text: self.scheme)
        guard self.token68 != nil || !self.parameters.isEmpty else { return }
        output.append(0x20)
        if let token68 { output.append(text: token68) } else { self.parameters.write(to: &output) }
    }

    /// Whether the scheme is Digest.
    public var isDigest: Bool { self.scheme.equals(ignoringCase: "Digest") }
    /// The name of the user, or its hash where `userhash` is true (RFC 7616 §3.4.4).
    public var username: String? { self.parameters["username"] }
    /// The realm of the challenge.
    public var realm: String? { self.parameters["realm"] }
    /// The nonce of the challenge.
    public var nonce: String? { self.parameters["nonce"] }
    /// The `uri` as it was hashed.
    public var uri: String? { self.parameters["uri"] }
    /// The proof of the password, in hexadecimal digits.
    public var response: String? { self.parameters["response"] }
    /// `MD5` where none is given.
    public var algorithm: String? { self.parameters["algorithm"] }
    /// The client's own nonce.
    public var cnonce: String? { self.parameters["cnonce"] }
    /// What the challenge said to send back.
    public var opaque: String? { self.parameters["opaque"] }
    /// The quality of protection: `auth` or `auth-int`.
    public var qop: String? { self.parameters["qop"] }
    /// The nonce count: eight hexadecimal digits; `nil` where it is absent or malformed.
    public var nonceCount: UInt32? {
        guard let text = self.parameters["nc"], text.utf8.count == 8, text.utf8.allSatisfy({ $0.isHexDigit }) else {
            return nil
        }
        return UInt32(text, radix: 16)
    }
}
