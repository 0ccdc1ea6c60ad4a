/// A name in the DNS that can be asked for: letters, digits, hyphens and underscores in labels (RFC 1035 §2.3, RFC 2782).
///
/// It is kept in lower case and without the dot at its end, so that names are equal as the DNS compares them
/// (RFC 4343). Octets outside that alphabet are legal in the DNS but in no SIP host, SRV owner or server name, and would
/// be escapes to a resolver: such a text is no `DomainName`.
public struct DomainName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The labels joined by dots, in lower case; empty for the root.
    public let text: String

    /// The root, `.`: as the target of an SRV record it says that there is no such service (RFC 2782).
    public static let root = DomainName(canonical: "")

    private init(canonical text: String) { self.text = text }

    /// The most octets that a name has as text without the final dot (RFC 1035 §2.3.4).
    public static let maximumOctets = 253
    /// The most octets of one label (RFC 1035 §2.3.4).
    public static let maximumLabelOctets = 63

    /// The name in this text, with or without the final dot; `nil` when it is none.
    public init?(_ text: some StringProtocol) {
        var octets: [UInt8] = []
        var labelOctets = 0
        if text == "." {
            self = .root
            return
        }
        for octet in text.utf8 {
            switch octet {
            case 0x2E:
                guard labelOctets > 0 else { return nil }
                labelOctets = 0
            default:
                guard Self.isAllowed(octet), labelOctets < Self.maximumLabelOctets else { return nil }
                labelOctets += 1
            }
            octets.append(Self.lowercased(octet))
        }
        if labelOctets == 0, !octets.isEmpty { octets.removeLast() }
        guard !octets.isEmpty, octets.count <= Self.maximumOctets else { return nil }
        self.text = String(decoding: octets, as: UTF8.self)
    }

    /// The name below this one, `_sip._udp` before `example.com` say; `nil` when that is too long.
    public func prefixed(_ labels: String) -> DomainName? {
        self == .root ? DomainName(labels) : DomainName(labels + "." + self.text)
    }

    /// Whether an octet may stand in a label.
    static func isAllowed(_ octet: UInt8) -> Bool {
        switch octet {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
        default: false
        }
    }

    static func lowercased(_ octet: UInt8) -> UInt8 { (0x41...0x5A).contains(octet) ? octet | 0x20 : octet }

    /// The order of the texts.
    public static func < (left: DomainName, right: DomainName) -> Bool { left.text < right.text }

    /// The text, `.` for the root.
    public var description: String { self.text.isEmpty ? "." : self.text }
}
