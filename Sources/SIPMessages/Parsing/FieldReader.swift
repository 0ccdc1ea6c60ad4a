/// Reads one field value from left to right by the rules of RFC 3261 §25.1.
///
/// It lends the octets of the whole message and never reads beyond the value. Positions and errors count from the start
/// of the message.
struct FieldReader: ~Escapable {
    let octets: Span<UInt8>
    /// The offset of the octet that is read next.
    var position: Int
    /// The offset after the value.
    let end: Int
    /// The field that errors name.
    let field: HeaderID

    @inline(__always)
    @_lifetime(copy octets)
    init(_ octets: Span<UInt8>, _ range: Range<Int>, field: HeaderID) {
        self.octets = octets
        self.position = range.lowerBound
        self.end = Swift.min(range.upperBound, octets.count)
        self.field = field
    }

    @inline(__always) var isAtEnd: Bool { self.position >= self.end }
    /// The octet that is read next; `nil` at the end.
    @inline(__always) var next: UInt8? { self.position < self.end ? self.octet : nil }
    /// The octet at `position`, which is before `end` where this is asked, and so within the octets.
    @inline(__always) private var octet: UInt8 { unsafe self.octets[unchecked: self.position] }

    func error(_ code: SIPParseError.Code) -> SIPParseError {
        SIPParseError(code, in: self.field, at: self.position)
    }

    func error(_ code: SIPParseError.Code, at offset: Int) -> SIPParseError {
        SIPParseError(code, in: self.field, at: offset)
    }

    // MARK: Single octets

    /// Skips white space and line folds.
    @inline(__always)
    @_lifetime(self: copy self)
    mutating func skipWhitespace() {
        while self.position < self.end, self.octet.isLinearWhitespace { self.position &+= 1 }
    }

    /// Skips `octet` when it is next, without white space.
    @inline(__always)
    @_lifetime(self: copy self)
    mutating func skip(_ octet: UInt8) -> Bool {
        guard self.next == octet else { return false }
        self.position &+= 1
        return true
    }

    /// Skips a separator with the white space that may be around it (`SEMI`, `COMMA`, `EQUAL`, `SLASH` …).
    @inline(__always)
    @_lifetime(self: copy self)
    mutating func skipSeparator(_ octet: UInt8) -> Bool {
        let start = self.position
        self.skipWhitespace()
        guard self.skip(octet) else {
            self.position = start
            return false
        }
        self.skipWhitespace()
        return true
    }

    /// Reads `octet`, which must be next.
    @_lifetime(self: copy self)
    mutating func expect(_ octet: UInt8, _ code: SIPParseError.Code = .malformed) throws(SIPParseError) {
        guard self.skip(octet) else { throw self.error(code) }
    }

    /// The value ends here, but for white space.
    @_lifetime(self: copy self)
    mutating func expectEnd() throws(SIPParseError) {
        self.skipWhitespace()
        guard self.isAtEnd else { throw self.error(.trailingOctets) }
    }

    // MARK: Tokens, numbers, strings

    /// Reads octets while they satisfy the condition; the range may be empty.
    @inline(__always)
    @_lifetime(self: copy self)
    mutating func span(while condition: (UInt8) -> Bool) -> Range<Int> {
        let start = self.position
        while self.position < self.end, condition(self.octet) { self.position &+= 1 }
        return start..<self.position
    }

    /// Reads a `token`.
    @_lifetime(self: copy self)
    mutating func token() throws(SIPParseError) -> Range<Int> {
        let range = self.span { $0.isToken }
        guard !range.isEmpty else { throw self.error(.tokenExpected) }
        return range
    }

    /// Reads a `token` as text.
    @_lifetime(self: copy self)
    mutating func tokenText() throws(SIPParseError) -> String { self.octets.string(try self.token()) }

