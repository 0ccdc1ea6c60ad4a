/// The two halves of a session's identifier (RFC 7989 §5), or the single one of RFC 7329.
public struct SessionID: FieldValue {
    /// 32 hexadecimal digits in lower case, all zero for none.
    public var local: String
    /// The parameters.
    public var parameters: Parameters

    /// The identifier "none": 32 zeros.
    public static let none = String(repeating: "0", count: 32)

    /// The UUIDs of the sender and of the other side, 32 hexadecimal digits each.
    public init(local: String, remote: String? = nil) {
        self.local = local.asciiLowercased
        self.parameters = Parameters()
        self.parameters["remote"] = remote?.asciiLowercased
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        let local = reader.span { $0.isHexDigit }
        guard local.count == 32 else { throw reader.error(.malformed, at: local.lowerBound) }
        self.local = octets.string(local).asciiLowercased
        self.parameters = try reader.parameters()
        try reader.expectEnd()
        if let remote = self.parameters["remote"] {
            guard remote.utf8.count == 32, remote.utf8.allSatisfy({ $0.isHexDigit }) else {
                throw SIPParseError(.malformed, in: field, at: value.lowerBound)
            }
        }
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append(text: self.local)
        self.parameters.write(to: &output)
    }

    /// The UUID of the other side; `nil` from an element of RFC 7329.
    public var remote: String? { self.parameters["remote"]?.asciiLowercased }
}
