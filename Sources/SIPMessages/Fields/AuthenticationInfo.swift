/// What a server says of an accepted authentication: Authentication-Info, Proxy-Authentication-Info (RFC 3261 §20.6,
/// RFC 7616 §3.5, RFC 7615).
public struct AuthenticationInfo: FieldValue {
    /// The parameters.
    public var parameters: AuthenticationParameters

    /// No parameters yet; a field has at least one.
    public init() { self.parameters = AuthenticationParameters(.information) }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        self.init()
        var reader = FieldReader(octets, value, field: field)
        reader.skipWhitespace()
        try self.parameters.read(&reader)
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) { self.parameters.write(to: &output) }

    /// The nonce for the next request.
    public var nextNonce: String? {
        get { self.parameters["nextnonce"] }
        set { self.parameters["nextnonce"] = newValue }
    }
    /// The server's proof that it knows the password.
    public var responseAuthentication: String? {
        get { self.parameters["rspauth"] }
        set { self.parameters["rspauth"] = newValue }
    }
    /// The quality of protection that was used.
    public var qop: String? {
        get { self.parameters["qop"] }
        set { self.parameters["qop"] = newValue }
    }
    /// The client's nonce of the request.
    public var cnonce: String? {
        get { self.parameters["cnonce"] }
        set { self.parameters["cnonce"] = newValue }
    }
    /// The nonce count, eight hexadecimal digits.
    public var nc: String? {
        get { self.parameters["nc"] }
        set { self.parameters["nc"] = newValue }
    }
}
