/// The CSeq header field: a sequence number and the method that it counts (RFC 3261 §20.16).
public struct CSeq: FieldValue {
    /// The sequence number, any 32 bits; a UAC chooses below 2^31 (RFC 3261 §8.1.1.5).
    public var number: UInt32
    /// The method of the request; in a response, of the request that it answers.
    public var method: Method

    /// A number and its method.
    public init(_ number: UInt32, _ method: Method) { (self.number, self.method) = (number, method) }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self.number = UInt32(truncatingIfNeeded: try reader.number())
        let space = reader.position
        reader.skipWhitespace()
        guard reader.position > space else { throw reader.error(.malformed) }
        let method = try reader.token()
        self.method = try Method(parsing: octets, in: method, field: field)
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append(decimal: self.number)
        output.append(0x20)
        output.append(text: self.method.name)
    }
}
