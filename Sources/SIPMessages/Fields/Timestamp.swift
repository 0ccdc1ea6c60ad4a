/// When a request was sent, and how long its answer took (RFC 3261 §20.38).
public struct Timestamp: FieldValue {
    /// Seconds with decimals, on the sender's clock, as written: the peer gets back the same digits.
    public var time: String
    /// Seconds between request and response, as written.
    public var delay: String?

    /// A time, and a delay, in decimal digits with at most one point.
    public init(_ time: String, delay: String? = nil) { (self.time, self.delay) = (time, delay) }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        let start = reader.position
        guard !reader.span(while: { $0.isDigit }).isEmpty else { throw reader.error(.numberMissing) }
        if reader.skip(0x2E) { _ = reader.span { $0.isDigit } }
        self.time = octets.string(start..<reader.position)
        let timeEnd = reader.position
        reader.skipWhitespace()
        guard !reader.isAtEnd, reader.position > timeEnd else {
            try reader.expectEnd()
            return
        }
        let delayStart = reader.position
        _ = reader.span { $0.isDigit }
        if reader.skip(0x2E) { _ = reader.span { $0.isDigit } }
        guard reader.position > delayStart else { throw reader.error(.numberMissing) }
        self.delay = octets.string(delayStart..<reader.position)
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append(text: self.time)
        guard let delay else { return }
        output.append(0x20)
        output.append(text: delay)
    }

    /// The delay as a duration, down to nanoseconds; `nil` when there is none, or it is beyond 2^32 seconds.
    public var delayDuration: Duration? {
        guard let delay else { return nil }
        let parts = delay.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let whole = parts[0].isEmpty ? 0 : UInt32(parts[0])
        guard let whole else { return nil }
        var nanoseconds: Int64 = 0
        if parts.count == 2 {
            var digits = parts[1].utf8.makeIterator()
            for _ in 0..<9 { nanoseconds = nanoseconds * 10 + Int64(digits.next()?.decimalDigitValue ?? 0) }
        }
        return .seconds(Int64(whole)) + .nanoseconds(nanoseconds)
    }
}
