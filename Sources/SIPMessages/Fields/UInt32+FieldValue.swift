/// Numbers of 32 bits: Max-Forwards, Expires, Min-Expires, Content-Length, RSeq, Max-Breadth, Flow-Timer
/// (`1*DIGIT`, `delta-seconds` of RFC 3261 §25.1).
extension UInt32: FieldValue {
    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self = UInt32(truncatingIfNeeded: try reader.number())
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) { output.append(decimal: self) }
}
