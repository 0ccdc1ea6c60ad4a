/// One Via value: where a request was sent from, and the way back for its responses (RFC 3261 §20.42, RFC 3581).
public struct Via: FieldValue {
    /// The name of the transport, as written: `UDP`.
    public var transportName: String
    /// The host of sent-by.
    public var host: Host
    /// The port of sent-by, 1-65535; `nil` when none is given.
    public var port: UInt16?
    /// The parameters.
    public var parameters: Parameters

    /// A Via of these parts.
    public init(
        _ transport: TransportProtocol, host: Host, port: UInt16? = nil, branch: String? = nil,
        parameters: Parameters = Parameters()
    ) {
        self.transportName = String(describing: transport.viaName)
        self.host = host
        self.port = port
        self.parameters = parameters
        if let branch { self.parameters["branch"] = branch }
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var index = ViaIndex()
        if let next = try ViaIndex.parse(octets, in: value, into: &index) {
            throw SIPParseError(.trailingOctets, in: field, at: next)
        }
        self.transportName = octets.string(index.transportName)
        self.host = Host(octets.string(index.host))
        self.port = index.port == 0 ? nil : index.port
        var reader = FieldReader(octets, index.parameters.range, field: field)
        self.parameters = try reader.parameters()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append("SIP/2.0/")
        output.append(text: self.transportName)
        output.append(0x20)
        self.host.write(to: &output)
        if let port {
            output.append(0x3A)
            output.append(decimal: port)
        }
        self.parameters.write(to: &output)
    }

    /// The transport; `.other` for a name that we do not know.
    public var transport: TransportProtocol { TransportProtocol(self.transportName) }
    /// The `branch` with its cookie.
    public var branch: String? {
        get { self.parameters["branch"] }
        set { self.parameters["branch"] = newValue }
    }
    /// The address in `received`, where the request came from (RFC 3261 §18.2.1).
    public var received: IPAddress? {
        get { self.parameters["received"].flatMap { Host($0).address } }
        set { self.parameters["received"] = newValue?.description }
    }
    /// Whether `rport` is there, with or without a port (RFC 3581).
    public var hasRport: Bool { self.parameters.has("rport") }
    /// The port in `rport`, where the request came from (RFC 3581 §4).
    public var rport: UInt16? {
        get { self.parameters["rport"].flatMap { UInt16($0) } }
        set { self.parameters["rport"] = newValue.map { String($0) } }
    }
    /// The `maddr` parameter.
    public var maddr: Host? { self.parameters["maddr"].map { Host($0) } }
    /// The `ttl` parameter, 0-255.
    public var ttl: UInt8? { self.parameters["ttl"].flatMap { UInt8($0) } }
    /// The port that responses go to when nothing else is said (RFC 3261 §18.2.2).
    public var effectivePort: UInt16 { self.port ?? self.transport.defaultPort }
}
