import ProxyCore
import SIPMessages

/// Contacts as Request-URIs: RFC 3261 §16.6 step 2.
extension Target {
    /// Appends a target whose URI came as a contact: without header fields and `method`, which a Request-URI has not
    /// (§19.1.1, table 1).
    static func append(
        contact: Span<UInt8>, _ range: Range<Int>, _ uri: URIIndex?, route: Span<UInt8>, _ routeRange: Range<Int>,
        q: UInt16, flow: Flow?, traits: Traits, to targets: inout [UInt8]
    ) {
        guard let uri, let trimmed = uri.requestURI(contact, range) else {
            return Target.append(
                uri: contact, range, route: route, routeRange, q: q, flow: flow, traits: traits, to: &targets)
        }
        Target.append(
            uri: trimmed.span, 0..<trimmed.count, route: route, routeRange, q: q, flow: flow, traits: traits,
            to: &targets)
    }
}

extension URIIndex {
    /// The URI without header fields and `method`; `nil` where it has neither.
    fileprivate func requestURI(_ octets: Span<UInt8>, _ range: Range<Int>) -> [UInt8]? {
        guard self.scheme == .sip || self.scheme == .sips else { return nil }
        let method = self.parameter("method", in: octets)
        guard method != nil || !self.headers.isEmpty else { return nil }
        var trimmed: [UInt8] = []
        let end = self.headers.isEmpty ? range.upperBound : self.headers.lower - 1
        guard let method else {
            trimmed.append(octets, range.lowerBound..<end)
            return trimmed
        }
        // The value ends where the parameter does, and its name lies before it.
        var start = method.lower
        while start > self.parameters.lower, octets[start - 1] != 0x3B { start -= 1 }
        trimmed.append(octets, range.lowerBound..<Swift.max(range.lowerBound, start - 1))
        trimmed.append(octets, method.upper..<end)
        return trimmed
    }
}
