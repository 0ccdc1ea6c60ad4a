/// Finding the lines and fields of a message, eight octets at a time (RFC 3261 §7, §18.3).
extension MessageIndex {
    /// How the end of the body is found.
    public enum Framing: Hashable, Sendable {
        /// One message a datagram: what is beyond Content-Length is ignored, and without it the body is the rest.
        case datagram
        /// The octets are the header of a message on a stream; the body, as yet, does not count.
        case streamHeader
        /// A fragment of a message (RFC 3420): start line, empty line and the last line end may be missing.
        case fragment
        /// A part of a multipart body (RFC 2046 §5.1): it has no start line, and its body is the rest.
        case part

        /// Whether the octets may end within the header.
        fileprivate var mayEndInHeader: Bool { self == .fragment || self == .part }
    }

    /// Indexes the message that `octets` begin with. The index is emptied first and may be used again.
    ///
    /// What can be indexed but breaks a rule of framing is kept in `fault`, so that a 400 can be written.
    ///
    /// - Throws: `SIPParseError` where there is nothing to answer: no start line, or no line that ends.
    public mutating func parse(
        _ octets: Span<UInt8>, framing: Framing = .datagram, limits: MessageLimits = .standard
    ) throws(SIPParseError) {
        self.reset()
        let raw = octets.bytes
        var position = 0
        if framing != .part {
            // Empty lines before the start line are ignored (§7.5).
            while position &+ 1 < octets.count, octets[position] == 0x0D, octets[position &+ 1] == 0x0A {
                position &+= 2
            }
        }
        if !framing.mayEndInHeader || (framing == .fragment && Self.hasStartLine(octets, at: position)) {
            let lineEnd = self.endOfLine(raw, from: position)
            guard lineEnd < octets.count || framing == .fragment, lineEnd > position else {
                throw SIPParseError(.malformedStartLine, in: .startLine, at: position)
            }
            self.startOfMessage = position
            self.endOfStartLine = lineEnd
            try self.parseStartLine(octets, raw, position..<lineEnd)
            position = self.skipLineEnd(octets, lineEnd)
        }
        position = self.parseFields(octets, raw, from: position, framing, limits)
        if position > limits.headerOctets { self.note(.tooLong, in: .header, at: limits.headerOctets) }
        self.findBody(octets, at: position, framing, limits)
    }

    private mutating func reset() {
        self.statusCode = 0
        self.method = .other
        self.methodName = .absent
        self.requestURI = .absent
        self.reasonPhrase = .absent
        self.fields.removeAll(keepingCapacity: true)
        self.body = .absent
        self.fault = nil
        self.contentLength = nil
        self.seen = (0, 0)
        self.startOfMessage = 0
        self.endOfStartLine = 0
    }

    mutating func note(_ code: SIPParseError.Code, in field: HeaderID, at offset: Int) {
        if self.fault == nil { self.fault = SIPParseError(code, in: field, at: offset) }
    }

    /// Whether a fragment begins with a start line rather than with `name:` (RFC 3420 §2.1).
    private static func hasStartLine(_ octets: Span<UInt8>, at start: Int) -> Bool {
        var position = start
        while position < octets.count, octets[position].isToken { position &+= 1 }
        guard position > start else { return false }
        while position < octets.count, octets[position] == 0x20 || octets[position] == 0x09 { position &+= 1 }
        return position < octets.count && octets[position] != 0x3A && octets[position] != 0x0D
    }

    // MARK: Lines

    /// The offset of the CR LF that ends the line, or of the first octet that may not be in one; the end of the octets
    /// when there is none. Tabs, and bytes beyond ASCII, belong to a line.
    @inline(__always)
    private mutating func endOfLine(_ raw: RawSpan, from start: Int) -> Int {
        let count = raw.byteCount
        var position = start
        while true {
            position = Self.first(below: 0x20, raw, from: position)
            guard position < count else { return count }
            let octet = raw.unsafeLoad(fromUncheckedByteOffset: position, as: UInt8.self)
            if octet == 0x0D, position &+ 1 < count,
                raw.unsafeLoad(fromUncheckedByteOffset: position &+ 1, as: UInt8.self) == 0x0A
            {
                return position
            }
            let isLineEnd = octet == 0x0D || octet == 0x0A
            // A quoted pair may hold any control character but CR and LF (§25.1, RFC 4475 §3.1.1.2).
            let isEscaped =
                position > start
                && raw.unsafeLoad(fromUncheckedByteOffset: position &- 1, as: UInt8.self) == 0x5C
            if octet != 0x09, isLineEnd || !isEscaped {
                self.note(isLineEnd ? .bareLineEnd : .controlCharacter, in: .header, at: position)
            }
            position &+= 1
        }
    }

    /// Eight flags, one for each octet of a word that is below `limit`. The lowest flag is exact; higher ones may be
    /// false.
    @inline(__always)
    private static func octets(below limit: UInt8, _ raw: RawSpan, at position: Int) -> UInt64 {
        let word = raw.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt64.self)
        return (word &- UInt64(limit) &* 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
    }

