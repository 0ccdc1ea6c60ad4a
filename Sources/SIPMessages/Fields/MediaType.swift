/// A media type with its parameters: Content-Type, and the ranges of Accept, in which `*` stands for any
/// (RFC 3261 §20.1, §20.15).
public struct MediaType: FieldValue, CustomStringConvertible {
    /// The type, `application` say, as written.
    public var type: String
    /// The subtype, `sdp` say, as written.
    public var subtype: String
    /// The parameters.
    public var parameters: Parameters

    /// A media type of these parts.
    public init(_ type: String, _ subtype: String, parameters: Parameters = Parameters()) {
        (self.type, self.subtype, self.parameters) = (type, subtype, parameters)
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self.type = try reader.tokenText()
        guard reader.skipSeparator(0x2F) else { throw reader.error(.malformed) }
        self.subtype = try reader.tokenText()
        self.parameters = try reader.parameters()
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append(text: self.type)
        output.append(0x2F)
        output.append(text: self.subtype)
        self.parameters.write(to: &output)
    }

    /// The value as it is written.
    public var description: String { self.text }

    /// Whether type and subtype are these, in any case.
    public func isType(_ type: String, _ subtype: String) -> Bool {
        self.type.equals(ignoringCase: type) && self.subtype.equals(ignoringCase: subtype)
    }

    /// As a range of Accept: whether a body of this type is within it.
    public func covers(_ other: MediaType) -> Bool {
        if self.type == "*" { return true }
        guard self.type.equals(ignoringCase: other.type) else { return false }
        return self.subtype == "*" || self.subtype.equals(ignoringCase: other.subtype)
    }

    /// The weight in an Accept; 1 where none is given.
    public var q: QValue { self.parameters["q"].flatMap { QValue($0) } ?? .one }

    /// `application/sdp`
    public static let sdp = MediaType("application", "sdp")
    /// `text/plain`
    public static let plainText = MediaType("text", "plain")
    /// `message/sipfrag` (RFC 3420)
    public static let sipfrag = MediaType("message", "sipfrag")
    /// `multipart/mixed`
    public static let multipartMixed = MediaType("multipart", "mixed")
}
