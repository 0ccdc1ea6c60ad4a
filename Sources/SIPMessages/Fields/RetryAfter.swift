/// When to try again (RFC 3261 §20.33).
public struct RetryAfter: FieldValue {
    /// Seconds.
    public var seconds: UInt32
    /// The comment without its outer brackets, escapes as they came.
    public var comment: String?
    /// The parameters.
    public var parameters: Parameters

    /// A time in seconds; `duration` says for how many seconds the called party can then be reached.
    public init(_ seconds: UInt32, duration: UInt32? = nil) {
        self.seconds = seconds
        self.parameters = Parameters()
        self.parameters["duration"] = duration.map { String($0) }
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self.seconds = UInt32(truncatingIfNeeded: try reader.number())
        reader.skipWhitespace()
        if reader.next == 0x28 {
            let comment = try reader.comment()
            self.comment = octets.unfolded(comment)
        }
        self.parameters = try reader.parameters()
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append(decimal: self.seconds)
        if let comment {
            output.append(" (")
            output.append(text: comment)
            output.append(0x29)
        }
        self.parameters.write(to: &output)
    }

    /// The seconds for which the called party can be reached then.
    public var duration: UInt32? { self.parameters["duration"].flatMap { UInt32($0) } }
}
