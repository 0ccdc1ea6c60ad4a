/// Comparing SIP URIs: RFC 3261 §19.1.4, and RFC 5954 §4.2 for IPv6 addresses.
extension SIPURI {
    /// Whether two URIs are equivalent. The relation is not transitive: a parameter that stands in one URI only may be
    /// ignored.
    public func isEquivalent(to other: SIPURI) -> Bool {
        self.isSecure == other.isSecure && self.host == other.host && self.port == other.port
            && Self.normalized(self.rawUser) == Self.normalized(other.rawUser)
            && Self.normalized(self.rawPassword) == Self.normalized(other.rawPassword)
            && Self.parametersMatch(self.parameters, other.parameters)
            && Self.headersMatch(self.headers, other.headers)
    }

    /// Parameters that count also where only one URI has them: §19.1.4 names `user`, `ttl`, `method` and `maddr`, and
    /// `transport` in its rule on defaults and in its examples; `gr` makes a GRUU of an address of record
    /// (RFC 5627 §5.4).
    private static let significant = ["user", "ttl", "method", "maddr", "transport", "gr"]

    /// With more parameters than anyone means, URIs are equivalent only when they are equal: the comparison of each
    /// with each is not for an attacker to ask for.
    private static let maximumCount = 64

    private static func parametersMatch(_ left: URIParameters, _ right: URIParameters) -> Bool {
        guard left.count <= Self.maximumCount, right.count <= Self.maximumCount else { return left == right }
        for name in Self.significant where left.has(name) != right.has(name) { return false }
        return left.allSatisfy { parameter in
            // A name may occur once (§19.1.1); where it does more often, the first counts.
            guard let parameter = left.first(where: { Self.sameName($0, parameter) }),
                let match = right.first(where: { Self.sameName($0, parameter) })
            else { return true }
            return Self.sameValue(match, parameter)
        }
    }

    /// Header fields must be in both, in any order; one that occurs twice must do so in both.
    private static func headersMatch(_ left: URIParameters, _ right: URIParameters) -> Bool {
        guard left.count == right.count else { return false }
        guard left.count <= Self.maximumCount else { return left == right }
        var rest = Array(right)
        for header in left {
            guard let match = rest.firstIndex(where: { Self.sameName($0, header) && Self.sameValue($0, header) })
            else { return false }
            rest.remove(at: match)
        }
        return true
    }

    private static func sameName(_ left: URIParameter, _ right: URIParameter) -> Bool {
        left.name.equals(ignoringCase: right.name)
    }

    private static func sameValue(_ left: URIParameter, _ right: URIParameter) -> Bool {
        switch (Self.normalized(left.rawValue), Self.normalized(right.rawValue)) {
        case (let left?, let right?): left.equals(ignoringCase: right)
        case (nil, nil): true
        case (nil, _?), (_?, nil): false
        }
    }

    /// The text with every escape of a character outside the reserved set undone, and the others in upper case.
    private static func normalized(_ text: String?) -> String? {
        guard let text, text.utf8.contains(0x25) else { return text }
        let octets = Array(text.utf8)
        var output: [UInt8] = []
        var i = 0
        while i < octets.count {
            if octets[i] == 0x25, i + 2 < octets.count, let high = octets[i + 1].hexDigitValue,
                let low = octets[i + 2].hexDigitValue
            {
                let octet = high << 4 | low
                // `%` itself stays escaped, or `%2541` would be `A`.
                if Self.reserved.contains(octet) || octet == 0x25 {
                    output.append(0x25)
                    output.append(hexDigit: high)
                    output.append(hexDigit: low)
                } else {
                    output.append(octet)
                }
                i += 3
            } else {
                output.append(octets[i])
                i += 1
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// `reserved` of RFC 2396 §2.2.
    private static let reserved = Array(";/?:@&=+$,".utf8)
}
