/// Where the parts of one WWW-Authenticate or Proxy-Authenticate value lie: RFC 3261 §20.27 and §20.44, RFC 7616 §3.3.
///
/// A value lies without its quotes and with its escapes as they came; a range that is not `isPresent` stands for a
/// parameter that is not there.
public struct ChallengeIndex: Hashable, Sendable {
    /// Whether the scheme is `Digest`. Of any other scheme nothing but its name is read.
    public var isDigest = false
    /// Whether `stale=true`: the credentials were right and only their nonce was too old.
    public var isStale = false
    /// Whether `userhash=true`: the server understands hashed user names (RFC 7616 §3.4.4).
    public var acceptsHashedUsername = false
    /// The name of the scheme.
    public var scheme: OctetRange = .absent
    /// The realm for which a user name and a password are needed.
    public var realm: OctetRange = .absent
    /// The nonce that the response must cover.
    public var nonce: OctetRange = .absent
    /// Not there means MD5 (RFC 7616 §3.3).
    public var algorithm: OctetRange = .absent
    /// The comma-separated list of what the server supports.
    public var qop: OctetRange = .absent
    /// What the credentials must hold as `opaque`.
    public var opaque: OctetRange = .absent
    /// The space-separated URIs for which the credentials hold.
    public var domain: OctetRange = .absent

    /// An index in which nothing is there.
    @inlinable
    public init() {}

    /// Reads the value that fills `range`.
    ///
    /// - Parameters:
    ///   - octets: The octets of the whole message, lent for the call.
    ///   - range: Where the value lies.
    ///   - field: The field that errors name: `wwwAuthenticate` or `proxyAuthenticate`.
    /// - Throws: `SIPParseError`, also for a digest challenge without realm or nonce.
    public init(
        parsing octets: Span<UInt8>, in range: Range<Int>, field: HeaderID = .wwwAuthenticate
    ) throws(SIPParseError) {
        var reader = FieldReader(octets, range, field: field)
        self.scheme = try reader.authenticationScheme()
        self.isDigest = octets.equals(self.scheme.range, ignoringCase: "Digest")
        guard self.isDigest else { return }
        repeat {
            try self.note(reader.authenticationParameter(), octets, field)
        } while try reader.skipCommaUnlessAtEnd()
        guard self.realm.isPresent, self.nonce.isPresent else { throw reader.error(.missing) }
    }

    private mutating func note(
        _ parameter: AuthenticationParameter, _ octets: Span<UInt8>, _ field: HeaderID
    ) throws(SIPParseError) {
        let name = parameter.name
        if octets.equals(name, ignoringCase: "realm") {
            try parameter.note(in: &self.realm, .quotedString, field)
        } else if octets.equals(name, ignoringCase: "nonce") {
            try parameter.note(in: &self.nonce, .quotedString, field)
        } else if octets.equals(name, ignoringCase: "algorithm") {
            try parameter.note(in: &self.algorithm, .tokenOrQuotedString, field)
        } else if octets.equals(name, ignoringCase: "qop") {
            try parameter.note(in: &self.qop, .tokenOrQuotedString, field)
        } else if octets.equals(name, ignoringCase: "opaque") {
            try parameter.note(in: &self.opaque, .quotedString, field)
        } else if octets.equals(name, ignoringCase: "domain") {
            try parameter.note(in: &self.domain, .quotedString, field)
        } else if octets.equals(name, ignoringCase: "stale") {
            self.isStale = octets.equals(parameter.value.range, ignoringCase: "true")
        } else if octets.equals(name, ignoringCase: "userhash") {
            self.acceptsHashedUsername = octets.equals(parameter.value.range, ignoringCase: "true")
        }
    }
}
