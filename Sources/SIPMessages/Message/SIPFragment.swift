/// Part of a message: the `message/sipfrag` that tells how a referred request went (RFC 3420, RFC 3515 §2.4.5).
public struct SIPFragment: FieldContainer, Hashable, CustomStringConvertible {
    /// The octets as they were received or written.
    public let octets: [UInt8]
    /// Where the parts lie in `octets`.
    public let index: MessageIndex

    /// Parses a body. A last line end may be missing: phones forget it.
    ///
    /// - Throws: `SIPParseError` when it is no part of a message.
    public init(parsing octets: [UInt8], limits: MessageLimits = .standard) throws(SIPParseError) {
        var index = MessageIndex()
        try index.parse(octets.span, framing: .fragment, limits: limits)
        if let fault = index.fault { throw fault }
        guard index.hasStartLine || !index.fields.isEmpty else {
            throw SIPParseError(.empty, in: .startLine, at: 0)
        }
        (self.octets, self.index) = (octets, index)
    }

    /// The status line of a response: what the NOTIFY of a REFER reports.
    public init(_ status: StatusCode, reasonPhrase: String? = nil) {
        let line = MessageBuilder(status, reasonPhrase: reasonPhrase).startLineOctets + [0x0D, 0x0A]
        var index = MessageIndex()
        // A line that the builder made parses; an index of nothing would be the wrong answer to a mistake there.
        do { try index.parse(line.span, framing: .fragment) } catch { assertionFailure("\(error)") }
        (self.octets, self.index) = (line, index)
    }

    /// The start line and the given fields of a message, without its body (RFC 3420 §2.1).
    public init(_ message: SIPMessage, fields: Set<HeaderID>) throws(SIPParseError) {
        let source = message.octets.span
        var octets = source.octets(message.index.startOfMessage..<message.index.endOfStartLine) + [0x0D, 0x0A]
        for field in message.index.fields where fields.contains(field.id) && field.id != .contentLength {
            octets.append(source, field.name.range)
            octets.append(": ")
            octets.append(source, field.value.range)
            octets.append("\r\n")
        }
        try self.init(parsing: octets)
    }

    /// Whether both hold the same octets.
    public static func == (left: SIPFragment, right: SIPFragment) -> Bool { left.octets == right.octets }

    /// Feeds what `==` compares, or a part of it, to the hasher.
    public func hash(into hasher: inout Hasher) { hasher.combine(self.octets) }

    /// The status, where the fragment has a status line.
    public var status: StatusCode? { self.index.statusCode == 0 ? nil : StatusCode(self.index.statusCode) }
    /// The reason phrase; empty where there is none.
    public var reasonPhrase: String { self.octets.span.string(self.index.reasonPhrase) }
    /// The method, where the fragment has a request line.
    public var method: Method? {
        guard self.index.hasStartLine, self.index.isRequest else { return nil }
        return Method(self.octets.span.string(self.index.methodName))
    }
    /// The octets of the body; empty where there is none.
    public var body: [UInt8] { self.octets.span.octets(self.index.body.range) }

    /// The fragment as text; what is not UTF-8 is repaired.
    public var description: String { String(decoding: self.octets, as: UTF8.self) }
}
