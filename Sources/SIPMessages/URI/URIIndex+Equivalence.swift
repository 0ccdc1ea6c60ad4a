extension URIIndex {
    /// Whether two URIs are equivalent by RFC 3261 §19.1.4. The same octets are, and need no closer look; anything else is
    /// made typed and compared by the rules.
    public static func areEquivalent(
        _ left: Span<UInt8>, _ leftRange: OctetRange, _ right: Span<UInt8>, _ rightRange: OctetRange
    ) -> Bool {
        if left.equals(leftRange.range, right, rightRange.range) { return true }
        // Different user parts are most of what is compared: they differ in their first octets or in their length.
        guard let leftURI = try? URIIndex(parsing: left, in: leftRange.range),
            let rightURI = try? URIIndex(parsing: right, in: rightRange.range), leftURI.scheme == rightURI.scheme,
            leftURI.port == rightURI.port, leftURI.hasUser == rightURI.hasUser
        else { return false }
        guard let leftTyped = try? URI(parsing: left, in: leftRange.range, field: .uri),
            let rightTyped = try? URI(parsing: right, in: rightRange.range, field: .uri)
        else { return false }
        return leftTyped.isEquivalent(to: rightTyped)
    }
}
