/// Where the parts of one Authentication-Info or Proxy-Authentication-Info value lie: RFC 3261 §20.6, RFC 7616 §3.5.
public struct AuthenticationInfoIndex: Hashable, Sendable {
    /// The number in `nc`; 0 when there is none.
    public var nonceCount: UInt32 = 0
    /// The nonce that the server wants the client to use from now on.
    public var nextNonce: OctetRange = .absent
    /// The quality of protection of the request's credentials.
    public var qop: OctetRange = .absent
    /// `rspauth`: the hexadecimal digits by which the server proves that it knows the user's secret.
    public var responseAuthentication: OctetRange = .absent
    /// The client's nonce of the request's credentials.
    public var cnonce: OctetRange = .absent
    /// The digits of `nc` as they stand.
    public var nc: OctetRange = .absent

    /// An index in which nothing is there.
    @inlinable
    public init() {}

    /// Reads the value that fills `range`.
    ///
    /// - Parameters:
    ///   - octets: The octets of the whole message, lent for the call.
    ///   - range: Where the value lies.
    ///   - field: The field that errors name.
    /// - Throws: `SIPParseError`.
    public init(
        parsing octets: Span<UInt8>, in range: Range<Int>, field: HeaderID = .authenticationInfo
    ) throws(SIPParseError) {
        var reader = FieldReader(octets, range, field: field)
        reader.skipWhitespace()
        repeat {
            try self.note(reader.authenticationParameter(), octets, field)
        } while try reader.skipCommaUnlessAtEnd()
    }

    private mutating func note(
        _ parameter: AuthenticationParameter, _ octets: Span<UInt8>, _ field: HeaderID
    ) throws(SIPParseError) {
        let name = parameter.name
        if octets.equals(name, ignoringCase: "rspauth") {
            try parameter.note(in: &self.responseAuthentication, .quotedString, field)
        } else if octets.equals(name, ignoringCase: "nextnonce") {
            try parameter.note(in: &self.nextNonce, .quotedString, field)
        } else if octets.equals(name, ignoringCase: "cnonce") {
            try parameter.note(in: &self.cnonce, .quotedString, field)
        } else if octets.equals(name, ignoringCase: "qop") {
            try parameter.note(in: &self.qop, .tokenOrQuotedString, field)
        } else if octets.equals(name, ignoringCase: "nc") {
            try parameter.note(in: &self.nc, .tokenOrQuotedString, field)
            guard let number = octets.nonceCount(parameter.value) else {
                throw SIPParseError(.malformed, in: field, at: parameter.value.lower)
            }
            self.nonceCount = number
        }
    }
}
