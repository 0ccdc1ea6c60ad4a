/// What a body is for, and whether it must be understood (RFC 3261 §20.11, RFC 5621 §8).
public struct ContentDisposition: FieldValue {
    /// `session`, `render`, `icon`, `alert`, `early-session` …
    public var type: String
    /// The parameters.
    public var parameters: Parameters

    /// A disposition; bodies whose handling is not `optional` must be understood.
    public init(_ type: String, isOptional: Bool = false) {
        self.type = type
        self.parameters = isOptional ? ["handling": "optional"] : [:]
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self.type = try reader.tokenText()
        self.parameters = try reader.parameters()
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append(text: self.type)
        self.parameters.write(to: &output)
    }

    /// Whether an element that does not understand the body must refuse the message with 415; `required` holds where no
    /// `handling` is given (RFC 3261 §20.11).
    public var isRequired: Bool { !(self.parameters["handling"]?.equals(ignoringCase: "optional") ?? false) }

    /// `session` (RFC 3261 §20.11)
    public static let session = ContentDisposition("session")
    /// `early-session` (RFC 3959)
    public static let earlySession = ContentDisposition("early-session")
    /// `render` (RFC 3261 §20.11)
    public static let render = ContentDisposition("render")
}
