/// The digest of a certificate in a description: `a=fingerprint` (RFC 8122 §5).
public struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
    /// The hash, as it is written: `sha-256`.
    public var hash: String
    /// The digest.
    public var octets: [UInt8]

    /// A digest.
    public init(hash: String, octets: [UInt8]) { (self.hash, self.octets) = (hash.lowercased(), octets) }

    /// Reads the value of the attribute; `nil` where it is none. The digits may be of either case.
    public init?(_ value: String) {
        let parts = value.split(whereSeparator: { $0 == " " || $0 == "\t" })
        guard parts.count == 2 else { return nil }
        var octets: [UInt8] = []
        for pair in parts[1].split(separator: ":", omittingEmptySubsequences: false) {
            guard pair.utf8.count == 2, let octet = UInt8(pair, radix: 16), pair.first != "+" else { return nil }
            octets.append(octet)
        }
        self.init(hash: String(parts[0]), octets: octets)
        guard !octets.isEmpty, Self.lengths[self.hash].map({ $0 == octets.count }) ?? true else { return nil }
    }

    /// Hashes that are still safe, strongest first, with their octets; those of MD5 and SHA-1 prove nothing (RFC 8122 §5).
    public static let safeHashes = ["sha-512", "sha-384", "sha-256"]
    private static let lengths = ["sha-256": 32, "sha-384": 48, "sha-512": 64, "sha-1": 20, "sha-224": 28, "md5": 16]

    /// Of the fingerprints of a description those that count: of the strongest hash among them (RFC 8122 §5.1).
    public static func deciding(_ fingerprints: [Fingerprint]) -> [Fingerprint] {
        for hash in Self.safeHashes {
            let found = fingerprints.filter { $0.hash == hash }
            if !found.isEmpty { return found }
        }
        return []
    }

    /// The value of the attribute.
    public var description: String {
        let digits = Array("0123456789ABCDEF")
        return self.hash + " "
            + self.octets.map { "\(digits[Int($0 >> 4)])\(digits[Int($0 & 15)])" }.joined(separator: ":")
    }
}

/// Who begins the handshake: `a=setup` (RFC 4145 §4, RFC 5763 §5, RFC 8842 §5).
public enum SetupRole: String, Hashable, Sendable {
    /// It begins.
    case active
    /// It waits.
    case passive
    /// It can do both.
    case actpass
    /// No connection yet: what is there is held.
    case holdconn

    /// What the answer to an offer says: we begin where we may, so that media flows soonest (RFC 5763 §5); `nil` for an
    /// offer that cannot be answered.
    ///
    /// - Parameter current: Our role in a connection that exists already and stays (RFC 8842 §5.3).
    public static func answer(to offered: SetupRole, current: SetupRole? = nil) -> SetupRole? {
        switch offered {
        case .actpass: current == .passive ? .passive : .active
        case .passive: .active
        case .active: .passive
        case .holdconn: .holdconn
        }
    }

    /// Whether we begin, when we have offered and the peer has answered; `nil` where the answer does not fit.
    public static func isClient(offered: SetupRole, answered: SetupRole) -> Bool? {
        switch (offered, answered) {
        case (.actpass, .passive), (.active, .passive): true
        case (.actpass, .active), (.passive, .active): false
        default: nil
        }
    }
}
