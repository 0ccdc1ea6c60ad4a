/// Which reliable provisional response a PRACK acknowledges (RFC 3262 §7.2).
public struct RAck: FieldValue {
    /// The RSeq of the response.
    public var responseNumber: UInt32
    /// The CSeq of the response.
    public var cseq: CSeq

    /// The response with this RSeq to the request with this CSeq.
    public init(_ responseNumber: UInt32, _ cseq: CSeq) { (self.responseNumber, self.cseq) = (responseNumber, cseq) }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self.responseNumber = UInt32(truncatingIfNeeded: try reader.number())
        let space = reader.position
        reader.skipWhitespace()
        guard reader.position > space else { throw reader.error(.malformed) }
        self.cseq = try CSeq(parsing: octets, in: reader.position..<reader.end, field: field)
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append(decimal: self.responseNumber)
        output.append(0x20)
        self.cseq.write(to: &output)
    }
}
