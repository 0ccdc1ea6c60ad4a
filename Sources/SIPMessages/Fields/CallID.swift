/// A Call-ID: `word [ "@" word ]`, compared octet by octet (RFC 3261 §20.8).
public struct CallID: FieldValue, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The identifier as written.
    public let value: String

    /// The Call-ID with this text.
    public init(_ value: String) { self.value = value }
    /// The Call-ID of this text.
    public init(stringLiteral value: String) { self.value = value }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self.value = octets.string(try reader.callID())
        try reader.expectEnd()
    }

    /// Quotes and angle brackets are characters of a Call-ID like any other.
    public static func endOfElement(_ octets: Span<UInt8>, from start: Int, to end: Int) -> Int {
        var position = start
        while position < end, octets[position] != 0x2C { position &+= 1 }
        return position
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) { output.append(text: self.value) }

    /// The text as it is sent.
    public var description: String { self.value }
}

extension FieldReader {
    /// Reads a `callid`.
    @_lifetime(self: copy self)
    mutating func callID() throws(SIPParseError) -> Range<Int> {
        let start = self.position
        guard !self.span(while: { $0.isWord }).isEmpty else { throw self.error(.empty) }
        if self.skip(0x40) {
            guard !self.span(while: { $0.isWord }).isEmpty else { throw self.error(.malformed) }
        }
        return start..<self.position
    }
}
