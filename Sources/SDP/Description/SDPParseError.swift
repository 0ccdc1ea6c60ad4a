/// Why octets are no session description: the rule, and the line where it was broken.
public struct SDPParseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rule that was broken. Open: a later version may add rules.
    public struct Rule: Hashable, Sendable, CustomStringConvertible {
        /// What is wrong, as a phrase.
        public let description: String

        /// A rule of one's own.
        public init(_ description: String) { self.description = description }

        /// There is no line at all.
        public static let empty = Rule("no line")
        /// A line is no letter with `=` behind it (RFC 8866 §5).
        public static let malformedLine = Rule("line is not <letter>=<value>")
        /// An octet that no line may hold: NUL or a CR alone.
        public static let controlCharacter = Rule("NUL or CR within a line")
        /// The first line is not `v=` (RFC 8866 §5).
        public static let versionMissing = Rule("first line is not v=")
        /// The version is not 0 (RFC 8866 §5.1).
        public static let versionUnsupported = Rule("SDP version is not 0")
        /// The second line is not `o=` (RFC 8866 §5.2).
        public static let originMissing = Rule("second line is not o=")
        /// Too few or too many subfields.
        public static let subfields = Rule("wrong number of subfields")
        /// A number is missing or has other characters in it.
        public static let number = Rule("number expected")
        /// A number is too large for its field.
        public static let numberTooLarge = Rule("number too large")
        /// A token is missing or has characters that no token may hold.
        public static let token = Rule("token expected")
        /// An address that is none of its type.
        public static let address = Rule("malformed address")
        /// More octets than `SDPLimits.octets`.
        public static let tooLong = Rule("description too long")
        /// More lines than `SDPLimits.lines`.
        public static let tooManyLines = Rule("too many lines")
        /// More media descriptions than `SDPLimits.media`.
        public static let tooManyMedia = Rule("too many m= lines")
        /// More formats in one m= line than `SDPLimits.formats`.
        public static let tooManyFormats = Rule("too many formats in an m= line")
    }

    /// The rule that was broken.
    public var rule: Rule
    /// The letter of the line; 0 where there is none.
    public var type: UInt8
    /// The number of the line, from 1.
    public var line: Int

    /// An error in a line.
    public init(_ rule: Rule, type: UInt8 = 0, line: Int) {
        (self.rule, self.type, self.line) = (rule, type, line)
    }

    /// One line that is safe to log and to send: it holds nothing of what was received but a letter.
    public var description: String {
        let letter = (0x61...0x7A).contains(self.type) ? " (\(Character(Unicode.Scalar(self.type)))=)" : ""
        return "SDP line \(self.line)\(letter): \(self.rule)"
    }
}

/// The bounds of what a parser of session descriptions takes.
public struct SDPLimits: Hashable, Sendable {
    /// Octets of a description.
    public var octets = 32_768
    /// Lines of a description.
    public var lines = 1_024
    /// Media descriptions.
    public var media = 64
    /// Formats in one m= line.
    public var formats = 128

    /// The bounds that are used unless others are given.
    public init() {}
}
