/// One `name=value` of a challenge, of credentials or of Authentication-Info, as it lies in the octets of a message.
struct AuthenticationParameter {
    var name: Range<Int>
    /// Without the quotes of a quoted string.
    var value: OctetRange
    var isQuoted: Bool

    /// How a value is written. The senders' rules of RFC 7616 §3.3-3.5 apply, with one leniency: peers in the field
    /// quote `algorithm`, `qop`, `nc` and `stale`, and no attack hangs on it.
    enum Form { case quotedString, tokenOrQuotedString }

    /// Notes the value in `place`, once (a second one could be read differently by another element on the path).
    func note(in place: inout OctetRange, _ form: Form, _ field: HeaderID) throws(SIPParseError) {
        guard !place.isPresent else { throw SIPParseError(.repeatedParameter, in: field, at: self.name.lowerBound) }
        if form == .quotedString, !self.isQuoted {
            throw SIPParseError(.quotedStringExpected, in: field, at: self.value.lower)
        }
        place = self.value
    }
}

extension SIPParseError.Code {
    /// A parameter that may stand only once stands twice.
    public static let repeatedParameter = Self("parameter may occur only once")
    /// A value that must be a quoted string is none.
    public static let quotedStringExpected = Self("quoted string expected")
}

extension OctetRange {
    /// Whether the range stands for something that is there, be it empty: it is not `absent`.
    @inlinable public var isPresent: Bool { self.end != 0 }
}

extension FieldReader {
    /// Reads `auth-param` (RFC 3261 §25.1).
    @_lifetime(self: copy self)
    mutating func authenticationParameter() throws(SIPParseError) -> AuthenticationParameter {
        let name = try self.token()
        guard self.skipSeparator(0x3D) else { throw self.error(.malformed) }
        let isQuoted = self.next == 0x22
        let value = try isQuoted ? self.quotedString() : self.token()
        return AuthenticationParameter(
            name: name, value: OctetRange(value.lowerBound, value.upperBound), isQuoted: isQuoted)
    }

    /// Reads `COMMA` before a further parameter.
    ///
    /// - Returns: false at the end of the value.
    @_lifetime(self: copy self)
    mutating func skipCommaUnlessAtEnd() throws(SIPParseError) -> Bool {
        if self.skipSeparator(0x2C) { return true }
        try self.expectEnd()
        return false
    }

    /// Reads `auth-scheme LWS`.
    @_lifetime(self: copy self)
    mutating func authenticationScheme() throws(SIPParseError) -> OctetRange {
        self.skipWhitespace()
        let scheme = try self.token()
        guard let next = self.next, next.isLinearWhitespace else { throw self.error(.malformed) }
        self.skipWhitespace()
        return OctetRange(scheme.lowerBound, scheme.upperBound)
    }
}

extension Span where Element == UInt8 {
    /// The number in the eight hexadecimal digits of an `nc-value` (RFC 3261 §25.1, RFC 7616 §3.4); `nil` for anything
    /// else.
    func nonceCount(_ range: OctetRange) -> UInt32? {
        guard range.count == 8 else { return nil }
        var number: UInt32 = 0
        for i in range.range {
            guard let digit = self[i].hexDigitValue else { return nil }
            number = number << 4 | UInt32(digit)
        }
        return number
    }
}