    /// The offset of the first octet below `limit`, at most 0x80, at or after `start`; the end when there is none.
    @inline(__always)
    private static func first(below limit: UInt8, _ raw: RawSpan, from start: Int) -> Int {
        let count = raw.byteCount
        var position = start
        while position &+ 16 <= count {
            let low = Self.octets(below: limit, raw, at: position)
            let high = Self.octets(below: limit, raw, at: position &+ 8)
            guard low | high == 0 else {
                return low != 0
                    ? position &+ low.trailingZeroBitCount &>> 3 : position &+ 8 &+ high.trailingZeroBitCount &>> 3
            }
            position &+= 16
        }
        while position < count, raw.unsafeLoad(fromUncheckedByteOffset: position, as: UInt8.self) >= limit {
            position &+= 1
        }
        return position
    }

    /// The offset of the first colon at or after `start`; `end` when there is none before it.
    @inline(__always)
    private static func firstColon(_ raw: RawSpan, from start: Int, to end: Int) -> Int {
        var position = start
        while position &+ 8 <= end {
            let word = raw.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt64.self)
            let difference = word ^ 0x3A3A_3A3A_3A3A_3A3A
            // The lowest flagged octet is exact, as in `octets(below:)`.
            let equal = (difference &- 0x0101_0101_0101_0101) & ~difference & 0x8080_8080_8080_8080
            if equal != 0 { return position &+ equal.trailingZeroBitCount &>> 3 }
            position &+= 8
        }
        while position < end, raw.unsafeLoad(fromUncheckedByteOffset: position, as: UInt8.self) != 0x3A {
            position &+= 1
        }
        return position
    }

    @inline(__always)
    private func skipLineEnd(_ octets: Span<UInt8>, _ lineEnd: Int) -> Int {
        Swift.min(lineEnd &+ 2, octets.count)
    }

    // MARK: Start line

    private mutating func parseStartLine(
        _ octets: Span<UInt8>, _ raw: RawSpan, _ line: Range<Int>
    ) throws(SIPParseError) {
        if line.count > 4, octets[line.lowerBound &+ 3] == 0x2F,
            octets.equals(line.lowerBound..<line.lowerBound + 4, ignoringCase: "SIP/")
        {
            return try self.parseStatusLine(octets, line)
        }
        var space = line.lowerBound
        while space < line.upperBound, octets[space] != 0x20 { space &+= 1 }
        var version = line.upperBound
        let isUsualVersion = Self.endsInUsualVersion(raw, line)
        if isUsualVersion { version &-= 7 }
        while version > space, octets[version &- 1] != 0x20 { version &-= 1 }
        self.methodName = OctetRange(line.lowerBound, space)
        guard space > line.lowerBound, version &- 1 > space else {
            throw SIPParseError(.malformedStartLine, in: .startLine, at: space)
        }
        self.method = Method.Code(octets, line.lowerBound..<space)
        self.requestURI = OctetRange(space &+ 1, version &- 1)
        if self.method == .other {
            for i in line.lowerBound..<space where !octets[i].isToken {
                // What does not even begin with a method is no request: there is nothing to answer.
                if i == line.lowerBound { throw SIPParseError(.malformedStartLine, in: .startLine, at: i) }
                self.note(.tokenExpected, in: .startLine, at: i)
            }
        }
        // The first white space after the first one is that before the version.
        let blank = Self.first(below: 0x21, raw, from: self.requestURI.lower)
        if blank < self.requestURI.upper { self.note(.malformedStartLine, in: .startLine, at: blank) }
        if version == line.upperBound {
            self.note(.malformedStartLine, in: .startLine, at: version)
        } else if !isUsualVersion, !octets.equals(version..<line.upperBound, ignoringCase: "SIP/2.0") {
            self.note(.unsupportedVersion, in: .startLine, at: version)
        }
    }

    /// Whether a line ends in ` SIP/2.0`, spelt as usual.
    @inline(__always)
    private static func endsInUsualVersion(_ raw: RawSpan, _ line: Range<Int>) -> Bool {
        line.count >= 8
            && raw.unsafeLoadUnaligned(fromUncheckedByteOffset: line.upperBound &- 8, as: UInt64.self).littleEndian
                == 0x302E_322F_5049_5320
    }

    private mutating func parseStatusLine(_ octets: Span<UInt8>, _ line: Range<Int>) throws(SIPParseError) {
        let start = line.lowerBound
        guard line.count >= 11, octets[start + 7] == 0x20 else {
            throw SIPParseError(.malformedStartLine, in: .startLine, at: start)
        }
        if !octets.equals(start..<start + 7, ignoringCase: "SIP/2.0") {
            self.note(.unsupportedVersion, in: .startLine, at: start)
        }
        var code: UInt16 = 0
        var position = start + 8
        while position < line.upperBound, let digit = octets[position].decimalDigitValue {
            guard position < start + 11 else { throw SIPParseError(.statusOutOfRange, in: .startLine, at: start + 8) }
            code = code * 10 + UInt16(digit)
            position += 1
        }
        guard position == start + 11, code >= 100, code < 700 else {
            throw SIPParseError(.statusOutOfRange, in: .startLine, at: start + 8)
        }
        self.statusCode = code
        // A missing space before an empty reason phrase is forgiven (RFC 4475 §3.1.1.13).
        guard position == line.upperBound || octets[position] == 0x20 else {
            throw SIPParseError(.malformedStartLine, in: .startLine, at: position)
        }
        self.reasonPhrase = OctetRange(Swift.min(position + 1, line.upperBound), line.upperBound)
    }

    // MARK: Fields

    /// Indexes the fields from `start` on, one line after the other; returns where the body begins.
    private mutating func parseFields(
        _ octets: Span<UInt8>, _ raw: RawSpan, from start: Int, _ framing: Framing, _ limits: MessageLimits
    ) -> Int {
        let table = HeaderNameTable.shared
        var start = start
        while start < octets.count {
            if octets[start] == 0x0D, start &+ 1 < octets.count, octets[start &+ 1] == 0x0A { return start &+ 2 }
            var end = self.endOfLine(raw, from: start)
            var next = self.skipLineEnd(octets, end)
            // A line that begins with white space continues the one before (§7.3.1).
            while next < octets.count, octets[next] == 0x20 || octets[next] == 0x09 {
                end = self.endOfLine(raw, from: next)
                next = self.skipLineEnd(octets, end)
            }
            let colon = Self.firstColon(raw, from: start, to: end)
            var nameEnd = colon
            while nameEnd > start, octets[nameEnd &- 1] == 0x20 || octets[nameEnd &- 1] == 0x09 { nameEnd &-= 1 }
            let id = table.find(raw, at: start, count: nameEnd &- start)
            if colon < end, id != .other || self.isFieldName(octets, start, nameEnd) {
                var valueStart = colon &+ 1
                while valueStart < end, octets[valueStart].isLinearWhitespace { valueStart &+= 1 }
                var valueEnd = end
                while valueEnd > valueStart, octets[valueEnd &- 1].isLinearWhitespace { valueEnd &-= 1 }
                let field = Field(id: id, name: OctetRange(start, nameEnd), value: OctetRange(valueStart, valueEnd))
                self.noteOccurrence(of: id, octets, field, table)
                self.fields.append(field)
                if self.fields.count > limits.fields {
                    self.note(.tooManyFields, in: .header, at: next)
                    return next
                }
            } else if colon >= end {
                self.note(.malformedHeaderLine, in: .header, at: start)
            }
            start = next
        }
        if !framing.mayEndInHeader { self.note(.noEmptyLine, in: .header, at: start) }
        return start
    }

    /// Whether the octets are a name that is not known; what is none is noted.
    @inline(never)
    private mutating func isFieldName(_ octets: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        var i = start
        while i < end, octets[i].isToken { i &+= 1 }
        if i < end || start == end { self.note(.malformedHeaderLine, in: .header, at: i) }
        return i == end && start < end
    }

    @inline(__always)
    private mutating func noteOccurrence(
        of id: HeaderID, _ octets: Span<UInt8>, _ field: Field, _ table: borrowing HeaderNameTable
    ) {
        let bit = UInt64(1) &<< UInt64(id.rawValue & 63)
        if id.rawValue < 64 {
            if self.seen.0 & table.single.0 & bit != 0 { self.note(.repeated, in: id, at: field.name.lower) }
            self.seen.0 |= bit
        } else {
            if self.seen.1 & table.single.1 & bit != 0 { self.note(.repeated, in: id, at: field.name.lower) }
            self.seen.1 |= bit
        }
        if id == .contentLength, self.contentLength == nil { self.parseContentLength(octets, field.value) }
    }

    private mutating func parseContentLength(_ octets: Span<UInt8>, _ value: OctetRange) {
        var length = 0
        for i in value.range {
            guard let digit = octets[i].decimalDigitValue else {
                return self.note(.numberMissing, in: .contentLength, at: i)
            }
            length = length * 10 + Int(digit)
            guard length <= Int(UInt32.max) else { return self.note(.numberTooLarge, in: .contentLength, at: i) }
        }
        guard !value.isEmpty else { return self.note(.empty, in: .contentLength, at: value.lower) }
        self.contentLength = length
    }

    // MARK: Body

    private mutating func findBody(
        _ octets: Span<UInt8>, at start: Int, _ framing: Framing, _ limits: MessageLimits
    ) {
        let available = octets.count - start
        if framing == .streamHeader {
            self.body = OctetRange(start, start)
            if let contentLength, contentLength > limits.bodyOctets { self.note(.tooLong, in: .body, at: start) }
            return
        }
        guard let contentLength, framing != .part else {
            self.body = OctetRange(start, octets.count)
            if octets.count - start > limits.bodyOctets { self.note(.tooLong, in: .body, at: start) }
            return
        }
        if contentLength > available { self.note(.bodyTooShort, in: .contentLength, at: octets.count) }
        if contentLength > limits.bodyOctets { self.note(.tooLong, in: .body, at: start) }
        self.body = OctetRange(start, start + Swift.min(contentLength, available))
    }
}
