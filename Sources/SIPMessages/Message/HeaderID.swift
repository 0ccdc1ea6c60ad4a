/// A header field whose name we know, as one octet. Unknown names are `.other`, and pass on as they came.
///
/// The number has no meaning outside the running program.
public struct HeaderID: BitwiseCopyable, RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number that stands for it inside the program.
    public let rawValue: UInt8

    /// What the number stands for.
    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    @inlinable
    init(_ rawValue: UInt8) { self.rawValue = rawValue }

    /// The usual spelling of the name, `From` say; for `.other` and the parts of a message a description.
    public var name: String { String(describing: Self.names[Int(self.rawValue)].long) }

    /// The one-letter form of RFC 3261 §7.3.3 and its extensions, where there is one.
    public var compactForm: String? {
        let compact = Self.names[Int(self.rawValue)].compact
        return compact.utf8CodeUnitCount == 0 ? nil : String(describing: compact)
    }

    /// The usual spelling of the name.
    public var description: String { self.name }

    /// Whether a message may hold the field only once (RFC 3261 §7.3.1, §20 and the fields' own RFCs).
    @inlinable
    public var isSingle: Bool { Self.single[Int(self.rawValue)] }

    /// Every field name that is known, without the parts of a message.
    public static var allKnown: [HeaderID] {
        (Self.firstField..<UInt8(Self.names.count)).map { HeaderID($0) }
    }

    /// The field with this name, long or compact, in any case; `.other` when it is not known.
    public init(name: String) {
        var octets = Array(name.utf8)
        let count = octets.count
        octets += [UInt8](repeating: 0x20, count: HeaderNameTable.maximumOctets)
        self = HeaderNameTable.shared.find(octets.span.bytes, at: 0, count: count)
    }

    @usableFromInline
    static let single: [Bool] = Self.names.map { $0.isSingle }
}
