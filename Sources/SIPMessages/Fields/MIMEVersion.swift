/// The version of MIME, `1.0` (RFC 3261 §20.24).
public struct MIMEVersion: FieldValue {
    /// The digits before the point.
    public var major: UInt32
    /// The digits after the point.
    public var minor: UInt32

    /// A version.
    public init(_ major: UInt32 = 1, _ minor: UInt32 = 0) { (self.major, self.minor) = (major, minor) }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self.major = UInt32(truncatingIfNeeded: try reader.number())
        try reader.expect(0x2E)
        self.minor = UInt32(truncatingIfNeeded: try reader.number())
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append(decimal: self.major)
        output.append(0x2E)
        output.append(decimal: self.minor)
    }
}
