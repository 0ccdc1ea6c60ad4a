/// Why octets are not what they should be: the rule, the field and the octet where it was noticed.
public struct SIPParseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rule that was broken. Open: a later version may add codes.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// What is wrong, as a phrase.
        public let description: String

        /// A code of one's own.
        public init(_ description: String) { self.description = description }

        public static let malformed = Code("malformed value")
        public static let missing = Code("missing")
        public static let repeated = Code("field may occur only once")
        public static let empty = Code("empty value")
        public static let numberTooLarge = Code("number too large")
        public static let numberMissing = Code("number expected")
        public static let tokenExpected = Code("token expected")
        public static let unterminatedQuotedString = Code("quoted string without closing quote")
        public static let unterminatedBracket = Code("bracket is not closed")
        public static let malformedEscape = Code("% without two hexadecimal digits")
        public static let malformedHost = Code("malformed host")
        public static let malformedPort = Code("malformed port")
        public static let malformedURI = Code("malformed URI")
        public static let trailingOctets = Code("unexpected octets after the value")
        public static let nameAddrRequired = Code("URI with , ; or ? needs angle brackets")
        public static let unsupportedVersion = Code("SIP version is not 2.0")
        public static let malformedStartLine = Code("malformed start line")
        public static let statusOutOfRange = Code("status code is not 100-699")
        public static let malformedHeaderLine = Code("header line without name and colon")
        public static let controlCharacter = Code("control character")
        public static let bareLineEnd = Code("CR or LF alone")
        public static let noEmptyLine = Code("no empty line after the header")
        public static let tooManyFields = Code("too many header fields")
        public static let tooLong = Code("too long")
        public static let bodyTooShort = Code("body shorter than Content-Length")
        public static let notAllowed = Code("not allowed here")
        public static let tooDeep = Code("nested too deep")
        public static let methodMismatch = Code("method differs from the request's")
    }

    /// The rule that was broken.
    public var code: Code
    /// The header field, or the part of the message, where it was broken.
    public var field: HeaderID
    /// Counted in octets from the start of what was parsed.
    public var offset: Int

    /// An error of `code` in `field` at `offset`.
    public init(_ code: Code, in field: HeaderID, at offset: Int) {
        (self.code, self.field, self.offset) = (code, field, offset)
    }

    /// One line that is safe to log and to send: it holds nothing of what was received.
    public var description: String { "\(self.code) in \(self.field.name) at byte \(self.offset)" }
}
