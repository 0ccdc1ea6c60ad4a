/// A URI with a display name and header parameters: From, To, Route, Record-Route, Path, Refer-To, P-Asserted-Identity
/// and their like (RFC 3261 §20.10, RFC 8217).
public struct NameAddress: FieldValue {
    /// The display name without quotes and escapes; `nil` when there is none.
    public var displayName: String?
    /// The URI.
    public var uri: URI
    /// The header parameters, those after the angle bracket.
    public var parameters: Parameters

    /// A value of these parts.
    public init(_ uri: URI, displayName: String? = nil, parameters: Parameters = Parameters()) {
        (self.uri, self.displayName, self.parameters) = (uri, displayName, parameters)
    }

    /// A value with a SIP URI.
    public init(_ uri: SIPURI, displayName: String? = nil, parameters: Parameters = Parameters()) {
        self.init(.sip(uri), displayName: displayName, parameters: parameters)
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        try self.init(AddressIndex(parsing: octets, in: value, field: field), octets, field: field)
    }

    /// The value whose parts were found in `octets`.
    ///
    /// - Throws: `SIPParseError` when the URI is malformed.
    public init(_ index: AddressIndex, _ octets: Span<UInt8>, field: HeaderID) throws(SIPParseError) {
        if index.isQuoted {
            self.displayName = octets.unescapingQuotedPairs(index.displayName.range)
        } else if !index.displayName.isEmpty {
            self.displayName = octets.collapsingWhitespace(index.displayName.range)
        }
        self.uri = try URI(parsing: octets, in: index.uri.range, field: field)
        var reader = FieldReader(octets, index.parameters.range, field: field)
        self.parameters = try reader.parameters()
    }

    /// The `tag` parameter.
    public var tag: String? {
        get { self.parameters["tag"] }
        set { self.parameters["tag"] = newValue }
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        if let displayName {
            if displayName.isTokensAndSpaces {
                output.append(text: displayName)
            } else {
                output.append(quoted: displayName)
            }
            output.append(0x20)
        }
        output.append(0x3C)
        self.uri.write(to: &output)
        output.append(0x3E)
        self.parameters.write(to: &output)
    }
}

extension String {
    /// Whether the text is tokens with single spaces between them, so that it may stand without quotes.
    var isTokensAndSpaces: Bool {
        self.split(separator: " ", omittingEmptySubsequences: false).allSatisfy { $0.isToken }
    }
}

extension Span where Element == UInt8 {
    /// The text with each run of white space and line folds as one space.
    func collapsingWhitespace(_ range: Range<Int>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(range.count)
        for i in range {
            if !self[i].isLinearWhitespace {
                text.append(self[i])
            } else if text.last != 0x20 {
                text.append(0x20)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
