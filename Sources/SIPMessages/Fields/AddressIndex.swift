/// Where the parts of a `name-addr` or `addr-spec` with parameters lie: one value of From, To, Contact, Route,
/// Record-Route, Path, Refer-To and their like (RFC 3261 §20.10, RFC 8217).
public struct AddressIndex: Hashable, Sendable {
    /// The display name without quotes, escapes as they came; absent when there is none.
    public var displayName: OctetRange = .absent
    /// Whether the display name is a quoted string.
    public var isQuoted = false
    /// Whether the URI stands in angle brackets.
    public var hasBrackets = false
    /// The URI without angle brackets.
    public var uri: OctetRange = .absent
    /// The header parameters with the semicolon before the first; empty when there are none.
    public var parameters: OctetRange = .absent
    /// The `tag` parameter; absent when there is none.
    public var tag: OctetRange = .absent
    /// The whole value.
    public var whole: OctetRange = .absent

    /// Reads one value; it ends at `range.upperBound` or before a comma outside quotes and brackets.
    ///
    /// - Returns: where the next value begins, or `nil` after the last.
    /// - Throws: `SIPParseError`.
    public static func parse(
        _ octets: Span<UInt8>, in range: Range<Int>, field: HeaderID, into address: inout AddressIndex
    ) throws(SIPParseError) -> Int? {
        var reader = FieldReader(octets, range, field: field)
        try address.read(&reader)
        reader.skipWhitespace()
        if reader.isAtEnd { return nil }
        guard reader.skip(0x2C) else { throw reader.error(.trailingOctets) }
        reader.skipWhitespace()
        guard !reader.isAtEnd else { throw reader.error(.empty) }
        return reader.position
    }

    /// Reads the only value in `range`.
    ///
    /// - Throws: `SIPParseError`, also when there is more than one.
    public init(parsing octets: Span<UInt8>, in range: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, range, field: field)
        self.init()
        try self.read(&reader)
        try reader.expectEnd()
    }

    /// An index of no address, for `parse` to fill.
    @inlinable
    public init() {}

    private mutating func read(_ reader: inout FieldReader) throws(SIPParseError) {
        self = AddressIndex()
        reader.skipWhitespace()
        let start = reader.position
        if reader.next == 0x22 {
            let name = try reader.quotedString()
            self.displayName = OctetRange(name.lowerBound, name.upperBound)
            self.isQuoted = true
            reader.skipWhitespace()
            try reader.expect(0x3C, .nameAddrRequired)
            try self.readBracketed(&reader)
        } else {
            // Tokens before `<` are a display name; RFC 4475 §3.1.1.6 lets the space between them and `<` be missing.
            let words = reader.span { $0.isToken || $0.isLinearWhitespace || $0 >= 0x80 }
            if reader.next == 0x3C {
                var end = words.upperBound
                while end > words.lowerBound, reader.octets[end &- 1].isLinearWhitespace { end &-= 1 }
                if end > words.lowerBound { self.displayName = OctetRange(words.lowerBound, end) }
                reader.position &+= 1
                try self.readBracketed(&reader)
            } else {
                reader.position = start
                try self.readBare(&reader)
            }
        }
        let parametersStart = reader.position
        while let parameter = try reader.parameter() {
            if reader.octets.equals(parameter.name.range, ignoringCase: "tag") {
                guard self.tag.isEmpty, let value = parameter.value, !value.isEmpty else {
                    throw reader.error(.malformed, at: parameter.name.lower)
                }
                self.tag = value
            }
        }
        self.parameters = OctetRange(parametersStart, reader.position)
        self.whole = OctetRange(start, reader.position)
    }

    private mutating func readBracketed(_ reader: inout FieldReader) throws(SIPParseError) {
        self.hasBrackets = true
        let open = reader.position
        let uri = reader.spanInBrackets()
        guard reader.next == 0x3E else {
            throw reader.isAtEnd ? reader.error(.unterminatedBracket, at: open) : reader.error(.malformedURI)
        }
        guard !uri.isEmpty else { throw reader.error(.malformedURI) }
        reader.position &+= 1
        self.uri = OctetRange(uri.lowerBound, uri.upperBound)
    }

    /// Without brackets every parameter belongs to the field, and a URI may hold no comma, question mark or semicolon
    /// (RFC 3261 §20, RFC 8217).
    private mutating func readBare(_ reader: inout FieldReader) throws(SIPParseError) {
        let start = reader.position
        let uri = reader.span {
            $0 > 0x20 && $0 != 0x3B && $0 != 0x2C && $0 != 0x3F && $0 != 0x3C && $0 != 0x3E && $0 != 0x22
        }
        if reader.next == 0x3F { throw reader.error(.nameAddrRequired) }
        guard !uri.isEmpty else { throw reader.error(.malformedURI, at: start) }
        self.uri = OctetRange(uri.lowerBound, uri.upperBound)
    }
}

extension FieldReader {
    /// Reads octets up to an angle bracket, a space or a control character, eight at a time.
    @inline(__always)
    @_lifetime(self: copy self)
    fileprivate mutating func spanInBrackets() -> Range<Int> {
        let start = self.position
        while self.position &+ 8 <= self.end {
            let word = self.octets.littleEndianWord(at: self.position)
            // The lowest flag of each is exact. `<` and `>` differ in one bit.
            let low = (word &- 0x2121_2121_2121_2121) & ~word
            let angle = (word | 0x0202_0202_0202_0202) ^ 0x3E3E_3E3E_3E3E_3E3E
            let found = (low | ((angle &- 0x0101_0101_0101_0101) & ~angle)) & 0x8080_8080_8080_8080
            guard found == 0 else {
                self.position &+= found.trailingZeroBitCount &>> 3
                return start..<self.position
            }
            self.position &+= 8
        }
        _ = self.span { $0 != 0x3E && $0 > 0x20 && $0 != 0x3C }
        return start..<self.position
    }
}
