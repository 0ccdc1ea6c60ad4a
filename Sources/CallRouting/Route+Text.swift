import SIPMessages

extension Route.Destination {
    /// The destination in this text: `trunk:NAME`, `service:NAME`, `user:NAME` or a SIP, SIPS or tel URI; `nil` when it is
    /// none.
    public init?(_ text: String) {
        for (scheme, make) in [
            ("trunk:", Self.trunk), ("service:", Self.service), ("user:", Self.user),
        ] as [(String, (String) -> Route.Destination)]
        where text.hasPrefix(scheme) {
            let name = String(text.dropFirst(scheme.count))
            if name.isEmpty { return nil }
            self = make(name)
            return
        }
        let octets = Array(text.utf8)
        guard let uri = try? URIIndex(parsing: octets.span, in: 0..<octets.count), uri.scheme != .other else {
            return nil
        }
        self = .uri(text)
    }
}

extension Route.Destination: CustomStringConvertible {
    /// As it is written in the file, or in words.
    public var description: String {
        switch self {
        case .trunk(let name): "trunk:\(name)"
        case .service(let name): "service:\(name)"
        case .user(let name): "user:\(name)"
        case .uri(let uri): uri
        case .host(let host): "host \(host)"
        case .redirect(let redirection): "redirection \(redirection.status)"
        case .refuse(let status, let phrase): "refusal \(status) \(phrase)"
        }
    }
}

extension Route.CallerPattern: CustomStringConvertible {
    /// The callers in this text: `anyone`, `users`, `user:NAME` or `trunk:NAME`; `nil` when it is none.
    public init?(_ text: String) {
        if text == "anyone" {
            self = .anyone
        } else if text == "users" {
            self = .users
        } else if text.hasPrefix("user:"), text.utf8.count > 5 {
            self = .user(String(text.dropFirst(5)))
        } else if text.hasPrefix("trunk:"), text.utf8.count > 6 {
            self = .trunk(String(text.dropFirst(6)))
        } else {
            return nil
        }
    }

    /// As it is written in the file.
    public var description: String {
        switch self {
        case .anyone: "anyone"
        case .users: "users"
        case .user(let name): "user:\(name)"
        case .trunk(let name): "trunk:\(name)"
        }
    }
}
