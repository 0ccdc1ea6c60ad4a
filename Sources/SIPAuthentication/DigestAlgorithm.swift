public import SIPMessages

/// A digest algorithm that we can compute: a hash function, and whether its session variant is meant
/// (RFC 7616 §3.3, the IANA registry "Hash Algorithms for HTTP Digest Authentication").
///
/// A name that is none of these is an algorithm that a client ignores and a server refuses (RFC 8760 §2.4).
public struct DigestAlgorithm: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// A number for storage: the hash function in the low bits, 8 for the session variant.
    public let rawValue: UInt8

    private init(_ rawValue: UInt8) { self.rawValue = rawValue }

    /// The algorithm with this number; `nil` when there is none.
    public init?(rawValue: UInt8) {
        guard rawValue & ~8 < 3 else { return nil }
        self.rawValue = rawValue
    }

    /// MD5, for peers that know nothing better (RFC 8760 §3).
    public static let md5 = DigestAlgorithm(0)
    /// SHA-256, which everyone must implement (RFC 7616 §3.7).
    public static let sha256 = DigestAlgorithm(1)
    /// SHA-512/256.
    public static let sha512256 = DigestAlgorithm(2)
    /// MD5 with a key of its own for every authentication session.
    public static let md5Session = DigestAlgorithm(8)
    /// SHA-256 with a key of its own for every authentication session.
    public static let sha256Session = DigestAlgorithm(9)
    /// SHA-512/256 with a key of its own for every authentication session.
    public static let sha512256Session = DigestAlgorithm(10)

    /// Every algorithm, the strongest first.
    public static let all: [DigestAlgorithm] = [
        .sha512256, .sha512256Session, .sha256, .sha256Session, .md5, .md5Session,
    ]

    /// Whether the key of the response depends on nonce and cnonce too: `-sess` (RFC 7616 §3.4.2).
    public var isSession: Bool { self.rawValue & 8 != 0 }

    /// The same without `-sess`: what a stored secret belongs to.
    public var base: DigestAlgorithm { DigestAlgorithm(self.rawValue & ~8) }

    /// The length of a digest in octets; in hexadecimal digits it is twice that.
    public var digestOctets: Int { self.base == .md5 ? 16 : 32 }

    /// The name on the wire.
    public var name: StaticString {
        switch self.rawValue {
        case 0: "MD5"
        case 1: "SHA-256"
        case 2: "SHA-512-256"
        case 8: "MD5-sess"
        case 9: "SHA-256-sess"
        default: "SHA-512-256-sess"
        }
    }

    /// The name, as it is sent.
    public var description: String { self.name.description }

    /// The algorithm whose name lies in `range`, in any case, or MD5 when there is none (RFC 7616 §3.3); `nil` when it
    /// is not known.
    public init?(_ octets: Span<UInt8>, _ range: OctetRange) {
        guard range.isPresent else {
            self = .md5
            return
        }
        for algorithm in [Self.md5, .sha256, .sha512256, .md5Session, .sha256Session, .sha512256Session]
        where octets.equals(range.range, ignoringCase: algorithm.name) {
            self = algorithm
            return
        }
        return nil
    }

    /// The algorithm with this name, in any case; `nil` when it is not known.
    public init?(name: String) {
        let octets = Array(" \(name)".utf8)
        self.init(octets.span, OctetRange(1, octets.count))
    }
}

/// The quality of protection: what of a message the response covers (RFC 7616 §3.3).
public enum QualityOfProtection: Hashable, Sendable {
    /// Method and URI.
    case authentication
    /// Method, URI and body.
    case integrity

    /// `auth` or `auth-int`.
    public var name: StaticString { self == .authentication ? "auth" : "auth-int" }

    /// The one whose name lies in `range`; `nil` when it is another.
    init?(_ octets: Span<UInt8>, _ range: Range<Int>) {
        if octets.equals(range, ignoringCase: "auth") {
            self = .authentication
        } else if octets.equals(range, ignoringCase: "auth-int") {
            self = .integrity
        } else {
            return nil
        }
    }
}
