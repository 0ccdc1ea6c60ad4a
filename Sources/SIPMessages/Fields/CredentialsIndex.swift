/// Where the parts of one Authorization or Proxy-Authorization value lie: RFC 3261 §20.7, RFC 7616 §3.4, RFC 8760 §2.
///
/// It is plain data and reading it allocates nothing. A value lies without its quotes and with its escapes as they
/// came. A range that is not `isPresent` stands for a parameter that is not there; a UA that has not been challenged
/// yet may send empty ones (RFC 8760 §2.7).
public struct CredentialsIndex: Hashable, Sendable {
    /// Whether the scheme is `Digest`. Of any other scheme nothing but its name is read.
    public var isDigest = false
    /// Whether `userhash=true`: the user name is a hash (RFC 7616 §3.4.4).
    public var isUsernameHashed = false
    /// The number in `nc`; 0 when there is none.
    public var nonceCount: UInt32 = 0
    /// The name of the scheme.
    public var scheme: OctetRange = .absent
    /// The user name in the realm, or its hash when `isUsernameHashed`.
    public var username: OctetRange = .absent
    /// `username*`, in the extended notation of RFC 5987; it stands in place of `username`.
    public var extendedUsername: OctetRange = .absent
    /// The realm, which must be one of ours for the credentials to concern us.
    public var realm: OctetRange = .absent
    /// The nonce of the challenge that is answered.
    public var nonce: OctetRange = .absent
    /// `uri`: what the client took for the Request-URI. It need not be the one that arrived (RFC 8760 §2.6, item 6).
    public var uri: OctetRange = .absent
    /// The hexadecimal digits that prove knowledge of the password.
    public var response: OctetRange = .absent
    /// Not there means MD5 (RFC 7616 §3.3).
    public var algorithm: OctetRange = .absent
    /// The client's nonce.
    public var cnonce: OctetRange = .absent
    /// The digits of `nc` as they stand, which the response covers.
    public var nc: OctetRange = .absent
    /// Not there: the peer is of RFC 2069, or does not know better (RFC 3261 §22.4, item 8).
    public var qop: OctetRange = .absent
    /// What the challenge held as `opaque`.
    public var opaque: OctetRange = .absent

    /// An index in which nothing is there.
    @inlinable
    public init() {}

    /// Reads the value that fills `range`.
    ///
    /// - Parameters:
    ///   - octets: The octets of the whole message, lent for the call.
    ///   - range: Where the value lies.
    ///   - field: The field that errors name: `authorization` or `proxyAuthorization`.
    /// - Throws: `SIPParseError`, also for digest credentials without a parameter that they must have; the answer to
    ///   that is 400 (RFC 7616 §3.4).
    public init(
        parsing octets: Span<UInt8>, in range: Range<Int>, field: HeaderID = .authorization
    ) throws(SIPParseError) {
        var reader = FieldReader(octets, range, field: field)
        self.scheme = try reader.authenticationScheme()
        self.isDigest = octets.equals(self.scheme.range, ignoringCase: "Digest")
        guard self.isDigest else { return }
        repeat {
            try self.note(reader.authenticationParameter(), octets, field)
        } while try reader.skipCommaUnlessAtEnd()
        try self.checkComplete(reader)
    }

    private mutating func note(
        _ parameter: AuthenticationParameter, _ octets: Span<UInt8>, _ field: HeaderID
    ) throws(SIPParseError) {
        let name = parameter.name
        switch name.count {
        case 2 where octets.equals(name, ignoringCase: "nc"):
            try parameter.note(in: &self.nc, .tokenOrQuotedString, field)
            guard let number = octets.nonceCount(parameter.value) else {
                throw SIPParseError(.malformed, in: field, at: parameter.value.lower)
            }
            self.nonceCount = number
        case 3 where octets.equals(name, ignoringCase: "uri"):
            try parameter.note(in: &self.uri, .quotedString, field)
        case 3 where octets.equals(name, ignoringCase: "qop"):
            try parameter.note(in: &self.qop, .tokenOrQuotedString, field)
        case 5 where octets.equals(name, ignoringCase: "realm"):
            try parameter.note(in: &self.realm, .quotedString, field)
        case 5 where octets.equals(name, ignoringCase: "nonce"):
            try parameter.note(in: &self.nonce, .quotedString, field)
        case 6 where octets.equals(name, ignoringCase: "cnonce"):
            try parameter.note(in: &self.cnonce, .quotedString, field)
        case 6 where octets.equals(name, ignoringCase: "opaque"):
            try parameter.note(in: &self.opaque, .quotedString, field)
        case 8 where octets.equals(name, ignoringCase: "username"):
            try parameter.note(in: &self.username, .quotedString, field)
        case 8 where octets.equals(name, ignoringCase: "response"):
            try parameter.note(in: &self.response, .quotedString, field)
        case 8 where octets.equals(name, ignoringCase: "userhash"):
            self.isUsernameHashed = octets.equals(parameter.value.range, ignoringCase: "true")
        case 9 where octets.equals(name, ignoringCase: "algorithm"):
            try parameter.note(in: &self.algorithm, .tokenOrQuotedString, field)
        case 9 where octets.equals(name, ignoringCase: "username*"):
            try parameter.note(in: &self.extendedUsername, .tokenOrQuotedString, field)
        default:
            break  // auth-param: RFC 3261 §25.1 lets anything stand here, to be ignored.
        }
    }

    private func checkComplete(_ reader: borrowing FieldReader) throws(SIPParseError) {
        // RFC 7616 §3.4: both forms of the user name together are an error.
        guard self.username.isPresent != self.extendedUsername.isPresent, self.realm.isPresent, self.nonce.isPresent,
            self.uri.isPresent, self.response.isPresent
        else { throw reader.error(.missing) }
        // RFC 2617 §3.2.2: with a qop both must be there, without one neither; the latter is not worth a refusal.
        if self.qop.isPresent, !self.qop.isEmpty {
            guard self.cnonce.isPresent, self.nc.isPresent else { throw reader.error(.missing) }
        }
    }
}
