/// One part of a multipart body: its header fields and its octets (RFC 2046 §5.1, RFC 5621 §3).
public struct BodyPart: FieldContainer, Hashable {
    /// The octets of header, empty line and body.
    public let octets: [UInt8]
    /// Where the parts lie in `octets`.
    public let index: MessageIndex

    /// Parses what lies between two boundaries.
    ///
    /// - Throws: `SIPParseError` when its header is malformed.
    public init(parsing octets: [UInt8], limits: MessageLimits = .standard) throws(SIPParseError) {
        var index = MessageIndex()
        try index.parse(octets.span, framing: .part, limits: limits)
        if let fault = index.fault { throw fault }
        (self.octets, self.index) = (octets, index)
    }

    /// A body with the fields that describe it.
    public init(
        _ body: [UInt8], type: MediaType, disposition: ContentDisposition? = nil, id: ContentID? = nil
    ) throws(SIPParseError) {
        var builder = MessageBuilder(100)
        builder.add(.contentType, type)
        if let disposition { builder.add(.contentDisposition, disposition) }
        if let id { builder.add(.contentID, id) }
        try self.init(parsing: builder.fieldOctets + [0x0D, 0x0A] + body)
    }

    /// Whether both hold the same octets.
    public static func == (left: BodyPart, right: BodyPart) -> Bool { left.octets == right.octets }

    /// Feeds what `==` compares, or a part of it, to the hasher.
    public func hash(into hasher: inout Hasher) { hasher.combine(self.octets) }

    /// The octets of the body.
    public var body: [UInt8] { self.octets.span.octets(self.index.body.range) }
    /// The media type; `text/plain` where none is given (RFC 2045 §5.2).
    public var type: MediaType { self.first(.contentType) ?? .plainText }
    /// What the part is for.
    public var disposition: ContentDisposition? { self.first(.contentDisposition) }
}
