public import SIPMessages

/// The dial plan: routes in the order in which they are tried. The first that matches decides.
public final class DialPlan: Sendable {
    /// The routes, in order.
    public let routes: [Route]

    /// A plan of these routes.
    public init(_ routes: [Route] = []) { self.routes = routes }

    /// Whether there are no routes.
    public var isEmpty: Bool { self.routes.isEmpty }

    /// What a plan says of one call.
    public struct Match: Hashable, Sendable {
        /// The position of the route.
        public var position: Int
        /// The pattern that matched.
        public var pattern: RoutePattern
        /// Where the call goes, wildcards filled in.
        public var destination: Route.Destination
        /// The number that is dialled on, without escapes.
        public var number: [UInt8]
        /// Whether the route names whom it is for.
        public var isForNamedCallers: Bool
    }

    /// The first route for what was dialled, by this caller; `nil` when there is none.
    public func match(_ dialled: DialledAddress, from caller: Route.Caller) -> Match? {
        for position in self.routes.indices {
            let route = self.routes[position]
            guard route.from.isEmpty || route.from.contains(where: { $0.matches(caller) }) else { continue }
            for pattern in route.match where pattern.isForURI || dialled.isLocal {
                let subject = pattern.isForURI ? dialled.uri : dialled.user
                guard let captures = pattern.match(subject) else { continue }
                func fill(_ template: String) -> String {
                    String(
                        decoding: NumberRewriting.fill(
                            template, user: dialled.user, subject: subject, captures: captures, isForURI: true),
                        as: UTF8.self)
                }
                let destination: Route.Destination =
                    switch route.destination {
                    case .user(let name): .user(fill(name))
                    case .uri(let uri): .uri(fill(uri))
                    case .trunk, .service, .host, .redirect, .refuse: route.destination
                    }
                return Match(
                    position: position, pattern: pattern, destination: destination,
                    number: route.rewriting.apply(to: dialled.user, subject: subject, captures: captures),
                    isForNamedCallers: !route.from.isEmpty)
            }
        }
        return nil
    }
}

/// What was dialled, in the forms that patterns are matched with.
public struct DialledAddress: Hashable, Sendable {
    /// The user part without escapes; of a telephone number without its visual separators (RFC 3966 §5.1.1).
    public var user: [UInt8] = []
    /// `sip:user@host`, with the port where there is one; scheme and host in lower case.
    public var uri: [UInt8] = []

    /// Whether it is for us to say where the user part leads: it is at a domain of ours, or a telephone number.
    public var isLocal: Bool

    /// What a Request-URI says.
    public init(_ uri: URIIndex, _ octets: Span<UInt8>, isLocal: Bool) {
        self.isLocal = isLocal
        let isTel = uri.scheme == .tel
        var i = uri.user.lower
        while i < uri.user.upper {
            var octet = octets[i]
            if octet == 0x25, i + 2 < uri.user.upper, let high = octets[i + 1].hexDigitValue,
                let low = octets[i + 2].hexDigitValue
            {
                octet = high << 4 | low
                i += 2
            }
            i += 1
            if isTel, [0x2D, 0x2E, 0x28, 0x29].contains(octet) { continue }
            self.user.append(octet)
        }
        self.uri += Array((isTel ? "tel:" : uri.scheme == .sips ? "sips:" : "sip:").utf8) + self.user
        guard !isTel else { return }
        if uri.hasUser { self.uri.append(0x40) }
        for i in uri.host.range { self.uri.append(octets[i].lowercased) }
        if uri.port != 0 {
            self.uri.append(0x3A)
            self.uri.append(decimal: uri.port)
        }
    }
}

extension Array where Element == UInt8 {
    /// Appends a user part, with escapes where its octets need them (RFC 3261 §25.1).
    public mutating func append(escapingUser user: [UInt8]) {
        let digits = Array("0123456789ABCDEF".utf8)
        for octet in user {
            let isPlain = octet.isAlpha || octet.isDigit || "-_.!~*'()&=+$,;?/".utf8.contains(octet)
            if isPlain {
                self.append(octet)
            } else {
                self += [0x25, digits[Int(octet >> 4)], digits[Int(octet & 15)]]
            }
        }
    }
}
