public import SIPMessages

/// A challenge that a UAC received: RFC 3261 §22.2, RFC 7616 §3.3, RFC 8760 §2.4.
public struct DigestChallenge: Hashable, Sendable {
    /// The realm for which a user name and password are needed.
    public var realm: String
    /// The server's nonce.
    public var nonce: String
    /// The algorithm; `nil` for one that we do not know.
    public var algorithm: DigestAlgorithm?
    /// What the server offers to protect; empty when it is of RFC 2069 and names none.
    public var qualities: [QualityOfProtection]
    /// Whether the server named qualities of protection but none that we know.
    public var offersOnlyUnknownQualities: Bool
    /// To be given back unchanged.
    public var opaque: String?
    /// Whether the last credentials were right but for their nonce, so that the same password serves again.
    public var isStale: Bool
    /// The URIs for which the credentials hold; empty means the whole server.
    public var domain: [String]

    /// Reads the value that fills `range`; `nil` when its scheme is not `Digest`, which a UAC ignores.
    ///
    /// - Throws: `SIPParseError`.
    public init?(
        parsing octets: Span<UInt8>, in range: Range<Int>, field: HeaderID = .wwwAuthenticate
    ) throws(SIPParseError) {
        let index = try ChallengeIndex(parsing: octets, in: range, field: field)
        guard index.isDigest else { return nil }
        self.realm = octets.unquoted(index.realm)
        self.nonce = octets.unquoted(index.nonce)
        self.algorithm = DigestAlgorithm(octets, index.algorithm)
        self.opaque = index.opaque.isPresent ? octets.unquoted(index.opaque) : nil
        self.isStale = index.isStale
        self.domain = octets.unquoted(index.domain).split(separator: " ").map(String.init)
        self.qualities = []
        self.offersOnlyUnknownQualities = false
        var position = index.qop.lower
        while position < index.qop.upper {
            var end = position
            while end < index.qop.upper, octets[end] != 0x2C, !octets[end].isLinearWhitespace { end += 1 }
            if let quality = QualityOfProtection(octets, position..<end), !self.qualities.contains(quality) {
                self.qualities.append(quality)
            }
            position = end + 1
        }
        self.offersOnlyUnknownQualities = !index.qop.isEmpty && self.qualities.isEmpty
    }

    /// Whether we can answer it.
    public var isSupported: Bool {
        guard let algorithm = self.algorithm, !self.offersOnlyUnknownQualities else { return false }
        // RFC 3261 §22.4, item 8: a session key needs a cnonce, and that a qop.
        return !algorithm.isSession || !self.qualities.isEmpty
    }

    /// The challenge to answer: the topmost of `realm` that we support, since their order is the server's preference
    /// (RFC 8760 §2.4).
    ///
    /// - Parameters:
    ///   - challenges: The challenges of a response in their order.
    ///   - realm: The realm for which there are credentials; `nil` takes any.
    ///   - permitted: The algorithms that local policy permits. Without MD5 an attacker on the path cannot downgrade
    ///     to it (RFC 8760 §3).
    public static func topmostSupported(
        of challenges: [DigestChallenge], realm: String? = nil, permitted: [DigestAlgorithm] = DigestAlgorithm.all
    ) -> DigestChallenge? {
        challenges.first { challenge in
            guard let algorithm = challenge.algorithm, challenge.isSupported else { return false }
            return permitted.contains(algorithm) && (realm == nil || realm == challenge.realm)
        }
    }
}

extension Span where Element == UInt8 {
    /// The value of a quoted string without its quoting slashes.
    func unquoted(_ range: OctetRange) -> String {
        var text: [UInt8] = []
        var i = range.lower
        while i < range.upper {
            if self[i] == 0x5C, i + 1 < range.upper { i += 1 }
            text.append(self[i])
            i += 1
        }
        return String(decoding: text, as: UTF8.self)
    }
}
