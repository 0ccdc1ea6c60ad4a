/// Parameters without a value before them: P-Charging-Vector and P-Charging-Function-Addresses (RFC 7315 §5.5, §5.6).
public struct ChargingParameters: FieldValue {
    /// The parameters, at least one.
    public var parameters: Parameters

    /// These parameters.
    public init(_ parameters: Parameters) { self.parameters = parameters }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self.parameters = [:]
        repeat {
            self.parameters.append(reader.made(try reader.parameterBody()))
        } while reader.skipSeparator(0x3B)
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        for (position, parameter) in self.parameters.enumerated() {
            if position > 0 { output.append(0x3B) }
            parameter.write(to: &output)
        }
    }

    /// The IMS charging identity of a P-Charging-Vector.
    public var icidValue: String? { self.parameters["icid-value"] }
}
