/// A URI: SIP or SIPS (RFC 3261 §19.1), tel (RFC 3966), or any other, which is kept as it is.
public enum URI: Hashable, Sendable, CustomStringConvertible {
    /// A SIP or SIPS URI.
    case sip(SIPURI)
    /// A telephone number.
    case tel(TelURI)
    /// Any other absolute URI.
    case other(String)

    /// Parses text that holds one URI.
    ///
    /// - Throws: `SIPParseError`.
    public init(_ text: String) throws(SIPParseError) {
        let octets = Array(text.utf8)
        try self.init(parsing: octets.span, in: 0..<octets.count)
    }

    /// Parses the URI that fills `range`.
    ///
    /// - Throws: `SIPParseError`, whose offset counts from the start of `octets`.
    public init(parsing octets: Span<UInt8>, in range: Range<Int>, field: HeaderID = .uri) throws(SIPParseError) {
        let index = try URIIndex(parsing: octets, in: range, field: field)
        switch index.scheme {
        case .sip, .sips: self = .sip(try SIPURI(index, octets, field: field))
        case .tel: self = .tel(try TelURI(index, octets, field: field))
        case .other: self = .other(octets.string(range))
        }
    }

    /// The SIP or SIPS URI, where it is one.
    public var sip: SIPURI? {
        guard case .sip(let uri) = self else { return nil }
        return uri
    }

    /// The telephone number, where it is one.
    public var tel: TelURI? {
        guard case .tel(let uri) = self else { return nil }
        return uri
    }

    /// The scheme in lower case, without the colon.
    public var scheme: String {
        switch self {
        case .sip(let uri): uri.isSecure ? "sips" : "sip"
        case .tel: "tel"
        case .other(let text): String(text.prefix { $0 != ":" }).asciiLowercased
        }
    }

    /// Whether two URIs name the same resource: RFC 3261 §19.1.4, RFC 5954 §4.2 and RFC 3966 §4 for their schemes.
    /// Other URIs must be the same text, but for the case of the scheme.
    public func isEquivalent(to other: URI) -> Bool {
        switch (self, other) {
        case (.sip(let left), .sip(let right)): left.isEquivalent(to: right)
        case (.tel(let left), .tel(let right)): left.isEquivalent(to: right)
        case (.other(let left), .other(let right)):
            self.scheme == other.scheme && left.drop { $0 != ":" } == right.drop { $0 != ":" }
        case (.sip, _), (.tel, _), (.other, _): false
        }
    }

    /// The URI as it is written.
    public var description: String {
        var output: [UInt8] = []
        self.write(to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// Appends the URI without angle brackets.
    public func write(to output: inout [UInt8]) {
        switch self {
        case .sip(let uri): uri.write(to: &output)
        case .tel(let uri): uri.write(to: &output)
        case .other(let text): output.append(text: text)
        }
    }
}
