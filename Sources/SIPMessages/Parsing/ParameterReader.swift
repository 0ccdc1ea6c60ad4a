/// One `;name=value` as it lies in the octets of a message.
public struct ParameterRange: Hashable, Sendable {
    /// Where the name lies.
    public var name: OctetRange
    /// The value without the quotes of a quoted string; `nil` when there is no `=`.
    public var value: OctetRange?
    /// Whether the value is a quoted string.
    public var isQuoted: Bool
}

extension FieldReader {
    /// Reads the next `generic-param` with the semicolon before it (RFC 3261 §25.1); `nil` when there is none.
    @_lifetime(self: copy self)
    mutating func parameter() throws(SIPParseError) -> ParameterRange? {
        guard self.skipSeparator(0x3B) else { return nil }
        return try self.parameterBody()
    }

    /// Reads one `name` or `name=value`.
    @_lifetime(self: copy self)
    mutating func parameterBody() throws(SIPParseError) -> ParameterRange {
        let name = try self.token()
        var parameter = ParameterRange(name: OctetRange(name.lowerBound, name.upperBound), value: nil, isQuoted: false)
        guard self.skipSeparator(0x3D) else { return parameter }
        if self.next == 0x22 {
            let text = try self.quotedString()
            parameter.value = OctetRange(text.lowerBound, text.upperBound)
            parameter.isQuoted = true
            return parameter
        }
        // token, host (an IPv6 reference has brackets and colons), and what peers send besides: up to a separator.
        let value = self.span { $0.isUnquotedParameterValue }
        guard !value.isEmpty else { throw self.error(.empty) }
        parameter.value = OctetRange(value.lowerBound, value.upperBound)
        return parameter
    }
}

extension Span where Element == UInt8 {
    /// The parameter `name` among the header parameters that lie in `range`, which begins with a semicolon or is empty;
    /// `nil` when it is not there.
    ///
    /// What does not parse ends the search: whoever needs certainty has parsed the field.
    public func parameter(_ name: StaticString, in range: OctetRange) -> ParameterRange? {
        var reader = FieldReader(self, range.range, field: .header)
        while let parameter = try? reader.parameter() {
            if self.equals(parameter.name.range, ignoringCase: name) { return parameter }
        }
        return nil
    }
}
