/// Why a request is sent, or why a call ended (RFC 3326; in responses RFC 6432).
public struct Reason: FieldValue {
    /// The protocol of the cause, as written: `SIP`, `Q.850` …
    public var protocolName: String
    /// The parameters.
    public var parameters: Parameters

    /// A cause of a protocol, with text for people.
    public init(_ protocolName: String, cause: UInt16?, text: String? = nil) {
        self.protocolName = protocolName
        self.parameters = Parameters()
        self.parameters["cause"] = cause.map { String($0) }
        if let text { self.parameters.set(Parameter("text", text, isQuoted: true)) }
    }

    /// A SIP status: `SIP;cause=200;text="Call completed elsewhere"`.
    public static func sip(_ status: StatusCode, text: String? = nil) -> Reason {
        Reason("SIP", cause: status.number, text: text)
    }

    /// A cause of ITU-T Q.850, 1-127.
    public static func q850(_ cause: UInt16, text: String? = nil) -> Reason {
        Reason("Q.850", cause: cause, text: text)
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self.protocolName = try reader.tokenText()
        self.parameters = try reader.parameters()
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append(text: self.protocolName)
        self.parameters.write(to: &output)
    }

    /// The cause: a status code, or a value of Q.850.
    public var cause: UInt16? { self.parameters["cause"].flatMap { UInt16($0) } }
    /// The text for people. (`text` is the whole value as it is written.)
    public var phrase: String? { self.parameters["text"] }
    /// Whether the protocol is SIP.
    public var isSIP: Bool { self.protocolName.equals(ignoringCase: "SIP") }
    /// Whether the protocol is Q.850.
    public var isQ850: Bool { self.protocolName.equals(ignoringCase: "Q.850") }
}
