/// A token with parameters: Accept-Encoding, Accept-Language, Info-Package, Recv-Info, Refer-Sub and
/// P-Access-Network-Info (RFC 3261 §20.2, §20.3, RFC 6086 §4.2, RFC 4488 §4, RFC 7315 §5.4).
public struct ParameterizedToken: FieldValue {
    /// The token as written; `*` may stand for any.
    public var token: String
    /// The parameters.
    public var parameters: Parameters

    /// A token with these parameters.
    public init(_ token: String, parameters: Parameters = Parameters()) {
        (self.token, self.parameters) = (token, parameters)
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self.token = try reader.tokenText()
        self.parameters = try reader.parameters()
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append(text: self.token)
        self.parameters.write(to: &output)
    }

    /// The weight of an encoding or language; 1 where none is given.
    public var q: QValue { self.parameters["q"].flatMap { QValue($0) } ?? .one }

    /// Whether the token is this one, in any case.
    public func isToken(_ token: String) -> Bool { self.token.equals(ignoringCase: token) }
}
