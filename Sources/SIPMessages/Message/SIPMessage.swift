/// A SIP request or response: its octets as they were received or written, and the index of their parts.
///
/// A field is made typed when it is asked for:
///
///     let message = try SIPMessage(parsing: octets)
///     let number = message.first(.cseq)?.number
///     for via in message.all(.via) { … }
///
/// It never changes; `MessageBuilder` makes a new one of it.
public struct SIPMessage: FieldContainer, CustomStringConvertible {
    /// The octets from the start line to the end of the body.
    public let octets: [UInt8]
    /// Where the parts lie in `octets`.
    public let index: MessageIndex

    /// The message that a datagram holds. Empty lines before it and octets after its body are left out.
    ///
    /// A message with a broken rule of framing is made too; `fault` says which.
    ///
    /// - Throws: `SIPParseError` where there is no message at all.
    public init(parsing octets: [UInt8], limits: MessageLimits = .standard) throws(SIPParseError) {
        var index = MessageIndex()
        try index.parse(octets.span, limits: limits)
        let start = index.startOfMessage
        guard start > 0 || index.body.upper < octets.count else {
            (self.octets, self.index) = (octets, index)
            return
        }
        let own = Array(octets[start..<Swift.max(start, index.body.upper)])
        try index.parse(own.span, limits: limits)
        (self.octets, self.index) = (own, index)
    }

    /// A message that was framed and indexed already.
    init(framed octets: [UInt8], _ index: MessageIndex) { (self.octets, self.index) = (octets, index) }

    /// The message in this text, whose lines end in CR LF.
    ///
    /// - Throws: `SIPParseError`.
    public init(_ text: String) throws(SIPParseError) { try self.init(parsing: Array(text.utf8)) }

    /// The first thing wrong with the framing; `nil` when nothing is.
    public var fault: SIPParseError? { self.index.fault }
    /// Whether it is a request.
    public var isRequest: Bool { self.index.isRequest }
    /// The method of a request; `nil` for a response.
    public var method: Method? {
        guard self.isRequest else { return nil }
        return self.index.method.method ?? Method(self.octets.span.string(self.index.methodName))
    }
    /// The Request-URI; `nil` for a response, and where it is malformed.
    public var requestURI: URI? {
        guard self.isRequest else { return nil }
        return try? URI(parsing: self.octets.span, in: self.index.requestURI.range)
    }
    /// The status of a response; `nil` for a request.
    public var status: StatusCode? {
        self.isRequest ? nil : StatusCode(self.index.statusCode)
    }
    /// The reason phrase of a response; empty for a request.
    public var reasonPhrase: String { self.octets.span.string(self.index.reasonPhrase) }
    /// The octets of the body.
    public var body: [UInt8] { self.octets.span.octets(self.index.body.range) }
    /// The media type of the body.
    public var contentType: MediaType? { self.first(.contentType) }

    /// The message as text; what is not UTF-8 is repaired.
    public var description: String { String(decoding: self.octets, as: UTF8.self) }
}

extension SIPMessage: Hashable {
    /// Whether both hold the same octets.
    public static func == (left: SIPMessage, right: SIPMessage) -> Bool { left.octets == right.octets }

    /// Feeds what `==` compares, or a part of it, to the hasher.
    public func hash(into hasher: inout Hasher) { hasher.combine(self.octets) }
}
