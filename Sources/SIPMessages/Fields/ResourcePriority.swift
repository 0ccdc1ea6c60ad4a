/// A namespace and a priority within it: Resource-Priority, Accept-Resource-Priority (RFC 4412 §3.1). Equal in any
/// case.
public struct ResourcePriority: FieldValue {
    /// The namespace, `dsn` say.
    public var namespace: String
    /// The priority, `flash` say.
    public var priority: String

    /// A priority of a namespace.
    public init(_ namespace: String, _ priority: String) { (self.namespace, self.priority) = (namespace, priority) }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        var reader = FieldReader(octets, value, field: field)
        let namespace = reader.span { $0.isToken && $0 != 0x2E }
        guard !namespace.isEmpty, reader.skip(0x2E) else { throw reader.error(.malformed) }
        let priority = reader.span { $0.isToken && $0 != 0x2E }
        guard !priority.isEmpty else { throw reader.error(.malformed) }
        (self.namespace, self.priority) = (octets.string(namespace), octets.string(priority))
        try reader.expectEnd()
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        output.append(text: self.namespace)
        output.append(0x2E)
        output.append(text: self.priority)
    }

    /// Whether both are equal in any case (RFC 4412 §3.1).
    public static func == (left: ResourcePriority, right: ResourcePriority) -> Bool {
        left.namespace.equals(ignoringCase: right.namespace) && left.priority.equals(ignoringCase: right.priority)
    }

    /// Feeds what `==` compares, or a part of it, to the hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.namespace.asciiLowercased)
        hasher.combine(self.priority.asciiLowercased)
    }
}
