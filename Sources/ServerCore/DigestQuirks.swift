import SIPMessages

/// Clients that fail when they are offered an algorithm they do not know, instead of taking the next challenge as
/// RFC 7616 §3.7 and RFC 8760 §2.4 want it. They are offered MD5 alone, where the server offers MD5 at all.
enum DigestQuirks {
    /// How the User-Agent of such a client begins: libre before version 2 stops at the first unknown algorithm.
    private static let prefixes: [StaticString] = ["baresip v0.", "baresip v1."]

    static func needsOnlyMD5(_ octets: Span<UInt8>, _ index: borrowing MessageIndex) -> Bool {
        guard let value = index.value(.userAgent) else { return false }
        for prefix in Self.prefixes where value.count >= prefix.utf8CodeUnitCount {
            if octets.equals(value.lower..<value.lower + prefix.utf8CodeUnitCount, ignoringCase: prefix) { return true }
        }
        return false
    }
}
