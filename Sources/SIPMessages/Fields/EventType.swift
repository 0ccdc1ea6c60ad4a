/// An event package with its templates and parameters: Event and Allow-Events (RFC 6665 §8.2.1, §8.2.2).
public struct EventType: FieldValue {
    /// The package and its templates, `presence.winfo` say; compared octet by octet (RFC 6665 §8.2.1).
    public var package: String
    /// The parameters.
    public var parameters: Parameters

    /// An event package, with an `id` where one dialog has several subscriptions to it.
    public init(_ package: String, id: String? = nil) {
        self.package = package
        self.parameters = Parameters()
        self.id = id
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        self.package = try reader.tokenText()
        self.parameters = try reader.parameters()
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append(text: self.package)
        self.parameters.write(to: &output)
    }

    /// The `id` parameter.
    public var id: String? {
        get { self.parameters["id"] }
        set { self.parameters["id"] = newValue }
    }

    /// Whether both name the same subscription: the same package and the same id or none; other parameters do not count
    /// (RFC 6665 §8.2.1).
    public func matches(_ other: EventType) -> Bool { self.package == other.package && self.id == other.id }
}
