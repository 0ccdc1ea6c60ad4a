/// A challenge for credentials: WWW-Authenticate, Proxy-Authenticate (RFC 3261 §20.27, §20.44, RFC 7616 §3.3, RFC
/// 8760).
public struct Challenge: FieldValue {
    /// `Digest`, `Bearer` or another, as written.
    public var scheme: String
    /// The one value of a scheme without parameters.
    public var token68: String?
    /// The parameters.
    public var parameters: AuthenticationParameters

    /// A challenge without parameters yet.
    public init(scheme: String) {
        self.scheme = scheme
        self.parameters = AuthenticationParameters(.challenge)
    }

    /// A digest challenge; without `qop` it is one of RFC 2069.
    public init(
        realm: String, nonce: String, algorithm: String? = nil, qop: [String] = ["auth"], opaque: String? = nil,
        isStale: Bool = false
    ) {
        self.init(scheme: "Digest")
        self.parameters["realm"] = realm
        self.parameters["nonce"] = nonce
        self.parameters["algorithm"] = algorithm
        self.parameters["qop"] = qop.isEmpty ? nil : qop.joined(separator: ",")
        self.parameters["opaque"] = opaque
        if isStale { self.parameters["stale"] = "true" }
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        let parsed = try AuthenticationScheme(octets, value, .challenge, field)
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
    /// The realm, for the user to know which password is asked for.
    public var realm: String? { self.parameters["realm"] }
    /// The server's nonce.
    public var nonce: String? { self.parameters["nonce"] }
    /// What is to be sent back unchanged.
    public var opaque: String? { self.parameters["opaque"] }
    /// `MD5` where none is given (RFC 3261 §22.4).
    public var algorithm: String? { self.parameters["algorithm"] }
    /// Whether only the nonce was too old, and the password need not be asked for again.
    public var isStale: Bool { self.parameters["stale"]?.equals(ignoringCase: "true") ?? false }
    /// The qualities of protection offered: `auth`, `auth-int`.
    public var qop: [String] {
        (self.parameters["qop"] ?? "").split { $0 == "," || $0 == " " || $0 == "\t" }.map { String($0) }
    }
}
