/// Where the parts of a URI lie in the octets of a message: RFC 3261 §19.1.1, RFC 3986 for other schemes.
///
/// It copies nothing and allocates nothing; `URI` is the owned form.
public struct URIIndex: Hashable, Sendable {
    /// What the URI begins with.
    public enum Scheme: UInt8, Hashable, Sendable { case sip, sips, tel, other }

    /// The scheme.
    public var scheme: Scheme
    /// Whether there is a user part, which may not be empty.
    public var hasUser = false
    /// Whether there is a password part; it may be empty.
    public var hasPassword = false
    /// The port; 0 when none is given.
    public var port: UInt16 = 0
    /// The whole URI.
    public var whole: OctetRange
    /// The user part with its escapes; for `tel`, the number.
    public var user: OctetRange = .absent
    /// The password with its escapes.
    public var password: OctetRange = .absent
    /// The host without the brackets of an IPv6 reference; for other schemes, all after the colon.
    public var host: OctetRange = .absent
    /// The parameters with the semicolon before the first.
    public var parameters: OctetRange = .absent
    /// The header fields in the URI, without the question mark.
    public var headers: OctetRange = .absent

    /// Finds the parts of the URI that fills `range`.
    ///
    /// - Throws: `SIPParseError` when it is no URI, or a SIP or SIPS URI with a part that its grammar forbids.
    public init(parsing octets: Span<UInt8>, in range: Range<Int>, field: HeaderID = .uri) throws(SIPParseError) {
        var reader = FieldReader(octets, range, field: field)
        self.whole = OctetRange(range.lowerBound, range.upperBound)
        let scheme = reader.span { $0.isAlpha || $0.isDigit || $0 == 0x2B || $0 == 0x2D || $0 == 0x2E }
        guard !scheme.isEmpty, octets[scheme.lowerBound].isAlpha, reader.skip(0x3A) else {
            throw SIPParseError(.malformedURI, in: field, at: range.lowerBound)
        }
        if octets.equals(scheme, ignoringCase: "sip") {
            self.scheme = .sip
        } else if octets.equals(scheme, ignoringCase: "sips") {
            self.scheme = .sips
        } else {
            self.scheme = octets.equals(scheme, ignoringCase: "tel") ? .tel : .other
            try self.parseOther(&reader)
            return
        }
        try self.parseUser(&reader)
        try self.parseHost(&reader)
        if reader.next == 0x3B {
            let start = reader.position
            try self.checkEscapes(&reader) { $0.belongs(to: .parameter) || $0 == 0x3B || $0 == 0x3D }
            self.parameters = OctetRange(start, reader.position)
        }
        if reader.skip(0x3F) {
            let start = reader.position
            try self.checkEscapes(&reader) {
                $0.belongs(to: .parameter) || $0 == 0x3D || $0 == 0x3F || $0 == 0x3B || $0 == 0x2C
                    || $0 == 0x40
            }
            self.headers = OctetRange(start, reader.position)
        }
        guard reader.isAtEnd else { throw reader.error(.malformedURI) }
    }

    /// Any other absolute URI is kept as it is; it only may not hold white space, quotes or angle brackets.
    private mutating func parseOther(_ reader: inout FieldReader) throws(SIPParseError) {
        let start = reader.position
        let rest = reader.span { $0 > 0x20 && $0 != 0x3C && $0 != 0x3E && $0 != 0x22 && $0 != 0x7F }
        guard reader.isAtEnd, !rest.isEmpty else { throw reader.error(.malformedURI) }
        self.host = OctetRange(start, rest.upperBound)
        if self.scheme == .tel {
            var end = start
            while end < rest.upperBound, reader.octets[end] != 0x3B { end += 1 }
            guard end > start else { throw reader.error(.malformedURI, at: start) }
            self.user = OctetRange(start, end)
            self.parameters = OctetRange(end, rest.upperBound)
        }
    }

    /// A user part ends at `@`; the characters that may stand in it include `;`, `?` and `/`, so it is found first.
    private mutating func parseUser(_ reader: inout FieldReader) throws(SIPParseError) {
        let start = reader.position
        guard reader.hasAt() else { return }
        _ = reader.span { !$0.belongs(to: .endOfUser) }
        let hasUser = reader.next == 0x40
        reader.position = start
        guard hasUser else { return }
        // `@` may also stand in the headers of a URI without user: `sip:host?to=a@b`; there `?` follows a bare host,
        // while in a user part both are allowed. The grammar is ambiguous and takes the longest user part.
        try self.checkEscapes(&reader) { $0.belongs(to: .user) }
        self.user = OctetRange(start, reader.position)
        self.hasUser = true
        guard !self.user.isEmpty else { throw reader.error(.malformedURI) }
        if reader.skip(0x3A) {
            let passwordStart = reader.position
            try self.checkEscapes(&reader) {
                $0.belongs(to: .unreserved) || $0 == 0x26 || $0 == 0x3D || $0 == 0x2B || $0 == 0x24
                    || $0 == 0x2C
            }
            self.password = OctetRange(passwordStart, reader.position)
            self.hasPassword = true
        }
        try reader.expect(0x40, .malformedURI)
    }

