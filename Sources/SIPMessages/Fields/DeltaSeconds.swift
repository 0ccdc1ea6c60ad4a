/// Seconds with parameters: Min-SE (RFC 4028 §5).
public struct DeltaSeconds: FieldValue {
    /// Seconds, any 32 bits.
    public var seconds: UInt32
    /// The parameters.
    public var parameters: Parameters

    /// A time in seconds.
    public init(_ seconds: UInt32, parameters: Parameters = Parameters()) {
        (self.seconds, self.parameters) = (seconds, parameters)
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self.seconds = UInt32(truncatingIfNeeded: try reader.number())
        self.parameters = try reader.parameters()
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append(decimal: self.seconds)
        self.parameters.write(to: &output)
    }
}
