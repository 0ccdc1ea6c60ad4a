/// A SIP or SIPS URI: RFC 3261 §19.1.1.
///
/// User, password, parameters and headers keep their escapes, so that a URI is written as it was read.
public struct SIPURI: Hashable, Sendable, CustomStringConvertible {
    /// Whether the scheme is `sips`.
    public var isSecure: Bool
    /// The user part with its escapes.
    public var rawUser: String?
    /// The password with its escapes; it may be empty. It counts only beside a user part.
    public var rawPassword: String?
    /// The host.
    public var host: Host
    /// The port, 1-65535; `nil` when none is given.
    public var port: UInt16?
    /// The parameters.
    public var parameters: URIParameters
    /// The header fields in the URI.
    public var headers: URIParameters

    /// A URI of these parts; `user` is escaped here, and an empty one is left out.
    public init(
        user: String? = nil, host: Host, port: UInt16? = nil, isSecure: Bool = false,
        parameters: URIParameters = URIParameters(), headers: URIParameters = URIParameters()
    ) {
        self.isSecure = isSecure
        self.rawUser = user.flatMap { $0.isEmpty ? nil : Self.escapingUser($0) }
        self.host = host
        self.port = port
        self.parameters = parameters
        self.headers = headers
    }

    /// Parses text that holds one SIP or SIPS URI.
    ///
    /// - Throws: `SIPParseError`.
    public init(_ text: String) throws(SIPParseError) {
        guard case .sip(let uri) = try URI(text) else { throw SIPParseError(.malformedURI, in: .uri, at: 0) }
        self = uri
    }

    /// The URI whose parts were found in `octets`.
    ///
    /// - Throws: `SIPParseError` when a parameter has no name, or a header no value.
    public init(_ index: URIIndex, _ octets: Span<UInt8>, field: HeaderID = .uri) throws(SIPParseError) {
        self.isSecure = index.scheme == .sips
        self.rawUser = index.hasUser ? octets.string(index.user) : nil
        self.rawPassword = index.hasPassword ? octets.string(index.password) : nil
        self.host = Host(octets.string(index.host))
        self.port = index.port == 0 ? nil : index.port
        let parameters = index.parameters.isEmpty ? 0..<0 : (index.parameters.lower + 1)..<index.parameters.upper
        self.parameters = try URIParameters(octets, in: parameters, separator: 0x3B, needsValue: false, field: field)
        self.headers = try URIParameters(
            octets, in: index.headers.range, separator: 0x26, needsValue: true, field: field)
    }

    /// The user part without escapes.
    public var user: String? {
        get { self.rawUser?.percentDecoded }
        set { self.rawUser = newValue.flatMap { $0.isEmpty ? nil : Self.escapingUser($0) } }
    }

    private static func escapingUser(_ user: String) -> String {
        user.percentEncoded { $0.belongs(to: .user) }
    }

    /// The `transport` parameter in lower case.
    public var transport: String? {
        get { self.parameters["transport"]?.asciiLowercased }
        set { self.parameters["transport"] = newValue }
    }
    /// Whether it is the URI of a loose router: `lr` (RFC 3261 §16.12).
    public var isLooseRouter: Bool {
        get { self.parameters.has("lr") }
        set {
            self.parameters.remove("lr")
            if newValue { self.parameters.append(URIParameter("lr")) }
        }
    }
    /// The `maddr` parameter.
    public var maddr: Host? { self.parameters["maddr"].map { Host($0) } }
    /// The `method` parameter.
    public var method: Method? { self.parameters["method"].map { Method($0) } }
    /// Whether the user part is a telephone number: `user=phone`.
    public var isPhone: Bool { self.parameters["user"]?.equals(ignoringCase: "phone") ?? false }
    /// Whether it is a GRUU (RFC 5627 §4.1).
    public var isGRUU: Bool { self.parameters.has("gr") }

    /// The URI without password, port, parameters and headers: an address of record as RFC 3261 §10.3 makes it.
    public var addressOfRecord: SIPURI {
        var uri = SIPURI(host: self.host, isSecure: self.isSecure)
        uri.user = self.user
        return uri
    }

    /// The text as it is sent.
    public var description: String {
        var output: [UInt8] = []
        self.write(to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// Appends the URI without angle brackets.
    public func write(to output: inout [UInt8]) {
        output.append(self.isSecure ? "sips:" : "sip:")
        if let rawUser {
            output.append(text: rawUser)
            if let rawPassword {
                output.append(0x3A)
                output.append(text: rawPassword)
            }
            output.append(0x40)
        }
        self.host.write(to: &output)
        if let port {
            output.append(0x3A)
            output.append(decimal: port)
        }
        self.parameters.write(to: &output, first: 0x3B, separator: 0x3B)
        self.headers.write(to: &output, first: 0x3F, separator: 0x26)
    }
}