    private mutating func parseHost(_ reader: inout FieldReader) throws(SIPParseError) {
        (self.host, self.port) = try reader.hostPort()
    }

    /// Reads octets that are allowed, or `%` with two hexadecimal digits.
    @inline(__always)
    private func checkEscapes(
        _ reader: inout FieldReader, _ isAllowed: (UInt8) -> Bool
    ) throws(SIPParseError) {
        while let octet = reader.next {
            if octet == 0x25 {
                guard reader.position &+ 2 < reader.end, reader.octets[reader.position &+ 1].isHexDigit,
                    reader.octets[reader.position &+ 2].isHexDigit
                else { throw reader.error(.malformedEscape) }
                reader.position &+= 3
            } else if isAllowed(octet) {
                reader.position &+= 1
            } else {
                return
            }
        }
    }

    /// The value of a URI parameter: `nil` when it is not there, an empty range when it has no value.
    public func parameter(_ name: StaticString, in octets: Span<UInt8>) -> OctetRange? {
        var position = self.parameters.lower
        while position < self.parameters.upper {
            let start = position &+ 1
            var end = start
            var equals = -1
            while end < self.parameters.upper, octets[end] != 0x3B {
                if octets[end] == 0x3D, equals < 0 { equals = end }
                end &+= 1
            }
            let nameEnd = equals < 0 ? end : equals
            if octets.equals(start..<nameEnd, ignoringCase: name) {
                return equals < 0 ? OctetRange(end, end) : OctetRange(equals &+ 1, end)
            }
            position = end
        }
        return nil
    }

    /// The IP address of the host, when it is one.
    public func hostAddress(in octets: Span<UInt8>) -> IPAddress? {
        // A host name ends in a letter (`toplabel`), an address in a digit, or in hexadecimal within brackets.
        guard !self.host.isEmpty else { return nil }
        return IPAddress(octets, self.host.range)
    }
}

extension FieldReader {
    /// Whether there is an `@` at or after `position`: looks at eight octets at a time.
    @inline(__always)
    fileprivate func hasAt() -> Bool {
        var position = self.position
        while position &+ 8 <= self.end {
            let word = self.octets.littleEndianWord(at: position) ^ 0x4040_4040_4040_4040
            // An octet that was equal is zero now; which one it was does not matter.
            if (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080 != 0 { return true }
            position &+= 8
        }
        while position < self.end {
            if self.octets[position] == 0x40 { return true }
            position &+= 1
        }
        return false
    }

    /// Reads `host [ ":" port ]` (RFC 3261 §25.1); the range is without brackets, the port 0 when not given.
    @_lifetime(self: copy self)
    mutating func hostPort() throws(SIPParseError) -> (OctetRange, UInt16) {
        let host = try self.host()
        return (host, self.skip(0x3A) ? try self.portNumber() : 0)
    }

    /// Reads a `host` (RFC 3261 §25.1); the range is without brackets.
    @_lifetime(self: copy self)
    mutating func host() throws(SIPParseError) -> OctetRange {
        if self.skip(0x5B) {
            let inside = self.span { $0.isHexDigit || $0 == 0x3A || $0 == 0x2E }
            guard self.skip(0x5D) else { throw self.error(.unterminatedBracket) }
            guard IPAddress(self.octets, inside)?.isIPv6 == true else {
                throw self.error(.malformedHost, at: inside.lowerBound)
            }
            return OctetRange(inside.lowerBound, inside.upperBound)
        }
        let name = self.span { $0.belongs(to: .hostName) }
        guard !name.isEmpty, self.octets[name.lowerBound] != 0x2E, self.octets[name.lowerBound] != 0x2D else {
            throw self.error(.malformedHost, at: name.lowerBound)
        }
        return OctetRange(name.lowerBound, name.upperBound)
    }

    /// Reads a port, 1-65535.
    @_lifetime(self: copy self)
    mutating func portNumber() throws(SIPParseError) -> UInt16 {
        let start = self.position
        var number: UInt32 = 0
        while self.position < self.end, let digit = self.octets[self.position].decimalDigitValue {
            number = number &* 10 &+ UInt32(digit)
            guard number <= 65_535 else { throw self.error(.malformedPort, at: start) }
            self.position &+= 1
        }
        guard number > 0 else { throw self.error(.malformedPort, at: start) }
        return UInt16(number)
    }
}
