/// Why an `a=crypto` line cannot be used (RFC 4568 §6).
public enum CryptoAttributeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It does not follow the grammar (§9.1).
    case malformed
    /// The suite is not known.
    case unknownSuite(String)
    /// Key and salt have not the length of the suite, or are no Base64 (§6.1).
    case malformedKey
    /// The lifetime is 0, too long, or no number (§6.1).
    case malformedLifetime
    /// The MKI has no length, or one beyond 128 (§6.1).
    case malformedIdentifier
    /// More than one key: used by nobody, and not by us.
    case severalKeys
    /// A session parameter that we do not know, or do not want.
    case parameter(String)

    /// One line for people; no key is in it.
    public var description: String {
        switch self {
        case .malformed: "a=crypto does not follow the grammar of RFC 4568 section 9.1"
        case .unknownSuite(let name): "the crypto suite \(name) is not known"
        case .malformedKey: "the key of a=crypto is no Base64 or has not the length of its suite"
        case .malformedLifetime: "the key lifetime of a=crypto is 0, too long, or no number"
        case .malformedIdentifier: "the MKI of a=crypto has no length, or a length beyond 128"
        case .severalKeys: "a=crypto has more than one key"
        case .parameter(let name): "the session parameter \(name) of a=crypto is not supported"
        }
    }
}

/// An `a=crypto` line: a suite and a key (RFC 4568 §4, §6).
public struct CryptoAttribute: Hashable, Sendable, CustomStringConvertible {
    /// Which line of an offer it is, 1 to 9 digits.
    public var tag: UInt32
    /// The suite.
    public var suite: SRTPSuite
    /// The key of what the side that wrote it sends.
    public var key: SRTPMasterKey
    /// How many packets back it wants its packets to be accepted; `nil` where it says nothing (§6.3.6).
    public var windowSize: Int?

    /// A line.
    public init(tag: UInt32, _ suite: SRTPSuite, key: SRTPMasterKey, windowSize: Int? = nil) {
        (self.tag, self.suite, self.key, self.windowSize) = (tag, suite, key, windowSize)
    }

    /// Reads the value of the attribute.
    ///
    /// What would send media in the clear or without authentication is refused (§8.2: not recommended), as is key
    /// derivation at a rate, forward error correction, and whatever is mandatory and not known (§6.3.7).
    public init(_ value: String) throws(CryptoAttributeError) {
        let parts = value.split(whereSeparator: { $0 == " " || $0 == "\t" })
        guard parts.count >= 3, let tag = Self.number(parts[0], digits: 9) else { throw .malformed }
        guard let suite = SRTPSuite(named: String(parts[1])) else { throw .unknownSuite(String(parts[1])) }
        (self.tag, self.suite) = (UInt32(truncatingIfNeeded: tag), suite)
        guard !parts[2].contains(";") else { throw .severalKeys }
        self.key = try Self.key(parts[2], suite)
        for part in parts.dropFirst(3) {
            let pair = part.split(separator: "=", maxSplits: 1)
            switch (pair.first.map { String($0).uppercased() }, pair.count) {
            case ("WSH", 2):
                guard let size = Self.number(pair[1], digits: 5), size >= 64 else { throw .parameter(String(part)) }
                self.windowSize = Int(size)
            case ("FEC_ORDER", 2): break  // There is no forward error correction here whose order it could be.
            case (let name?, _) where name.utf8.first == 0x2D: break  // Optional, §6.3.7.
            default: throw .parameter(String(pair.first ?? ""))
            }
        }
    }

    private static func key(_ text: Substring, _ suite: SRTPSuite) throws(CryptoAttributeError) -> SRTPMasterKey {
        let method = text.prefix { $0 != ":" }
        guard method.lowercased() == "inline", method.endIndex < text.endIndex else { throw .malformed }
        let fields = text[text.index(after: method.endIndex)...].split(separator: "|", omittingEmptySubsequences: false)
        guard let octets = Base64.decode(fields[0]), octets.count == suite.keyOctets + suite.saltOctets else {
            throw .malformedKey
        }
        var key = SRTPMasterKey(octets)
        for (i, field) in fields.enumerated().dropFirst() {
            if field.contains(":") {
                guard i == fields.count - 1 else { throw .malformed }
                key.identifier = try Self.identifier(field)
            } else {
                guard i == 1, let lifetime = Self.lifetime(field) else { throw .malformedLifetime }
                key.lifetime = lifetime
            }
        }
        return key
    }

    private static func lifetime(_ text: Substring) -> UInt64? {
        let maximum: UInt64 = 1 << 48
        if text.hasPrefix("2^") {
            guard let exponent = Self.number(text.dropFirst(2), digits: 2), exponent <= 48 else { return nil }
            return 1 << exponent
        }
        guard let number = Self.number(text, digits: 15), number > 0, number <= maximum else { return nil }
        return number
    }

    private static func identifier(_ text: Substring) throws(CryptoAttributeError) -> [UInt8] {
        let pair = text.split(separator: ":", omittingEmptySubsequences: false)
        guard pair.count == 2, let value = Self.number(pair[0], digits: 18),
            let length = Self.number(pair[1], digits: 3),
            (1...128).contains(length), length >= 8 || value >> (8 * length) == 0
        else { throw .malformedIdentifier }
        return (0..<Int(length)).reversed().map { $0 < 8 ? UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) : 0 }
    }

    /// A decimal number without leading zeros.
    private static func number(_ text: Substring, digits: Int) -> UInt64? {
        guard (1...digits).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            text.utf8.count == 1 || text.utf8.first != 0x30
        else { return nil }
        return UInt64(text)
    }

    /// The value of the attribute, key and all.
    public var value: String {
        var value = "\(self.tag) \(self.suite.rawValue) inline:\(Base64.encode(self.key.octets))"
        if let lifetime = self.key.lifetime { value += "|\(lifetime)" }
        if !self.key.identifier.isEmpty {
            let number = self.key.identifier.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            value += "|\(number):\(self.key.identifier.count)"
        }
        return value
    }

    /// The line without its key: it may end in a log.
    public var description: String { "\(self.tag) \(self.suite.rawValue)" }
}
