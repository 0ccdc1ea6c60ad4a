/// A signed assertion of who calls: the PASSporT of RFC 8224 §4, or the quoted signature of RFC 4474 §9.
public struct Identity: FieldValue {
    /// The signed identity digest: three base64url parts with points between them, of which the first two may be empty
    /// (RFC 8225 §7); the quoted base64 of RFC 4474 where `isQuoted`.
    public var digest: String
    /// Whether the digest is a quoted string, as RFC 4474 had it.
    public var isQuoted: Bool
    /// The URI of the certificate: `info`.
    public var info: String?
    /// The other parameters: `alg`, `ppt` …
    public var parameters: Parameters

    /// An assertion of RFC 8224.
    public init(_ digest: String, info: String, algorithm: String? = nil, type: String? = nil) {
        (self.digest, self.isQuoted, self.info) = (digest, false, info)
        self.parameters = Parameters()
        self.parameters["alg"] = algorithm
        if let type { self.parameters.set(Parameter("ppt", type)) }
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        if reader.next == 0x22 {
            self.digest = try reader.quotedText()
            self.isQuoted = true
        } else {
            let digest = reader.span { $0.isToken || $0 == 0x2F || $0 == 0x3D }
            guard !digest.isEmpty else { throw reader.error(.empty) }
            self.digest = octets.string(digest)
            self.isQuoted = false
        }
        self.parameters = Parameters()
        while reader.skipSeparator(0x3B) {
            let start = reader.position
            let name = try reader.token()
            if octets.equals(name, ignoringCase: "info") {
                guard self.info == nil, reader.skipSeparator(0x3D) else { throw reader.error(.malformed) }
                self.info = octets.string(try reader.angleBracketed())
            } else {
                reader.position = start
                self.parameters.append(reader.made(try reader.parameterBody()))
            }
        }
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        if self.isQuoted { output.append(quoted: self.digest) } else { output.append(text: self.digest) }
        if let info {
            output.append(";info=<")
            output.append(text: info)
            output.append(0x3E)
        }
        self.parameters.write(to: &output)
    }

    /// The algorithm of the signature; ES256 where none is given (RFC 8224 §4).
    public var algorithm: String? { self.parameters["alg"] }
    /// The type of PASSporT, `shaken` say.
    public var type: String? { self.parameters["ppt"] }
}