    /// Reads `1*DIGIT` of any number of digits, at most `maximum`.
    @_lifetime(self: copy self)
    mutating func number(maximum: UInt64 = UInt64(UInt32.max)) throws(SIPParseError) -> UInt64 {
        let start = self.position
        var number: UInt64 = 0
        while self.position < self.end, let digit = self.octets[self.position].decimalDigitValue {
            // `maximum` stays below 2^60, so this cannot overflow.
            number = number &* 10 &+ UInt64(digit)
            guard number <= maximum else { throw self.error(.numberTooLarge, at: start) }
            self.position &+= 1
        }
        guard self.position > start else { throw self.error(.numberMissing) }
        return number
    }

    /// Reads a `quoted-string`; returns where it lies without its quotes, escapes as they came.
    @_lifetime(self: copy self)
    mutating func quotedString() throws(SIPParseError) -> Range<Int> {
        let open = self.position
        try self.expect(0x22)
        let start = self.position
        while self.position < self.end {
            switch self.octets[self.position] {
            case 0x22:
                self.position &+= 1
                return start..<(self.position &- 1)
            case 0x5C:
                self.position &+= 2
            default:
                self.position &+= 1
            }
        }
        self.position = self.end
        throw self.error(.unterminatedQuotedString, at: open)
    }

    /// Reads a `quoted-string` and undoes its escapes.
    @_lifetime(self: copy self)
    mutating func quotedText() throws(SIPParseError) -> String {
        let range = try self.quotedString()
        return self.octets.unescapingQuotedPairs(range)
    }

    /// Skips a `comment`, which may hold comments; returns where its text lies without the outer brackets.
    @_lifetime(self: copy self)
    mutating func comment() throws(SIPParseError) -> Range<Int> {
        let open = self.position
        try self.expect(0x28)
        let start = self.position
        var depth = 1
        while self.position < self.end {
            switch self.octets[self.position] {
            case 0x28: depth += 1
            case 0x29:
                depth -= 1
                if depth == 0 {
                    self.position &+= 1
                    return start..<(self.position &- 1)
                }
            case 0x5C: self.position &+= 1
            default: break
            }
            self.position &+= 1
        }
        self.position = self.end
        throw self.error(.unterminatedBracket, at: open)
    }
}

extension Span where Element == UInt8 {
    /// The text of a quoted string with its `quoted-pair`s undone and its line folds as single spaces.
    func unescapingQuotedPairs(_ range: Range<Int>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(range.count)
        var i = range.lowerBound
        while i < range.upperBound {
            if self[i] == 0x5C, i + 1 < range.upperBound {
                i += 1
            } else if self[i] == 0x0D || self[i] == 0x0A {
                while i + 1 < range.upperBound, self[i + 1].isLinearWhitespace { i += 1 }
                text.append(0x20)
                i += 1
                continue
            }
            text.append(self[i])
            i += 1
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension Array where Element == UInt8 {
    /// Appends text as it is.
    @inlinable
    public mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { self.append(contentsOf: $0) }
    }

    /// Appends text as it is.
    @inlinable
    public mutating func append(text: String) { self.append(contentsOf: text.utf8) }

    /// Appends the octets of `octets` that lie in `range`.
    @inlinable
    public mutating func append(_ octets: Span<UInt8>, _ range: Range<Int>) {
        octets.extracting(range).withUnsafeBufferPointer { self.append(contentsOf: $0) }
    }

    /// Appends a number in decimal digits.
    @inlinable
    public mutating func append(decimal number: some FixedWidthInteger & UnsignedInteger) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var position = 20
        var rest = UInt64(truncatingIfNeeded: number)
        repeat {
            position &-= 1
            digits[position] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest != 0
        digits.span.extracting(position..<20).withUnsafeBufferPointer { self.append(contentsOf: $0) }
    }

    /// Appends `text` as a `quoted-string`; control characters become quoted pairs, and CR and LF, which cannot, spaces
    /// (RFC 3261 §25.1).
    public mutating func append(quoted text: String) {
        self.append(0x22)
        for octet in text.utf8 {
            if octet == 0x0D || octet == 0x0A {
                self.append(0x20)
                continue
            }
            let isControl = (octet < 0x20 && octet != 0x09) || octet == 0x7F
            if octet == 0x22 || octet == 0x5C || isControl { self.append(0x5C) }
            self.append(octet)
        }
        self.append(0x22)
    }
}
