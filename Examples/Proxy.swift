import BiloxiKit

/// Nobody hears of these callers.
struct BlockList: Middleware {
    let blocked: Set<String>

    func handle(_ request: Request, _ context: ServerContext, next: Next) async throws -> Route {
        if let user = request.from.user, self.blocked.contains(user) { return .reply(603, "Not You") }
        return try await next(request, context)
    }
}

/// Tells of every decision.
struct Journal: Middleware {
    func handle(_ request: Request, _ context: ServerContext, next: Next) async throws -> Route {
        let route = try await next(request, context)
        say("\(request.method) from \(request.from) to \(request.uri): \(route)")
        return route
    }
}

/// A registrar and proxy for a domain, with routes of its own: `support` rings bob, then carol; `all` rings both at once;
/// `old-bob` is told to call bob. USERS=alice:secret,bob:secret names the users.
func proxy(_ domain: String, users: [String: String]) async throws {
    var server = SIPServer(domain: domain, listen: [listener()])
    server.users = users
    server.use(Journal(), BlockList(blocked: ["mallory"]))
    let (bob, carol) = ("sip:bob@\(domain)", "sip:carol@\(domain)")
    server.on("INVITE", "MESSAGE") { request, context in
        switch request.uri.user {
        case "support": .serial([bob, carol], each: .seconds(4))
        case "all": .parallel([bob, carol])
        case "old-bob": .redirect([bob])
        case let user? where request.uri.host == domain && context.devices(of: request.uri.description).isEmpty:
            .reply(480, "\(user) Is Out")
        default: .relay
        }
    }
    try await server.run { say("listening on \($0.joined(separator: ", "))") }
}
