/// Why octets are not what they should be: the rule, the field and the octet where it was noticed.
public struct SIPParseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rule that was broken. Open: a later version may add codes.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// What is wrong, as a phrase.
        public let description: String

        /// A code of one's own.
        public init(_ description: String) { self.description = description }

        /// The value breaks its grammar.
        public static let malformed = Code("malformed value")
        /// A field that must be there is not.
        public static let missing = Code("missing")
        /// A field that may occur once occurs again.
        public static let repeated = Code("field may occur only once")
        /// The value is empty.
        public static let empty = Code("empty value")
        /// A number does not fit.
        public static let numberTooLarge = Code("number too large")
        /// There is no number where one belongs.
        public static let numberMissing = Code("number expected")
        /// An octet that no token may hold.
        public static let tokenExpected = Code("token expected")
        /// A quoted string does not end.
        public static let unterminatedQuotedString = Code("quoted string without closing quote")
        /// A bracket is not closed.
        public static let unterminatedBracket = Code("bracket is not closed")
        /// A % is not followed by two hexadecimal digits.
        public static let malformedEscape = Code("% without two hexadecimal digits")
        /// A host breaks its grammar.
        public static let malformedHost = Code("malformed host")
        /// A port is no number from 0 to 65535.
        public static let malformedPort = Code("malformed port")
        /// A URI breaks its grammar.
        public static let malformedURI = Code("malformed URI")
        /// Something follows the value.
        public static let trailingOctets = Code("unexpected octets after the value")
        /// A URI with a comma, semicolon or question mark needs angle brackets (RFC 3261 §20).
        public static let nameAddrRequired = Code("URI with , ; or ? needs angle brackets")
        /// The version is not SIP/2.0; a request with it is answered with 505.
        public static let unsupportedVersion = Code("SIP version is not 2.0")
        /// The start line breaks its grammar.
        public static let malformedStartLine = Code("malformed start line")
        /// The status code is not 100-699.
        public static let statusOutOfRange = Code("status code is not 100-699")
        /// A header line has no name or no colon.
        public static let malformedHeaderLine = Code("header line without name and colon")
        /// A control character stands where none may.
        public static let controlCharacter = Code("control character")
        /// A CR or LF stands alone.
        public static let bareLineEnd = Code("CR or LF alone")
        /// The header has no end.
        public static let noEmptyLine = Code("no empty line after the header")
        /// More header fields than `MessageLimits.fields`.
        public static let tooManyFields = Code("too many header fields")
        /// More octets than `MessageLimits` allows.
        public static let tooLong = Code("too long")
        /// The body is shorter than Content-Length says.
        public static let bodyTooShort = Code("body shorter than Content-Length")
        /// The field or value may not occur here.
        public static let notAllowed = Code("not allowed here")
        /// Bodies are nested too deep.
        public static let tooDeep = Code("nested too deep")
        /// CSeq names another method than the request.
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
