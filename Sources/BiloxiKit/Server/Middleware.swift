/// Something that has a say on every request before its handler does.
///
///     struct BlockList: Middleware {
///         let blocked: Set<String>
///         func handle(_ request: Request, _ context: ServerContext, next: Next) async throws -> Route {
///             if let user = request.from.user, self.blocked.contains(user) { return .reply(603) }
///             return try await next(request, context)
///         }
///     }
public protocol Middleware: Sendable {
    /// What comes after: the next middleware, in the end the handler.
    typealias Next = @Sendable (Request, ServerContext) async throws -> Route

    /// Decides, or lets the next one decide and has the last word on that.
    func handle(_ request: Request, _ context: ServerContext, next: Next) async throws -> Route
}
