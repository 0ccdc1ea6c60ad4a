/// One mechanism of the security agreement: Security-Client, Security-Server, Security-Verify (RFC 3329 §2.2).
public struct SecurityMechanism: FieldValue {
    /// `digest`, `tls`, `ipsec-ike`, `ipsec-man`, `ipsec-3gpp` or another.
    public var name: String
    /// The parameters.
    public var parameters: Parameters

    /// A mechanism with its preference.
    public init(_ name: String, q: QValue? = nil, parameters: Parameters = Parameters()) {
        (self.name, self.parameters) = (name, parameters)
        if let q { self.parameters["q"] = q.description }
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self.name = try reader.tokenText()
        self.parameters = try reader.parameters()
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append(text: self.name)
        self.parameters.write(to: &output)
    }

    /// The preference.
    public var q: QValue? { self.parameters["q"].flatMap { QValue($0) } }
}
